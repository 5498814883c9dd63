"""Who is compared with whom: planted pools of which everything is known."""

import numpy as np
import pytest

from artistindex.errors import Misuse
from artistindex.evaluation.evaluate import evaluate_space
from artistindex.evaluation.protocol import LeftOut, make_protocol, rank
from artistindex.evaluation.spaces import Space
from artistindex.listeners.truth_files import read_truth
from truths import write_truth


def line(*places: float, artists: str | None = None) -> Space:
    """Artists A, B, C, ... on a line, the nearer the more alike."""
    at = np.array(places)
    names = tuple(artists or "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(at)])
    return Space("line", names, matrix=1 - np.abs(at[:, None] - at) / 100)


def truth_of(tmp_path, lists):
    return read_truth(write_truth(tmp_path / "truth.json", lists))


def test_ranks_and_places(tmp_path):
    space = line(0, 1, 3, 7, 15)
    truth = truth_of(tmp_path, {"A": ["X", "D", "B", "Y", "E"]})
    (query,) = make_protocol(space, truth).queries
    assert query.rows.tolist() == [3, 1, 4]
    assert query.places.tolist() == [2, 3, 5]
    (rankings,) = rank(space, [query], top=2)
    assert rankings.ranks.tolist() == [3, 1, 4]
    assert rankings.top.tolist() == [1, 2]
    assert rankings.cosines == pytest.approx([0.93, 0.99, 0.85])


def test_metrics_of_a_planted_pool_by_hand(tmp_path):
    space = line(0, 1, 3, 7, 15)
    truth = truth_of(tmp_path, {"A": ["X", "D", "B", "Y", "E"], "E": ["D", "C"]})
    evaluated = evaluate_space(space, truth, ks=[2])
    values = {name: metric.value for name, metric in evaluated.metrics.items()}
    # A ranks B C D E, and D, B, E are listed: ranks 3 1 4. E ranks D C B A: ranks 1 2
    assert values["overlap@2"] == pytest.approx((1 / 2 + 1) / 2)
    assert values["open_overlap@2"] == pytest.approx((0 / 2 + 2 / 2) / 2)
    assert values["precision@2"] == pytest.approx((1 / 2 + 1) / 2)
    assert values["recall@2"] == pytest.approx((1 / 3 + 1) / 2)
    assert values["hit@2"] == 1
    assert values["mrr"] == 1
    ideal = 1 + 1 / np.log2(3)
    assert values["ndcg@2"] == pytest.approx((1 / ideal + 1) / 2)
    assert evaluated.metrics["overlap@2"].chance == pytest.approx(2 / 4)
    assert evaluated.metrics["open_overlap@2"].ceiling == pytest.approx((1 / 2 + 1) / 2)
    assert evaluated.metrics["open_overlap@2"].pool == "open"
    assert evaluated.metrics["overlap@2"].pool == "closed"


def test_coverage_and_everybody_who_is_left_out(tmp_path):
    artists = ("A", "B", "C", "Twin", "TWIN", "Nobody", "Stranger")
    space = Space("pool", artists, matrix=np.eye(7))
    truth = truth_of(
        tmp_path,
        {
            "a": ["B", "X", "Y", "Twin"],
            "B": ["X", "Y"],
            "Twin": ["A"],
            "Nobody": None,
            "Elsewhere": ["A"],
        },
    )
    protocol = make_protocol(space, truth)
    assert [space.artists[query.row] for query in protocol.queries] == ["A"]
    assert protocol.left_out == {
        "no_list": ("Nobody",),
        "not_in_truth": ("C", "Stranger"),
        "ambiguous_name": ("Twin", "TWIN"),
        "no_neighbour_in_pool": ("B",),
    }
    assert protocol.coverage == pytest.approx(1 / 6)  # Twin could be either, so is not counted
    assert protocol.lists_unused == 2
    assert protocol.candidates == 6


def test_names_are_matched_folded(tmp_path):
    space = Space("pool", ("Beyoncé", "AC/DC", "きゃりー"), matrix=np.eye(3))
    truth = truth_of(tmp_path, {"BEYONCE": ["ac∕dc", "きゃりー"]})
    (query,) = make_protocol(space, truth).queries
    assert query.rows.tolist() == [1, 2]


def test_ties_go_to_the_lower_row(tmp_path):
    space = Space("flat", tuple("ABCD"), matrix=np.ones((4, 4)))
    truth = truth_of(tmp_path, {"C": ["D", "A"]})
    (rankings,) = rank(space, make_protocol(space, truth).queries, top=3)
    assert rankings.ranks.tolist() == [3, 1]


def random_space(count, seed, dimension=16):
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Space("random", tuple(f"artist {at}" for at in range(count)), vectors=vectors)


def lists_by(space, *, length):
    """The true lists of a space: everybody's nearest, in order."""
    names = space.artists
    nearest = np.argsort(-space.similarities(np.arange(len(space))), axis=1)[:, 1 : length + 1]
    return {names[row]: [names[at] for at in order] for row, order in enumerate(nearest)}


def test_a_perfect_index_scores_one_on_the_closed_metrics(tmp_path):
    space = random_space(60, 0)
    evaluated = evaluate_space(space, truth_of(tmp_path, lists_by(space, length=10))).metrics
    for name in ("overlap@5", "overlap@10", "ndcg@10", "graded_ndcg@10", "hit@5", "mrr"):
        assert evaluated[name].value == pytest.approx(1), name
        assert evaluated[name].beats_chance
    assert evaluated["precision@10"].value == evaluated["recall@10"].value == 1
    assert evaluated["open_overlap@10"].value == 1
    assert evaluated["spearman"].value is not None
    assert evaluated["spearman"].value > 0.5


def test_a_random_index_lands_inside_the_chance_interval(tmp_path):
    truth = truth_of(tmp_path, lists_by(random_space(200, 0), length=12))
    inside = total = 0
    for seed in range(1, 6):
        for metric in evaluate_space(
            random_space(200, seed), truth, resamples=200
        ).metrics.values():
            if metric.chance_low is not None:
                bounds = (metric.chance_low, metric.value, metric.chance_high)
                low, value, high = (bound for bound in bounds if bound is not None)
                inside += low <= value <= high
                total += 1
    assert total == 75
    assert inside >= 0.88 * total


def test_shrinking_the_pool_changes_numbers_as_the_formulas_say(tmp_path):
    whole = random_space(120, 0)
    truth = truth_of(tmp_path, lists_by(whole, length=20))
    small = whole.only(np.arange(30))
    before, after = (evaluate_space(space, truth, ks=[5]) for space in (whole, small))
    assert before.protocol.coverage == 1
    assert after.protocol.coverage == pytest.approx(
        sum(len(query.rows) for query in after.protocol.queries) / (20 * 30)
    )
    assert before.metrics["overlap@5"].chance == pytest.approx(5 / 119)
    assert after.metrics["overlap@5"].chance == pytest.approx(5 / 29)
    assert after.metrics["overlap@5"].value == 1  # still perfect among those that are left
    assert before.metrics["open_overlap@5"].value == 1
    opened = after.metrics["open_overlap@5"]
    expected = np.mean([np.sum(query.places <= 5) / 5 for query in after.protocol.queries])
    assert opened.value == pytest.approx(expected)
    assert opened.ceiling == pytest.approx(expected)
    assert opened.value is not None
    assert opened.value < 0.5


def test_graded_gains_without_a_strength_count_as_the_weakest(tmp_path):
    space = Space("pool", tuple("ABCDE"), matrix=np.eye(5))
    truth = truth_of(tmp_path, {"A": {"B": 9.0, "C": 2.0, "D": -1.0, "E": None}, "B": {"A": -1.0}})
    first, second = make_protocol(space, truth).queries
    assert first.gains.tolist() == [9, 2, 2, 2]
    assert np.isnan(first.strengths).tolist() == [False, False, True, True]
    assert second.gains.tolist() == [1]


def test_nobody_in_common_names_three_of_each_side(tmp_path):
    space = Space("vggish", ("A", "B", "C", "D"), matrix=np.eye(4))
    truth = truth_of(tmp_path, {"W": ["X"], "X": ["W"], "Y": ["W"], "Z": ["W"]})
    with pytest.raises(Misuse, match=r"vggish \(A, B, C\) and .*truth.json \(W, X, Y\)"):
        make_protocol(space, truth)


def test_lists_without_a_neighbour_here_are_told_apart(tmp_path):
    space = Space("vggish", ("A", "B"), matrix=np.eye(2))
    with pytest.raises(Misuse, match=r"1 artists with a list .* none of their listed"):
        make_protocol(space, truth_of(tmp_path, {"A": ["X"]}))


def test_one_artist_ranks_nobody(tmp_path):
    space = Space("vggish", ("A",), matrix=np.eye(1))
    with pytest.raises(Misuse, match="nobody to rank"):
        make_protocol(space, truth_of(tmp_path, {"A": ["B"]}))


def test_one_query_has_values_but_no_interval(tmp_path):
    space = line(0, 1, 3, 7)
    evaluated = evaluate_space(space, truth_of(tmp_path, {"A": ["B"]}), ks=[1]).metrics["overlap@1"]
    assert (evaluated.value, evaluated.low, evaluated.high) == (1, None, None)
    assert not evaluated.beats_chance


def test_a_few_lucky_queries_do_not_beat_chance(tmp_path):
    space = line(0, 1, 2, 3, 40, 60, 80, 99)
    truth = truth_of(tmp_path, {"A": ["B"], "B": ["C"], "C": ["D"]})
    evaluated = evaluate_space(space, truth, ks=[5]).metrics["overlap@5"]
    assert evaluated.low == evaluated.value == 1
    assert evaluated.chance == pytest.approx(5 / 7)
    assert not evaluated.beats_chance


@pytest.mark.parametrize(("ks", "message"), [([0], "at least 1"), ([9], "larger than the pool")])
def test_a_k_that_means_nothing(tmp_path, ks, message):
    with pytest.raises(Misuse, match=message):
        evaluate_space(line(0, 1, 3, 7), truth_of(tmp_path, {"A": ["B"]}), ks=ks)


def test_artists_who_share_a_recording_are_kept_apart(tmp_path):
    excluded = frozenset({(0, 1), (3, 4)})
    space = Space("line", tuple("ABCDE"), matrix=line(0, 1, 3, 7, 15).matrix, excluded=excluded)
    truth = truth_of(tmp_path, {"A": ["B", "D", "C"], "B": ["A"], "C": ["B"]})
    protocol = make_protocol(space, truth)
    assert protocol.left_out[LeftOut.NO_NEIGHBOUR_IN_POOL] == ("B",)
    assert protocol.excluded == 2
    first, second = protocol.queries
    assert (first.rows.tolist(), first.places.tolist(), first.candidates) == ([3, 2], [2, 3], 3)
    assert second.candidates == 4
    rankings = rank(space, protocol.queries, top=4)
    assert rankings[0].top.tolist() == [2, 3, 4]
    assert rankings[0].ranks.tolist() == [2, 1]
    evaluated = evaluate_space(space, truth, ks=[2]).metrics["recall@2"]
    assert evaluated.chance == pytest.approx((2 / 3 + 2 / 4) / 2)
