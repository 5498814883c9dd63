"""Names that are nearly alike, in indexes of very many artists."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altered_indexes import run_sql
from artistindex import naming
from artistindex.entities import Artist, VectorKey
from artistindex.errors import BrokenIndex, UnknownArtist
from artistindex.index import trigrams
from artistindex.index.manifest import Manifest
from artistindex.index.reader import ArtistIndex, verify
from artistindex.index.writer import write_index

NAMES = [
    "Rezz",
    "Vril",
    "Vrillah",
    "deadmau5",
    "Sabrina Carpenter",
    "Björk",
    "Boards of Canada",
    "坂本龍一",
    "AC/DC",
    "mama mama",
    "X",
]


def by_hand(names: list[str]) -> dict[int, list[int]]:
    """What the table holds, one trigram after the other."""
    table: dict[int, list[int]] = {}
    for row, name in enumerate(names):
        padded = [f" {word} " for word in f"{name}".split(" ")]
        found = {word[at : at + 3] for word in padded for at in range(len(word) - 2)}
        for trigram in found:
            first, middle, last = map(ord, trigram)
            table.setdefault((first << 42) | (middle << 21) | last, []).append(row)
    return table


@given(names=st.lists(st.text(max_size=12).map(naming.normalise).filter(bool), max_size=12))
def test_the_table_has_every_trigram_of_every_name(names: list[str]) -> None:
    lists = {code: np.frombuffer(rows, "<u4").tolist() for code, rows in trigrams.lists(names)}
    assert lists == by_hand(names)


def test_batches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    folded = [naming.normalise(name) for name in NAMES]
    whole = list(trigrams.lists(folded))
    monkeypatch.setattr(trigrams, "_NAMES_AT_ONCE", 2)
    assert list(trigrams.lists(iter(folded))) == whole
    assert [code for code, _ in whole] == sorted(code for code, _ in whole)


@given(
    lists=st.lists(st.lists(st.integers(0, 30), unique=True).map(sorted), max_size=6),
    limit=st.integers(1, 8),
)
def test_rows_that_share_the_most_come_first(lists: list[list[int]], limit: int) -> None:
    counts = {row: sum(row in rows for rows in lists) for row in range(25)}  # no row is above
    expected = sorted((row for row in counts if counts[row]), key=lambda row: (-counts[row], row))
    listed = [np.array(rows, np.uint32) for rows in lists]
    assert trigrams.sharing_most(listed, 25, limit) == expected[:limit]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index with a table of trigrams."""
    monkeypatch.setattr(trigrams, "MIN_NAMES", len(NAMES))
    write(tmp_path / "v")
    return tmp_path / "v"


def write(folder: Path) -> Manifest:
    return write_index(
        folder,
        key=VectorKey("vggish", "a" * 64),
        artists=[Artist(name) for name in NAMES],
        vectors=np.random.default_rng(0).normal(size=(len(NAMES), 4)).astype(np.float32),
    )


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Reez", "Rezz"),
        ("deadmaus", "deadmau5"),
        ("Sabrina Carpentre", "Sabrina Carpenter"),
        ("bjork's", "Björk"),
        ("Bords of Canada", "Boards of Canada"),
        ("坂本龍", "坂本龍一"),
        ("ac/db", "AC/DC"),
    ],
)
def test_a_typo_finds_the_name(folder: Path, tmp_path: Path, typed: str, name: str) -> None:
    with ArtistIndex.open(folder) as index, pytest.raises(UnknownArtist) as caught:
        index.row(typed)
    assert caught.value.closest[0] == name
    assert f"the closest names are {name}" in str(caught.value)


def test_what_is_like_nothing_finds_nothing(folder: Path) -> None:
    with ArtistIndex.open(folder) as index:
        assert index.closest_names("qqqqqqqq") == []
        assert index.closest_names("") == []
        assert index.closest_names("\ud800" * 3) == []


def test_few_names_are_compared_one_by_one(tmp_path: Path) -> None:
    write(tmp_path)
    with ArtistIndex.open(tmp_path) as index:
        assert index.closest_names("Vril", 2) == ["Vril", "Vrillah"]
        assert len(index._sidecar.candidates("vril")) == len(NAMES)


def test_verifying_compares_the_table_with_the_names(folder: Path, tmp_path: Path) -> None:
    verify(folder)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    run_sql(copy, "DELETE FROM trigrams WHERE trigram = (SELECT max(trigram) FROM trigrams)")
    with pytest.raises(BrokenIndex, match="its trigrams are of other names"):
        verify(copy)


@pytest.mark.parametrize("rows", ["x'0000007f'", "x''"])
def test_rows_that_are_not_there_find_nobody(folder: Path, rows: str) -> None:
    run_sql(folder, f"UPDATE trigrams SET rows = {rows}")
    with ArtistIndex.open(folder) as index:
        assert index.closest_names("Reez") == []


def test_half_a_row_is_damage(folder: Path) -> None:
    run_sql(folder, "UPDATE trigrams SET rows = x'00'")
    with ArtistIndex.open(folder) as index, pytest.raises(BrokenIndex, match="cut off"):
        index.closest_names("Reez")


@pytest.mark.parametrize(("prefix", "names"), [("VR", ["Vril", "Vrillah"]), ("bjö", ["Björk"])])
def test_names_that_begin_so(folder: Path, prefix: str, names: list[str]) -> None:
    with ArtistIndex.open(folder) as index:
        assert index.names_beginning(prefix) == names
        assert index.names_beginning(prefix, 1) == names[:1]
        assert len(index.names_beginning("", 4)) == 4
