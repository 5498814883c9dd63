"""One way to ask: any query, any ranker, a list of hits."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artistindex.errors import Misuse, Remedy
from artistindex.index.reader import ArtistIndex
from artistindex.query.explain import explain
from artistindex.query.query import Query
from artistindex.query.ranking import RANKERS, Cosine, search
from planted_library import plant_tracks, styles

GOLDEN = Path(__file__).parents[1] / "data" / "library-schema-3"
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "expected.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant_tracks(tmp_path_factory.mktemp("ranking"), styles())


def test_a_name_several_names_a_query_and_a_vector_are_all_queries(folder: Path) -> None:
    with ArtistIndex.open(folder) as index:
        by_name = search(index, "artist 3", 4)
        assert by_name == search(index, Query(("Artist 3",)), 4)
        assert by_name == search(index, ["Artist 3"], 4)
        assert by_name == search(index, Query(("Artist 3",)).resolve(index), 4)
        assert [hit.neighbour for hit in by_name] == index.neighbours("Artist 3", 4)
        (itself, *others) = search(index, index.vector("Artist 3"), 5)
        assert itself.neighbour.artist == "Artist 3"
        assert [hit.row for hit in others] == [hit.row for hit in by_name]
        together = search(index, ("Artist 3", "Artist 5"), 4)
        assert [hit.neighbour for hit in together] == index.neighbours(["Artist 3", "Artist 5"], 4)


@pytest.mark.parametrize("ranker", RANKERS)
def test_every_ranker_leaves_out_who_is_asked_and_ranks_from_one(folder: Path, ranker: str) -> None:
    with ArtistIndex.open(folder) as index:
        hits = search(index, ["Artist 3", "Artist 5"], 100, ranker=RANKERS[ranker]())
        assert {hit.row for hit in hits} == set(range(12)) - {3, 5}
        assert [hit.neighbour.rank for hit in hits] == list(range(1, 11))
        assert [hit.neighbour.artist for hit in hits] == [index.artists[hit.row] for hit in hits]
        values = [hit.rank_score for hit in hits]
        assert values == sorted(values, reverse=True)
        assert [hit.neighbour.rank for hit in search(index, "Artist 3", 2, ranker=Cosine())] == [
            1,
            2,
        ]


def test_minus_and_weights_are_the_sum_of_unit_vectors(folder: Path) -> None:
    with ArtistIndex.open(folder) as index:
        query = Query(("Artist 3", "Artist 5"), minus=("Artist 4",), weights={"artist 5": 2.0})
        wide = index.vectors.astype(np.float64)
        expected = wide[3] + 2 * wide[5] - wide[4]
        resolved = query.resolve(index)
        np.testing.assert_allclose(resolved.vector, expected)
        assert resolved.rows == (3, 5, 4)
        assert resolved.weights == {"Artist 5": 2.0}
        scores = wide @ expected / np.linalg.norm(expected)
        for hit in search(index, query, 5):
            assert hit.neighbour.score == pytest.approx(scores[hit.row], abs=1e-6)


def test_percentiles_of_a_difference_are_among_who_could_answer(folder: Path) -> None:
    with ArtistIndex.open(folder) as index:
        query = Query(("Artist 3",), minus=("Artist 4",))
        hits = search(index, query, len(index))
        others = len(index) - 2
        expected = [100 * (others - place) / others for place in range(1, others + 1)]
        assert [hit.neighbour.percentile for hit in hits] == pytest.approx(expected)


def test_percentiles_without_minus_are_among_pairs_of_artists(folder: Path) -> None:
    with ArtistIndex.open(folder) as index:
        pairs = (index.vectors @ index.vectors.T)[np.triu_indices(len(index), 1)]
        for query in ("Artist 3", Query(("Artist 3", "Artist 5"), weights={"Artist 5": 2.0})):
            for hit in search(index, query, len(index)):
                less = 100 * np.mean(pairs < hit.neighbour.score)
                assert hit.neighbour.percentile == pytest.approx(less, abs=100 / len(pairs) + 0.1)


def test_the_embedded_audio_is_added(folder: Path) -> None:
    with ArtistIndex.open(folder) as index:
        sound = index.vector("Artist 7")
        resolved = Query(audio=("song.ogg",)).resolve(index, embed=lambda *_: sound)
        np.testing.assert_allclose(resolved.vector, sound)
        assert search(index, resolved, 1)[0].neighbour.artist == "Artist 7"


@settings(deadline=None, max_examples=20)
@given(st.permutations(["Artist 1", "Artist 2", "Artist 3"]), st.integers(1, 12))
def test_the_order_of_names_does_not_matter(folder: Path, names: list[str], k: int) -> None:
    with ArtistIndex.open(folder) as index:
        hits = search(index, names, k)
        assert [hit.row for hit in hits] == [
            hit.row for hit in search(index, ["Artist 1", "Artist 2", "Artist 3"], k)
        ]
        assert len(hits) == min(k, 9)


def test_nothing_asked_is_misuse_with_a_way_on(folder: Path) -> None:
    with ArtistIndex.open(folder) as index:
        with pytest.raises(Misuse) as error:
            search(index, [])
        assert error.value.remedy is Remedy.NAME_AN_ARTIST
        with pytest.raises(Misuse, match="zero or not finite"):
            search(index, Query(("Artist 1",), weights={}).resolve(index).vector * 0)
        with pytest.raises(Misuse, match="both asked for and subtracted"):
            search(index, Query(("Artist 1",), minus=("artist 1",)))
        with pytest.raises(Misuse, match="Artist 2 has a weight and is no part"):
            search(index, Query(("Artist 1",), weights={"Artist 2": 2.0}))


@pytest.mark.parametrize("ranker", ["csls", "mp", "tracks"])
def test_the_golden_index_is_ranked_as_before(ranker: str) -> None:
    with ArtistIndex.open(GOLDEN / "musicnn") as index:
        for name, answer in EXPECTED[ranker].items():
            hits = search(index, name, len(answer), ranker=RANKERS[ranker]())
            assert [hit.neighbour.artist for hit in hits] == [line[0] for line in answer]
            for hit, (_, score, percentile, value) in zip(hits, answer, strict=True):
                assert hit.neighbour.score == pytest.approx(score, abs=1e-5)
                assert hit.neighbour.percentile == pytest.approx(percentile, abs=1e-2)
                assert hit.rank_score == pytest.approx(value, abs=1e-5)


def test_the_golden_index_answers_as_before() -> None:
    with ArtistIndex.open(GOLDEN / "musicnn") as index:
        assert set(EXPECTED["neighbours"]) == set(index.artists)
        for name, answer in EXPECTED["neighbours"].items():
            hits = search(index, name, len(answer))
            assert [hit.neighbour.artist for hit in hits] == [line[0] for line in answer]
            for hit, (_, score, percentile) in zip(hits, answer, strict=True):
                assert hit.rank_score == pytest.approx(score, abs=1e-5)
                assert hit.neighbour.percentile == pytest.approx(percentile, abs=1e-2)


def test_the_golden_index_is_explained_as_before() -> None:
    with ArtistIndex.open(GOLDEN / "musicnn") as index:
        for name, answer in EXPECTED["explain"].items():
            explanations = explain(index, name, search(index, name, len(answer)))
            for explanation, expected in zip(explanations, answer, strict=True):
                payload = explanation.to_json()
                assert payload["rests_on"] == expected["rests_on"]
                assert payload["stability"] == pytest.approx(expected["stability"])
                assert (payload["closest"] is None) == (expected["closest"] is None)
                if expected["closest"]:
                    assert payload["closest"] == pytest.approx(expected["closest"], abs=1e-5)
