"""Truths of every shape: the same lists from each of them, and one error for what is none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.errors import Misuse
from artistindex.listeners import truth_shapes
from artistindex.listeners.truth_files import GroundTruth, TruthFormat, read_truth
from artistindex.listeners.truth_shapes import artist_key

FIRST, SECOND, THIRD = (f"{digit * 8}-{digit * 4}-4aaa-8aaa-{digit * 12}" for digit in "abc")


def read(tmp_path, text: str, name: str = "truth") -> GroundTruth:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return read_truth(path)


def names(truth: GroundTruth) -> dict[str, list[str]]:
    return {owner: [similar.name for similar in listed] for owner, listed in truth.lists.items()}


SHAPES = {
    '{"A": ["B", "C"], "B": ["A"]}': (TruthFormat.LISTS, True, False),
    '{"A": {"C": 0.2, "B": 0.5}, "B": {"A": 1}}': (TruthFormat.LISTS, True, True),
    '{"A": [{"name": "B", "match": "0.5"}, {"name": "C"}], "B": ["A"]}': (
        *(TruthFormat.LISTS, True, True),
    ),
    "artist,similar\nA,B\nA,C\nB,A\n": (TruthFormat.PAIRS, False, False),
    "Artist;Similar Artist;Weight\nA;C;1\nA;B;2.5\nB;A;1\n": (TruthFormat.PAIRS, True, True),
    "artist\trank\trelated\nA\t2\tC\nA\t1\tB\nB\t1\tA\n": (TruthFormat.PAIRS, True, False),
    "A,B,3\nA,C,1\nB,A,2\n": (TruthFormat.PAIRS, True, True),
    "A,B\nA,C\nB,A\n": (TruthFormat.PAIRS, False, False),
    "A 0 B 2\nA 0 C 1\nA 0 D 0\nB 0 A 1\n": (TruthFormat.QRELS, False, True),
    "A\tQ0\tB\t2\nA\tQ0\tC\t1\nB\tQ0\tA\t1\n": (TruthFormat.QRELS, False, True),
    json.dumps(
        [
            {"similarartists": {"@attr": {"artist": owner}, "artist": listed}}
            for owner, listed in (
                ("A", [{"name": "B", "match": "1"}, {"name": "C", "mbid": FIRST, "match": "0.5"}]),
                ("B", [{"name": "A", "match": "0.7", "url": "https://x", "image": []}]),
            )
        ]
    ): (TruthFormat.LAST_FM, True, True),
}


@pytest.mark.parametrize("text", SHAPES)
def test_every_shape_says_the_same(tmp_path, text):
    truth = read(tmp_path, text)
    assert names(truth) == {"A": ["B", "C"], "B": ["A"]}
    assert (truth.format, truth.is_ranked, truth.is_graded) == SHAPES[text]
    assert truth.pairs == 3
    assert truth.keys >= {"a", "b", "c"}
    assert len(truth.sha256) == 64


def test_last_fm_answers_a_line_each(tmp_path):
    answers = [
        {"similarartists": {"@attr": {"artist": owner}, "artist": [{"name": other}]}}
        for owner, other in (("A", "B"), ("B", "A"))
    ]
    truth = read(tmp_path, "\n".join(map(json.dumps, answers)), "answers.jsonl")
    assert names(truth) == {"A": ["B"], "B": ["A"]}


def test_two_artists_of_one_sort_of_column_are_a_pair_both_ways(tmp_path):
    truth = read(tmp_path, "artist_1,artist_2,score\nA,B,0.9\nB,C,0.3\n")
    assert names(truth) == {"A": ["B"], "B": ["A", "C"], "C": ["B"]}


def test_lines_of_musicbrainz_ids(tmp_path):
    truth = read(tmp_path, f"{FIRST}\t{SECOND} {THIRD}\n{SECOND}\t{FIRST.upper()}\n")
    assert (truth.format, truth.is_ranked) == (TruthFormat.MBIDS, True)
    assert truth.folded[f"musicbrainz:{FIRST}"] == [
        (f"musicbrainz:{SECOND}", None),
        (f"musicbrainz:{THIRD}", None),
    ]
    assert f"musicbrainz:{FIRST}" in dict(truth.folded[f"musicbrainz:{SECOND}"])


LABELLED = (
    "artist,genre\nA,Techno; House\nB,techno\nC,House\nD,Folk\n",
    "artist,genre\nA,Techno\nA,House\nB,TECHNO\nC,House\nD,Folk\n",
    '{"genres": {"A": ["Techno", "House"], "B": "techno", "C": ["House"], "D": []}}',
)


@pytest.mark.parametrize("text", LABELLED)
def test_the_same_label_is_alike(tmp_path, text):
    truth = read(tmp_path, text)
    assert names(truth) == {"A": ["B", "C"], "B": ["A"], "C": ["A"]}
    assert (truth.format, truth.is_ranked, truth.is_graded) == (TruthFormat.LABELS, False, False)
    assert truth.without_list in (("D",), ())


def test_one_label_an_artist(tmp_path):
    truth = read(tmp_path, '{"A": "techno", "B": "Techno", "C": "folk"}')
    assert names(truth) == {"A": ["B"], "B": ["A"]}
    assert truth.without_list == ("C",)


def test_labels_that_make_too_many_pairs(tmp_path, monkeypatch):
    monkeypatch.setattr(truth_shapes, "MAX_PAIRS", 8)
    with pytest.raises(Misuse, match="makes 9 pairs"):
        read(tmp_path, "artist,genre\nA,x\nB,x\nC,x\n")


def test_what_is_unlike_and_what_ties_is_counted(tmp_path):
    truth = read(tmp_path, "A,B,1\nA,C,1\nA,D,0\nA,E,-2\nA,A,5\nA,b,3\n")
    assert names(truth) == {"A": ["b", "C"]}
    assert (truth.nowhere, truth.ties, truth.repeated) == (2, 2, ("A", "B"))


NONE = {
    "": "is empty",
    "A\nB\nC\n": "says no relation",
    "A,techno\nB,techno\nC,house\n": "no header that says whether",
    "artist,similar\nA,\n": "in line 2",
    "artist,similar,weight\nA,B,much\n": "has 'much' in line 2, where a number belongs",
    "A 0 B yes\n": "says no relation",
    f"{FIRST}\t{SECOND}\n{FIRST}\t{THIRD}\n": "two lists of one MusicBrainz id",
    '{"A": ["B"], "C": {"D": 1}}': "neither a list nor a status",
    '{"A": [1]}': "no artist",
    '{"events": [{"name": "X", "venue": "Y"}]}': "no artist",
    '{"clientId": "a", "clientSecret": "b"}': "no two artists with the same label",
    '{"A": {"B": true}}': 'no "status"',
    '{"A": []}': "holds no list",
    '[["A", "B"]]': "no JSON object of artists",
    'artist,similar\n"A,B\n': "is no CSV",
}


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_truth_is_one_error(tmp_path, text):
    with pytest.raises(Misuse, match="expected music-map lists") as raised:
        read(tmp_path, text)
    assert NONE[text] in str(raised.value)
    assert "\n" not in str(raised.value)


@given(st.text(max_size=60))
def test_any_text_is_a_truth_or_one_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "truth"
    path.write_bytes(text.encode("utf-8", "replace"))
    try:
        lists = read_truth(path).lists
    except Misuse:
        return
    assert lists


def test_ids_and_names_are_told_apart():
    assert artist_key(f" {FIRST.upper()} ") == f"musicbrainz:{FIRST}"
    assert artist_key("spotify:artist:4aKdmOXd") == artist_key("spotify:4aKdmOXd")
    assert artist_key("spotify:4aKdmOXd") != artist_key("spotify:4akdmoxd")
    assert artist_key("Re: Member") == "re: member"
    assert artist_key("BEYONCÉ") == "beyonce"
