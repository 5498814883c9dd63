import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.entities import Artist
from artistindex.errors import Misuse
from artistindex.metadata.artist_ids import PinnedArtists, parse_id

SPOTIFY = "0123456789ABCDEFabcdef"
MBID = "5b11f4ce-a62d-471e-81fc-a69a8278c7da"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SPOTIFY, ("spotify", SPOTIFY)),
        (f" {SPOTIFY}\n", ("spotify", SPOTIFY)),
        (f"spotify:artist:{SPOTIFY}", ("spotify", SPOTIFY)),
        (f"https://open.spotify.com/artist/{SPOTIFY}", ("spotify", SPOTIFY)),
        (f"https://open.spotify.com/intl-de/artist/{SPOTIFY}?si=x#y", ("spotify", SPOTIFY)),
        ("27", ("deezer", "27")),
        ("https://www.deezer.com/artist/27", ("deezer", "27")),
        ("https://www.deezer.com/en/artist/27?utm=1", ("deezer", "27")),
        ("http://deezer.com/artist/27/", ("deezer", "27")),
        (MBID, ("musicbrainz", MBID)),
        (MBID.upper(), ("musicbrainz", MBID)),
        (f"https://musicbrainz.org/artist/{MBID}/recordings", ("musicbrainz", MBID)),
    ],
)
def test_ids(text: str, expected: tuple[str, str]) -> None:
    assert parse_id(text) == expected
    assert parse_id(text, expected[0]) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Rezz",
        "0",
        "-27",
        "../../../etc/passwd",
        SPOTIFY[:-1],
        f"{SPOTIFY}/../me",
        f"spotify:track:{SPOTIFY}",
        f"https://open.spotify.com/track/{SPOTIFY}",
        f"https://evil.example/artist/{SPOTIFY}",
        "https://www.deezer.com/artist/abc",
        "https://deezer.page.link/abc",
        MBID[:-1],
        "٢٧",
        "'; DROP TABLE artists; --",
    ],
)
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_id(text)


@given(st.text(max_size=60))
def test_an_id_is_safe_in_an_address(text: str) -> None:
    try:
        _, id_ = parse_id(text)
    except ValueError:
        return
    assert id_.isascii()
    assert id_.replace("-", "").isalnum()


def pins(tmp_path: Path, document: Any) -> PinnedArtists:
    path = tmp_path / "ids.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return PinnedArtists.read(path)


def test_the_experiments_file(tmp_path: Path) -> None:
    read = pins(
        tmp_path,
        {
            "comment": "Manual mapping of ambiguous artist names to correct Spotify artist IDs",
            "mapping": {"Vril": SPOTIFY, "Calibre": f"spotify:artist:{SPOTIFY}"},
            "verified_artists": {"Vril": {"id": SPOTIFY, "genres": []}},
            "notes": {"Vril": "..."},
        },
    )
    assert len(read) == 2
    assert read.of("VRIL") == Artist("Vril", {"spotify": SPOTIFY})
    assert read.of("Vrillah") is None


def test_the_original_file_itself() -> None:
    path = Path(__file__).parents[3] / "shared" / "data" / "spikes" / "artist_id_mapping.json"
    if not path.is_file():
        pytest.skip("the experiment's data is not here")
    read = PinnedArtists.read(path)
    assert len(read) == 8
    pinned = read.of("sabrina carpenter")
    assert pinned is not None
    assert pinned.ids.get("spotify") is not None


def test_ids_of_several_services(tmp_path: Path) -> None:
    read = pins(
        tmp_path,
        {
            "mapping": {
                "Vril": {"spotify": SPOTIFY, "deezer": 27, "musicbrainz": MBID},
                "Rezz": 28,
                "IMANU": MBID,
                "Calibre": {"deezer": "https://www.deezer.com/artist/29"},
            }
        },
    )
    assert read.of("vril") == Artist(
        "Vril", {"spotify": SPOTIFY, "deezer": "27", "musicbrainz": MBID}
    )
    assert read.of("rezz") == Artist("Rezz", {"deezer": "28"})
    assert read.of("imanu") == Artist("IMANU", {"musicbrainz": MBID})
    assert read.of("calibre") == Artist("Calibre", {"deezer": "29"})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("not json", "not JSON: Expecting value in line 1"),
        ([], 'expected {"mapping": {name: id}}, found a list'),
        ({}, 'found no "mapping"'),
        ({"Vril": SPOTIFY}, 'found no "mapping"'),
        ({"mapping": []}, '"mapping" is a list'),
        ({"mapping": None}, '"mapping" is null'),
        ({"mapping": {"Vril": "Vrillah"}}, 'the id of "Vril" is "Vrillah"; expected a Spotify id'),
        ({"mapping": {"Vril": None}}, 'the entry of "Vril" must be an id or an object'),
        ({"mapping": {"Vril": True}}, "found true or false"),
        ({"mapping": {"Vril": 1.5}}, "found a number"),
        ({"mapping": {"Vril": -3}}, 'the id of "Vril" is "-3"'),
        ({"mapping": {"Vril": {}}}, "found an object"),
        ({"mapping": {"Vril": {"tidal": "3"}}}, "the keys spotify, deezer, musicbrainz"),
        ({"mapping": {"Vril": {"deezer": SPOTIFY}}}, "expected an id of deezer"),
        ({"mapping": {"Vril": {"deezer": None}}}, "found an object"),
        ({"mapping": {" ": SPOTIFY}}, "an id is pinned to an empty name"),
        ({"mapping": {"Vril": 1, "VRIL": 2}}, '"VRIL" is pinned twice, to different ids'),
        ({"mapping": {"x" * 10_000: "no"}}, "x…"),
        ({"mapping": {"Vril": "a\nb"}}, '"a b"'),
    ],
)
def test_files_of_the_wrong_shape(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(Misuse) as caught:
        pins(tmp_path, document)
    assert message in str(caught.value)
    assert "ids.json" in str(caught.value)
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


def test_pinned_twice_alike_is_once(tmp_path: Path) -> None:
    assert len(pins(tmp_path, {"mapping": {"Vril": 1, "VRIL": 1}})) == 1
