"""The grammar of titles, by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.metadata import titles
from artistindex.metadata.title_words import Kind
from artistindex.metadata.titles import Role, Title


@given(st.text(max_size=60))
def test_words_are_folded_and_never_empty(text: str) -> None:
    for word in titles.words(text):
        assert word.text
        assert word.text == word.text.casefold() or not word.text.isascii()


def test_a_version_is_told_from_a_word() -> None:
    assert titles.versions(["live"]) == {"live"}
    assert titles.versions(["alive", "forever"]) == {"version"}
    assert titles.versions(["oliver", "discovered"]) == frozenset()
    assert titles.versions(["original", "mix"]) == frozenset()
    assert titles.versions(["club", "mix"]) == {"remix"}


@pytest.mark.parametrize(
    ("title", "song", "parts"),
    [
        ("Strobe - Radio Edit", "strobe", [("radio edit", Role.EDITION)]),
        ("Stay (feat. X) [Y Remix]", "stay",
         [("feat x", Role.GUEST), ("y remix", Role.VERSION)]),
        ("(I Can't Get No) Satisfaction", "satisfaction", [("i cant get no", Role.SUBTITLE)]),
        ("Faith - 7\" Version", "faith", [("7 version", Role.EDITION)]),
        ("Happy - From \"Live Free\"", "happy", [("from live free", Role.EDITION)]),
        ("X - con Y", "x", [("con y", Role.GUEST)]),
        ("X - Kygo Edit", "x", [("kygo edit", Role.VERSION)]),
        ("X (The Long Road)", "x", [("the long road", Role.SUBTITLE)]),
        ("(You)", "you", []),
        ("", "", []),
    ],
)  # fmt: skip
def test_a_title_is_taken_apart(title: str, song: str, parts: list[tuple[str, Role]]) -> None:
    parsed = Title.parse(title)
    assert " ".join(titles.texts(parsed.song)) == song
    assert [(part.text, part.role) for part in parsed.parts] == parts


def test_the_number_of_a_part_is_spelt_in_one_way() -> None:
    for title in ("Wall, Pt. II", "Wall Part Two", "Wall pt2", "Wall - Teil 2", "Wall (Parte Dos)"):
        assert titles.texts(titles.words(title)) == ["wall", "part", "2"]
    assert titles.texts(titles.words("Part of Del Rey")) == ["part", "of", "del", "rey"]


def test_a_word_in_company_is_a_version() -> None:
    def kinds(title: str) -> frozenset[Kind]:
        return titles.kinds_of(titles.words(title))

    assert kinds("(piano)") == kinds("(solo piano by Jo)") == {Kind.ARRANGED}
    assert kinds("[Piano House]") == kinds("Color Bass") == frozenset()
    assert Kind.REMIX in kinds("(Piano House Remix)")


@given(title=st.text(max_size=60))
def test_every_title_can_be_taken_apart(title: str) -> None:
    parsed = Title.parse(title)
    assert parsed.recording or not parsed.folded
    assert all(parsed.qualifiers)
