import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artistindex.entities import Artist, Track
from artistindex.index.manifest import Manifest, seal
from artistindex.library.library import FILE_NAME, Library
from builds import Place

Plant = Callable[..., Path]


def test_what_a_build_left(built: Place, run: Any) -> None:
    run.indexes = built.indexes
    for arguments in ((), ("--verify",)):
        code, out, err = run("info", *arguments, "--format", "json")
        assert (code, err) == (0, "")
        info = json.loads(out)
        assert info["library"]["counts"]["track_vectors"] == 24
        assert info["library"]["stages"] == {"embedded": 8}
        assert [row["index"] for row in info["indexes"]] == [
            "discogs-effnet",
            "vggish",
            "musicnn",
        ]
        assert [row["dimension"] for row in info["indexes"]] == [1280, 128, 200]
        assert {row["state"] for row in info["indexes"]} == {"verified" if arguments else "ok"}
    code, out, err = run("info")
    assert code == 0
    assert len(out.splitlines()) == 5
    assert "4 artists, 8 tracks, 24 track vectors, 0 failures" in err


def test_nothing_there(run: Any) -> None:
    code, out, err = run("info")
    assert (code, out, err.count("Error:")) == (1, "", 1)
    assert "run `artistindex build` first" in err
    assert not run.indexes.exists()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("which", ["index_file", "artists_file"])
@pytest.mark.parametrize("harm", [flip, Path.unlink, lambda path: path.write_bytes(b"")])
def test_damage_is_found_and_named(
    planted: Plant, run: Any, which: str, harm: Callable[[Path], object]
) -> None:
    planted(model="musicnn")
    folder = planted()
    path = folder / getattr(Manifest.read(folder), which).name
    harm(path)
    code, out, err = run("info", "--verify", "--format", "json")
    assert code == 1
    states = {row["index"]: row["state"] for row in json.loads(out)["indexes"]}
    assert states == {"vggish": "damaged", "musicnn": "verified"}
    (line,) = err.splitlines()
    assert line.startswith("Error: ")
    assert path.name in line
    code, out, err = run("query", "Artist 1", "--index", "vggish")
    assert (code, out, err.count("Error:"), err.count("\n")) == (1, "", 1, 1)
    assert run("query", "Artist 1", "--index", "musicnn")[0] == 0


def test_an_index_of_another_model_in_its_place(planted: Plant, run: Any) -> None:
    other = planted(model="musicnn", dimension=12, count=3)
    folder = planted()
    shutil.copy(other / Manifest.read(other).index_file.name, folder)
    manifest = Manifest.read(folder)
    (folder / Manifest.read(other).index_file.name).replace(folder / manifest.index_file.name)
    assert run("info")[0] == 0  # looks at the manifests only
    assert run("info", "--verify")[0] == 1
    code, out, err = run("query", "Artist 1", "--index", "vggish")
    assert (code, out, err.count("Error:")) == (1, "", 1)


def test_a_newer_version(planted: Plant, run: Any) -> None:
    path = planted() / "manifest.json"
    manifest = json.loads(path.read_text()) | {"format": 3}
    path.write_text(json.dumps(manifest | {"sha256": seal(manifest)}))
    for command in (("info",), ("query", "Artist 1")):
        code, _, err = run(*command)
        assert (code, err.count("Error:")) == (1, 1)
        assert "upgrade artistindex" in err


def test_a_damaged_library(planted: Plant, run: Any) -> None:
    planted()
    (run.indexes / FILE_NAME).write_bytes(b"nonsense" * 1000)
    code, out, err = run("info")
    assert code == 1
    assert "vggish" in out
    assert FILE_NAME in err
    assert run("query", "Artist 1")[0] == 0  # an index needs no library


def test_what_is_pending_is_said(run: Any) -> None:
    with Library.open(run.indexes / FILE_NAME) as library:
        library.add_request(["Justice"])
        artist = Artist("Rezz", {"deezer": "1"})
        track = Track((artist,), "Relax", catalogue="deezer", catalogue_id="2")
        library.resolve_request("Rezz", artist, [track])
    code, _, err = run("info")
    assert code == 0
    assert "pending: 1 name to look up, 1 artist to listen to; `artistindex build` goes on" in err
    code, out, _ = run("info", "--format", "json")
    assert json.loads(out)["library"]["pending"] == {"names": 1, "artists": 1}
