from pathlib import Path
from typing import Any

import pytest

from artistindex.entities import Artist, Track
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.lock import writer_lock


@pytest.fixture
def held(run: Any) -> Path:
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


def test_forgotten_with_their_tracks(held: Path, run: Any) -> None:
    code, out, err = run("forget", "rezz", "Rezz", "Vril", "spotify:uk")
    assert (code, out) == (0, "")
    assert "Rezz is forgotten, with 1 track\n" in err
    assert "run `artistindex build`" in err
    assert names(held) == ["VRIL", "Calibre", "Nirvana (spotify:us)"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["Rezz", "Nobody"], "no artist 'Nobody'"),
        (["vril"], "Vril; VRIL"),
        (["Rezz", "Nirvana"], "Nirvana (spotify:us); Nirvana (spotify:uk)"),
    ],
)
def test_all_or_nobody(held: Path, run: Any, asked: list[str], said: str) -> None:
    before = names(held)
    code, out, err = run("forget", *asked)
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith("Error: ")
    assert said in line
    assert names(held) == before


def test_where_there_is_nothing(run: Any) -> None:
    code, out, err = run("forget", "Rezz")
    assert (code, out, err.count("Error:")) == (1, "", 1)
    assert not run.indexes.exists()


def test_it_waits_for_a_writer(held: Path, run: Any) -> None:
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
