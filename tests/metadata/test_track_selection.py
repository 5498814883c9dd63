from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.entities import Artist, Track
from artistindex.metadata.titles import Title
from artistindex.metadata.track_selection import (
    TrackRank,
    is_live,
    is_music,
    is_usable,
    same_recording,
    select_tracks,
    track_rank,
)

REZZ = Artist("Rezz", {"deezer": "1"})
OTHER = Artist("deadmau5", {"deezer": "2"})


def track(title: str, *, by: tuple[Artist, ...] = (REZZ,), **fields: object) -> Track:
    return Track(artists=by, title=title, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "title",
    [
        "Strobe (Live)",
        "Strobe - Live",
        "Strobe - Live at Earl's Court / 2012",
        "Strobe [Live from Red Rocks]",
        "Strobe (BBC Live Version)",
        "Strobe (En Vivo)",
        "Strobe - Ao Vivo",
        "Strobe (MTV Unplugged)",
        "Strobe (Karaoke Version)",
        "Strobe (In the Style of deadmau5) [Karaoke]",
        "Strobe (Originally Performed by deadmau5)",
        "Strobe Karaoke Version",
        "Strobe (Commentary)",
        "Strobe - Track by Track Commentary",
        "Strobe Commentary",
        "Album Interview (Interview)",
    ],
)
def test_live_karaoke_and_commentary_are_left_out(title: str) -> None:
    assert not is_usable(track(title))


@pytest.mark.parametrize(
    "title",
    [
        "Live Forever",
        "Live and Let Die",
        "Alive",
        "Karaoke",
        "Where You Live",
        "Olive (feat. Live)",
        "Delivery - Original Mix",
        "Interview",
        "(You Make Me Feel Like) A Natural Woman",
        "Liveness - Remastered",
    ],
)
def test_songs_about_it_are_kept(title: str) -> None:
    assert is_usable(track(title))


@pytest.mark.parametrize(
    ("album", "usable"),
    [
        ("Live", False),
        ("Live at Alexandra Palace", False),
        ("Alive 2007 (Live)", False),
        ("Meowingtons Hax 2k11 Toronto - Live", False),
        ("The Karaoke Channel", False),
        ("The Way We Live", True),
        ("Live Through This", True),
        (None, True),
    ],
)
def test_live_albums(album: str | None, usable: bool) -> None:
    assert is_usable(track("Strobe", album=album)) is usable


SAME = [
    "Ghosts 'n' Stuff",
    "Ghosts ’n’ Stuff",
    "GHOSTS 'N' STUFF",
    "Ghosts 'n' Stuff (feat. Rob Swire)",
    "Ghosts 'n' Stuff ft. Rob Swire",
    "Ghosts 'n' Stuff (with Rob Swire)",
    "Ghosts 'n' Stuff - Radio Edit",
    "Ghosts 'n' Stuff (Radio Edit) [feat. Rob Swire]",
    "Ghosts 'n' Stuff - Original Mix",
    "Ghosts 'n' Stuff (Extended Mix)",
    "Ghosts 'n' Stuff - Extended",
    "Ghosts 'n' Stuff (Remastered)",
    "Ghosts 'n' Stuff - 2016 Remaster",
    "Ghosts 'n' Stuff - Remastered 2016",
    "Ghosts 'n' Stuff [Album Version]",
    "Ghosts 'n' Stuff (Explicit)",
    "Ghosts 'n' Stuff (Bonus Track)",
    "Ghosts 'n' Stuff (10th Anniversary Edition)",
    "Ghosts 'n' Stuff (12\" Version)",
]


@pytest.mark.parametrize(("first", "other"), list(combinations(SAME, 2)))
def test_one_recording_under_many_titles(first: str, other: str) -> None:
    assert same_recording(track(first), track(other))


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("Strobe", "Strobe (Dimension Remix)"),
        ("Strobe (Feed Me Remix)", "Strobe (Dimension Remix)"),
        ("Strobe", "Strobe (Acoustic)"),
        ("Edge", "Edge Pt. II"),
        ("Intro (Part 1)", "Intro (Part 2)"),
        ("Résumé", "Резюме"),
        ("(You)", "(Me)"),
    ],
)
def test_different_recordings(first: str, other: str) -> None:
    assert not same_recording(track(first, duration=200.0), track(other, duration=200.0))


def test_the_duration_tells_songs_of_one_title_apart() -> None:
    first, second = track("Intro", duration=60.0), track("Intro", duration=180.0)
    assert not same_recording(first, second)
    assert same_recording(first, track("Intro", duration=64.0))
    assert same_recording(first, track("Intro"))
    assert same_recording(first, track("Intro (Radio Edit)", duration=300.0))


def test_the_isrc_names_the_recording() -> None:
    assert same_recording(track("Edge", isrc="GBTDG0900141"), track("Odd", isrc="GBTDG0900141"))
    assert same_recording(track("Edge", isrc="GBTDG0900141"), track("Edge", isrc="USUS11200001"))


def test_what_stands_for_an_artist() -> None:
    cases = {
        track("Edge"): TrackRank.OWN,
        track("Edge (Radio Edit)"): TrackRank.OWN,
        track("Edge (Rezz VIP)"): TrackRank.OWN,
        track("Edge (REZZ Remix)", by=(OTHER, REZZ)): TrackRank.GUEST,
        track("Hypnocurrency", by=(OTHER, REZZ)): TrackRank.GUEST,
        track("Edge (Someone Remix)"): TrackRank.ALTERED,
        track("Edge - Someone's Rework"): TrackRank.ALTERED,
        track("Edge (Rezzonator Remix)"): TrackRank.ALTERED,
        track("Edge (Rezz Remix) [Someone Bootleg]"): TrackRank.ALTERED,
        track("Edge (Sped Up)"): TrackRank.ALTERED,
        track("Edge (Instrumental)"): TrackRank.ALTERED,
        track("Edge - Mixed"): TrackRank.ALTERED,
        track("Skit", duration=20.0): TrackRank.ODD_LENGTH,
        track("Mix", duration=3600.0): TrackRank.ODD_LENGTH,
    }
    assert {entry: track_rank(entry, REZZ) for entry in cases} == cases


def test_remixes_by_others_come_last_and_only_where_needed() -> None:
    listed = [
        track("Edge (Someone Remix)"),
        track("Hypnocurrency", by=(OTHER, REZZ)),
        track("Edge - Live"),
        track("Edge"),
        track("Edge - Remastered"),
        track("Relax"),
    ]
    chosen = [track.title for track in select_tracks(listed, REZZ, limit=10)]
    assert chosen == ["Edge", "Relax", "Hypnocurrency", "Edge (Someone Remix)"]
    assert [track.title for track in select_tracks(listed, REZZ, limit=2)] == ["Edge", "Relax"]


def test_live_recordings_stand_for_an_artist_who_has_no_other() -> None:
    live, karaoke = track("Edge - Live"), track("Edge (Karaoke Version)")
    assert select_tracks([karaoke, live], REZZ, limit=5) == [live]
    assert select_tracks([karaoke, live, track("Relax")], REZZ, limit=5) == [track("Relax")]
    assert select_tracks([karaoke, live], REZZ, limit=5, live=False) == []
    assert track_rank(live, REZZ) is TrackRank.LIVE


words = st.sampled_from(["edge", "Relax", "(Live)", "- Radio Edit", "(X Remix)", "[Rezz Remix]",
                         "(feat. Y)", "(", ")", "-", "é", "夜", "2016"])  # fmt: skip
titles = st.one_of(st.text(max_size=30), st.lists(words, max_size=5).map(" ".join))
tracks = st.builds(
    Track,
    artists=st.sampled_from([(REZZ,), (OTHER, REZZ), ()]),
    title=titles,
    album=st.sampled_from([None, "Live", "An Album"]),
    duration=st.one_of(st.none(), st.floats(1, 4000)),
    isrc=st.sampled_from([None, "GBTDG0900141", "USUS11200001"]),
)


@given(listed=st.lists(tracks, max_size=12), limit=st.integers(1, 6))
def test_choosing_keeps_its_promises(listed: list[Track], limit: int) -> None:
    chosen = select_tracks(listed, REZZ, limit=limit)
    assert len(chosen) <= limit
    usable = [track for track in listed if is_usable(track)]
    assert all(track in (usable or listed) for track in chosen)
    assert usable or all(is_live(track) and is_music(track) for track in chosen)
    assert not any(same_recording(first, other) for first, other in combinations(chosen, 2))
    assert select_tracks(chosen, REZZ, limit=limit) == chosen
    ranks = [track_rank(entry, REZZ) for entry in chosen]
    assert ranks == sorted(ranks)
    assert bool(chosen) is any(is_music(track) for track in listed)


@given(title=titles)
def test_a_title_is_folded_and_stays_so(title: str) -> None:
    parsed = Title.parse(title)
    assert same_recording(track(title), track(title))
    assert Title.parse(title.upper().lower()).recording == Title.parse(title.lower()).recording
    assert all(parsed.qualifiers)


@given(first=tracks, other=tracks)
def test_being_the_same_recording_is_mutual(first: Track, other: Track) -> None:
    assert same_recording(first, other) == same_recording(other, first)
