"""Pairs of artists and what is expected of them."""

import pytest

from artistindex.errors import Misuse
from artistindex.evaluation.expected_pairs import EXPERIMENT, read_pairs


def pairs_file(tmp_path, text):
    path = tmp_path / "pairs.csv"
    path.write_text(text, "utf-8")
    return path


def test_the_experiments_four_ship():
    pairs = [(pair.first, pair.second, pair.low, pair.high) for pair in read_pairs(EXPERIMENT)]
    assert pairs == [
        ("Vril", "Sabrina Carpenter", 0.1, 0.3),
        ("Calibre", "Rezz", 0.3, 0.5),
        ("TroyBoi", "Calibre", 0.2, 0.4),
        ("deadmau5", "Rezz", 0.6, 0.8),
    ]


def test_levels_and_ranges(tmp_path):
    text = '"Tyler, the Creator", B ,Low\nC,D,-0.2 - 0.3\n\nE,F,high\nG,H,.5–1\nArtist,J,medium\n'
    pairs = read_pairs(pairs_file(tmp_path, text))
    assert [(pair.first, pair.low, pair.high, pair.is_level) for pair in pairs] == [
        ("Tyler, the Creator", 0, pytest.approx(100 / 3), True),
        ("C", -0.2, 0.3, False),
        ("E", pytest.approx(200 / 3), 100, True),
        ("G", 0.5, 1, False),
        ("Artist", pytest.approx(100 / 3), pytest.approx(200 / 3), True),
    ]
    assert pairs[0].is_met(0.99, 20)
    assert not pairs[0].is_met(0.01, 40)
    assert pairs[1].is_met(0.3, 99)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A,B\n", "line 1 has 2 fields"),
        ("A,B,low,more\n", "line 1 has 4 fields"),
        ("artist,artist,expected\nA,B,low\nA,,low\n", "line 3 has 3 fields"),
        ("A,a,low\n", "pairs 'A' with itself"),
        ("A,B,lowish\n", "expects 'lowish'"),
        ("A,B,0.5-0.2\n", "expects '0.5-0.2'"),
        ("A,B,0.5-7\n", "expects '0.5-7'"),
        ("A,B,nan-1\n", "expects 'nan-1'"),
        ("", "holds no pair"),
        ("artist1,artist2,expected\n", "holds no pair"),
    ],
)
def test_lines_that_cannot_be_meant(tmp_path, text, message):
    with pytest.raises(Misuse, match=message):
        read_pairs(pairs_file(tmp_path, text))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(Misuse, match="cannot read"):
        read_pairs(tmp_path / "none.csv")
    path = tmp_path / "latin.csv"
    path.write_bytes("Bj\xf6rk,B,low".encode("latin-1"))
    with pytest.raises(Misuse, match="no CSV file in UTF-8"):
        read_pairs(path)
