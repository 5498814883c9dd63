"""Essentia prints to the process's own stdout and stderr, so another process has to be asked."""

import subprocess
import sys

import pytest

from artistindex.embedding.essentia import essentia_standard
from artistindex.errors import EngineError, Remedy

SILENT = """
from artistindex.embedding.essentia import essentia_standard
standard = essentia_standard()
import numpy as np
standard.MonoMixer()(np.zeros((16, 2), np.float32), 2)
"""


def test_nothing_reaches_the_terminal() -> None:
    pytest.importorskip("essentia")
    result = subprocess.run([sys.executable, "-c", SILENT], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_missing_essentia_names_the_way_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "essentia", None)
    with pytest.raises(EngineError, match="Essentia is not usable here") as raised:
        essentia_standard()
    assert raised.value.remedy is Remedy.INSTALL_ESSENTIA
