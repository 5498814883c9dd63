"""New weights run first where nothing is lost: their trial, in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

import standins
from artistindex._util.files import sha256_file
from artistindex.embedding.registry import spec_of
from artistindex.embedding.spec import ModelSpec
from artistindex.embedding.trial import try_weights
from artistindex.errors import WeightsError

pytestmark = pytest.mark.process

CRASH_INJECTION = Path(__file__).parents[1] / "crash_injection"


def stand_in(folder: Path) -> tuple[ModelSpec, Path, str]:
    path = standins.write_vggish(folder / "audioset-vggish-3.pb")
    return spec_of("vggish"), path, sha256_file(path)


def test_weights_that_run_pass(tmp_path: Path) -> None:
    try_weights(*stand_in(tmp_path))


@pytest.mark.parametrize(
    ("trouble", "how"),
    [
        ("segfault", r"was ended by signal 11 \(SIGSEGV\)"),
        ("killed", r"was ended by signal 9 \(SIGKILL\)"),
        ("exits", "was ended by exit code 7"),
        ("endless", "did not end within 20 s"),
    ],
)
def test_weights_that_end_the_process_cost_one_line(
    trouble: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CRASH_INJECTION))
    monkeypatch.setenv("ARTISTINDEX_TEST_TRIAL", trouble)
    weights = stand_in(tmp_path)
    with pytest.raises(WeightsError, match=f"{weights[1]} is refused: .* {how}"):
        try_weights(*weights, max_seconds=20)


def test_what_dies_in_its_trial_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CRASH_INJECTION))
    monkeypatch.setenv("ARTISTINDEX_TEST_TRIAL", "segfault")
    path = stand_in(tmp_path)[1]
    command = ["models", "add", "vggish", str(path), "--unverified"]
    result = subprocess.run(
        [sys.executable, "-m", "artistindex", *command], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: {path} is refused: the process that tried it was ended by signal 11 (SIGSEGV)\n"
    )
    assert not list((tmp_path / "models").glob("*.pb"))
