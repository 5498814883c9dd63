"""Folders that were moved, files that are gone, and disks that are not there."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from artistindex._util.progress import NullReporter
from artistindex.entities import TrackVector, VectorKey
from artistindex.errors import ArtistIndexError
from artistindex.index.manifest import Recipe
from artistindex.ingest.aggregate import gather
from artistindex.ingest.discover import add_folder
from artistindex.library.library import FILE_NAME, Library
from builds import write_music

pytestmark = pytest.mark.process

KEY = VectorKey("musicnn", "a" * 64)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "indexes" / FILE_NAME) as opened:
        yield opened


@pytest.fixture
def music(tmp_path: Path, library: Library) -> Path:
    """Four artists with two files each, all of them embedded."""
    folder = tmp_path / "music"
    for artist in ("Ann", "Ben", "Cid", "Dee"):
        (folder / artist).mkdir(parents=True)
        write_music(folder / artist, {artist: 2}, seconds=0.1)
    add_folder(library, folder, NullReporter())
    for _, tracks in library.tracks_by_artist():
        for track in tracks:
            vector = TrackVector(KEY, np.full(2, track.id, np.float32), 1, "openvino")
            library.add_embedding(
                track.id, audio_sha256=str(track.id), duration=0.1, vectors=[vector]
            )
    return folder


def answering(library: Library) -> list[str]:
    return [artist.stored.artist.name for artist in gather(library, Recipe(KEY, tracks=5))]


def lack_vectors(library: Library) -> int:
    return sum(track.stage != "embedded" for _, own in library.tracks_by_artist() for track in own)


def remove(music: Path, *artists: str) -> None:
    for path in [path for path in music.rglob("*") if path.is_file()]:
        if any(artist in str(path.relative_to(music)) for artist in artists):
            path.unlink()


def test_a_moved_folder_costs_no_embedding(library: Library, music: Path, tmp_path: Path) -> None:
    new = music.rename(tmp_path / "elsewhere")
    add_folder(library, new, NullReporter())
    assert (library.counts()["tracks"], lack_vectors(library)) == (8, 0)
    assert len(library.files_below(new)) == 8
    assert library.files_below(music) == {}


def test_a_folder_renamed_within_the_music_costs_none_either(library: Library, music: Path) -> None:
    (music / "Ann").rename(music / "renamed")
    add_folder(library, music, NullReporter())
    assert (library.counts()["tracks"], lack_vectors(library)) == (8, 0)


def test_an_artist_whose_files_are_gone_is_said_and_leaves(
    library: Library, music: Path, caplog: pytest.LogCaptureFixture
) -> None:
    remove(music, "Ben")
    add_folder(library, music, NullReporter())
    assert answering(library) == ["Ann", "Cid", "Dee"]
    assert "2 files that were in" in caplog.text
    assert "and with them Ben" in caplog.text
    caplog.clear()
    add_folder(library, music, NullReporter())
    assert caplog.text == ""  # once is enough


def test_files_that_come_back_are_as_they_were(
    library: Library, music: Path, tmp_path: Path
) -> None:
    shutil.copytree(music, tmp_path / "backup")
    remove(music, "Ben")
    add_folder(library, music, NullReporter())
    shutil.copytree(tmp_path / "backup", music, dirs_exist_ok=True)
    add_folder(library, music, NullReporter())
    assert answering(library) == ["Ann", "Ben", "Cid", "Dee"]
    assert lack_vectors(library) == 0


def test_a_disk_that_is_not_there_drops_nobody(
    library: Library, music: Path, caplog: pytest.LogCaptureFixture
) -> None:
    remove(music, "Ben", "Cid")
    add_folder(library, music, NullReporter())
    assert answering(library) == ["Ann", "Ben", "Cid", "Dee"]
    assert "4 of 8 files" in caplog.text
    add_folder(library, music, NullReporter(), prune=True)
    assert answering(library) == ["Ann", "Dee"]


def test_an_empty_folder_drops_nobody(library: Library, music: Path) -> None:
    remove(music, "")
    with pytest.raises(ArtistIndexError, match="holds no audio file"):
        add_folder(library, music, NullReporter())
    assert answering(library) == ["Ann", "Ben", "Cid", "Dee"]


def test_files_elsewhere_are_none_of_this_folders_business(
    library: Library, music: Path, tmp_path: Path
) -> None:
    write_music(tmp_path / "other", {"Eve": 2}, seconds=0.1)
    shutil.rmtree(music)
    add_folder(library, tmp_path / "other", NullReporter())
    assert answering(library) == ["Ann", "Ben", "Cid", "Dee"]


def test_tags_are_read_again_when_asked_to(library: Library, music: Path) -> None:
    path = next(path for path in sorted(music.rglob("*")) if path.is_file())
    retag(path, "Zoe")
    add_folder(library, music, NullReporter())
    assert "Zoe" not in answering(library)
    add_folder(library, music, NullReporter(), rescan=True)
    assert "Zoe" in answering(library)
    assert lack_vectors(library) == 0


def retag(path: Path, artist: str) -> None:
    """Write another artist into a file's tags behind the back of its size and time."""
    before = path.stat()
    content = path.read_bytes()
    assert content.count(b"Ann") == 2  # the artist, and in the title
    path.write_bytes(content.replace(b"Ann", artist.encode()))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
