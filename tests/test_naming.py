import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex import naming

SOURCE = Path(naming.__file__).parent


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Sigur Rós", "sigur ros"),
        ("SIGUR RO\u0301S", "sigur rós"),
        ("deadmau5", "DEADMAU5"),
        ("Ｒｅｚｚ", "rezz"),  # full width
        ("Guns N’ Roses", "guns n' roses"),
        ("AC⁄DC", "ac/dc"),
        ("Jay–Z", "jay-z"),
        ("  Sabrina \t Carpenter ", "sabrina carpenter"),
        ("Σίσυφος", "ΣΙΣΥΦΟΣ"),
        ("Straße", "STRASSE"),
        ("ｶﾞ", "ガ"),  # half-width kana with its voice mark
        ("Beyonce\u0301", "Beyonce"),
        ("zero\u200bwidth", "zerowidth"),
    ],
)
def test_variants_of_a_name_fold_alike(name: str, other: str) -> None:
    assert naming.same_name(name, other)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("ハハ", "パパ"),
        ("Й", "И"),
        ("ё", "е"),
        ("ก่", "ก"),
        ("Vril", "Vrillah"),
        ("Calibre", "Calibre 50"),
        ("AC/DC", "ACDC"),
        ("!!!", "???"),
        ("M.I.A.", "Mia"),
        ("🎵", "🎶"),
    ],
)
def test_different_names_stay_apart(name: str, other: str) -> None:
    assert not naming.same_name(name, other)


@given(st.text())
def test_folding_twice_changes_nothing(name: str) -> None:
    assert naming.normalise(naming.normalise(name)) == naming.normalise(name)


@given(st.text())
def test_tidying_twice_changes_nothing_and_folds_alike(name: str) -> None:
    tidied = naming.clean(name)
    assert naming.clean(tidied) == tidied
    assert "\n" not in tidied
    assert "\x00" not in tidied
    tidied.encode("utf-8")


@given(st.text(alphabet=st.characters(min_codepoint=0x41, max_codepoint=0x24F), min_size=1))
def test_case_never_matters_in_latin(name: str) -> None:
    assert naming.same_name(name.upper().lower(), name.lower().upper())


def test_a_long_name_folds_quickly_enough_to_be_asked_for() -> None:
    assert naming.normalise("Ａ" * 10_000) == "a" * 10_000


@given(st.text(max_size=100), st.integers(1, 60))
def test_a_truncated_name_is_short_and_says_that_it_was_cut(name: str, limit: int) -> None:
    shortened = naming.truncate(name, limit)
    assert len(shortened) <= limit
    assert shortened == name or (shortened.endswith("…") and name.startswith(shortened[:-1]))


@given(st.text())
def test_what_is_printable_stays_and_cannot_harm_a_terminal(text: str) -> None:
    printable = naming.printable(text)
    assert not naming.UNPRINTABLE.search(printable)
    assert naming.printable(printable) == printable
    assert printable == text or naming.UNPRINTABLE.search(text)


@pytest.mark.parametrize(
    ("text", "printable"),
    [
        ("a\x1b[31mb\n", r"a\x1b[31mb\n"),
        ("a\u202eb\u2066c\u200f", r"a\u202eb\u2066c\u200f"),
        ("\ud800\x85", r"\ud800\x85"),
        ("שלום 🎵 Ä", "שלום 🎵 Ä"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, printable: str) -> None:
    assert naming.printable(text) == printable


FOLDS_NO_NAMES = {
    "packs/claims.py",  # names of models
    "packs/reader.py",  # names of models
    "audio/sources/youtube_errors.py",  # error messages
    "evaluation/report/drawing.py",  # the widths of letters
    "listeners/structure.py",  # keys of documents
    "metadata/titles.py",  # splits titles into words, letter by letter
}


def test_nothing_else_compares_names() -> None:
    """Other modules fold through this one: none calls casefold or unicodedata itself."""
    culprits = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(r"\bcasefold\(|\bunicodedata\b", path.read_text())
    }
    assert culprits - FOLDS_NO_NAMES == {"naming.py"}
