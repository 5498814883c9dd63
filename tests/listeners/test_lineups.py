"""Line-ups as people have them: acts with their days and events, and nothing else as a name."""

import datetime
import json
import re
from pathlib import Path

import pytest

from artistindex.errors import Misuse
from artistindex.listeners.bills import Appearance, Event
from artistindex.listeners.lineups import read_lineup


def write(folder: Path, content: str, name: str = "lineup") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


POSTER = """COACHELLA 2026

FRIDAY 10 APRIL
Rezz
22:00 Tyler, The Creator
Vril (live)
A b2b B
Jamie 3:26

Saturday:
- Foo [DJ set]
- *NSYNC
Sahara Tent
• Bar (UK)
Tickets: https://example.org/tickets
www.example.org
Doors 9pm
$20 adv
TBA
+ many more
"""


def test_a_pasted_poster(tmp_path: Path) -> None:
    lineup = read_lineup(write(tmp_path, POSTER))
    assert [(act.name, act.days) for act in lineup] == [
        ("Rezz", ("FRIDAY 10 APRIL",)),
        ("Tyler, The Creator", ("FRIDAY 10 APRIL",)),
        ("Vril (live)", ("FRIDAY 10 APRIL",)),
        ("A b2b B", ("FRIDAY 10 APRIL",)),
        ("Jamie 3:26", ("FRIDAY 10 APRIL",)),
        ("Foo [DJ set]", ("Saturday",)),
        ("*NSYNC", ("Saturday",)),
        ("Bar (UK)", ("Saturday",)),
    ]
    assert lineup.billings[1].appearances[0].set_time == "22:00"
    assert lineup.billings[-1].appearances[0].stage == "Sahara Tent"


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (
            "Rezz, deadmau5, Vril, Tyler, The Creator, & Foo",
            "Rezz|deadmau5|Vril|Tyler, The Creator|Foo",
        ),
        ("Earth, Wind & Fire\nRezz\nHey, Nothing", "Earth, Wind & Fire|Rezz|Hey, Nothing"),
        ("REZZ • DEADMAU5 • AC/DC\nVRIL / FOO | BAR", "REZZ|DEADMAU5|AC/DC|VRIL|FOO|BAR"),
        ("Rezz      Vril\tFoo", "Rezz|Vril|Foo"),
        ("1. Rezz\n2) Vril\n3. 3 Doors Down", "Rezz|Vril|3 Doors Down"),
        ("3 Doors Down\n1991\n808 State", "3 Doors Down|1991|808 State"),
        ("3:00 Rezz\n4:00 Jamie 3:26\n5:00 Vril", "Rezz|Jamie 3:26|Vril"),
        ("22:00\tRezz\n23:00\tJamie 3:26", "Rezz|Jamie 3:26"),
        ("Rezz\nNu: Tone\nBLOND:ISH", "Rezz|Nu: Tone|BLOND:ISH"),
        ("- *NSYNC\n- &ME\n- re: member\n- Nu: Tone", "*NSYNC|&ME|re: member|Nu: Tone"),
        ("Rezz (Sat)\nSunday (1994)", "Rezz|Sunday (1994)"),
        ("Line-up:\nRezz\nfestival 2026\nBreakage 2010", "Rezz|Breakage 2010"),
        ("**Main Stage**\n* [Rezz](https://example.org) - 10:00 PM\n* Vril", "Rezz|Vril"),
        (
            "Headliner: Rezz\nSupport: Vril, Foo, Bar\nVenue: Barn\nDate: 1.2.2026",
            "Rezz|Vril|Foo|Bar",
        ),
        ("Barcelona, 18 June 2026\nRezz\n7 PM doors / 8 PM show\n12 Main Street, CA", "Rezz"),
        ("artist,day\nRezz,Fri\nVril,Sat", "Rezz|Vril"),
        ("name;day\nRezz;Fri", "Rezz"),
        ('["Rezz", {"name": "Vril"}, "10:30p-7a"]', "Rezz|Vril"),
        (
            "lineup:\n  - name: 1991\n  - name: NO\n  - name: *NSYNC\n  - name: &ME",
            "1991|NO|*NSYNC|&ME",
        ),
        ("#EXTM3U\n#EXTINF:1,Rezz - A Song\na.mp3", "Rezz"),
    ],
)
def test_names(tmp_path: Path, content: str, names: str) -> None:
    assert read_lineup(write(tmp_path, content)).names == names.split("|")


@pytest.mark.parametrize(
    "content",
    [
        "Friday: Rezz, Vril, Foo\nSaturday: Bar, Baz, Vril\n",
        "Friday\nRezz\nVril\nFoo\nSaturday\nBar\nBaz\nVril",
        "Friday:\n  - Rezz\n  - Vril\n  - Foo\nSaturday:\n  - Bar\n  - Baz\n  - Vril\n",
        '{"Friday": ["Rezz", "Vril", "Foo"],'
        ' "Saturday": {"Main": ["Bar", {"name": "Baz"}, "Vril"]}}',
        "## Friday\nRezz\nVril\nFoo\n## Saturday:\nBar\nBaz\nVril",
        "Friday - Rezz, Vril, Foo\nSaturday – Bar, Baz, Vril",
        "Rezz\tFriday\nVril\tFriday\nFoo\tFriday\nBar\tSaturday\nBaz\tSaturday\nVril\tSaturday",
        "Rezz,Friday\nVril,Friday\nFoo,Friday\nBar,Saturday\nBaz,Saturday\nVril,Saturday",
        "day;artist\nFriday;Rezz\nFriday;Vril\nFriday;Foo\n"
        "Saturday;Bar\nSaturday;Baz\nSaturday;Vril",
        "days:\n- {name: Friday, artists: [Rezz, Vril, Foo]}\n"
        "- {name: Saturday, artists: [Bar, Baz, Vril]}\nyear: 2026",
    ],
)
def test_days(tmp_path: Path, content: str) -> None:
    lineup = read_lineup(write(tmp_path, content))
    assert {act.name: act.days for act in lineup} == {
        "Rezz": ("Friday",),
        "Vril": ("Friday", "Saturday"),
        "Foo": ("Friday",),
        "Bar": ("Saturday",),
        "Baz": ("Saturday",),
    }


def test_columns_without_a_header(tmp_path: Path) -> None:
    columns = "22:00\tRezz\tFriday\tMain Stage\n23:00\tVril\tSaturday\tSecond Stage\n"
    assert [act.appearances for act in read_lineup(write(tmp_path, columns))] == [
        (Appearance(day="Friday", stage="Main Stage", set_time="22:00"),),
        (Appearance(day="Saturday", stage="Second Stage", set_time="23:00"),),
    ]


def test_what_an_event_tells_is_kept(tmp_path: Path) -> None:
    events = {
        "events": [
            {
                "name": "A night",
                "venue": "The Barn",
                "event_date": "2026-01-02",
                "ticket_url": "https://example.org/1",
                "event_time": "10p-4a",
                "artists": [{"name": "Rezz", "set_time": "1-4"}, {"name": "10:30p-7a"}],
            },
            {"name": "No acts", "venue": None, "event_date": None, "artists": []},
        ],
        "count": 2,
    }
    night = Event(
        "A night", datetime.date(2026, 1, 2), "The Barn", "https://example.org/1", "10p-4a"
    )
    first = write(tmp_path, json.dumps(events), "a")
    again = write(
        tmp_path, json.dumps([{"title": "B", "lineup": ["Rezz"], "venue": {"name": "V"}}]), "b"
    )
    lineup = read_lineup([first, again])
    assert lineup.events == (night, Event("No acts"), Event("B", venue="V"))
    assert lineup.names == ["Rezz", "10:30p-7a"]
    assert lineup.billings[0].appearances == (
        Appearance(night, set_time="1-4"),
        Appearance(Event("B", venue="V")),
    )
    assert lineup.billings[0].events == (night, Event("B", venue="V"))


def test_a_table_tells_of_events(tmp_path: Path) -> None:
    table = "Artist\tDate\tVenue\tSet time\tStage\nRezz\t2026-01-02\tThe Barn\t22:00\tMain\n"
    billing = read_lineup(write(tmp_path, table)).billings[0]
    assert billing.appearances == (
        Appearance(Event(date=datetime.date(2026, 1, 2), venue="The Barn"), None, "Main", "22:00"),
    )


def test_a_known_name_keeps_its_comma(tmp_path: Path) -> None:
    path = write(tmp_path, "Rezz, Me, Myself, Vril, Foo")
    assert len(read_lineup(path)) == 5
    lineup = read_lineup(path, knows=lambda name: name == "Me, Myself")
    assert lineup.names == ["Rezz", "Me, Myself", "Vril", "Foo"]


@pytest.mark.parametrize(
    ("content", "description"),
    [
        ('{"foo": 1}', "an object with the keys 'foo'"),
        ('{"days": [3]}', "a number as day 1"),
        ('{"events": [{"id": 3}]}', "an object without a name as entry 1"),
        ('{"events": []}', "no artist in it"),
        ("slug: acl\nregion: am", "keys 'slug, region'"),
        ("<html><body><a>x</a></body></html>", "XML of <html>"),
        ("Friday\n2026-01-01\nTBA", "no artist in it"),
        ("[playlist]\nFile1=a.mp3", "settings"),
        ("track,album\nA,B", "a column named artist"),
        ("x" * 30_000, "too long"),
        ("", "no artist in it"),
    ],
)
def test_what_is_not_understood(tmp_path: Path, content: str, description: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(Misuse) as caught:
        read_lineup(path)
    assert description in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


# --- other people's files -------------------------------------------------------------------------


def test_the_experiments_events(shared: Path) -> None:
    events = shared / "events"
    lineup = read_lineup(
        [events / "events_2025-11-20.json", events / "edmtrain_events_2025-11-22.json"]
    )
    assert (len(lineup.events), lineup.appearances, len(lineup)) == (323, 729, 663)
    (jamie,) = (billing for billing in lineup if billing.name == "Jamie 3:26")
    (glitterbox,) = jamie.events
    assert (glitterbox.name, glitterbox.venue) == ("GLITTERBOX", "House of Yes")
    assert glitterbox.date == datetime.date(2025, 12, 6)
    assert str(glitterbox.link).startswith("https://")


@pytest.mark.parametrize(
    "name",
    [
        *("acl_2024.yaml", "bonnaroo_2025.yaml", "coachella_2026.yaml", "decadence_2025.yaml"),
        *("edclv_2025.yaml", "envision_2026.yaml", "glasto_2025.yaml", "_LINEUP_TEMPLATE.yaml"),
    ],
)
def test_line_ups_in_yaml(shared: Path, name: str) -> None:
    path = shared / "lineups" / name
    text = path.read_text("utf-8")
    printed = [
        match.strip().strip("'\"")
        for match in re.findall(r"^ *- name: (.*?)(?: +#.*)?$", text, re.MULTILINE)
    ]
    lineup = read_lineup(path)
    assert lineup.names == list(dict.fromkeys(printed))
    assert lineup.appearances == len(printed)
    assert len(lineup.events) == len(set(re.findall(r"date: (\S+)", text)))
    assert all(event.date for event in lineup.events)


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("abgt_gorge_2022.txt", {"Day 1", "Day 2"}),
        ("acl_2022.txt", {"Both weekends", "Weekend 1", "Weekend 2"}),
        ("coachella_2022.txt", {"Day 1", "Day 2", "Day 3", "Day 4"}),
        ("edco_2022.txt", set()),
        ("ezoo_2021.txt", {"Day 1", "Day 2", "Day 3"}),
    ],
)
def test_line_ups_in_text(shared: Path, name: str, days: set[str]) -> None:
    path = shared / "lineups" / name
    lines = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    printed = [line.rpartition(",")[0] or line for line in lines]
    lineup = read_lineup(path)
    assert lineup.names == list(dict.fromkeys(printed))
    assert {day for billing in lineup for day in billing.days} == days
