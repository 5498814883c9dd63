"""Which tracks are embedded, and what is made of what fails; see test_pool.py for the workers."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sounds
from artistindex._util.progress import NullReporter
from artistindex.cli import exit_codes
from artistindex.embedding import weights
from artistindex.errors import ArtistIndexError, Misuse, NewerIndex, Remedy, WeightsError
from artistindex.index.reader import ArtistIndex
from artistindex.ingest import pipeline
from artistindex.ingest.report import BuildReport
from artistindex.library.library import FILE_NAME, Library
from builds import InProcessPool, Place, write_music

pytestmark = pytest.mark.process

SECONDS = 1.2  # a little more than VGGish's patch
Build = Callable[..., BuildReport]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    return tmp_path / "music"


@pytest.fixture
def build(tmp_path: Path, music: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Builds from `music` with a stand-in for VGGish, without worker processes."""
    Place(tmp_path / "weights").add_stand_ins(monkeypatch, "vggish")

    def run(**options: Any) -> BuildReport:
        options = {
            "audio": music,
            "models": ["vggish"],
            "engine": "openvino",
            "indexes": tmp_path / "indexes",
            "pool": InProcessPool(),
            **options,
        }
        return pipeline.build(**options)

    return run


class Recorder(NullReporter):
    """Keeps which tracks are done with."""

    def __init__(self) -> None:
        self.labels: list[str] = []

    def finished(self, label: str, *, audio_seconds: float, failed: bool) -> None:
        self.labels.append(Path(label).name)


def embedded(build: Build, **options: Any) -> list[str]:
    """The names of the files that a build embeds or fails to."""
    recorder = Recorder()
    build(reporter=recorder, **options)
    return sorted(recorder.labels)


def used(indexes: Path) -> dict[str, list[str]]:
    """The titles behind each artist's vector."""
    with ArtistIndex.open(indexes / "vggish") as index:
        return {name: [track.title for track in index.tracks(name)] for name in index.artists}


def opened(tmp_path: Path) -> Library:
    return Library.open(tmp_path / "indexes" / FILE_NAME, read_only=True)


def test_nothing_new_is_nothing_embedded(build: Build, music: Path, tmp_path: Path) -> None:
    write_music(music, {"Rezz": 2, "Vril": 1}, seconds=SECONDS)
    first = build()
    assert (first.extraction.embedded, first.tracks, first.indexed) == (3, 3, 2)
    manifest = (tmp_path / "indexes/vggish/manifest.json").read_bytes()
    again = build()
    assert (again.extraction.embedded, again.tracks, again.indexed) == (0, 3, 2)
    assert not again.indexes[0].changed
    assert (tmp_path / "indexes/vggish/manifest.json").read_bytes() == manifest


def test_the_same_tracks_stand_for_an_artist_every_time(
    build: Build, music: Path, tmp_path: Path
) -> None:
    write_music(music, {"Rezz": 6}, seconds=SECONDS)
    assert embedded(build, tracks=2) == ["000.wav", "002.wav"]  # the albums in turn
    assert embedded(build, tracks=2) == []
    assert embedded(build, tracks=4) == ["001.wav", "004.wav"]
    assert used(tmp_path / "indexes") == {"Rezz": ["Rezz 0", "Rezz 2", "Rezz 4", "Rezz 1"]}
    build(tracks=2)
    assert used(tmp_path / "indexes") == {"Rezz": ["Rezz 0", "Rezz 2"]}


def test_a_failed_track_makes_room_for_the_next(build: Build, music: Path, tmp_path: Path) -> None:
    paths = write_music(music, {"Rezz": 6}, seconds=SECONDS, suffixes=(".flac",))
    for path in paths[:3]:
        sounds.truncate(path)
    report = build(tracks=2)
    assert used(tmp_path / "indexes") == {"Rezz": ["Rezz 4", "Rezz 3"]}
    assert (report.extraction.embedded, report.extraction.failed, report.tracks) == (2, 3, 2)
    with opened(tmp_path) as library:
        failures = library.failures()
    assert {Path(row.what).name for row in failures} == {"000.flac", "001.flac", "002.flac"}
    assert {(row.artist, row.stage) for row in failures} == {("Rezz", "decode")}
    assert all(row.reason.startswith("cut off") for row in failures)
    assert embedded(build, tracks=2) == []
    assert embedded(build, tracks=2, retry_failed=True) == ["000.flac", "001.flac", "002.flac"]


def test_a_mended_file_is_tried_again(build: Build, music: Path, tmp_path: Path) -> None:
    paths = write_music(music, {"Rezz": 2}, seconds=SECONDS, suffixes=(".flac",))
    whole = paths[0].read_bytes()
    sounds.truncate(paths[0])
    assert build().extraction.failed == 1
    paths[0].write_bytes(whole)
    assert embedded(build) == ["000.flac"]
    with opened(tmp_path) as library:
        assert library.failures() == []


def test_the_same_audio_counts_once(build: Build, music: Path, tmp_path: Path) -> None:
    paths = write_music(music, {"Rezz": 3}, seconds=SECONDS)
    copy = music / "000 copy.flac"
    sounds.write(copy, sounds.music(SECONDS, seed=0))  # the same samples in another container
    sounds.tag(copy, artist="Rezz", title="Copied", album="Album 0")
    shutil.copy(paths[0], music / "000 again.wav")
    report = build(tracks=3)
    assert report.tracks == 3
    titles = used(tmp_path / "indexes")["Rezz"]
    assert sorted(titles) == ["Rezz 0", "Rezz 1", "Rezz 2"] or "Copied" in titles
    with opened(tmp_path) as library:
        hashes = [track.audio_sha256 for track in library.tracks_of(1) if track.audio_sha256]
        assert len(hashes) == 5
        assert len(set(hashes)) == 3
    assert embedded(build, tracks=3) == []


def test_a_track_of_two_artists_is_embedded_once(build: Build, music: Path, tmp_path: Path) -> None:
    path = sounds.write(music / "both.flac", sounds.music(SECONDS))
    sounds.tag(path, artist=["Rezz", "Vril"], title="Together")
    report = build()
    assert (report.extraction.embedded, report.tracks, report.indexed) == (1, 1, 2)
    assert used(tmp_path / "indexes") == {"Rezz": ["Together"], "Vril": ["Together"]}


def test_only_the_missing_model_is_run(build: Build, music: Path) -> None:
    write_music(music, {"Rezz": 2}, seconds=SECONDS)
    assert len(embedded(build)) == 2
    assert len(embedded(build, excerpt="2x0.5")) == 2
    assert embedded(build) == []
    assert embedded(build, excerpt="2x0.5") == []


def test_only_those_named_are_embedded_and_all_known_are_indexed(
    build: Build, music: Path, tmp_path: Path
) -> None:
    write_music(music, {"Rezz": 1, "Vril": 1, "Calibre": 1}, seconds=SECONDS)
    build(artists=["rezz", "VRIL"])
    assert set(used(tmp_path / "indexes")) == {"Rezz", "Vril"}
    report = build(artists=["Calibre", "Nobody"])
    assert set(used(tmp_path / "indexes")) == {"Rezz", "Vril", "Calibre"}
    assert (report.requested, report.indexed, exit_codes.for_build(report)) == (2, 1, 3)
    assert [row.artist for row in report.failed] == ["Nobody"]
    assert exit_codes.for_build(build(artists=["Nobody"])) == 1


def test_without_names_what_is_pending_is_finished(build: Build, music: Path) -> None:
    write_music(music, {"Rezz": 2, "Vril": 2}, seconds=SECONDS)

    class Interrupted(InProcessPool):
        def submit(self, job: Any) -> Any:
            if len(self.jobs) == 2:
                raise KeyboardInterrupt
            return super().submit(job)

    with pytest.raises(KeyboardInterrupt):
        build(pool=Interrupted())
    report = build(audio=None)
    assert report.extraction.embedded == 2
    assert (report.requested, report.indexed) == (2, 2)


def test_an_artist_all_of_whose_tracks_fail_is_told_of(build: Build, music: Path) -> None:
    paths = write_music(music, {"Rezz": 1, "Vril": 2}, seconds=SECONDS)
    for path in paths[1:]:
        sounds.write(path, sounds.silence(SECONDS))
        sounds.tag(path, artist="Vril", title=path.stem)
    report = build()
    assert exit_codes.for_build(report) == 3
    (failed,) = report.failed
    assert (failed.artist, failed.stage) == ("Vril", "decode")
    assert "silent" in failed.reason
    assert build().failed == report.failed  # as long as nothing changes


def test_a_file_that_is_gone_is_a_failure(build: Build, music: Path) -> None:
    paths = write_music(music, {"Rezz": 2}, seconds=SECONDS)
    build(tracks=1)
    paths[1].unlink()
    assert build(audio=None, tracks=2).extraction.failed == 1
    assert build(audio=None, tracks=2).tracks == 1


# -- what ends a build before it begins --------------------------------------------------------


def no_weights(spec: object) -> Any:
    raise AssertionError(f"weights of {spec} were asked for")


def test_a_bad_folder_is_told_before_weights_are_fetched(
    build: Build, music: Path, tmp_path: Path
) -> None:
    with pytest.raises(Misuse, match="does not exist"):
        build(fetch=no_weights)
    music.write_text("a file")
    with pytest.raises(Misuse, match="is not a folder"):
        build(fetch=no_weights)
    music.unlink()
    music.mkdir()
    with pytest.raises(ArtistIndexError, match="holds no audio file"):
        build(fetch=no_weights)
    assert not (tmp_path / "indexes").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tracks": 0}, "tracks must be at least 1"),
        ({"workers": 0}, "workers must be at least 1"),
        ({"transform": "nonsense"}, "unknown transform"),
        ({"models": ["nonsense"]}, "unknown model 'nonsense'"),
        ({"excerpt": "30"}, "unknown excerpt"),
        ({"engine": "nonsense"}, "unknown engine"),
    ],
)
def test_misuse(build: Build, music: Path, options: dict[str, Any], expected: str) -> None:
    write_music(music, {"Rezz": 1}, seconds=SECONDS)
    with pytest.raises(Misuse, match=expected):
        build(**options)


def test_nobody_to_build(build: Build) -> None:
    with pytest.raises(Misuse, match="no artist is named and the library holds none") as raised:
        build(audio=None)
    assert raised.value.remedy is Remedy.NAME_ARTISTS


def test_an_index_of_a_newer_version_is_left_alone(
    build: Build, music: Path, tmp_path: Path
) -> None:
    write_music(music, {"Rezz": 1}, seconds=SECONDS)
    build()
    manifest = tmp_path / "indexes/vggish/manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 3'))
    before = {path: path.read_bytes() for path in manifest.parent.iterdir()}
    write_music(music, {"Rezz": 1, "Vril": 1}, seconds=SECONDS)
    with pytest.raises(NewerIndex, match="newer than the 2"):
        build(fetch=no_weights)
    assert {path: path.read_bytes() for path in manifest.parent.iterdir()} == before


def test_missing_weights_leave_everything_as_it_was(
    build: Build, music: Path, tmp_path: Path
) -> None:
    write_music(music, {"Rezz": 1}, seconds=SECONDS)
    build()
    before = used(tmp_path / "indexes")
    with pytest.raises(WeightsError, match="discogs-effnet needs") as raised:
        build(models=["vggish", "discogs-effnet"], fetch=weights.find_installed)
    assert raised.value.remedy is Remedy.GET_WEIGHTS
    assert used(tmp_path / "indexes") == before
