"""A model of one's own, from a file of ONNX to an index that answers."""

import json
from pathlib import Path

import pytest

import onnx_standins
from artistindex.embedding import weights
from artistindex.embedding.registry import names, spec_of
from builds import InProcessPool, Place, write_music
from conftest import Run


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A description, and the weights that it describes."""
    description = onnx_standins.describe(tmp_path / "my.toml", onnx_standins.MERT)
    return description, onnx_standins.write_transformer(tmp_path / "my.onnx")


def test_every_command_takes_it_afterwards(run: Run, tmp_path: Path) -> None:
    description = onnx_standins.describe(tmp_path / "my.toml", onnx_standins.WAVEFORM)
    model = onnx_standins.write_waveform(tmp_path / "my.onnx")
    code, _, err = run("models", "add", "--spec", description, model)
    assert code == 0
    assert "my-model: installed" in err
    assert "licence CC0" in err
    music = Place(tmp_path).music
    write_music(music, {"Bass": 2, "Hiss": 2, "Chord": 1}, seconds=1.2)
    run.pool = InProcessPool()
    code, out, err = run("build", "--audio", music, "--model", "my-model", "--format", "json")
    assert code == 0, err
    (index,) = json.loads(out)["indexes"]
    assert (index["index"], index["artists"], index["dimension"]) == ("my-model", 3, 16)
    assert json.loads(run("build", "--audio", music, "--format", "json")[1])["extracted"] == 0

    code, out, _ = run("query", "Bass", "--format", "json")
    neighbours = json.loads(out)
    assert (code, neighbours["index"]) == (0, "my-model")
    assert {row["artist"] for row in neighbours["neighbours"]} == {"Hiss", "Chord"}
    code, out, err = run("query", "--audio", music / "004.wav", "--format", "json")
    assert code == 0, err
    nearest = json.loads(out)["neighbours"][0]
    assert (nearest["artist"], nearest["score"]) == ("Chord", pytest.approx(1, abs=1e-5))

    truth = tmp_path / "truth.json"
    similar = [{"name": "Hiss", "rank": 1, "relationship_strength": 1.0}]
    truth.write_text(
        json.dumps({"Bass": {"status": "success", "similar_artists": similar, "total_count": 1}})
    )
    code, out, err = run("evaluate", "--truth", truth, "--format", "json")
    assert code == 0, err
    assert [row["index"] for row in json.loads(out)["indexes"]] == ["my-model"]

    manifest = json.loads((run.indexes / "my-model" / "manifest.json").read_text())
    installed = weights.find_installed(spec_of("my-model"))
    assert manifest["recipe"]["weights_sha256"] == installed.identity != installed.sha256
    assert manifest["licence"] == "CC0"


def test_other_settings_under_the_same_name_are_never_mixed_in(
    run: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    description, model = files
    music = Place(tmp_path).music
    write_music(music, {"Bass": 1, "Hiss": 1}, seconds=1.2)
    run.pool = InProcessPool()
    run("models", "add", "--spec", description, model)
    assert run("build", "--audio", music, "--model", "small-mert")[0] == 0
    onnx_standins.describe(description, onnx_standins.MERT.replace("layer = 11", "layer = 5"))
    assert run("models", "add", "--spec", description, model)[0] == 0
    code, _, err = run("build", "--audio", music)
    assert code == 1
    assert "small-mert was made with other weights" in err
    code, out, _ = run("build", "--audio", music, "--model", "small-mert", "--format", "json")
    assert (code, json.loads(out)["extracted"]) == (0, 2)


def test_show_gives_a_description_to_begin_with(
    run: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    code, out, _ = run("models", "show", "mert-v1-95m")
    assert code == 0
    own = out.replace("mert-v1-95m", "mert-layer-7").replace("layer = 11", "layer = 7")
    own = own.replace("dimension = 768", "dimension = 8")
    description = onnx_standins.describe(tmp_path / "7.toml", own)
    assert run("models", "add", "--spec", description, files[1])[0] == 0
    code, out, _ = run("models", "show", "mert-layer-7", "--format", "json")
    shown = json.loads(out)
    assert code == 0
    assert (shown["name"], shown["installed"], shown["own"]) == ("mert-layer-7", True, True)
    assert (shown["output"]["layer"], shown["engines"]) == (7, ["onnxruntime", "openvino"])
    rows = {row["model"]: row for row in json.loads(run("models", "list", "--format", "json")[1])}
    assert rows["mert-layer-7"]["installed"]
    assert not rows["mert-layer-7"]["verified"]
    code, out, _ = run("models", "check", "mert-layer-7", "--format", "json")
    assert code == 0
    assert [one["engine"] for one in json.loads(out)["runs"]] == ["onnxruntime", "openvino"]


def test_remove_forgets_it(run: Run, files: tuple[Path, Path]) -> None:
    run("models", "add", "--spec", *files)
    assert run("models", "remove", "small-mert")[2] == "small-mert: removed\n"
    assert "small-mert" not in names()
    code, _, err = run("models", "remove", "small-mert")
    assert (code, "unknown model 'small-mert'" in err) == (2, True)
    code, _, err = run("models", "remove", "musicnn")
    assert (code, "part of the package" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'MODEL'"),
        (["--spec", "my.toml"], "Missing argument 'FILE'"),
        (["--spec", "my.toml", "vggish", "my.onnx"], "expected FILE, and no 'my.onnx'"),
        (["--spec", "my.toml", "--unverified", "my.onnx"], "--unverified is for models that have"),
        (["--spec", "none.toml", "my.onnx"], "none.toml cannot be read"),
        (["mert-v1-95m", "my.onnx"], "is not mert-v1-95m"),
    ],
)
def test_what_cannot_be_added_is_said_in_one_line(
    arguments: list[str],
    message: str,
    run: Run,
    files: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(files[0].parent)
    code, out, err = run("models", "add", *arguments)
    assert (code in (1, 2), out) == (True, "")
    assert message in err


def test_what_nobody_publishes_cannot_be_fetched(run: Run) -> None:
    code, _, err = run("models", "fetch", "mert-v1-95m")
    assert code == 1
    assert "mert-v1-95m needs mert-v1-95m.onnx, which is not in" in err
    assert "`artistindex models add mert-v1-95m FILE`" in err
