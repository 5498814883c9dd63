"""The eight artists of the original experiment, of whom it got three wrong.

Its search took whatever came first: Avril Lavigne for Vril, Calibre 50 for Calibre, and Kendrick
Lamar's song "peekaboo" for PEEKABOO. Here the wrong ones are ranked first everywhere.
"""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from artistindex.entities import Artist
from artistindex.metadata.artist_ids import PinnedArtists
from artistindex.metadata.deezer import Deezer
from artistindex.metadata.musicbrainz import MusicBrainz
from artistindex.metadata.provider import MetadataProvider
from artistindex.metadata.resolver import ArtistResolver
from artistindex.metadata.spotify import Credentials, Spotify
from music_services import (
    SECRET,
    SECRET_ID,
    Performer,
    Song,
    World,
    serve_deezer,
    serve_musicbrainz,
    serve_spotify,
)
from services import JumpingClock

EIGHT = [
    "Vril", "Calibre", "deadmau5", "Rezz", "TroyBoi", "IMANU", "PEEKABOO", "Sabrina Carpenter",
]  # fmt: skip
WRONG = [
    "Vrillah", "Avril Lavigne", "Calibre 50", "Kendrick Lamar", "Peekaboo Kids", "Dead Mau",
    "Rezzonance", "Troy Boi Tribute", "Imanuel", "Sabrina Claudio", "Peek-A-Boo", "Karen Carpenter",
]  # fmt: skip


def the_world(*, top_tracks_allowed: bool = False) -> World:
    wrong = [Performer(name, 100 + n) for n, name in enumerate(WRONG)]
    right = [Performer(name, 1 + n) for n, name in enumerate(EIGHT)]
    kendrick, peekaboo = wrong[3], right[6]
    songs = [
        Song("peekaboo (feat. AzChike)", (kendrick,), 900),
        Song("Calibre 50 Mix", (wrong[2],), 901),
        Song("Peekaboo", (wrong[4],), 902),
    ]
    for performer in (*wrong, *right):
        songs += [
            Song(f"{performer.name} song {n}", (performer,), performer.number * 1000 + n)
            for n in range(6)
        ]
    songs.append(Song("Maniac", (peekaboo, right[3]), 903))
    return World([*wrong, *right], songs, top_tracks_allowed=top_tracks_allowed)


def spotify(server: HTTPServer, world: World, clock: JumpingClock) -> MetadataProvider:
    return Spotify(Credentials(SECRET_ID, SECRET), clock=clock, **serve_spotify(server, world))


def deezer(server: HTTPServer, world: World, clock: JumpingClock) -> MetadataProvider:
    return Deezer(base_url=serve_deezer(server, world), clock=clock)


Opener = Callable[[HTTPServer, World, JumpingClock], MetadataProvider]


def check(catalogue: MetadataProvider, *, how: str, **options: Any) -> None:
    outcomes = list(ArtistResolver(catalogue, 5, **options).resolve(EIGHT))
    catalogue.close()
    assert [outcome.requested for outcome in outcomes] == EIGHT
    right = 0
    for number, outcome in enumerate(outcomes, start=1):
        assert outcome.artist is not None, outcome.failure
        assert outcome.how == how
        assert not outcome.warnings
        ids = (outcome.artist.ids.get("deezer"), outcome.artist.ids.get("spotify"))
        right += str(number) in ids or f"{number:022d}" in ids
        assert outcome.artist.name == EIGHT[number - 1]
        assert len(outcome.tracks) == 5
        for track in outcome.tracks:
            assert outcome.artist.name in [credit.name for credit in track.artists]
    assert right == 8


@pytest.mark.parametrize("top_tracks_allowed", [False, True])
def test_spotify_gets_eight_of_eight(
    httpserver: HTTPServer, clock: JumpingClock, top_tracks_allowed: bool
) -> None:
    world = the_world(top_tracks_allowed=top_tracks_allowed)
    check(spotify(httpserver, world, clock), how="exact")


def test_deezer_gets_eight_of_eight(httpserver: HTTPServer, clock: JumpingClock) -> None:
    check(deezer(httpserver, the_world(), clock), how="exact")


@pytest.mark.parametrize("opener", [spotify, deezer])
def test_the_pinned_ids_get_eight_of_eight(
    httpserver: HTTPServer, clock: JumpingClock, opener: Opener
) -> None:
    world = the_world()
    pins = PinnedArtists(
        {
            name: Artist(name, {"spotify": f"{n:022d}", "deezer": str(n)})
            for n, name in enumerate(EIGHT, start=1)
        }
    )
    check(opener(httpserver, world, clock), how="pinned", pins=pins)
    assert not [what for what in world.asked if what.startswith("search/artist")]


def test_spotify_ids_lead_to_deezer_through_musicbrainz(
    httpserver: HTTPServer, clock: JumpingClock
) -> None:
    world = the_world()
    world.linked = {
        name: (
            f"https://open.spotify.com/artist/{n:022d}",
            f"https://www.deezer.com/artist/{n}",
        )
        for n, name in enumerate(EIGHT, start=1)
    }
    links = MusicBrainz(base_url=serve_musicbrainz(httpserver, world), clock=clock)
    pins = PinnedArtists(
        {name: Artist(name, {"spotify": f"{n:022d}"}) for n, name in enumerate(EIGHT, 1)}
    )
    check(deezer(httpserver, world, clock), how="linked", pins=pins, links=links)
    links.close()
    assert world.asked["search/artist"] == 0


@pytest.mark.parametrize("opener", [spotify, deezer])
def test_without_the_right_one_there_is_nobody(
    httpserver: HTTPServer, clock: JumpingClock, opener: Opener
) -> None:
    world = the_world()
    world.performers = world.performers[: len(WRONG)]
    catalogue = opener(httpserver, world, clock)
    outcomes = list(ArtistResolver(catalogue, 5).resolve(EIGHT))
    catalogue.close()
    assert all(outcome.artist is None for outcome in outcomes)
    vril = outcomes[0].failure
    assert vril is not None
    assert 'has no artist called "Vril", only Vrillah (id ' in vril.reason
    assert f'an ids file such as {{"mapping": {{"Vril": {{"{catalogue.name}": "' in vril.reason
