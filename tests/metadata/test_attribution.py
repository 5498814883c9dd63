from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex import naming
from artistindex.entities import Artist, Track
from artistindex.metadata.attribution import Decision, Reason, TaggedFile, decide_artists
from artistindex.metadata.tags import Tags

ALICE, BOB, CAROL = (f"{digit * 8}-1111-4111-8111-111111111111" for digit in "123")


def file(path: str, artist: str | tuple[str, ...] = (), **tags: object) -> TaggedFile:
    artists = (artist,) if isinstance(artist, str) else artist
    fields = {key: (value,) if isinstance(value, str) else value for key, value in tags.items()}
    return TaggedFile(Path("/music", path), Path(path), 1, 1, Tags(artists=artists, **fields))  # type: ignore[arg-type]


def files(*artists: str | tuple[str, ...]) -> list[TaggedFile]:
    return [file(f"{number}.mp3", artist) for number, artist in enumerate(artists)]


def names(decisions: list[Decision]) -> list[list[str]]:
    return [[artist.name for artist in decision.artists] for decision in decisions]


def decided(*artists: str | tuple[str, ...], known: tuple[str, ...] = ()) -> list[list[str]]:
    return names(decide_artists(files(*artists), known))


# --- several names in one -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "joint",
    [
        "A; B",
        "A;B",
        "A / B",
        "A/B",
        "A & B",
        "A x B",
        "A × B",
        "A vs B",
        "A vs. B",
        "A, B",
        "A b2b B",
    ],
)
def test_joint_names_are_split_where_every_part_is_known(joint: str) -> None:
    assert decided(joint, "A", "B") == [["A", "B"], ["A"], ["B"]]
    assert decided(joint, "A") == [[joint], ["A"]]
    assert decided(joint, known=("a", "B")) == [["A", "B"]]


@pytest.mark.parametrize(
    "name",
    [
        "AC/DC",
        "Tyler, The Creator",
        "Simon & Garfunkel",
        "Earth, Wind & Fire",
        "25/17",
        "K/DA",
        "&",
        "/",
        "",
    ],
)
def test_names_stay_whole_where_a_part_is_unknown(name: str) -> None:
    assert decided(name or "x", "DC", "The Creator", "Garfunkel", "Wind")[0] == [name or "x"]


def test_the_fewest_parts_are_taken() -> None:
    split = decided(
        "Tyler, The Creator & Kali Uchis",
        "Tyler, The Creator",
        "Kali Uchis",
        "Tyler",
        "The Creator",
    )
    assert split[0] == ["Tyler", "The Creator", "Kali Uchis"]
    split = decided("Tyler, The Creator & Kali Uchis", "Tyler, The Creator", "Kali Uchis")
    assert split[0] == ["Tyler, The Creator", "Kali Uchis"]


def test_ids_say_how_many_artists_a_name_is() -> None:
    whole = file("1.mp3", "A & B", artist_ids=ALICE)
    two = file("2.mp3", "C & D", artist_ids=(BOB, CAROL))
    decisions = decide_artists([whole, two, *files("A", "B")])
    assert decisions[0].artists == (Artist("A & B", {"musicbrainz": ALICE}),)
    assert decisions[1].artists == (
        Artist("C", {"musicbrainz": BOB}),
        Artist("D", {"musicbrainz": CAROL}),
    )
    assert decisions[1].reason is Reason.SPLIT
    assert decisions[1].note == "'C & D' is split into C, D"


def test_the_list_of_artists_beats_the_sentence() -> None:
    (decision,) = decide_artists(
        [file("1.mp3", "Alice feat. Bob", credits=("Alice", "Bob"), artist_ids=(ALICE, BOB))]
    )
    assert decision.artists == (
        Artist("Alice", {"musicbrainz": ALICE}),
        Artist("Bob", {"musicbrainz": BOB}),
    )


@pytest.mark.parametrize(
    "name",
    [
        "Alice feat. Bob",
        "Alice Feat. Bob",
        "Alice ft. Bob & Carol",
        "Alice ft Bob",
        "Alice feat Bob",
        "Alice featuring Bob",
        "Alice (feat. Bob)",
        "Alice [ft. Bob]",
        "Alice (with Bob)",
        "Alice (Featuring Bob)",
    ],
)
def test_guests_get_no_credit(name: str) -> None:
    (decision,) = decide_artists(files(name))
    assert names([decision]) == [["Alice"]]
    assert decision.reason is Reason.GUESTS


@pytest.mark.parametrize(
    "name", ["Little Feat", "Feat. X", "With You", "Dead with Alice", "Ftampa", "(with)"]
)
def test_what_looks_like_guests_and_is_none(name: str) -> None:
    assert decided(name) == [[name]]


# --- nobody -------------------------------------------------------------------------------------

NOBODY = [
    "Various Artists",
    "various",
    "VA",
    "V.A.",
    "V/A",
    "Various Artist",
    "Verschiedene Interpreten",
    "Artistes divers",
    "Varios Artistas",
    "Vários Artistas",
    "Artisti Vari",
    "AA.VV.",
    "Diverse Artister",
    "Różni wykonawcy",
    "Разные исполнители",
    "群星",
    "ヴァリアス・アーティスト",
    "Çeşitli Sanatçılar",
    "Unknown Artist",
    "Unknown",
    "[unknown]",
    "<unknown>",
    "[no artist]",
    "[traditional]",
    "Artiste inconnu",
    "Unbekannter Interpret",
    "Неизвестный исполнитель",
    "未知艺术家",
    "???",
    "-",
]


@pytest.mark.parametrize("name", NOBODY)
def test_nobody_is_no_artist(name: str) -> None:
    (decision,) = decide_artists([file("01 Song.mp3", name, titles="Song")])
    assert (decision.artists, decision.reason) == ((), Reason.NOBODY)
    assert decided((name, "Rezz")) == [["Rezz"]]


@pytest.mark.parametrize("name", NOBODY)
def test_for_nobody_the_title_or_the_name_of_the_file_counts(name: str) -> None:
    titled = file("x/Hits/01.mp3", name, titles="Rezz - Edge")
    called = file("x/Hits/01 - Björk - Jóga.mp3", name)
    decisions = decide_artists([titled, called])
    assert names(decisions) == [["Rezz"], ["Björk"]]
    assert [decision.title for decision in decisions] == ["Edge", "Jóga"]
    assert all(decision.guessed for decision in decisions)


def test_a_version_is_no_title() -> None:
    (decision,) = decide_artists([file("1.mp3", "Various Artists", titles="Edge - Remix")])
    assert decision.artists == ()


def test_nobody_by_id() -> None:
    special = "89ad4ac3-39f7-470e-963a-56509c546377"
    (decision,) = decide_artists([file("1.mp3", "Verschiedenste", artist_ids=special, titles="x")])
    assert decision.artists == ()


@pytest.mark.parametrize(
    "name", ["!!!", "The The", "Various Production", "Unknown Mortal Orchestra", "Anonymous"]
)
def test_real_names_are_somebody(name: str) -> None:
    assert decided(name) == [[name]]


# --- one artist or two --------------------------------------------------------------------------


def test_names_that_fold_alike_are_one_artist_in_the_spelling_used_most() -> None:
    assert decided("bonobo", "Bonobo", "Bonobo", "BONOBO") == [["Bonobo"]] * 4
    assert decided("BONOBO", "Bonobo") == [["Bonobo"]] * 2
    assert decided("Beatles, The", "the beatles", "The Beatles") == [["The Beatles"]] * 3
    assert decided("bonobo", "bonobo", "Bonobo", known=("Bonobo",)) == [["Bonobo"]] * 3
    assert decided("bonobo", known=("Bonobo",)) == [["bonobo"]]  # another room's artist


def test_namesakes_with_ids_of_their_own_stay_two() -> None:
    decisions = decide_artists(
        [
            file("1.mp3", "Nirvana", artist_ids=ALICE),
            file("2.mp3", "nirvana", artist_ids=BOB),
            file("3.mp3", "Nirvana", artist_ids=ALICE),
            file("4.mp3", "NIRVANA"),
        ]
    )
    ids = [decision.artists[0].ids["musicbrainz"] for decision in decisions]
    assert ids == [ALICE, BOB, ALICE, ALICE]
    assert names(decisions) == [["Nirvana"], ["nirvana"], ["Nirvana"], ["Nirvana"]]


def test_one_id_joins_names_that_agree_in_part_and_says_so() -> None:
    decisions = decide_artists(
        [
            file("1.mp3", "Prince", artist_ids=ALICE),
            file("2.mp3", "Prince", artist_ids=ALICE),
            file("3.mp3", "Prince & The Revolution", artist_ids=ALICE),
        ]
    )
    assert names(decisions) == [["Prince"]] * 3
    assert decisions[2].reason is Reason.JOINED
    assert "has the MusicBrainz id of 'prince'" in decisions[2].note


def test_one_id_on_names_with_nothing_in_common_is_no_id() -> None:
    decisions = decide_artists(
        [
            file("1.mp3", "First Band", artist_ids=ALICE),
            file("2.mp3", "Second Singer", artist_ids=ALICE),
        ]
    )
    assert [decision.artists for decision in decisions] == [
        (Artist("First Band"),),
        (Artist("Second Singer"),),
    ]
    assert "is another artist's" in decisions[1].note


# --- paths and earlier scans --------------------------------------------------------------------


def test_a_path_is_a_guess_and_gives_way_to_a_tag() -> None:
    guessed, tagged = decide_artists(
        [
            file("Rezz/Spiral/Edge.mp3"),
            file("Rezz/Spiral/Flux.mp3", "Björk", titles="T", albums="A"),
        ]
    )
    assert (names([guessed]), guessed.guessed, guessed.reason) == ([["Rezz"]], True, Reason.GUESSED)
    assert (names([tagged]), tagged.guessed, tagged.reason) == ([["Björk"]], False, Reason.TAG)
    assert (tagged.title, tagged.album) == ("T", "A")


def test_ids_of_the_recording() -> None:
    (decision,) = decide_artists([file("1.mp3", "Rezz", recording_ids=ALICE, isrcs="GBAYE0000001")])
    assert decision.ids == {"musicbrainz": ALICE, "isrc": "GBAYE0000001"}
    assert (decision.track.isrc, decision.track.musicbrainz_id) == ("GBAYE0000001", ALICE)
    assert not decision.track.guessed


def test_a_guess_is_marked_in_the_track() -> None:
    (decision,) = decide_artists([file("Rezz/Spiral/Edge.mp3", titles="Edge")])
    assert decision.track.guessed


def test_what_was_decided_earlier_stays_until_more_is_known() -> None:
    joint = Track((Artist("A & B"),), "Song", path=Path("/music/1.mp3"))
    earlier = TaggedFile(Path("/music/1.mp3"), Path("1.mp3"), 1, 1, earlier=joint)
    assert decide_artists([earlier])[0].track is joint
    split = decide_artists([earlier, *files("A", "B")])
    assert names(split)[0] == ["A", "B"]


NAMES = st.lists(
    st.sampled_from(["A", "B", "A & B", "a", "C feat. A", "VA", "Rezz", "REZZ ", "", "A/B/C", "C"]),
    max_size=8,
)


@given(NAMES, st.randoms(use_true_random=False))
def test_the_order_of_files_does_not_matter_and_nobody_is_invented(
    artists: list[str], draw
) -> None:
    tagged = [file(f"{n}.mp3", naming.clean(name)) for n, name in enumerate(artists)]
    tagged = [item if item.tags.artists != ("",) else file(item.relative.name) for item in tagged]
    decisions = {
        d.file.relative: {naming.normalise(a.name) for a in d.artists}
        for d in decide_artists(tagged)
    }
    shuffled = draw.sample(tagged, len(tagged))
    again = {
        d.file.relative: {naming.normalise(a.name) for a in d.artists}
        for d in decide_artists(shuffled)
    }
    assert again == decisions
    for item in tagged:
        billing = naming.normalise(" ".join(item.tags.artists))
        assert all(key in billing for key in decisions[item.relative])


# --- nobody, in company -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nobody",
    [
        "Various Artists - DJ Mix",
        "VA - Summer Hits",
        "Various Artists (Compilation)",
        "Various Artists [Warp]",
        "Various Artists 2020",
        "Various Artists, Vol. 3",
        "Various Artists feat. Bob",
        "Various Artists; Unknown Artist",
        "Unknown Artist 1",
        "VVAA",
        "Soundtrack",
    ],
)
def test_nobody_stays_nobody_whatever_is_appended(nobody: str) -> None:
    assert decided(nobody) == [[]]


@pytest.mark.parametrize(
    "name",
    [
        "Various Production",
        "Divers (2)",
        "Diverse 2",
        "Unknown Mortal Orchestra",
        "Soundtrack of Our Lives",
    ],
)
def test_names_that_begin_like_nobodys_are_names(name: str) -> None:
    assert decided(name) == [[name]]


def test_nobody_in_a_list_leaves_the_others() -> None:
    assert decided("Various Artists; Alice", "Bob / VA") == [["Alice"], ["Bob"]]
    (decision,) = decide_artists(files("Various Artists; Alice"))
    assert decision.note == "in 'Various Artists; Alice' the nobodies are left out"


@pytest.mark.parametrize(
    "billed",
    ["Alice; feat. Bob", "Alice, feat. Bob", "Alice w/ Bob", "Alice Feat Bob", "Alice f/ Bob"],
)
def test_guests_go_with_what_parts_them(billed: str) -> None:
    assert decided(billed, "Little Feat", "Little Feat & Friends") == [
        ["Alice"],
        ["Little Feat"],
        ["Little Feat & Friends"],
    ]


def test_the_tag_artists_in_one_text_is_read_with_the_sentence() -> None:
    taken = decide_artists(
        [
            file("1.mp3", "Alice feat. Bob", credits="Alice/Bob"),
            file("2.mp3", "Alice & Bob", credits="Alice; Bob"),
            file("3.mp3", "AC/DC", credits="AC/DC"),
            file("4.mp3", "Alice feat. Bob", credits="Various Artists"),
        ]
    )
    assert names(taken) == [["Alice", "Bob"], ["Alice", "Bob"], ["AC/DC"], ["Alice"]]
