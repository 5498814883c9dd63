"""docs/models.md: its walk runs as printed, and its table is the models'."""

import json
import re
import shlex
from pathlib import Path

import pytest

import onnx_standins
from artistindex.embedding.registry import MODELS, all_specs
from artistindex.embedding.spec import Waveform
from builds import InProcessPool, write_music
from conftest import Run

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "models.md").read_text("utf-8")
_ROW = re.compile(r"^\| `([a-z0-9-]+)` \| (.*) \|$", re.MULTILINE)


def block(kind: str) -> str:
    """The first block of code of a kind."""
    match = re.search(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert match is not None
    return match[1]


def test_the_walk_runs_as_printed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.toml").write_text(block("toml"))
    onnx_standins.write_waveform(Path("model.onnx"), patch=120_000)
    write_music(Path("music"), {"Bass": 2, "Hiss": 2, "Chord": 2}, seconds=5.1)
    similar = [{"name": "Hiss", "rank": 1, "relationship_strength": 1.0}]
    answer = {"status": "success", "similar_artists": similar, "total_count": 1}
    Path("truth.json").write_text(json.dumps({"Bass": answer}))
    run.pool = InProcessPool()
    lines = [line[2:] for line in block("console").splitlines()]
    assert len(lines) == 7
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "artistindex"
        with subtests.test(line=line):
            code, out, err = run(*arguments)
            assert code == 0, err
            assert out or arguments[:2] == ["models", "add"]


def test_the_table_is_of_all_models_that_come_with_the_package() -> None:
    rows = {name: cells.split(" | ") for name, cells in _ROW.findall(PAGE) if "Hz" in cells}
    assert rows.keys() == {spec.name for spec in all_specs()} >= MODELS.keys()
    for spec in all_specs():
        kind = "waveform" if isinstance(spec.front_end, Waveform) else "mel"
        rate = f"{spec.front_end.sample_rate} Hz"
        licence = spec.licence.partition(" (")[0]
        verified = "yes" if spec.verified else "no"
        described = [kind, rate, str(spec.dimension), spec.format, licence, verified]
        assert rows[spec.name] == described
