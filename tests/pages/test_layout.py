"""Artists who are alike lie together, nobody jumps, and what the map keeps is counted."""

import numpy as np
import pytest

from artistindex.index.reader import ArtistIndex
from artistindex.pages import layout
from artistindex.pages.earlier import Places
from artistindex.pages.layout import Method, kept, lay_out, neighbourhood
from artistindex.pages.map_data import MapData
from artistindex.pages.page_data import page_data
from artistindex.pages.render import render_page
from pages.conftest import PLAIN, STYLES, write_styles


def units(count: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_neighbours_are_those_of_the_index(index):
    neighbours = neighbourhood(index.vectors, 5)
    for row in range(len(index)):
        expected = index.search_rows(index.vectors[row], 5, exclude=[row])
        assert neighbours.rows[row].tolist() == [other for _, other in expected]
        assert neighbours.scores[row] == pytest.approx([s for s, _ in expected], abs=1e-6)


def test_nobody_is_a_neighbour_of_their_own_even_among_twins():
    twins = np.tile(units(1), (30, 1))
    neighbours = neighbourhood(twins, 10)
    assert neighbours.rows.shape == (30, 10)
    assert not (neighbours.rows == np.arange(30)[:, None]).any()
    assert (kept(np.zeros((30, 2)), neighbours) <= 10).all()


@pytest.mark.parametrize("count", [1, 2, 3, 9, 12])
def test_small_indexes_have_a_map_too(count):
    vectors = units(count)
    points, _ = lay_out(vectors, neighbourhood(vectors, 90))
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()


def test_who_is_alike_lies_together(index):
    data = MapData.of(index)
    assert data.layout.method is Method.TSNE
    styles = np.arange(len(index)) % STYLES
    same = styles[data.neighbours.rows] == styles[:, None]
    assert same.mean() > 0.7
    assert data.layout.share_kept > 2 * data.layout.chance
    assert data.layout.share_kept == pytest.approx(data.layout.kept.mean() / 10)


def test_without_the_extra_the_main_directions_do(index, monkeypatch):
    monkeypatch.setattr(layout, "find_spec", lambda _: None)
    data = MapData.of(index)
    assert data.layout.method is Method.PCA
    assert data.layout.share_kept > data.layout.chance


def test_the_same_index_gives_the_same_map(index):
    first, second = MapData.of(index), MapData.of(index)
    assert np.array_equal(first.layout.points, second.layout.points)


def test_kept_counts_the_true_neighbours_that_are_near_on_the_map():
    vectors = units(30)
    neighbours = neighbourhood(vectors, 4)
    on_the_map = np.random.default_rng(1).normal(size=(30, 2))
    counts = []
    for row in range(30):
        distances = np.linalg.norm(on_the_map - on_the_map[row], axis=1)
        near = [other for other in np.argsort(distances) if other != row][:4]
        counts.append(len(set(near) & set(neighbours.rows[row])))
    assert kept(on_the_map, neighbours).tolist() == counts


def test_nobody_jumps_when_a_few_are_added(index, tmp_path):
    page = tmp_path / "page.html"
    before = page_data(index)
    page.write_text(render_page(before), "utf-8")
    earlier = Places.read(page)
    assert earlier is not None
    more = write_styles(tmp_path / "musicnn", [*PLAIN, *(f"New {at}" for at in range(8))])
    with ArtistIndex.open(more) as grown:
        after = MapData.of(grown, earlier=earlier)
    assert before.map is not None
    side = np.ptp(before.map.layout.points, axis=0).max()
    moved = np.linalg.norm(after.layout.points[:40] - before.map.layout.points, axis=1)
    assert moved.max() < 1e-3 * side
    assert after.layout.share_kept > 2 * after.layout.chance
    assert len(np.unique(after.layout.points, axis=0)) == 48


def test_many_new_artists_are_laid_out_from_the_earlier_map_on(index, tmp_path):
    earlier = np.full((40, 2), np.nan)
    first = MapData.of(index).layout.points
    earlier[:20] = first[:20]
    points, method = lay_out(index.vectors, neighbourhood(index.vectors, 90), earlier)
    assert method is Method.TSNE
    assert np.isfinite(points).all()
    assert not np.array_equal(points[:20], first[:20])


@pytest.mark.parametrize("content", ["", "<p>", '<script id="data">AAAA</script>'])
def test_what_is_no_page_of_ours_is_no_earlier_map(tmp_path, content):
    page = tmp_path / "page.html"
    page.write_text(content)
    assert Places.read(page) is None


def test_namesakes_keep_their_own_places(tmp_path):
    folder = write_styles(tmp_path / "musicnn", ["Vril", "Vril", *PLAIN[:20]])
    with ArtistIndex.open(folder) as index:
        data = page_data(index)
        page = tmp_path / "page.html"
        page.write_text(render_page(data), "utf-8")
        earlier = Places.read(page)
        assert earlier is not None
        assert data.map is not None
        places = earlier.of(index.records)
    assert places == pytest.approx(data.map.layout.points)
    assert not np.array_equal(places[0], places[1])
