"""The spaces that an index can be built in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import OAS, empirical_covariance
from sklearn.decomposition import PCA

from artistindex.entities import Artist, VectorKey
from artistindex.errors import BrokenIndex, Misuse
from artistindex.index.reader import ArtistIndex
from artistindex.index.transforms import MIN_ARTISTS, TRANSFORMS, Transform, fit, shrinkage, unit
from artistindex.index.writer import write_index

FITTED = [name for name in TRANSFORMS if name != "none"]


def rows(count: int = 30, dimension: int = 12, seed: int = 0) -> np.ndarray:
    """Vectors with a large common part and directions of unequal weight."""
    draw = np.random.default_rng(seed)
    spread = draw.normal(size=(count, dimension)) * np.linspace(3, 0.2, dimension)
    return (5 + spread).astype(np.float32)


def test_centre_takes_the_mean_of_unit_vectors_away() -> None:
    vectors = rows()
    centred = unit(vectors) - unit(vectors).mean(axis=0)
    np.testing.assert_allclose(fit("centre", vectors).apply(vectors), unit(centred), atol=1e-6)


def test_all_but_the_top_removes_the_principal_components() -> None:
    vectors = rows(dimension=200, count=60)
    pca = PCA(n_components=2).fit(unit(vectors).astype(np.float64))
    centred = unit(vectors) - pca.mean_
    left = centred - centred @ pca.components_.T @ pca.components_
    transform = fit("all-but-the-top", vectors)
    assert transform.arrays["top"].shape == (2, 200)
    np.testing.assert_allclose(transform.apply(vectors), unit(left), atol=1e-5)


@pytest.mark.parametrize(("count", "dimension"), [(60, 12), (8, 40)])
def test_whitening_is_the_inverse_root_of_the_shrunk_covariance(count: int, dimension: int) -> None:
    """Against scikit-learn's OAS, up to a rotation: inner products agree."""
    vectors = rows(count, dimension)
    units = unit(vectors).astype(np.float64)
    covariance = OAS().fit(units).covariance_
    centred = units - units.mean(axis=0)
    inner = centred @ np.linalg.inv(covariance) @ centred.T
    lengths = np.sqrt(np.diag(inner))
    whitened = fit("whiten", vectors).apply(vectors).astype(np.float64)
    np.testing.assert_allclose(whitened @ whitened.T, inner / np.outer(lengths, lengths), atol=2e-4)


@given(st.integers(3, 60), st.integers(2, 40), st.integers(0, 9))
def test_shrinkage_is_that_of_scikit_learn(count: int, dimension: int, seed: int) -> None:
    sample = rows(count, dimension, seed).astype(np.float64)
    variances = np.linalg.eigvalsh(empirical_covariance(sample))
    assert shrinkage(variances, count) == pytest.approx(OAS().fit(sample).shrinkage_, abs=1e-9)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_what_comes_out_is_unit_and_does_not_depend_on_length(name: str) -> None:
    vectors = rows()
    transform = fit(name, vectors)
    transformed = transform.apply(vectors)
    assert transformed.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(transformed, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(transform.apply(7 * vectors), transformed, atol=1e-5)
    np.testing.assert_allclose(fit(name, 7 * vectors).apply(vectors), transformed, atol=1e-4)


@pytest.mark.parametrize("name", FITTED)
@pytest.mark.parametrize("count", range(MIN_ARTISTS))
def test_too_few_artists_are_misuse(name: str, count: int) -> None:
    with pytest.raises(Misuse, match=f"{name} needs at least {MIN_ARTISTS} artists"):
        fit(name, rows(count))


@pytest.mark.parametrize("name", FITTED)
@pytest.mark.parametrize("dimension", [2, 12, 200])
def test_the_fewest_artists_will_do(name: str, dimension: int) -> None:
    vectors = rows(MIN_ARTISTS, dimension)
    transformed = fit(name, vectors).apply(vectors)
    np.testing.assert_allclose(np.linalg.norm(transformed, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", FITTED)
def test_artists_that_are_all_alike_are_misuse(name: str) -> None:
    with pytest.raises(Misuse, match="leaves nothing of 5 artists"):
        fit(name, np.ones((5, 4), np.float32))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_an_index_carries_its_transform(tmp_path, name: str) -> None:
    vectors = rows(20)
    write_index(
        tmp_path,
        key=VectorKey("vggish", "0" * 64),
        artists=[Artist(f"Artist {at}") for at in range(20)],
        vectors=vectors,
        transform=name,
    )
    with ArtistIndex.open(tmp_path) as index:
        assert index.manifest.transform == name
        np.testing.assert_allclose(index.vectors, fit(name, vectors).apply(vectors), atol=1e-6)
        np.testing.assert_allclose(index.transform.apply(vectors), index.vectors, atol=1e-6)


@pytest.mark.parametrize("name", FITTED)
def test_a_transform_without_its_arrays_is_a_broken_index(name: str) -> None:
    stored = fit(name, rows()).stored()
    assert Transform.load(name, stored).name == name
    with pytest.raises(BrokenIndex, match="lacks what its transform"):
        Transform.load(name, stored[1:])
    cut = [(key, count, columns, data[:-4]) for key, count, columns, data in stored]
    with pytest.raises(BrokenIndex, match="damaged"):
        Transform.load(name, cut)
    with pytest.raises(BrokenIndex, match="unknown to this version"):
        Transform.load("rotate", stored)
