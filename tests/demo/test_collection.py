import os
from pathlib import Path

import av
import mutagen
import numpy as np
import pytest
from numpy.typing import NDArray

from artistindex.audio.resample import LinearResampler
from artistindex.demo import collection
from artistindex.demo.collection import ACTS, TWINS, Recording, recordings
from artistindex.demo.synth import RATE
from artistindex.embedding.engine import load_model
from artistindex.embedding.registry import spec_of
from artistindex.embedding.weights import find_installed
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.metadata.local_files import AudioFile, scan

NAMES = [act.name for act in ACTS]


def vectors(seed: int, seconds: float) -> NDArray[np.float32]:
    """The unit vector of each track, shape (artists, tracks, 200), in the order of `recordings`."""
    model = load_model(find_installed(spec_of("musicnn")), engine="openvino")
    rows = []
    for recording in recordings():
        mono = recording.play(seed=seed, seconds=seconds).mean(axis=1, dtype=np.float32)
        rows.append(model.patches(LinearResampler(RATE).feed(0, mono)).mean(axis=0))
    vectors = np.array(rows).reshape(len(ACTS), -1, model.dimension)
    return unit(vectors)


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def demand_clear_styles(tracks: NDArray[np.float32]) -> None:
    artists = unit(tracks.mean(axis=1))
    alike = artists @ artists.T - 2 * np.eye(len(ACTS))
    left, other = map(NAMES.index, TWINS)
    assert (alike[left].argmax(), alike[other].argmax()) == (other, left)
    for artist in range(len(ACTS)):
        twins = {left, other} if artist in (left, other) else {artist}
        others = [row for row in range(len(ACTS)) if row not in twins]
        for place, track in enumerate(tracks[artist]):
            own = np.delete(tracks[artist], place, axis=0) @ track
            assert own.min() > (tracks[others] @ track).max(), (NAMES[artist], place)


def test_styles_are_told_apart() -> None:
    demand_clear_styles(vectors(collection.SEED, 10.0))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [collection.SEED, 0, 1, 3, 4, 5])
def test_styles_are_told_apart_whatever_the_seed(seed: int) -> None:
    demand_clear_styles(vectors(seed, collection.SECONDS))


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_every_act_plays_sound_in_stereo(act: collection.Act) -> None:
    first, again, other = (Recording(act, n).play(seconds=4) for n in (0, 0, 1))
    assert first.shape == (4 * RATE, 2)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert np.abs(first).max() == pytest.approx(0.9, abs=0.01)
    assert np.sqrt((first**2).mean()) > 0.03
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, Recording(act, 0).play(seconds=4, seed=99))


def test_names_and_titles_are_distinct_and_tell_the_path() -> None:
    paths = [recording.path for recording in recordings()]
    assert len(set(NAMES)) == 9
    assert len(set(paths)) == len(paths) == 27
    assert paths[0] == Path("Pressure Ward/Ward Rounds/01 - Valve Nine.flac")


def test_a_recording_becomes_a_tagged_file(tmp_path: Path) -> None:
    recording = Recording(ACTS[4], 2)
    collection.record(recording, tmp_path)
    (vectors,) = scan(tmp_path)
    assert isinstance(vectors, AudioFile)
    assert [artist.name for artist in vectors.track.artists] == ["Cartridge Orchard"]
    assert (vectors.track.title, vectors.track.album) == ("Continue?", "Save Point")
    assert mutagen.File(vectors.track.path).info.length == collection.SECONDS
    with av.open(str(vectors.track.path)) as file:
        frames = [frame.to_ndarray() for frame in file.decode(audio=0)]
    decoded = np.concatenate(frames, axis=1).reshape(-1, 2).astype(np.float64) / 32768
    assert np.abs(decoded - recording.play()).max() < 1e-4
    assert sorted(os.listdir(vectors.track.path.parent)) == ["03 - Continue.flac"]  # type: ignore[union-attr]


def test_what_is_recorded_is_not_missing(tmp_path: Path) -> None:
    first, *rest = recordings()
    collection.record(first, tmp_path)
    assert collection.missing(tmp_path) == rest


def test_a_folder_of_its_own_is_known_again(tmp_path: Path) -> None:
    assert collection.prepare(tmp_path / "a/b")
    assert not collection.prepare(tmp_path / "a/b")
    assert "27 tracks" in (tmp_path / "a/b/README.txt").read_text()


@pytest.mark.parametrize("name", ["song.mp3", "README.txt", ".hidden"])
def test_a_folder_of_someone_else_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(Misuse, match=r"holds other files; .* choose another with --out"):
        collection.prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file/below"):
        with pytest.raises(Misuse, match="is not a folder"):
            collection.prepare(place)


def test_what_cannot_be_written_is_said() -> None:
    with pytest.raises(ArtistIndexError, match=r"cannot be written .*choose another"):
        collection.prepare(Path("/proc/demo"))
    with pytest.raises(ArtistIndexError, match=r"cannot be written .*choose another"):
        collection.record(Recording(ACTS[4], 0), Path("/proc/demo"))
