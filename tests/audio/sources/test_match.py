"""Matching, measured on the labelled searches and held to rules one by one."""

import json
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.audio.sources import titles
from artistindex.audio.sources.match import Candidate, Scored, rank
from artistindex.entities import Artist, Track

CASES = Path(__file__).parents[2] / "data" / "matching" / "cases.jsonl"
NO_TEMPTATION = {"script", "hostile"}


@cache
def cases() -> tuple[dict[str, Any], ...]:
    return tuple(map(json.loads, CASES.read_text("utf-8").splitlines()))


def ranked(case: dict[str, Any], candidates: Iterable[Candidate] | None = None) -> list[Scored]:
    track = Track(
        tuple(Artist(name) for name in case["artists"]), case["title"], duration=case["duration"]
    )
    return rank(track, candidates if candidates is not None else offered(case))


def offered(case: dict[str, Any]) -> list[Candidate]:
    read = [Candidate.from_entry(entry) for entry in case["candidates"]]
    return [candidate for candidate in read if candidate is not None]


@dataclass
class Tally:
    """What became of the cases: the first choice of each, and every acceptance."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    accepted: int = 0
    acceptable: int = 0
    by_another: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed)


def tally(half: str) -> Tally:
    done = Tally()
    for case in (case for case in cases() if case["half"] == half):
        accepted = [scored for scored in ranked(case) if scored.accepted]
        chosen = accepted[0].candidate.id if accepted else None
        done.right += chosen in case["acceptable"]
        done.wrong += chosen is not None and chosen not in case["acceptable"]
        done.missed += bool(case["acceptable"]) and chosen not in case["acceptable"]
        done.accepted += len(accepted)
        done.acceptable += sum(s.candidate.id in case["acceptable"] for s in accepted)
        done.by_another += [
            f"{case['id']}: {scored.candidate.title}"
            for scored in accepted
            if case["wrong"].get(scored.candidate.id) == "artist"
        ]
    return done


def wilson(successes: int, trials: int, z: float = 1.96) -> str:
    """The 95% interval of Wilson (1927) for a share."""
    share, square = successes / trials, z * z / trials
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials)) / (1 + square)
    return f"{share:.3f} [{middle - half:.3f}, {middle + half:.3f}] of {trials}"


def test_the_labelled_set_is_what_it_should_be() -> None:
    assert len(cases()) >= 300
    tempting = [c for c in cases() if c["wrong"] and set(c["traps"]) - NO_TEMPTATION]
    assert len(tempting) >= 150
    assert sum(not case["acceptable"] for case in cases()) >= 60
    for case in cases():
        ids = [entry["id"] for entry in case["candidates"]]
        assert sorted(ids) == sorted([*case["acceptable"], *case["wrong"]]), case["id"]
        assert case["half"] in ("tune", "report")


@pytest.mark.parametrize("half", ["tune", "report"])
def test_precision_and_recall(half: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = tally(half)
    with capsys.disabled():
        print(  # noqa: T201 - the figures are wanted at every run
            f"\nmatching, {half} half:"
            f" precision {wilson(done.right, done.right + done.wrong)},"
            f" recall {wilson(done.right, done.right + done.missed)},"
            f" every acceptance {wilson(done.acceptable, done.accepted)}"
        )
    assert done.by_another == []
    assert done.precision >= 0.97
    assert done.recall >= 0.93


def test_no_track_accepts_what_was_found_for_another() -> None:
    """Every tenth track against the answers of all other searches: only true copies pass."""
    everything = {c.id: c for case in cases() for c in offered(case)}
    folded = {
        id_: titles.texts(titles.words(c.title + " " + c.channel)) for id_, c in everything.items()
    }
    for case in cases()[::10]:
        own = {entry["id"] for entry in case["candidates"]}
        others = [c for id_, c in everything.items() if id_ not in own]
        for scored in ranked(case, others):
            if scored.accepted:
                heard = "".join(folded[scored.candidate.id])
                names = ("".join(titles.texts(titles.words(name))) for name in case["artists"])
                assert any(name.removeprefix("the") in heard for name in names), scored


def accepted(track: Track, title: str, **more: Any) -> bool:
    entry = {"id": "aaaaaaaaaaa", "title": title, "duration": track.duration, "channel": "x"} | more
    candidate = Candidate.from_entry(entry)
    assert candidate is not None
    return rank(track, [candidate])[0].accepted


def track(artist: str, title: str, duration: float | None = 200) -> Track:
    return Track(tuple(Artist(name) for name in artist.split("; ")), title, duration=duration)


@pytest.mark.parametrize(
    ("artist", "title", "video"),
    [
        ("Vril", "Torus", "Vrillah - Torus"),
        ("Vril", "Torus", "Avril Lavigne - Torus"),
        ("Calibre", "Even If", "Calibre 50 - Even If"),
        ("Peekaboo", "Alright", "Kendrick Lamar - Peekaboo Alright"),
        ("Sons", "Believe", "Mumford & Sons - Believe"),
        ("Low", "Sunflower", "Vampire Weekend - Sunflower (low quality)"),
        ("Massive Attack", "Teardrop", "José González - Teardrop (Massive Attack)"),
        ("Swedish House Mafia", "One", "One (Swedish House Mafia)"),
        ("Yes", "Roundabout", "How to drive a roundabout? Yes you can"),
    ],
)
def test_another_artist_is_never_taken(artist: str, title: str, video: str) -> None:
    assert not accepted(track(artist, title), video)


@pytest.mark.parametrize(
    "extra",
    [
        "(Live at Wembley)",
        "(Cover)",
        "Karaoke",
        "(Sam Smith Remix)",
        "(sped up)",
        "[slowed + reverb]",
        "(𝘀𝗹𝗼𝘄𝗲𝗱)",
        "8D AUDIO",
        "Nightcore",
        "1 HOUR",
        "(Instrumental)",
        "(Acoustic)",
        "(Demo)",
        "REACTION",
        "【歌ってみた】",
        "カラオケ",
        "(кавер)",
        "(Spanish Version)",
        "Part II",
        "(Radio Edit) - my edit",
        "type beat",
    ],
)
def test_another_version_is_never_taken(extra: str) -> None:
    wanted = track("Rezz", "Edge")
    assert accepted(wanted, "Rezz - Edge")
    assert not accepted(wanted, f"Rezz - Edge {extra}", duration=206)


@pytest.mark.parametrize(
    ("title", "right", "wrong"),
    [
        ("Live Forever", "Oasis - Live Forever", "Oasis - Live Forever (Live)"),
        ("Edge - Live", "Oasis - Edge (Live in Rio)", "Oasis - Edge"),
        ("Edge - Kygo Remix", "Oasis - Edge (Kygo Remix)", "Oasis - Edge (Tiësto Remix)"),
        ("Edge (Acoustic)", "Oasis - Edge (Acoustic Version)", "Oasis - Edge"),
        ("Edge (Oasis's Version)", "Oasis - Edge (Oasis's Version)", "Oasis - Edge"),
        ("Slow Dancing", "Oasis - Slow Dancing", "Oasis - Slow Dancing (slowed)"),
        ("Edge - 2009 Remaster", "Oasis - Edge", "Oasis - Edge (2009 Demo)"),
        ("22", "Oasis - 22", "Oasis - 23"),
        ("Edge (feat. Rihanna)", "Oasis ft. Rihanna - Edge", "Edge of Glory - Oasis"),
    ],
)
def test_the_wanted_version_is_the_one_taken(title: str, right: str, wrong: str) -> None:
    assert accepted(track("Oasis", title), right)
    assert not accepted(track("Oasis", title), wrong)


@pytest.mark.parametrize(
    ("artist", "title", "video"),
    [
        ("YOASOBI", "アイドル", "YOASOBI「アイドル」 Official Music Video"),
        ("周杰倫", "晴天", "周杰倫 Jay Chou【晴天 Sunny Day】-Official Music Video"),
        ("방탄소년단", "봄날", "BTS (방탄소년단) '봄날 (Spring Day)' Official MV"),
        ("فيروز", "نسم علينا الهوى", "فيروز - نسم علينا الهوى"),
        ("Bodyslam", "ความเชื่อ", "ความเชื่อ - Bodyslam【OFFICIAL MV】"),
        ("Кино", "Группа крови", "КИНО — Группа Крови (официальный клип)"),
        ("Tyler, The Creator", "EARFQUAKE", "EARFQUAKE - Tyler, The Creator"),
        ("AC/DC", "T.N.T.", "AC/DC - T.N.T. (Official Video)"),
        ("Simon & Garfunkel", "America", "Simon and Garfunkel: America"),
        ("Motörhead", "Ace of Spades", "MOTORHEAD - Ace Of Spades [Lyrics]"),
        ("!!!", "Must Be the Moon", "!!! - Must Be The Moon"),
        ("Sigur Rós", "Hoppípolla", "Hoppipolla | Sigur Ros"),
    ],
)
def test_titles_are_read_in_every_script_and_order(artist: str, title: str, video: str) -> None:
    assert accepted(track(artist, title), video)


def test_time_decides() -> None:
    wanted = track("Rezz", "Edge")
    assert accepted(wanted, "Rezz - Edge", duration=210)
    assert not accepted(wanted, "Rezz - Edge", duration=230)
    own = {"channel": "REZZ", "channel_is_verified": True}
    assert accepted(wanted, "REZZ - Edge (Official Video)", duration=230, **own)
    assert not accepted(wanted, "REZZ - Edge (Official Video)", duration=300, **own)
    assert not accepted(track("Rezz", "Edge", None), "Rezz - Edge", duration=3600)


def test_streams_are_never_taken() -> None:
    for status in ("is_live", "is_upcoming"):
        assert not accepted(track("Rezz", "Edge"), "Rezz - Edge", live_status=status)


def test_the_artists_own_channel_comes_first() -> None:
    wanted = track("Rezz", "Edge")
    entries = [
        {
            "id": "fan",
            "title": "Rezz - Edge",
            "duration": 200,
            "channel": "fan",
            "view_count": 9**9,
        },
        {"id": "own", "title": "Edge", "duration": 201, "channel": "Rezz - Topic", "view_count": 1},
    ]
    found = rank(wanted, [c for c in map(Candidate.from_entry, entries) if c])
    assert [scored.candidate.id for scored in found] == ["own", "fan"]
    assert "own channel" in found[0].reason


def test_every_rejection_says_why() -> None:
    for case in cases():
        for scored in ranked(case):
            assert scored.reason
            assert "\n" not in scored.reason
            assert 0 <= scored.score <= 100


def test_the_order_of_the_answers_does_not_matter() -> None:
    for case in cases()[::7]:
        candidates = offered(case)
        random.Random(0).shuffle(candidates)
        assert {s.candidate.id: s.score for s in ranked(case, candidates)} == {
            s.candidate.id: s.score for s in ranked(case)
        }


TEXT = st.text(max_size=60)


@given(
    artists=st.lists(TEXT, max_size=3),
    title=TEXT,
    duration=st.none() | st.floats(),
    entry=st.fixed_dictionaries(
        {"id": st.text(min_size=1, max_size=12), "title": TEXT},
        optional={
            "duration": st.none() | st.floats() | st.integers() | TEXT,
            "channel": st.none() | TEXT | st.integers(),
            "view_count": st.none() | st.integers() | TEXT,
            "live_status": st.none() | TEXT,
        },
    ),
)
def test_anything_can_be_ranked(
    artists: list[str], title: str, duration: float | None, entry: dict[str, Any]
) -> None:
    candidate = Candidate.from_entry(entry)
    assert candidate is not None
    wanted = Track(tuple(map(Artist, artists)), title, duration=duration)
    (scored,) = rank(wanted, [candidate])
    assert 0 <= scored.score <= 100


def test_long_names_take_no_long_time() -> None:
    wanted = track("x " * 5_000, "y " * 5_000)
    assert not accepted(wanted, "x " * 5_000 + "-" + " y" * 5_000)


@given(TEXT)
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
