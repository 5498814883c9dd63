"""What ships of music at large, and how a library leans on it."""

import numpy as np
import pytest

from artistindex.embedding import weights
from artistindex.embedding.registry import spec_of
from artistindex.entities import Pooling, VectorKey
from artistindex.index.background import Spread, background_of
from artistindex.index.transforms import BACKGROUND_TRACKS, TRACK_SHRINKAGE, fit, unit


def key(layer: str = "", pooling: str = Pooling.MEAN) -> VectorKey:
    identity = weights.find_installed(spec_of("musicnn")).identity
    return VectorKey("musicnn", identity, layer=layer, pooling=pooling)


@pytest.mark.parametrize(
    ("layer", "pooling", "dimension"),
    [("", "mean", 200), ("", "mean+std", 400), ("batch-norm", "mean+std", 400)],
)
def test_there_is_one_for_every_recipe_of_musicnn(layer: str, pooling: str, dimension: int) -> None:
    spread = background_of(key(layer, Pooling(pooling)), dimension)
    assert spread is not None
    assert spread.covariance.shape == (dimension, dimension)
    assert spread.tracks >= 150
    assert np.linalg.eigvalsh(spread.covariance).min() > -1e-9
    assert 0 < np.trace(spread.covariance) < 1 - spread.mean @ spread.mean + 1e-9


def test_there_is_none_for_other_weights_and_models() -> None:
    assert background_of(VectorKey("musicnn", "0" * 64), 200) is None
    assert background_of(VectorKey("vggish", "0" * 64), 128) is None
    assert background_of(key(), 8) is None


def test_the_more_tracks_the_less_a_library_leans_on_it() -> None:
    draw = np.random.default_rng(0)
    own, other = (Spread.of(draw.normal(size=(40, 3))) for _ in range(2))
    halves = own.leaning_on(other, tracks=40)
    np.testing.assert_allclose(halves.covariance, (own.covariance + other.covariance) / 2)
    np.testing.assert_allclose(halves.mean, (own.mean + other.mean) / 2)
    assert own.leaning_on(None, tracks=40) is own


def test_tracks_are_spread_alike_once_their_variances_are_drawn_together() -> None:
    draw = np.random.default_rng(1)
    tracks = draw.normal(size=(5000, 4)) * [8.0, 4.0, 2.0, 1.0] + 3
    transform = fit(
        "whiten-tracks", tracks[:9].astype(np.float32), tracks=tracks.astype(np.float32)
    )
    units = unit(tracks).astype(np.float64)
    scaled = (units - transform.arrays["mean"]) @ transform.arrays["scaled"].T.astype(np.float64)
    variances = np.linalg.eigvalsh(np.cov(units.T, bias=True))
    expected = variances / ((1 - TRACK_SHRINKAGE) * variances + TRACK_SHRINKAGE * variances.mean())
    np.testing.assert_allclose(
        np.linalg.eigvalsh(np.cov(scaled.T, bias=True)), np.sort(expected), rtol=1e-4
    )


def test_a_library_of_one_artist_has_the_background() -> None:
    draw = np.random.default_rng(2)
    background = Spread.of(unit(draw.normal(size=(BACKGROUND_TRACKS, 4))))
    tracks = draw.normal(size=(2, 4)).astype(np.float32)
    transform = fit("whiten-tracks", tracks[:1], tracks=tracks, background=background)
    assert transform.apply(tracks).shape == (2, 4)
