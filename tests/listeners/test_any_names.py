"""Whatever artists are called, whoever wrote the file: their names come out, and nothing else."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from artistindex.errors import Misuse
from artistindex.listeners.bills import Lineup
from artistindex.listeners.favourites import Favourites, read_favourites, unique
from artistindex.listeners.lineups import read_lineup

HOSTILE = (
    *("AC/DC", "*NSYNC", "&ME", "Tyler, The Creator", "Earth, Wind & Fire", "Jamie 3:26", "1991"),
    *("3 Doors Down", "Nu: Tone", "SP:MC", "BLOND:ISH", "Blink-182", "Sunday (1994)", "!!!"),
    *('"Weird Al" Yankovic', "[:SITD:]", "<PIG>", "Ke$ha", "P!NK", "Florence + The Machine"),
    *("فيروز", "עידן רייכל", "きゃりーぱみゅぱみゅ", "👩‍👩‍👧 🎧", "Sigur Rós", "Ørjan Nilsen"),
    *("true", "~", "Yes", "NO", "null", "name", "24/7 Love", "808 State", "M.O.P.", "@Mr", "4YÛ"),
    *("{Braces}", "$UICIDEBOY$", "A$AP Rocky", "TBA Empire", "x", "-ii-", "Malcolm X", "¥$"),
    *("O'Bryan", "Saturday Night", "May", "Both", "Live", "J. Cole", "100 gecs", "2 Chainz"),
    *("µ-Ziq", "Death;Grips", "#1 Dads", "+/-"),
)
Write = Callable[[Sequence[str]], str]


def as_csv(
    names: Sequence[str], delimiter: str, header: Sequence[str], row: Callable[[str], list[str]]
) -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerows([header, *(row(name) for name in names)] if header else map(row, names))
    return file.getvalue()


def as_xspf(names: Sequence[str]) -> str:
    tracks = "".join(
        f"<track><title>a title</title><creator>{escape(name)}</creator>"
        "<location>file:///music/a%20b.mp3</location></track>"
        for name in names
    )
    return f'<playlist xmlns="http://xspf.org/ns/0/"><trackList>{tracks}</trackList></playlist>'


def as_rekordbox(names: Sequence[str]) -> str:
    tracks = "".join(
        f'<TRACK Name="a title" Artist={quoteattr(name)} Location="file://localhost/a.mp3"/>'
        for name in names
    )
    return f'<?xml version="1.0"?><DJ_PLAYLISTS><COLLECTION>{tracks}</COLLECTION></DJ_PLAYLISTS>'


def as_traktor(names: Sequence[str]) -> str:
    entries = "".join(
        f'<ENTRY TITLE="t" ARTIST={quoteattr(name)}><LOCATION DIR="/:m/:" FILE="a.mp3"/></ENTRY>'
        for name in names
    )
    return f'<?xml version="1.0"?><NML VERSION="19"><COLLECTION>{entries}</COLLECTION></NML>'


def as_lineup_list(names: Sequence[str], dump: Callable[[object], str]) -> str:
    day = {"number": 1, "date": "2026-04-10", "display_name": "Day 1"}
    return dump(
        {
            "display_name": "A festival",
            "slug": "fest",
            "region": "am",
            "year": 2026,
            "days": [{**day, "artists": [{"name": name} for name in names]}],
        }
    )


def as_events(names: Sequence[str]) -> str:
    event = {
        "name": "A night",
        "venue": "Barn",
        "event_date": "2026-01-02",
        "ticket_url": "https://x.org",
    }
    return json.dumps(
        {"events": [{**event, "artists": [{"name": name, "set_time": None} for name in names]}]}
    )


def dump_yaml(value: object) -> str:
    return str(yaml.safe_dump(value, allow_unicode=True, sort_keys=False))


FAVOURITES: dict[str, Write] = {
    "JSON": json.dumps,
    "experiment": lambda names: json.dumps({"artists": names}),
    "objects": lambda names: json.dumps([{"name": name, "url": "https://x.org"} for name in names]),
    "streams": lambda names: json.dumps(
        [{"artistName": name, "trackName": "t", "msPlayed": 40_000} for name in names]
    ),
    "JSON Lines": lambda names: "\n".join(
        json.dumps({"listened_at": 1, "track_metadata": {"artist_name": name}}) for name in names
    ),
    "JSPF": lambda names: json.dumps(
        {"playlist": {"title": "x", "track": [{"title": "t", "creator": name} for name in names]}}
    ),
    "CSV": lambda names: as_csv(names, ",", ["rank", "artist", "plays"], lambda n: ["1", n, "3"]),
    "semicolons": lambda names: as_csv(names, ";", ["Artist Name", "Album"], lambda n: [n, "a, b"]),
    "tabs": lambda names: as_csv(names, "\t", ["url", "ARTIST"], lambda n: ["https://x.org", n]),
    "Last.fm": lambda names: as_csv(
        names, ",", [], lambda n: [n, "Album", "Track", "01 Jan 2025 10:00"]
    ),
    "Exportify": lambda names: as_csv(
        names,
        ",",
        ["Track URI", "Artist URI(s)", "Artist Name(s)"],
        lambda n: ["spotify:track:1", "spotify:artist:5INjqkS1o8h1imAzPqGZBb", n],
    ),
    "XSPF": as_xspf,
    "Rekordbox": as_rekordbox,
    "Traktor": as_traktor,
    "YAML": lambda names: dump_yaml({"artists": [{"name": name} for name in names]}),
}
LINEUPS: dict[str, Write] = {
    "JSON": json.dumps,
    "events": as_events,
    "lineup-list": lambda names: as_lineup_list(names, dump_yaml),
    "lineup-list JSON": lambda names: as_lineup_list(names, json.dumps),
    "days as keys": lambda names: dump_yaml(
        {"Friday": [{"name": n} for n in names], "Saturday": []}
    ),
    "CSV": lambda names: as_csv(
        names, ",", ["day", "artist", "stage", "time"], lambda n: ["Friday", n, "Main", "22:00"]
    ),
}
TYPED: dict[str, Write] = {
    "lines": "\n".join,
    "blank lines": "\r\n\r\n".join,
    "bullets": lambda names: "\n".join(f"- {name}" for name in names),
    "stars": lambda names: "\n".join(f"  * {name}" for name in names),
    "numbers": lambda names: "\n".join(f"{at}. {name}" for at, name in enumerate(names, 1)),
    "heading": lambda names: "Artists:\n" + "\n".join(f"  • {name}" for name in names),
}
POSTERS: dict[str, Write] = {
    **TYPED,
    "days": lambda names: (
        "FRIDAY\n" + "\n".join(names) + "\n\nSaturday 11 April\n" + "\n".join(names)
    ),
    "day after comma": lambda names: "\n".join(f"{name},1" for name in [*names, *names]),
    "weekend after comma": lambda names: "\n".join(
        f"{name},Weekend 1" for name in [*names, *names]
    ),
    "times": lambda names: "\n".join(f"22:00 {name}" for name in names),
    "times after": lambda names: "\n".join(f"{name} 22:00 - 23:00" for name in names),
    "poster": lambda names: (
        "FEST 2026\nLine-up:\n" + "\n".join(names) + "\nTickets: https://x.org\nDoors 8pm\n+ more"
    ),
    "dots": lambda names: " • ".join(names),
}
some_hostile = st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=12, unique=True)
any_names = st.lists(
    st.one_of(
        st.sampled_from(HOSTILE),
        st.text(
            st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]),
            min_size=1,
            max_size=20,
        ),
    ),
    min_size=1,
    max_size=8,
).filter(lambda names: any(unique(names)))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists") / "list"


@pytest.mark.parametrize("write", FAVOURITES.values(), ids=FAVOURITES.keys())
@settings(deadline=None, max_examples=40)
@given(names=any_names)
def test_favourites(path: Path, write: Write, names: list[str]) -> None:
    path.write_text(write(names), "utf-8", newline="")
    assert read_favourites(path).names == list(unique(names))


@pytest.mark.parametrize("write", TYPED.values(), ids=TYPED.keys())
@settings(deadline=None, max_examples=40)
@given(names=some_hostile)
def test_typed_favourites(path: Path, write: Write, names: list[str]) -> None:
    path.write_text(write(names), "utf-8", newline="")
    assert read_favourites(path).names == names


@pytest.mark.parametrize("write", LINEUPS.values(), ids=LINEUPS.keys())
@settings(deadline=None, max_examples=40)
@given(names=any_names)
def test_lineups(path: Path, write: Write, names: list[str]) -> None:
    path.write_text(write(names), "utf-8", newline="")
    assert list(unique(read_lineup(path).names)) == list(unique(names))


@pytest.mark.parametrize("write", POSTERS.values(), ids=POSTERS.keys())
@settings(deadline=None, max_examples=40)
@given(names=some_hostile)
def test_typed_lineups(path: Path, write: Write, names: list[str]) -> None:
    path.write_text(write(names), "utf-8", newline="")
    assert read_lineup(path).names == names


FRAGMENTS = (
    *(
        "artist",
        "name:",
        "- ",
        "days:",
        "{",
        "}",
        "[",
        "]",
        '"',
        ",",
        ";",
        "\t",
        "\n",
        "\n\n",
        ": ",
    ),
    *("#EXTINF:1,A - B", "#EXTM3U", "<a>", "</a>", "<!DOCTYPE x>", "22:00", "Friday", "2026-01-02"),
    *(
        "&a",
        "*a",
        "!!x",
        "%",
        "|",
        ">",
        "---",
        "plays",
        "events",
        "null",
        "1e999",
        "Rezz",
        "\ufeff",
    ),
    *('{"artists": [', '{"events": [', '{"name": "A"}', "]}", '["A"]', "01 Jan 2025 10:00", "\x85"),
)


@settings(deadline=None, max_examples=200)
@given(fragments=st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=5)), max_size=20))
def test_any_file_is_read_or_refused_in_one_line(path: Path, fragments: list[str]) -> None:
    path.write_bytes("".join(fragments).encode("utf-8", "surrogatepass"))
    for read in (read_favourites, read_lineup):
        names, problem = outcome(read, path)
        assert bool(names) != bool(problem)
        assert "\n" not in problem
        assert not any(name.startswith(("http", "<a>", "#EXT")) for name in names)


def outcome(read: Callable[[Path], Favourites | Lineup], path: Path) -> tuple[list[str], str]:
    """The names that were read and why none were."""
    try:
        return read(path).names, ""
    except Misuse as error:
        return [], str(error)


@pytest.mark.parametrize("content", ["null", "[[[1]]]", "[null]", '{"days": [{"artists": [[1]]}]}'])
def test_other_json_is_refused(path: Path, content: str) -> None:
    for read in (read_favourites, read_lineup):
        json_path = path.with_suffix(".json")
        json_path.write_text(content)
        with pytest.raises(Misuse):
            read(json_path)
