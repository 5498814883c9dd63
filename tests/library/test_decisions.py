"""What the user decides about names: written, read, edited by hand, undone, and respected."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.entities import Artist, Track, TrackVector, VectorKey
from artistindex.errors import Misuse
from artistindex.library.decisions import FILE_NAME, Decisions, DecisionsFile
from artistindex.library.library import FILE_NAME as LIBRARY
from artistindex.library.library import Library

KEY = VectorKey("musicnn", "a" * 64)
VRIL, REZZ = Artist("Vril"), Artist("Rezz", {"deezer": "7"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


@pytest.fixture
def file(path: Path) -> DecisionsFile:
    return DecisionsFile(path)


def test_nothing_is_decided_without_a_file(path: Path) -> None:
    decisions = Decisions.read(path)
    assert not decisions
    assert decisions.alias_of(VRIL) is None
    assert not decisions.ignores(VRIL)
    assert decisions.with_ids(VRIL) == VRIL


def test_what_is_decided_is_there_and_can_be_undone(file: DecisionsFile, path: Path) -> None:
    file.add_alias("Chemical Bros", "The Chemical Brothers")
    file.ignore("Rezz")
    file.ignore("REZZ")
    file.pin("Vril", "deezer", "12")
    file.pin("VRIL", "spotify", "4GzWhnLHtdFRuPWCWOvtlE")
    decisions = Decisions.read(path)
    assert decisions.alias_of(Artist("chemical bros")) == "The Chemical Brothers"
    assert decisions.ignored == ("Rezz",)
    assert decisions.with_ids(VRIL).ids == {"spotify": "4GzWhnLHtdFRuPWCWOvtlE", "deezer": "12"}
    file.remove_alias("CHEMICAL BROS")
    file.remove_ignored("rezz")
    file.unpin("vril")
    assert not Decisions.read(path)


def test_undoing_what_was_not_decided_says_so(file: DecisionsFile, path: Path) -> None:
    for undo in (file.remove_alias, file.remove_ignored, file.unpin):
        with pytest.raises(Misuse, match="'Vril'"):
            undo("Vril")
    assert not path.exists()


def test_a_person_s_comments_and_order_stay(file: DecisionsFile, path: Path) -> None:
    by_hand = '# mine\nignore = [\n  "A", # awful\n]\n\n[aliases] # who is who\nZ = "Y"\nB = "A"\n'
    path.write_text(by_hand)
    file.add_alias("C", "D")
    file.ignore("E")
    text = path.read_text()
    for line in ("# mine", '"A", # awful', "[aliases] # who is who", 'Z = "Y"\nB = "A"'):
        assert line in text
    decisions = Decisions.read(path)
    assert decisions.aliases == {"Z": "Y", "B": "A", "C": "D"}
    assert decisions.ignored == ("A", "E")


def test_aliases_lead_on_but_never_round(file: DecisionsFile, path: Path) -> None:
    file.add_alias("A", "B")
    file.add_alias("B", "C")
    assert Decisions.read(path).alias_of(Artist("a")) == "C"
    for name, other in (("C", "A"), ("x", "X")):
        with pytest.raises(Misuse, match="already"):
            file.add_alias(name, other)


def test_an_id_tells_namesakes_apart(file: DecisionsFile, path: Path) -> None:
    file.ignore("deezer:7")
    file.add_alias("deezer:8", "Vril")
    decisions = Decisions.read(path)
    assert decisions.ignores(REZZ)
    assert not decisions.ignores(Artist("Rezz"))
    assert decisions.alias_of(Artist("V", {"deezer": "8"})) == "Vril"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ignore = [", r"is no TOML: .*\(at"),
        ('a = 1\n[aliases]\n"x = 3', r"line 3"),
        ("\nignore = 3", "line 2: ignore must be a list of names"),
        ('ignore = [""]', "line 1: ignore must be"),
        ("aliases = []", "line 1: aliases must be a table"),
        ("[aliases]\nA = 4", "line 2: the alias of 'A' must be a name"),
        ('[aliases]\n\nA = "B"\nB = "a"', "line 3: 'A' is an alias of itself"),
        ('[ids]\nVril = "12"', "line 2: the ids of 'Vril' must be a table by service"),
        ('[ids]\nVril = {deezer = "x"}', "line 2: 'x' is no deezer id"),
        ("\nignored = []", "line 2: 'ignored' is none of aliases, ignore, ids"),
    ],
)
def test_a_broken_file_is_one_error_that_names_the_line(
    path: Path, text: str, message: str
) -> None:
    path.write_text(text)
    for read in (Decisions.read, DecisionsFile):
        with pytest.raises(Misuse, match=message) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
    assert path.read_text() == text


@given(st.lists(st.sampled_from(["ignore", "alias", "pin", "unignore"]), max_size=8))
def test_any_order_of_decisions_can_be_read_again(
    tmp_path_factory: pytest.TempPathFactory, actions: list[str]
) -> None:
    path = tmp_path_factory.mktemp("decisions") / FILE_NAME
    file = DecisionsFile(path)
    ignored: list[str] = []
    for number, action in enumerate(actions):
        name = f'"Name" {number} #\\'
        if action == "ignore":
            file.ignore(name)
            ignored.append(name)
        elif action == "alias":
            file.add_alias(name, "Other")
        elif action == "pin":
            file.pin(name, "deezer", str(number + 1))
        elif ignored:
            file.remove_ignored(ignored.pop())
    decisions = Decisions.read(path)
    assert decisions.ignored == tuple(ignored)
    assert len(decisions.aliases) == actions.count("alias")
    assert len(decisions.ids) == actions.count("pin")


# -- what a library makes of it --------------------------------------------------------------------


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / LIBRARY) as opened:
        for number, names in enumerate((["Bros"], ["Brothers"], ["Rezz"], ["Bros", "Brothers"])):
            artists = tuple(map(Artist, names))
            track = Track(artists, f"T{number}", path=Path(f"/m/{number}"))
            track_id = opened.upsert_file(track, size=number, mtime_ns=number)
            vector = TrackVector(KEY, np.array([number], np.float32), 1, "openvino")
            opened.add_embedding(track_id, audio_sha256=str(number), duration=1.0, vectors=[vector])
        yield opened


def answers(library: Library) -> dict[str, list[str]]:
    """Every artist's titles, which come with the right vectors."""
    with Library.open(library.path, read_only=True) as again:
        tracks = {
            stored.artist.name: [track.track.title for track in own]
            for stored, own in again.tracks_by_artist()
        }
        for stored, embedded in again.vectors_by_artist(KEY):
            assert [f"T{vector[0]:.0f}" for _, vector in embedded] == tracks[stored.artist.name]
        assert [stored.artist.name for stored in again.artists()] == list(tracks)
    return tracks


AS_FOUND = {"Bros": ["T0", "T3"], "Brothers": ["T1", "T3"], "Rezz": ["T2"]}


def test_an_alias_is_the_other_artist(library: Library, file: DecisionsFile) -> None:
    assert answers(library) == AS_FOUND
    file.add_alias("bros", "Brothers")
    assert answers(library) == {"Brothers": ["T0", "T1", "T3"], "Rezz": ["T2"]}
    file.remove_alias("bros")
    assert answers(library) == AS_FOUND


def test_an_alias_of_nobody_here_is_another_name(library: Library, file: DecisionsFile) -> None:
    file.add_alias("Bros", "The Bros")
    file.add_alias("Brothers", "The Bros")
    assert answers(library) == {"The Bros": ["T0", "T1", "T3"], "Rezz": ["T2"]}


def test_who_is_ignored_is_in_no_answer(library: Library, file: DecisionsFile) -> None:
    file.ignore("Brothers")
    assert answers(library) == {"Bros": ["T0", "T3"], "Rezz": ["T2"]}
    file.add_alias("Bros", "Brothers")
    assert answers(library) == {"Rezz": ["T2"]}


def test_ids_are_those_that_were_pinned(library: Library, file: DecisionsFile) -> None:
    file.pin("Rezz", "deezer", "7")
    with Library.open(library.path, read_only=True) as again:
        assert again.artists()[-1].artist == REZZ


def test_the_ids_of_a_group_are_its_head_s(library: Library, file: DecisionsFile) -> None:
    bros, brothers, rezz = (stored.id for stored in library.artists())
    file.add_alias("Bros", "Brothers")
    file.ignore("Rezz")
    with Library.open(library.path, read_only=True) as again:
        assert again.deciding_for([bros, rezz]) == {brothers}
        ((stored, tracks),) = again.tracks_by_artist(again.artists())
    assert stored.id == brothers
    assert len(tracks) == 3


def test_the_example_of_the_docs_is_understood(path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text("utf-8")
    path.write_text(docs.partition("```toml\n")[2].partition("```")[0])
    decisions = Decisions.read(path)
    assert decisions.ignored == ("Some Artist", "deezer:123")
    assert decisions.alias_of(Artist("chemical bros")) == "The Chemical Brothers"
    assert list(decisions.with_ids(Artist("Nirvana")).ids) == ["musicbrainz"]
