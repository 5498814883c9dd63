"""Several voices joined into one ranking."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex
from artistindex.query import fusion
from artistindex.query.fusion import MUSIC_MAP, FusionMethod, RankedList, aligned, fuse, truth_list
from artistindex.query.ranking import search
from planted_library import plant_tracks, styles


def voice(*scores: float, name: str = "v") -> RankedList:
    return RankedList.of_all(name, np.array(scores))


Lists = Mapping[str, Sequence[tuple[str, float | None]]]


def test_reciprocal_ranks_are_added() -> None:
    fused = fuse([voice(0.9, 0.8, 0.1), voice(0.2, 0.9, 0.5)], "rrf")
    np.testing.assert_allclose(fused.scores, [1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 63 + 1 / 62])
    assert fused.order().tolist() == [1, 0, 2]
    np.testing.assert_allclose(fused.shares[0, 0], (1 / 61) / (1 / 61 + 1 / 63))


@given(st.lists(st.permutations(range(8)), min_size=2, max_size=4))
def test_rrf_is_the_published_sum(orders: list[list[int]]) -> None:
    fused = fuse([voice(*(-float(order.index(at)) for at in range(8))) for order in orders], "rrf")
    for at in range(8):
        expected = sum(1 / (60 + order.index(at) + 1) for order in orders)
        assert fused.scores[at] == pytest.approx(expected, abs=1e-12)


def test_scores_are_calibrated_before_they_are_averaged() -> None:
    narrow, wide = voice(0.99, 0.98, 0.97), voice(-0.5, 0.0, 0.5)
    fused = fuse([narrow, wide], "score")
    np.testing.assert_allclose(fused.scores, 0, atol=1e-9)
    alone = fuse([narrow], "score")
    np.testing.assert_allclose(alone.scores, [1.5**0.5, 0, -(1.5**0.5)])
    assert alone.shares[0].tolist() == [1.0, 0.0, 0.0]


@given(
    st.integers(1, 4),
    st.integers(1, 12),
    st.sampled_from(FusionMethod),
    st.integers(0, 1000),
)
def test_shares_are_parts_of_a_whole(voices: int, count: int, method: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    fused = fuse([voice(*draw.normal(size=count)) for _ in range(voices)], method)
    assert np.isfinite(fused.scores).all()
    totals = fused.shares.sum(axis=0)
    assert ((np.abs(totals - 1) < 1e-9) | (totals == 0)).all()
    assert sorted(fused.order().tolist()) == list(range(count))


def test_a_voice_without_an_opinion_moves_nobody() -> None:
    mine = voice(0.3, 0.1, 0.2)
    for method in [FusionMethod.SCORE]:
        both = fuse([mine, voice(0.5, 0.5, 0.5)], method)
        assert both.order().tolist() == fuse([mine], method).order().tolist()


def test_a_tie_goes_to_whom_some_voice_puts_first() -> None:
    fused = fuse([voice(3, 2, 1), voice(1, 2, 3)], "rrf")
    assert fused.order().tolist()[0] in (0, 2)
    assert fused.scores[0] > fused.scores[1]


def test_no_voice_and_an_unknown_method_are_misuse() -> None:
    with pytest.raises(Misuse, match="no voice"):
        fuse([])
    with pytest.raises(Misuse, match="no voice"):
        fusion.fuse_hits({})
    with pytest.raises(Misuse, match="unknown fusion 'borda'"):
        fuse([voice(1.0)], "borda")


def test_lists_speak_only_of_those_they_list() -> None:
    lists: Lists = {"rezz": [("vril", 8.0), ("calibre", None)], "x": [("vril", 2.0)]}
    truth_ranking = truth_list(["Vril", "CALIBRE", "Justice"], ["Rezz"], lists)
    assert truth_ranking is not None
    assert truth_ranking.name == MUSIC_MAP
    assert truth_ranking.heard.tolist() == [True, True, False]
    np.testing.assert_allclose(truth_ranking.scores, [1, 1, 0])
    both = truth_list(["Vril", "Calibre", "Justice"], ["Rezz", "X"], lists)
    assert both is not None
    np.testing.assert_allclose(both.scores, [2, 1, 0])
    assert truth_list(["Vril"], ["Nobody"], lists) is None


def test_artists_are_matched_by_name_and_shared_names_left_out() -> None:
    first, other = aligned([["Björk", "Rezz", "Twin", "TWIN"], ["rezz", "Twin", "bjork"]])
    assert first.tolist() == [0, 1]
    assert other.tolist() == [2, 0]


def two_models(folder):
    return plant_tracks(folder, styles(), models={"vggish": styles(seed=1)}).parent


def test_two_indexes_answer_together(tmp_path) -> None:
    folder = two_models(tmp_path)
    with (
        ArtistIndex.open(folder / "musicnn") as musicnn,
        ArtistIndex.open(folder / "vggish") as other,
    ):
        answers = {index.name: search(index, "Artist 3", 12) for index in (musicnn, other)}
        fused_hits = fusion.fuse_hits(answers, 5)
        ranks = [
            {neighbour.artist: neighbour.rank for neighbour in index.neighbours("Artist 3", 11)}
            for index in (musicnn, other)
        ]
    assert len(fused_hits) == 5
    for hit in fused_hits:
        artist = hit.neighbour.artist
        assert artist != "Artist 3"
        expected = [1 / (60 + every[artist]) for every in ranks]
        assert hit.neighbour.score == pytest.approx(sum(expected))
        assert hit.voices["musicnn"].rank == ranks[0][artist]
        assert hit.voices["musicnn"].share == pytest.approx(expected[0] / sum(expected))


# -- at the command line -------------------------------------------------------------------------


def write_truth(path, lists):
    def entry(names):
        return {
            "status": "success",
            "similar_artists": [
                {"name": name, "rank": at, "relationship_strength": 10.0 - at}
                for at, name in enumerate(names, 1)
            ],
            "total_count": len(names),
        }

    path.write_text(json.dumps({name: entry(names) for name, names in lists.items()}))
    return path


@pytest.mark.parametrize("method", FusionMethod)
def test_query_fuses_indexes(run, method) -> None:
    two_models(run.indexes)
    code, out, _ = run(
        "query", "artist 3", "--index", "musicnn", "--index", "vggish", "--fuse", method,
        "--k", 4, "--format", "json",
    )  # fmt: skip
    answer = json.loads(out)
    assert code == 0
    assert answer["index"] == ["musicnn", "vggish"]
    assert answer["query"] == ["Artist 3"]
    assert [neighbour["rank"] for neighbour in answer["neighbours"]] == [1, 2, 3, 4]
    first = answer["neighbours"][0]
    assert first.keys() >= {"rank", "artist", "score", "percentile", "tracks", "voices"}
    assert sum(share["share"] for share in first["voices"].values()) == pytest.approx(1)


def test_music_map_is_a_third_voice(run, tmp_path) -> None:
    two_models(run.indexes)
    truth = write_truth(tmp_path / "truth.json", {"Artist 3": ["Artist 7", "Elsewhere"]})
    code, out, _ = run("query", "Artist 3", "--truth", truth, "--index", "musicnn",
                       "--index", "vggish", "--k", 11, "--format", "json")  # fmt: skip
    assert code == 0
    voices = {
        neighbour["artist"]: neighbour["voices"] for neighbour in json.loads(out)["neighbours"]
    }
    assert voices["Artist 7"][MUSIC_MAP]["rank"] == 1
    assert voices["Artist 7"][MUSIC_MAP]["share"] > 0.3
    assert voices["Artist 5"][MUSIC_MAP] == {"share": 0.0, "rank": None, "score": None}
    _, table, err = run("query", "Artist 5", "--truth", truth, "--index", "musicnn", "--k", 2)
    assert "has no list for Artist 5: music-map is silent" in err
    assert "musicnn %" in table


def test_artists_that_an_index_lacks_are_counted(run, planted) -> None:
    planted(count=20)
    planted(count=12, model="musicnn")
    code, out, err = run("query", "Artist 3", "--index", "vggish", "--index", "musicnn",
                          "--k", 50, "--format", "json")  # fmt: skip
    assert code == 0
    assert len(json.loads(out)["neighbours"]) == 11
    assert "8 artists of vggish are left out" in err
    code, _, err = run("query", "Artist 15", "--index", "vggish", "--index", "musicnn")
    assert (code, "in the index musicnn" in err) == (1, True)


@pytest.mark.parametrize(
    "flags",
    [
        ("--hubs", "csls", "--rerank", "tracks"),
        ("--hubs", "mp", "--explain"),
        ("--rerank", "tracks", "--explain"),
        ("--index", "musicnn", "--index", "vggish", "--explain"),
        ("--index", "musicnn", "--index", "vggish", "--hubs", "mp"),
        ("--fuse", "rrf"),
        ("--explain", "--minus", "Artist 4"),
        ("--rerank", "tracks", "--weight", "Artist 3=2"),
        ("--index", "musicnn", "--index", "vggish", "--k", "0"),
    ],
)
def test_ways_that_do_not_go_together_are_misuse(run, flags) -> None:
    two_models(run.indexes)
    code, _, err = run("query", "Artist 3", *flags)
    assert code == 2
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
