import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Response

from artistindex import naming
from artistindex.entities import Artist, Track
from artistindex.errors import ServiceEnded, ServiceError, UnknownArtist
from artistindex.metadata.artist_ids import PinnedArtists
from artistindex.metadata.deezer import Deezer
from artistindex.metadata.musicbrainz import MusicBrainz
from artistindex.metadata.provider import MetadataProvider
from artistindex.metadata.resolver import ArtistResolver, Resolved, find
from music_services import Performer, Song, World, serve_deezer, serve_musicbrainz
from services import JumpingClock, unused_url


@dataclass
class Shelf:
    """A catalogue in memory, for what no server is needed for."""

    artists: list[Artist]
    trouble: dict[str, Exception] = field(default_factory=dict)
    without_tracks: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)
    name: str = "deezer"
    label: str = "Deezer"

    def search(self, name: str) -> list[Artist]:
        self.asked.append(name)
        if name in self.trouble:
            raise self.trouble[name]
        word = naming.normalise(name).split()[0] if naming.normalise(name).split() else ""
        return [artist for artist in self.artists if word[:3] in naming.normalise(artist.name)]

    def artist(self, id_: str) -> Artist | None:
        return next((artist for artist in self.artists if artist.ids.get("deezer") == id_), None)

    def tracks(self, artist: Artist, *, limit: int) -> list[Track]:
        if artist.name in self.without_tracks:
            return []
        return [
            Track(
                (artist,),
                f"Song {n}",
                catalogue="deezer",
                catalogue_id=f"{artist.ids.get('deezer')}{n}",
            )
            for n in range(limit)
        ]

    def close(self) -> None:
        pass


def shelf(*artists: str, **more: object) -> Shelf:
    numbered = [Artist(name, {"deezer": str(n)}) for n, name in enumerate(artists, start=1)]
    return Shelf(numbered, **more)  # type: ignore[arg-type]


def resolve(provider: MetadataProvider, *names: str, **options: object) -> list[Resolved]:
    outcomes = list(ArtistResolver(provider, 2, **options).resolve(names))  # type: ignore[arg-type]
    for outcome in outcomes:
        assert (outcome.artist is None) == (outcome.failure is not None)
        assert (outcome.artist is None) == (outcome.how is None)
        assert (outcome.artist is not None) == bool(outcome.tracks)
        if outcome.failure:
            assert outcome.failure.stage == "catalogue"
            assert "\n" not in outcome.failure.reason
            assert len(outcome.failure.reason) < 1500
    return outcomes


def reason(outcome: Resolved) -> str:
    assert outcome.failure is not None
    return outcome.failure.reason


# -- by name ---------------------------------------------------------------------------------


def test_the_catalogues_spelling_is_taken() -> None:
    [outcome] = resolve(shelf("Vrillah", "VRIL"), "vril")
    assert outcome.artist == Artist("VRIL", {"deezer": "2"})
    assert (outcome.requested, outcome.name, outcome.how) == ("vril", "vril", "exact")
    assert len(outcome.tracks) == 2


def test_a_near_hit_is_a_failure_that_shows_how_to_pin() -> None:
    [outcome] = resolve(shelf("Calibre 50", "Calibretto"), "Calibre")
    assert reason(outcome) == (
        'Deezer has no artist called "Calibre", only Calibre 50 (id 1), Calibretto (id 2); '
        'to pin one, give an ids file such as {"mapping": {"Calibre": {"deezer": "1"}}}'
    )
    assert outcome.failure is not None
    assert not outcome.failure.retryable
    assert not outcome.pending


def test_what_the_message_shows_is_a_file_that_works(tmp_path: object) -> None:
    [outcome] = resolve(shelf('Cali"bre 50'), 'Cali"bre')
    example = reason(outcome).partition("such as ")[2]
    mapping = json.loads(example)["mapping"]
    pins = PinnedArtists(
        {name: Artist(name, {"deezer": ids["deezer"]}) for name, ids in mapping.items()}
    )
    [outcome] = resolve(shelf('Cali"bre 50'), 'Cali"bre', pins=pins)
    assert outcome.how == "pinned"


def test_nobody_at_all() -> None:
    [outcome] = resolve(shelf(), "Nobody")
    assert reason(outcome) == 'Deezer has no artist called "Nobody", nor one like it'


def test_many_candidates_are_cut_short() -> None:
    [outcome] = resolve(shelf(*(f"Calibre {n}" for n in range(40))), "Calibre")
    assert "and 35 more" in reason(outcome)


def test_homonyms_follow_the_ranking_with_a_warning() -> None:
    [outcome] = resolve(shelf("Calibre 50", "Calibre", "CALIBRE", "calibré"), "calibre")
    assert outcome.artist == Artist("Calibre", {"deezer": "2"})
    [warning] = outcome.warnings
    assert "3 artists of Deezer are called Calibre: took the one it ranks first (id 2)" in warning
    assert "not CALIBRE (id 3), calibré (id 4)" in warning
    assert '{"mapping": {"calibre": {"deezer": "3"}}}' in warning


def test_an_artist_without_tracks() -> None:
    [outcome] = resolve(shelf("Vril", without_tracks=frozenset({"Vril"})), "Vril")
    assert reason(outcome) == "Deezer lists no studio recording by Vril (id 1)"


@pytest.mark.parametrize(
    "name",
    ["../../x", "AC/DC", "🎵", "شادي", "'; DROP TABLE artists; --", "a" * 200, 'artist:"x"', "%s"],
)
def test_odd_names_are_found_like_others(name: str) -> None:
    [outcome] = resolve(shelf(name), name)
    assert outcome.artist is not None
    assert outcome.artist.name == name


def test_names_that_cannot_be_meant() -> None:
    long = "x" * 10_000
    catalogue = shelf("Rezz")
    empty, rezz, too_long = resolve(catalogue, " \t", "Rezz", "\x00", long, "REZZ")
    assert reason(empty) == "an empty name; an artist's name was expected"
    assert reason(too_long) == "a name of 10000 characters; at most 200 were expected"
    assert rezz.artist is not None
    assert catalogue.asked == ["Rezz"]


@given(name=st.text(max_size=300))
def test_any_name_has_an_outcome(name: str) -> None:
    outcomes = resolve(shelf("Rezz", "AB"), name)
    assert outcomes
    for outcome in outcomes:
        if outcome.artist is not None and outcome.how == "exact":
            assert naming.same_name(outcome.artist.name, name)


# -- by pinned id ------------------------------------------------------------------------------


def test_a_pinned_id_beats_the_name() -> None:
    catalogue = shelf("Calibre", "Calibre")
    pins = PinnedArtists({"calibre": Artist("Calibre", {"deezer": "2", "musicbrainz": "m"})})
    [outcome] = resolve(catalogue, "CALIBRE", pins=pins)
    assert outcome.artist == Artist("Calibre", {"deezer": "2", "musicbrainz": "m"})
    assert outcome.how == "pinned"
    assert not outcome.warnings
    assert not catalogue.asked


def test_a_pinned_id_of_another_name_is_taken_with_a_warning() -> None:
    pins = PinnedArtists({"Vril": Artist("Vril", {"deezer": "1"})})
    [outcome] = resolve(shelf("Vrillah"), "Vril", pins=pins)
    assert outcome.artist == Artist("Vril", {"deezer": "1"})
    assert outcome.warnings == ('the id 1 pinned for "Vril" is that of Vrillah',)


def test_a_pinned_id_that_does_not_exist() -> None:
    pins = PinnedArtists({"Rezz & Vril": Artist("Rezz & Vril", {"deezer": "99"})})
    [outcome] = resolve(shelf("Rezz", "Vril"), "Rezz & Vril", pins=pins)
    assert reason(outcome) == (
        'Deezer has no artist with the id 99, which is pinned for "Rezz & Vril"; '
        "correct it in the ids file"
    )


@pytest.fixture
def world() -> World:
    return World([Performer("Vrillah", 1), Performer("Vril", 2), Performer("Rezz", 3)])


@pytest.fixture
def links(httpserver: HTTPServer, world: World, clock: JumpingClock) -> Iterator[MusicBrainz]:
    opened = MusicBrainz(base_url=serve_musicbrainz(httpserver, world), clock=clock)
    yield opened
    opened.close()


SPOTIFY_PIN = PinnedArtists({"Vril": Artist("Vril", {"spotify": "0" * 22})})


def test_an_id_of_another_service_is_translated(world: World, links: MusicBrainz) -> None:
    world.linked = {
        "Vril": (f"https://open.spotify.com/artist/{'0' * 22}", "https://www.deezer.com/artist/2")
    }
    [outcome] = resolve(shelf("Vril", "Vril"), "Vril", pins=SPOTIFY_PIN, links=links)
    assert outcome.how == "linked"
    assert outcome.artist == Artist(
        "Vril",
        {"spotify": "0" * 22, "deezer": "2", "musicbrainz": world.performers[1].musicbrainz_id},
    )


def test_an_id_without_a_translation_falls_back_on_an_only_namesake(links: MusicBrainz) -> None:
    [outcome] = resolve(shelf("Vrillah", "Vril"), "Vril", pins=SPOTIFY_PIN, links=links)
    assert outcome.how == "exact"
    assert outcome.artist == Artist("Vril", {"spotify": "0" * 22, "deezer": "2"})
    [warning] = outcome.warnings
    assert "not one of Deezer and MusicBrainz links none to it: found by name" in warning


def test_an_id_without_a_translation_is_no_guess_among_homonyms(links: MusicBrainz) -> None:
    [outcome] = resolve(shelf("Vril", "Vril"), "Vril", pins=SPOTIFY_PIN, links=links)
    assert 'Deezer has several artists called "Vril": Vril (id 1), Vril (id 2)' in reason(outcome)


def test_musicbrainz_out_of_reach_ends_nothing(clock: JumpingClock) -> None:
    links = MusicBrainz(base_url=unused_url(), clock=clock)
    [outcome, other] = resolve(shelf("Vril", "Rezz"), "Vril", "Rezz", pins=SPOTIFY_PIN, links=links)
    links.close()
    assert outcome.how == other.how == "exact"
    assert "MusicBrainz: cannot be reached" in outcome.warnings[0]


# -- collaborations ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["Rezz & Vril", "Rezz feat. Vril", "Rezz ft Vril", "Rezz Featuring Vril", "Rezz x Vril",
     "Rezz X Vril", "Rezz × Vril", "Rezz b2b Vril", "Rezz B2B Vril", "Rezz vs. Vril",
     "Rezz vs Vril", "Rezz presents Vril", "Rezz pres. Vril"],
)  # fmt: skip
def test_a_collaboration_is_looked_up_whole_first(name: str) -> None:
    [whole] = resolve(shelf("Rezz", "Vril", name), name)
    assert whole.how == "exact"
    first, second = resolve(shelf("Rezz", "Vril"), name)
    assert [outcome.artist and outcome.artist.name for outcome in (first, second)] == [
        "Rezz",
        "Vril",
    ]
    assert {outcome.how for outcome in (first, second)} == {"part"}
    assert {outcome.requested for outcome in (first, second)} == {name}
    assert [outcome.name for outcome in (first, second)] == ["Rezz", "Vril"]
    assert first.warnings == (f'"{name}" is no artist of Deezer: looked up by part',)


@pytest.mark.parametrize("name", ["Rezzx Vril", "Ab2b", "Rezz xVril", "Vsauce", "Jamie xx", "x x"])
def test_what_only_looks_like_one(name: str) -> None:
    [outcome] = resolve(shelf("Rezz", "Vril", "Jamie"), name)
    assert outcome.failure is not None


def test_three_together_and_one_of_them_twice() -> None:
    outcomes = resolve(shelf("Rezz", "Vril", "IMANU"), "Rezz b2b Vril b2b IMANU b2b REZZ")
    assert [outcome.name for outcome in outcomes] == ["Rezz", "Vril", "IMANU"]


def test_a_part_that_is_missing_is_a_failure_of_its_own() -> None:
    first, second = resolve(shelf("Rezz"), "Rezz b2b Nobody")
    assert first.artist is not None
    assert second.requested == "Rezz b2b Nobody"
    assert reason(second) == 'Deezer has no artist called "Nobody", nor one like it'


def test_a_band_with_an_ampersand_is_not_taken_apart_by_halves() -> None:
    [outcome] = resolve(shelf("Florence", "Hercules"), "Florence & The Machine")
    assert 'no artist called "Florence & The Machine"' in reason(outcome)


def test_no_part_found_is_one_failure() -> None:
    [outcome] = resolve(shelf(), "Nobody b2b Noone")
    assert 'no artist called "Nobody b2b Noone"' in reason(outcome)


def test_parts_obey_their_pins() -> None:
    pins = PinnedArtists({"Vril": Artist("Vril", {"deezer": "3"})})
    _, vril = resolve(shelf("Rezz", "Vril", "Vril"), "Rezz b2b Vril", pins=pins)
    assert vril.artist is not None
    assert vril.artist.ids.get("deezer") == "3"


# -- services that fail ------------------------------------------------------------------------


def test_one_failing_name_leaves_the_others() -> None:
    catalogue = shelf("Rezz", "Vril", trouble={"Rezz": ServiceError("Deezer: status 502")})
    rezz, vril = resolve(catalogue, "Rezz", "Vril")
    assert reason(rezz) == "Deezer: status 502"
    assert rezz.failure is not None
    assert rezz.failure.retryable
    assert not rezz.pending
    assert vril.artist is not None


@pytest.mark.parametrize("joint", ["&", "b2b"])
def test_a_part_that_fails_for_now_is_tried_again_as_a_whole(joint: str) -> None:
    catalogue = shelf("Rezz", "Vril", trouble={"Vril": ServiceError("Deezer: status 502")})
    [outcome] = resolve(catalogue, f"Rezz {joint} Vril")
    assert outcome.name == f"Rezz {joint} Vril"
    assert outcome.failure is not None
    assert outcome.failure.retryable
    assert not outcome.pending


@pytest.mark.parametrize("last", ["IMANU", "Rezz b2b IMANU"])
def test_a_service_that_ends_leaves_the_rest_pending(last: str) -> None:
    catalogue = shelf("Rezz", "Vril", "Calibre", trouble={"IMANU": ServiceEnded("Deezer: quota")})
    outcomes = resolve(catalogue, "Rezz", "Vril", last, "Calibre", "deadmau5")
    assert [outcome.artist is not None for outcome in outcomes] == [True, True, False, False, False]
    assert [outcome.pending for outcome in outcomes] == [False, False, True, True, True]
    assert {reason(outcome) for outcome in outcomes[2:]} == {"Deezer: quota"}
    assert [outcome.name for outcome in outcomes[2:]] == [last, "Calibre", "deadmau5"]
    assert catalogue.asked[-1] == "IMANU"


def test_without_a_network_all_is_pending(clock: JumpingClock) -> None:
    catalogue = Deezer(base_url=unused_url(), clock=clock)
    outcomes = resolve(catalogue, *map(str, range(500)))
    catalogue.close()
    assert all(outcome.pending for outcome in outcomes)
    assert "Deezer: cannot be reached" in reason(outcomes[0])
    assert sum(clock.slept) < 3


def test_thousands_of_names_go_on_where_the_quota_stopped_them(
    httpserver: HTTPServer, clock: JumpingClock
) -> None:
    many = [Performer(f"Artist{n:04d}", n + 1) for n in range(60)]
    world = World(many, [Song("Song", (performer,), performer.number) for performer in many])
    world.like = lambda query: [p for p in many if p.name == query]  # type: ignore[method-assign]
    url = serve_deezer(httpserver, world)
    names = [performer.name for performer in many]
    catalogue = Deezer(base_url=url, clock=clock)
    first = []
    for outcome in ArtistResolver(catalogue, 2).resolve(names):
        first.append(outcome)
        if len(first) == 40:
            httpserver.clear()
            httpserver.expect_request("/deezer/search/artist").respond_with_response(
                Response(status=429, headers={"Retry-After": "86400"})
            )
    catalogue.close()
    assert [outcome.pending for outcome in first] == [False] * 40 + [True] * 20
    httpserver.clear()
    request_count = sum(world.asked.values())
    catalogue = Deezer(base_url=serve_deezer(httpserver, world), clock=clock)
    again = list(ArtistResolver(catalogue, 2).resolve(names))
    catalogue.close()
    assert all(outcome.artist is not None for outcome in again)
    assert again[:40] == first[:40]
    assert sum(world.asked.values()) - request_count == 2 * 20, (
        "what is known is not asked for again"
    )


def test_three_thousand_names_in_memory_are_quick() -> None:
    catalogue = Shelf([Artist("Rezz", {"deezer": "1"})])
    outcomes = list(ArtistResolver(catalogue, 5).resolve(f"name {n} & co" for n in range(3000)))
    assert len(outcomes) == 3000


def test_find_raises_what_resolve_reports() -> None:
    with pytest.raises(UnknownArtist) as caught:
        find(shelf("Vrillah"), "Vril")
    assert caught.value.closest == ("Vrillah",)


def test_an_artist_with_live_recordings_only_is_taken_and_marked() -> None:
    rezz = Artist("Rezz", {"deezer": "1"})
    shelf = Shelf([rezz])
    shelf.tracks = lambda artist, *, limit: [Track((artist,), "Edge - Live")]  # type: ignore[method-assign]
    (outcome,) = ArtistResolver(shelf, 5).resolve(["Rezz"])
    assert [track.title for track in outcome.tracks] == ["Edge - Live"]
    assert outcome.warnings == (
        "Deezer lists nothing but live recordings by Rezz: they stand for the artist",
    )
