from pathlib import Path
from typing import Any

import pytest

from artistindex.entities import Artist, Track
from artistindex.index.reader import ArtistIndex, verify
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.lock import writer_lock
from planted_library import plant_tracks, styles


@pytest.fixture
def library_file(run: Any) -> Path:
    path = run.indexes / FILE_NAME
    with Library.open(path) as library:
        for number, name in enumerate(("Rezz", "Vril", "VRIL", "Calibre")):
            track = Track((Artist(name),), "Song", path=Path(f"/music/{number}"))
            library.upsert_file(track, size=1, mtime_ns=1)
        library.resolve_request("Nirvana us", Artist("Nirvana", {"spotify": "us"}), [])
        library.resolve_request("Nirvana uk", Artist("Nirvana", {"spotify": "uk"}), [])
    return path


def names(path: Path) -> list[str]:
    with Library.open(path, read_only=True) as library:
        return [stored.artist.described for stored in library.artists()]


def test_forgotten_with_their_tracks(library_file: Path, run: Any) -> None:
    code, out, err = run("forget", "rezz", "Rezz", "Vril", "spotify:uk")
    assert (code, out) == (0, "")
    assert "Rezz is forgotten, with 1 track\n" in err
    assert names(library_file) == ["VRIL", "Calibre", "Nirvana (spotify:us)"]


@pytest.mark.parametrize(
    ("artists", "words"),
    [
        (["Rezz", "Nobody"], "no artist 'Nobody'"),
        (["vril"], "Vril; VRIL"),
        (["Rezz", "Nirvana"], "Nirvana (spotify:us); Nirvana (spotify:uk)"),
    ],
)
def test_all_or_nobody(library_file: Path, run: Any, artists: list[str], words: str) -> None:
    before = names(library_file)
    code, out, err = run("forget", *artists)
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith("Error: ")
    assert words in line
    assert names(library_file) == before


def test_where_there_is_nothing(run: Any) -> None:
    code, out, err = run("forget", "Rezz")
    assert (code, out, err.count("Error:")) == (1, "", 1)
    assert not run.indexes.exists()


def test_it_waits_for_a_writer(library_file: Path, run: Any) -> None:
    import threading

    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with writer_lock(run.indexes):
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert entered.wait(30)
    threading.Timer(0.5, leave.set).start()
    code, _, err = run("forget", "Rezz")
    thread.join()
    assert code == 0
    assert "is being written by" in err.splitlines()[0]


def index_of(run: Any, model: str = "musicnn") -> dict[str, list[float]]:
    """Every artist's row of an index, all of which is as it should be."""
    verify(run.indexes / model)
    with ArtistIndex.open(run.indexes / model) as index:
        return {name: index.vector(name).tolist() for name in index.artists}


@pytest.mark.parametrize("transform", ["none", "centre"])
def test_forgotten_by_every_index_at_once(run: Any, transform: str) -> None:
    world = styles(artists=4)
    plant_tracks(run.indexes, world, models={"vggish": world}, transform=transform)
    before = index_of(run)
    assert run("forget", "Artist 1", "Artist 2")[0] == 0
    for model in ("musicnn", "vggish"):
        after = index_of(run, model)
        assert list(after) == ["Artist 0", "Artist 3"]
        assert all(after[name] == before[name] for name in after)
    assert names(run.indexes / FILE_NAME) == ["Artist 0", "Artist 3"]


def test_an_index_goes_with_its_last_artist(run: Any) -> None:
    plant_tracks(run.indexes, styles(artists=2))
    assert run("forget", "Artist 0", "Artist 1")[0] == 0
    assert not (run.indexes / "musicnn" / "manifest.json").exists()
    assert names(run.indexes / FILE_NAME) == []


def test_a_damaged_index_is_said_and_keeps_nobody_in_the_library(run: Any) -> None:
    plant_tracks(run.indexes, styles(artists=2))
    (run.indexes / "musicnn" / "manifest.json").write_text("{}")
    code, _, err = run("forget", "Artist 0")
    assert code == 0
    assert "musicnn is left as it is" in err
    assert names(run.indexes / FILE_NAME) == ["Artist 1"]


def test_the_same_pack_brings_the_forgotten_back(run: Any, tmp_path: Path) -> None:
    plant_tracks(run.indexes, styles(artists=3, dimension=200))
    before = index_of(run)
    assert run("export", tmp_path / "pack.zip")[0] == 0
    assert run("forget", "Artist 1")[0] == 0
    for _ in range(2):
        assert run("import", tmp_path / "pack.zip")[0] == 0
        assert {name: index_of(run)[name] for name in before} == {
            name: pytest.approx(row, abs=1e-6) for name, row in before.items()
        }
    assert run("forget", "Artist 1")[0] == 0
    assert list(index_of(run)) == ["Artist 0", "Artist 2"]
