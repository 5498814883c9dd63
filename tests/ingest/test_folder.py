"""What a build makes of a folder whose files cannot be read just now, or are of other kinds."""

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artistindex.ingest.pipeline import build as build_anything
from artistindex.ingest.report import BuildReport
from artistindex.library.library import FILE_NAME, Library
from builds import InProcessPool, write_music

pytestmark = pytest.mark.process

SECONDS = 8.0
Build = Callable[..., BuildReport]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    write_music(tmp_path / "music", {"Rezz": 1, "Vril": 1}, suffixes=(".mp3",), seconds=SECONDS)
    return tmp_path / "music"


@pytest.fixture
def build(tmp_path: Path, music: Path) -> Build:
    def run(**settings: Any) -> BuildReport:
        settings = {"audio": music, "models": ["musicnn"], "engine": "openvino", **settings}
        return build_anything(pool=InProcessPool(), indexes=tmp_path / "indexes", **settings)

    return run


class VanishingFile(io.FileIO):
    """A file on a mount that is gone once half of it is read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > os.fstat(self.fileno()).st_size / 2:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return super().read(size)


@pytest.mark.parametrize("bare", [False, True])
def test_a_mount_that_vanished_is_read_whole_by_the_next_build(
    build: Build, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bare: bool
) -> None:
    plainly = Path.open

    def open_(path: Path, *how: Any, **more: Any) -> Any:
        return VanishingFile(path) if music in path.parents else plainly(path, *how, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_)
        report = build()
    assert report.extraction.failures_by_stage() == {"read": 2}
    assert {failure.reason for failure in report.failed} == {
        f"cannot be read: {os.strerror(errno.ENOTCONN)}"
    }
    report = build(audio=None) if bare else build()
    assert (report.extraction.embedded, report.indexed) == (2, 2)
    with Library.open(tmp_path / "indexes" / FILE_NAME, read_only=True) as library:
        tracks = [row.track for artist in library.artists() for row in library.tracks_of(artist.id)]
        assert [track.duration for track in tracks] == [pytest.approx(SECONDS, abs=0.1)] * 2
        assert library.failures() == []


def test_kinds_without_a_decoder_are_counted_in_one_line(
    build: Build, music: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.mid", "b.MID", "c.aax", "notes.txt"):
        (music / name).write_bytes(b"x")
    with caplog.at_level("WARNING", logger="artistindex"):
        report = build()
    assert report.indexed == 2
    assert [line for line in caplog.messages if line.startswith("not read")] == [
        "not read: 3 files of kinds without a decoder (.aax, .mid)"
    ]


def test_what_is_learnt_later_splits_what_was_whole(build: Build, music: Path) -> None:
    write_music(music / "joint", {"Noisia & Calibre": 1}, seconds=4)
    report = build()
    assert (report.requested, report.extraction.embedded) == (3, 3)
    write_music(music / "alone", {"Noisia": 1, "Calibre": 1}, seconds=5)
    report = build()
    assert (report.requested, report.extraction.embedded) == (4, 2)
