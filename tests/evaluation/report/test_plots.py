"""Plots of names from strangers, and the order and places that they rest on."""

import re
from importlib.resources import files
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from artistindex import compare
from artistindex.evaluation.report.drawing import apart, free_labels, text_width, ticks
from artistindex.evaluation.report.plots import (
    COLOURS,
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

TEMPLATES = files("artistindex.evaluation.report") / "templates"


def test_every_plot_is_xml_with_the_names_as_text(strange):
    plots = {plot.name: plot for plot in plots_of(strange)}
    assert plots.keys() == {"overlap", "similarities", "heatmap", "map"}
    for plot in plots.values():
        root = ElementTree.fromstring(plot.svg)
        texts = [
            "".join(element.itertext())
            for tag in ("text", "title")
            for element in root.iter(f"{{http://www.w3.org/2000/svg}}{tag}")
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


def test_labels_meet_no_other_label_and_no_dot():
    generator = np.random.default_rng(0)
    places = [tuple(place) for place in (generator.random((40, 2)) * 300).tolist()]
    texts = [f"Artist {at}" for at in range(40)]
    labels = free_labels(places, texts, 11, (0, 0, 300, 300))
    boxes = [
        (x, y - 11, x + text_width(text, 11), y + 3)
        for text, (x, y) in ((t, p) for t, p in zip(texts, labels, strict=True) if p)
    ]
    assert len(boxes) > 10
    for at, box in enumerate(boxes):
        assert box[0] >= 0
        assert box[2] <= 300
        assert not any(meet(box, other) for other in boxes[:at])
        assert not any(box[0] < x < box[2] and box[1] < y < box[3] for x, y in places)


def meet(box, other):
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


@pytest.mark.parametrize("places", [[5.0, 5.0, 5.0], [90.0, 91.0, 10.0], [], [3.0]])
def test_names_at_the_ends_of_lines_are_apart_and_in_order(places):
    moved = apart(places, 10, 0, 100)
    assert all(0 <= place <= 100 for place in moved)
    assert all(b - a >= 10 for a, b in pairwise(sorted(moved)))
    order = np.argsort(places, kind="stable")
    assert list(np.argsort(moved, kind="stable")) == list(order)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-0.5, 0.9, [-0.5, 0, 0.5]), (2, 2, [2])],
)
def test_ticks_are_round(low, high, expected):
    assert ticks(low, high) == expected


def test_a_file_that_stands_alone_follows_light_and_dark(strange):
    for plot in plots_of(strange):
        text = plot.svg.decode()
        assert "prefers-color-scheme: dark" in text
        assert "#ffffff" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
        assert not any("<style" in panel or " style=" in panel for panel in plot.inline)


def test_every_index_has_a_colour_of_the_palette():
    style = (TEMPLATES / "plots.css").read_text("utf-8")
    assert re.findall(r"--own: (#[0-9a-f]{6})", style) == [colour.lower() for colour in COLOURS]
