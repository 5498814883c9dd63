"""Who is meant by a billing: never somebody else."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex import naming
from artistindex.listeners.billing import Reading, name_to_look_up, resolve_billing
from artistindex.listeners.favourites import read_favourites
from artistindex.listeners.lineups import read_lineup

KNOWN = [
    *("Rezz", "deadmau5", "Vril", "Kiasmos", "Eric Prydz", "Robert Hood", "Lyric Hood", "A-Trak"),
    *("Simon & Garfunkel", "Tyler", "Florence", "Jamie", "Chicago", "Malcolm", "Horse", "AC", "DC"),
    *("Floorplan", "Earth, Wind & Fire", "Brand"),
]


def knowing(names: list[str] | set[str]) -> Callable[[str], bool]:
    folded = set(map(naming.normalise, names))
    return lambda name: naming.normalise(name) in folded


@pytest.mark.parametrize(
    ("billing", "understood", "reason"),
    [
        ("Rezz", ["Rezz"], Reading.WHOLE),
        ("Earth, Wind & Fire", ["Earth, Wind & Fire"], Reading.WHOLE),
        ("- Rezz", ["Rezz"], Reading.STRIPPED),
        ("1. Rezz (UK)", ["Rezz"], Reading.STRIPPED),
        ("22:00 Rezz", ["Rezz"], Reading.STRIPPED),
        ("Rezz 22:00-23:30", ["Rezz"], Reading.STRIPPED),
        ("Kiasmos (live)", ["Kiasmos"], Reading.STRIPPED),
        ("Kiasmos [DJ set] (NY)", ["Kiasmos"], Reading.STRIPPED),
        ("Kiasmos - DJ set", ["Kiasmos"], Reading.STRIPPED),
        ("Kiasmos live", ["Kiasmos"], Reading.STRIPPED),
        (
            "Floorplan (Robert Hood & Lyric Hood)",
            ["Floorplan", "Robert Hood", "Lyric Hood"],
            "strip",
        ),
        ("Rezz b2b deadmau5", ["Rezz", "deadmau5"], Reading.PARTS),
        ("Rezz B2B Vril b2b deadmau5", ["Rezz", "Vril", "deadmau5"], Reading.PARTS),
        ("Rezz, Vril & Simon & Garfunkel", ["Rezz", "Vril", "Simon & Garfunkel"], Reading.PARTS),
        ("Rezz (live) b2b Vril [DJ set]", ["Rezz", "Vril"], Reading.PARTS),
        ("REZZ X VRIL", ["REZZ", "VRIL"], Reading.PARTS),
        ("Rezz with Vril", ["Rezz", "Vril"], Reading.PARTS),
        ("Eric Prydz presents HOLO", ["Eric Prydz"], Reading.SOME_PARTS),
        ("Rezz feat. Somebody", ["Rezz"], Reading.SOME_PARTS),
        ("Somebody vs. Rezz & Vril", ["Rezz", "Vril"], Reading.SOME_PARTS),
        ("The Brothers (A-Trak & Dave 1)", ["A-Trak"], Reading.BRACKET),
        ("A Duo (Rezz x Vril)", ["Rezz", "Vril"], Reading.BRACKET),
        ("Somebody (aka Rezz)", ["Rezz"], Reading.BRACKET),
        ("Somebody (A-Trak)", ["A-Trak"], Reading.BRACKET),
        ("TBA", [], Reading.TO_BE_ANNOUNCED),
        ("+ many more", [], Reading.TO_BE_ANNOUNCED),
        ("Special Guest TBA", [], Reading.TO_BE_ANNOUNCED),
        ("Rezz and Vril are the only artists who play on this list", [], Reading.PROSE),
        ("", [], Reading.UNKNOWN),
        ("x" * 1000, [], Reading.PROSE),
    ],
)
def test_understood(billing: str, understood: list[str], reason: str) -> None:
    resolution = resolve_billing(billing, knowing(KNOWN))
    assert list(resolution.understood) == understood
    assert resolution.reason is reason or resolution.reason.name.lower().startswith(reason)
    assert resolution.reason.is_understood == bool(understood)


@pytest.mark.parametrize(
    "billing",
    [
        *("Jamie 3:26", "Tyler, The Creator", "Florence + The Machine", "Malcolm X", "AC/DC"),
        *(
            "Chicago & Somebody",
            "DJ Somebody (Chicago)",
            "Horse Show",
            "Horse Power",
            "Brand X Music",
        ),
        *("Somebody (of Rezz)", "Rezz and the Others", "Somebody (Vrillah)", "Florence/Machine"),
    ],
)
def test_nobody_else(billing: str) -> None:
    assert resolve_billing(billing, knowing(KNOWN)).understood == ()
    assert resolve_billing(billing, knowing([*KNOWN, billing])).understood == (billing,)


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=8), max_size=5))
def test_only_known_names_that_stand_in_the_billing(billing: str, names: list[str]) -> None:
    resolution = resolve_billing(billing, knowing(names))
    assert all(map(knowing(names), resolution.understood))
    assert all(name in naming.clean(billing) for name in resolution.understood)


# --- the experiment's own files -------------------------------------------------------------------


def billings(shared: Path) -> dict[str, dict[str, str]]:
    with (shared / "events" / "billings.csv").open(encoding="utf-8", newline="") as file:
        return {row["billing"]: row for row in csv.DictReader(file)}


def members(row: dict[str, str]) -> set[str]:
    return set(filter(None, row["members"].split(";")))


@pytest.mark.parametrize("are_wholes_known", [False, True])
def test_the_experiments_billings(shared: Path, are_wholes_known: bool) -> None:
    events = shared / "events"
    lineup = read_lineup(
        [events / "events_2025-11-20.json", events / "edmtrain_events_2025-11-22.json"]
    )
    special = billings(shared)
    plain = set(lineup.names) - set(special)
    known = plain | {name for row in special.values() for name in members(row)}
    wholes = {row["whole"] for row in special.values() if row["whole"]}
    knows = knowing(known | wholes if are_wholes_known else known)
    assert (len(lineup), len(plain), len(special)) == (663, 637, 26)
    assert all(resolve_billing(name, knows).understood == (name,) for name in plain)
    for billing, row in special.items():
        understood = list(resolve_billing(billing, knows).understood)
        expected = [row["whole"]] if are_wholes_known and row["whole"] else []
        if billing != row["whole"] or not expected:  # a whole billing needs no members
            expected += [name for name in row["members"].split(";") if name]
        assert understood == expected, billing


def test_the_favourites_who_play_are_found(shared: Path) -> None:
    events = shared / "events"
    lineup = read_lineup(
        [events / "events_2025-11-20.json", events / "edmtrain_events_2025-11-22.json"]
    )
    favourites = read_favourites(events / "my_artists.json")
    assert len(favourites) == 961
    knows = knowing(favourites.names)
    playing = {
        naming.normalise(name)
        for billing in lineup
        for name in resolve_billing(billing.name, knows).understood
    }
    printed = set(map(naming.normalise, lineup.names)) & set(
        map(naming.normalise, favourites.names)
    )
    assert len(printed) == 18
    # Totally Enormous Extinct Dinosaurs (TEED) is a favourite under the name in the bracket
    assert playing == printed | {"teed"}
    brothers = "The Brothers Macklovitch (A-Trak & Dave 1 of Chromeo)"
    assert resolve_billing(brothers, knows).understood == ("A-Trak",)


@pytest.mark.parametrize(
    ("billing", "name"),
    [
        ("22:00 Kiasmos (live)", "Kiasmos"),
        ("Kiasmos live", "Kiasmos"),
        ("Trenches (NY)", "Trenches"),
        ("Rezz b2b Vril", "Rezz b2b Vril"),
        ("Jamie 3:26", "Jamie 3:26"),
        ("TBA", None),
        ("Join us for a night of music with our friends", None),
    ],
)
def test_what_to_ask_a_service_for_is_bare_of_what_stands_around(
    billing: str, name: str | None
) -> None:
    assert name_to_look_up(billing) == name


def test_the_parts_that_nobody_knows_are_named() -> None:
    resolution = resolve_billing("Rezz b2b Vril b2b Nobody", {"Rezz", "Vril"}.__contains__)
    assert (resolution.understood, resolution.unknown) == (("Rezz", "Vril"), ("Nobody",))
