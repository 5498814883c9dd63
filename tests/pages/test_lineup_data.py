"""The line-up of a page: ranks with how firm they are, days, places, and nothing of the disk."""

import datetime
import json

import pytest

from artistindex.index.reader import ArtistIndex
from artistindex.listeners.bills import Appearance, Billing, Event, Lineup
from artistindex.listeners.favourites import read_favourites
from artistindex.listeners.lineups import read_lineup
from artistindex.pages.audio_files import AudioFiles
from artistindex.pages.lineup_data import lineup_data
from artistindex.query.acts import Names, find_taste
from artistindex.query.lineup import rank_lineup
from artistindex.query.rank_ranges import rank_ranges
from pages.conftest import PLAIN, write_styles

FRIDAY = Event("Night", datetime.date(2027, 5, 7), "The Cellar", "https://example.org/t", "22:00")
SATURDAY = Event(None, datetime.date(2027, 5, 8), "Attic", "javascript:alert(1)")
LINEUP = Lineup(
    tuple(
        Billing(f"Artist {at}", (Appearance(event, set_time=time),))
        for at, event, time in ((4, FRIDAY, "23:00"), (1, SATURDAY, None), (0, FRIDAY, None))
    ),
    (FRIDAY, SATURDAY),
    (),
)


def test_days_and_places_are_those_of_the_acts(index):
    data = lineup_data(index, LINEUP, ["Artist 0"])
    assert data.days == [("2027-05-07", "Fri 7 May 2027"), ("2027-05-08", "Sat 8 May 2027")]
    assert data.places == ["Attic", "The Cellar"]
    assert data.acts[0].entry.artist == "Artist 0"
    assert data.playing == [index.row(act.entry.artist) for act in data.acts]


def test_only_addresses_of_the_web_are_links(index):
    acts = {act.entry.artist: act for act in lineup_data(index, LINEUP, ["Artist 0"]).acts}
    assert acts["Artist 4"].appearances[0].link == "https://example.org/t"
    assert acts["Artist 1"].appearances[0].link is None
    assert acts["Artist 4"].appearances[0].time == "23:00"
    assert acts["Artist 0"].appearances[0].time == "22:00"


def test_days_without_dates_stay_in_the_files_order(index):
    billings = [
        Billing(f"Artist {at}", (Appearance(day=day, stage="Main"),))
        for at, day in ((1, "Saturday"), (2, "Friday"))
    ]
    data = lineup_data(index, Lineup(tuple(billings), (), ()), ["Artist 0"])
    ranked = {act.entry.artist: act.appearances[0].when for act in data.acts}
    assert ranked == {"Artist 1": "Saturday", "Artist 2": "Friday"}
    assert {value for value, _ in data.days} == {"Friday", "Saturday"}
    assert data.places == ["Main"]


def test_an_act_keeps_its_key_from_page_to_page(index):
    first = lineup_data(index, ["Artist 4", "Artist 5"], ["Artist 0"])
    second = lineup_data(index, ["Artist 9", "artist 4"], ["Artist 1"])
    keys = {act.entry.artist: act.key for act in first.acts}
    assert keys["Artist 4"] in [act.key for act in second.acts]
    assert len(set(keys.values())) == 2


def test_who_is_missing_comes_with_the_nearest_names(index):
    data = lineup_data(index, ["Artist 4", "Artits 5"], ["Artist 0", "Somebody Unheard"])
    ((name, closest),) = data.missing
    assert name == "Artits 5"
    assert "Artist 5" in closest
    assert data.favourites_missing == 1


def test_ranges_surround_the_ranks_of_those_who_are_no_favourites(index):
    names = [f"Artist {at}" for at in range(30)]
    data = lineup_data(index, names, ["Artist 0", "Artist 1"])
    favourites = [act for act in data.acts if act.entry.favourite]
    others = data.acts[len(favourites) :]
    assert [act.range for act in favourites] == [None, None]
    assert all(act.range and act.range.low > 2 for act in others)
    inside = [act.range.low <= act.entry.rank <= act.range.high for act in others if act.range]
    assert sum(inside) > 0.7 * len(inside)
    assert any(act.range.low < act.range.high for act in others if act.range)


def test_the_same_seed_gives_the_same_ranges_and_no_tracks_give_firm_ones(index):
    taste = find_taste(index, Names(index), ["Artist 0"])
    first = rank_ranges(index, taste, [4, 8, 3], seed=1)
    assert first == rank_ranges(index, taste, [4, 8, 3], seed=1)
    assert {range_.tracks for range_ in first} == {3}
    assert rank_ranges(index, taste, []) == []


def test_a_range_without_vectors_of_tracks_is_the_rank(planted):
    with ArtistIndex.open(planted(count=6)) as index:
        taste = find_taste(index, Names(index), ["Artist 0"])
        entries = rank_lineup(index, ["Artist 1", "Artist 2", "Artist 3"], ["Artist 0"]).ranked
        rows = [entry.row for entry in entries if entry.row is not None]
        ranges = rank_ranges(index, taste, rows)
    assert [(r.low, r.high, r.top_ten) for r in ranges] == [(1, 1, 1), (2, 2, 1), (3, 3, 1)]


def test_no_path_is_told_unless_audio_is_asked_for(tmp_path):
    music = tmp_path / "page" / "my music #1"
    folder = write_styles(tmp_path / "musicnn", PLAIN[:12], music=music)
    music.mkdir(parents=True)
    for at in range(12):
        for number in range(2):
            (music / f"{at}-{number}.ogg").touch()
    with ArtistIndex.open(folder) as index:
        silent = lineup_data(index, PLAIN[:6], ["Artist 0"])
        audio = AudioFiles(tmp_path / "page")
        playing = lineup_data(index, PLAIN[:6], ["Artist 0"], audio=audio)
        elsewhere = AudioFiles(tmp_path / "elsewhere")
        lineup_data(index, PLAIN[:6], ["Artist 0"], audio=elsewhere)
    assert str(tmp_path) not in json.dumps(silent.header())
    assert all(track.audio is None for act in silent.acts for track in act.tracks)
    addresses = {track.audio for act in playing.acts for track in act.tracks}
    assert "my%20music%20%231/0-0.ogg" in addresses
    assert None in addresses  # the third file is not there
    assert audio.outside == 0
    assert elsewhere.outside == 12


@pytest.mark.parametrize("likes", [[], ["Nobody At All"]])
def test_a_line_up_needs_favourites_that_are_there(index, likes):
    from artistindex.errors import ArtistIndexError
    from artistindex.pages.page_data import page_data

    with pytest.raises(ArtistIndexError, match="favourites"):
        page_data(index, ["Artist 1"], likes)


@pytest.mark.parametrize(
    ("file", "first", "count"),
    [("events_2025-11-20.json", "2025-11-20", 130), ("edmtrain_events_2025-11-22.json", None, 400)],
)
def test_the_experiments_events_and_favourites(shared, tmp_path, file, first, count):
    events = shared / "events" / file
    likes = read_favourites(shared / "events" / "my_artists.json")
    lineup = read_lineup(events)
    names = list(dict.fromkeys([*likes.names[:60], *lineup.names]))
    folder = write_styles(tmp_path / "musicnn", names, tracks=1)
    with ArtistIndex.open(folder) as index:
        data = lineup_data(index, lineup, likes)
    assert len(data.acts) > count
    days = [value for value, _ in data.days]
    assert days == sorted(days)
    assert first is None or days[0] == first
    assert len(data.places) > 20
    assert all(
        act.entry.favourite for act in data.acts[: sum(a.entry.favourite for a in data.acts)]
    )
    uids = {(a.uid, a.date) for act in data.acts for a in act.appearances}
    assert len({uid for uid, _ in uids}) == len(uids)
