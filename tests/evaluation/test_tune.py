"""Recipes judged on the tracks of a library."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from artistindex.entities import Pooling, TrackVector, VectorKey
from artistindex.evaluation.tune import tune
from artistindex.library.library import FILE_NAME, Library
from planted_library import key_of, plant_tracks, styles

ARTISTS, TRACKS, DIMENSION = 12, 4, 16


def add_statistics(folder: Path, *, is_telling: bool) -> None:
    """Give every planted track a deviation that tells its artist, or tells nothing."""
    draw = np.random.default_rng(3)
    habits = 4 * draw.random((ARTISTS, DIMENSION)).astype(np.float32)
    with Library.open(folder / FILE_NAME) as library:
        vectors = library.vectors(key_of("musicnn"))
        for artist, (_, tracks) in enumerate(library.tracks_by_artist()):
            for track in tracks:
                noise = draw.random(DIMENSION).astype(np.float32)
                deviation = (habits[artist] if is_telling else 0) + 0.1 * noise
                planted = TrackVector(
                    key_of("musicnn"), vectors[track.id], 3, "openvino", deviation
                )
                library._vectors.put(track.id, planted)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    world = styles(artists=ARTISTS, tracks=TRACKS, dimension=DIMENSION, spread=3.0)
    return plant_tracks(tmp_path, world)


def test_a_recipe_that_tells_artists_apart_is_best(folder: Path) -> None:
    add_statistics(folder.parent, is_telling=True)
    tuning = tune(folder, resamples=500)
    assert tuning.current == "plain"
    assert tuning.best == "spread"
    assert tuning.gain is not None
    assert tuning.gain.low is not None
    assert tuning.gain.low > 0
    assert [retrieval.index for retrieval in tuning.comparison.retrievals] == [
        "plain",
        "whitened",
        "spread",
    ]


def test_without_evidence_the_plain_one_is_best(folder: Path) -> None:
    add_statistics(folder.parent, is_telling=False)
    tuning = tune(folder, resamples=500)
    assert (tuning.best, tuning.gain) == ("plain", None)
    assert tuning.to_json()["best"] == "plain"


def test_it_says_what_would_have_to_be_embedded_again(folder: Path) -> None:
    tuning = tune(folder, resamples=100)
    assert tuning.lacking == {"spread": ARTISTS * TRACKS, "batch-norm": ARTISTS * TRACKS}
    with Library.open(folder.parent / FILE_NAME, read_only=True) as library:
        spread: VectorKey = replace(key_of("musicnn"), pooling=Pooling.MEAN_STD)
        assert library.embedded_track_ids(spread) == set()
