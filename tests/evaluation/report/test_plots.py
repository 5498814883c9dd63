"""Plots of names from strangers, and the order and places that they rest on."""

from xml.etree import ElementTree

import numpy as np
import pytest

from artistindex import compare
from artistindex.evaluation.report.plots import (
    artist_maps,
    clustered,
    fitted,
    flattened,
    heat_maps,
    histograms,
    label,
    plots_of,
)
from artistindex.evaluation.spaces import Space
from hostile_names import NAMES


def test_every_plot_is_xml_with_the_names_as_text(strange):
    plots = {plot.name: plot for plot in plots_of(strange)}
    assert plots.keys() == {"overlap", "similarities", "heatmap", "map"}
    for plot in plots.values():
        root = ElementTree.fromstring(plot.svg)
        texts = [
            "".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")
        ]
        assert texts
        assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
        if plot.name in ("heatmap", "map"):
            assert {label(name) for name in strange.artists} <= set(texts)
        assert plot.title
        assert plot.description


def test_the_same_comparison_draws_the_same_bytes(strange):
    assert histograms(strange) == histograms(strange)
    assert artist_maps(strange) == artist_maps(strange)


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_short_and_printable(name):
    assert label(name).isprintable()
    assert len(label(name)) <= 24


def test_a_heat_map_of_many_artists_shows_sixty(planted):
    comparison = compare([planted(count=80, model="a"), planted(count=80, model="b", seed=1)])
    assert heat_maps(comparison).title == "Similarities of 60 of 80 artists, like beside like"


def test_clustering_puts_like_beside_like():
    generator = np.random.default_rng(0)
    groups = generator.permutation(np.repeat([0, 1, 2], 5))
    vectors = np.eye(3)[groups] + generator.normal(scale=0.1, size=(15, 3))
    order = clustered(vectors @ vectors.T)
    assert sorted(order) == list(range(15))
    assert np.count_nonzero(np.diff(groups[order])) == 2


def test_vectors_and_their_similarities_give_the_same_map():
    vectors = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32)
    names = tuple(map(str, range(12)))
    left = flattened(Space("vectors", names, vectors=vectors))
    other = flattened(Space("matrix", names, matrix=vectors @ vectors.T))
    assert np.allclose(left, other, atol=1e-4)


def test_maps_are_turned_onto_each_other():
    place = np.random.default_rng(0).normal(size=(10, 2))
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    assert np.allclose(fitted(3 * place @ turn, place), place)


def test_a_map_of_two_and_of_equals():
    two = flattened(Space("two", ("A", "B"), vectors=np.eye(2, dtype=np.float32)))
    assert two.shape == (2, 2)
    same = flattened(Space("same", tuple("ABC"), matrix=np.ones((3, 3))))
    assert np.allclose(same, 0, atol=1e-6)
