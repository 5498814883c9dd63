"""Ways of ranking for a held-out track, which must help nobody."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.audio.resample import LinearResampler
from artistindex.demo.collection import recordings
from artistindex.demo.synth import RATE
from artistindex.embedding.engine import load_model
from artistindex.embedding.registry import spec_of
from artistindex.embedding.weights import find_installed
from artistindex.entities import Artist, Track, TrackVector, VectorKey
from artistindex.evaluation.artist_retrieval import compare_rankers
from artistindex.evaluation.spaces import first_rows
from artistindex.evaluation.track_pool import TrackPool, by_centroid, fused, read_pools
from artistindex.index.transforms import TRANSFORMS, fit
from artistindex.library.library import FILE_NAME, Library
from planted_library import key_of, plant_tracks, pool_of, styles

X, Y, Z = np.eye(3)


def by_hand(pool: TrackPool, track: int, transform: str = "none") -> np.ndarray:
    """Scores by the plainest reading of the protocol."""
    remaining = pool.credits & (pool.recordings != pool.recordings[track])
    means = [pool.vectors[own].mean(axis=0) if own.any() else None for own in remaining]
    others = pool.vectors[pool.recordings != pool.recordings[track]]
    artists = np.array([mean for mean in means if mean is not None])
    fitted = fit(transform, artists, tracks=others)
    query = fitted.apply(pool.vectors[track][None, :])[0]
    return np.array(
        [-np.inf if mean is None else fitted.apply(mean[None, :])[0] @ query for mean in means]
    )


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_held_out_track_helps_nobody(transform: str) -> None:
    pool = pool_of(styles(artists=6, tracks=4))
    scorer = by_centroid(pool, transform=transform)
    for track in range(len(pool)):
        np.testing.assert_allclose(scorer(track), by_hand(pool, track, transform), atol=1e-4)


def test_other_takes_of_the_recording_help_nobody_either() -> None:
    world = {"A": [X, X, Y], "B": [X, Z], "C": [Y + Z, Z]}
    pool = pool_of(world, recordings=[0, 0, 1, 0, 2, 3, 4])
    scores = by_centroid(pool)(0)  # A's X is also A's second and B's first
    assert scores == pytest.approx([0, 0, 0], abs=1e-6)
    np.testing.assert_allclose(by_centroid(pool)(0), by_hand(pool, 0), atol=1e-6)


def test_an_artist_with_nothing_left_is_gone() -> None:
    pool = pool_of({"A": [X], "B": [Y, Z], "C": [X + Y, X]})
    assert by_centroid(pool)(0)[0] == -np.inf


def test_a_fusion_of_one_ranks_as_it_does() -> None:
    pool = pool_of(styles())
    plain = by_centroid(pool)
    for method in ("rrf", "score"):
        joined = fused([plain, plain], method=method)
        assert (np.argsort(-joined(7)) == np.argsort(-plain(7))).all()


def test_recordings_are_those_of_the_library(tmp_path) -> None:
    world = {"A": [X, Y, Y + 1e-4 * Z], "B": [X, Z]}
    folder = plant_tracks(tmp_path, world, hashes={"A 3": "other audio, however alike it sounds"})
    with Library.open(folder.parent / FILE_NAME, read_only=True) as library:
        (pool,) = read_pools(library, [key_of("musicnn")])
    numbers = pool.recordings.tolist()
    assert numbers[0] == numbers[3]
    assert len(set(numbers)) == 4


def test_no_two_tracks_of_the_demo_are_one_recording(tmp_path) -> None:
    weights = find_installed(spec_of("musicnn"))
    model = load_model(weights, engine="openvino")
    key = VectorKey("musicnn", weights.identity)
    with Library.open(tmp_path / FILE_NAME) as library:
        library._db.run("PRAGMA synchronous = OFF")  # nothing to lose, and quicker
        for recording in recordings():
            mono = recording.play(seconds=3.2).mean(axis=1, dtype=np.float32)
            patches = model.patches(LinearResampler(RATE).feed(0, mono))
            vector = TrackVector(key, patches.mean(axis=0), len(patches), "openvino")
            artist = Artist(recording.act.name)
            track = Track((artist,), recording.title, path=tmp_path / recording.path)
            library.add_embedding(
                library.upsert_file(track, size=1, mtime_ns=1),
                audio_sha256=hashlib.sha256(mono.tobytes()).hexdigest(),
                duration=3.2,
                vectors=[vector],
            )
        (pool,) = read_pools(library, [key])
    assert len(pool) == len(set(pool.recordings.tolist())) == 27
    comparison = compare_rankers(pool, {"musicnn": by_centroid(pool)})
    assert comparison.retrievals[0].queries == 27
    assert not any("share a recording" in note for note in comparison.notes)


@given(
    values=st.lists(st.integers(-3, 3), min_size=1, max_size=30),
    count=st.integers(1, 12),
)
def test_the_first_rows_are_those_of_a_stable_sort(values: list[int], count: int) -> None:
    scores = np.where(np.array(values) == -3, -np.inf, values)
    assert first_rows(scores, count).tolist() == np.argsort(-scores, kind="stable")[:count].tolist()


def test_a_large_pool_holds_no_table_of_artists_by_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = pool_of(styles(artists=20, tracks=3))
    expected = by_centroid(pool)(4)

    def refuse(pool: TrackPool) -> None:
        raise AssertionError("all credits at once")

    monkeypatch.setattr(TrackPool, "credits", property(refuse))
    assert (by_centroid(pool)(4) == expected).all()
    assert compare_rankers(pool, {"whiten": by_centroid(pool, transform="whiten")}).retrievals
