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


def outcomes(catalogue: MetadataProvider, *wanted: str, **options: object) -> list[Resolved]:
    found = list(ArtistResolver(catalogue, 2, **options).resolve(wanted))  # type: ignore[arg-type]
    for each in found:
        assert (each.artist is None) == (each.failure is not None)
        assert (each.artist is None) == (each.how is None)
        assert (each.artist is not None) == bool(each.tracks)
        if each.failure:
            assert each.failure.stage == "catalogue"
            assert "\n" not in each.failure.reason
            assert len(each.failure.reason) < 1500
    return found


def reason(outcome: Resolved) -> str:
    assert outcome.failure is not None
    return outcome.failure.reason


# -- by name ---------------------------------------------------------------------------------


def test_the_catalogues_spelling_is_taken() -> None:
    [found] = outcomes(shelf("Vrillah", "VRIL"), "vril")
    assert found.artist == Artist("VRIL", {"deezer": "2"})
    assert (found.requested, found.name, found.how) == ("vril", "vril", "exact")
    assert len(found.tracks) == 2


def test_a_near_hit_is_a_failure_that_shows_how_to_pin() -> None:
    [found] = outcomes(shelf("Calibre 50", "Calibretto"), "Calibre")
    assert reason(found) == (
        'Deezer has no artist called "Calibre", only Calibre 50 (id 1), Calibretto (id 2); '
        'to pin one, give an ids file such as {"mapping": {"Calibre": {"deezer": "1"}}}'
    )
    assert found.failure is not None
    assert not found.failure.retryable
    assert not found.pending


def test_what_the_message_shows_is_a_file_that_works(tmp_path: object) -> None:
    [found] = outcomes(shelf('Cali"bre 50'), 'Cali"bre')
    example = reason(found).partition("such as ")[2]
    mapping = json.loads(example)["mapping"]
    pins = PinnedArtists(
        {name: Artist(name, {"deezer": ids["deezer"]}) for name, ids in mapping.items()}
    )
    [found] = outcomes(shelf('Cali"bre 50'), 'Cali"bre', pins=pins)
    assert found.how == "pinned"


def test_nobody_at_all() -> None:
    [found] = outcomes(shelf(), "Nobody")
    assert reason(found) == 'Deezer has no artist called "Nobody", nor one like it'


def test_many_candidates_are_cut_short() -> None:
    [found] = outcomes(shelf(*(f"Calibre {n}" for n in range(40))), "Calibre")
    assert "and 35 more" in reason(found)


def test_homonyms_follow_the_ranking_with_a_warning() -> None:
    [found] = outcomes(shelf("Calibre 50", "Calibre", "CALIBRE", "calibré"), "calibre")
    assert found.artist == Artist("Calibre", {"deezer": "2"})
    [warning] = found.warnings
    assert "3 artists of Deezer are called Calibre: took the one it ranks first (id 2)" in warning
    assert "not CALIBRE (id 3), calibré (id 4)" in warning
    assert '{"mapping": {"calibre": {"deezer": "3"}}}' in warning


def test_an_artist_without_tracks() -> None:
    [found] = outcomes(shelf("Vril", without_tracks=frozenset({"Vril"})), "Vril")
    assert reason(found) == "Deezer lists no studio recording by Vril (id 1)"


@pytest.mark.parametrize(
    "name",
    ["../../x", "AC/DC", "🎵", "شادي", "'; DROP TABLE artists; --", "a" * 200, 'artist:"x"', "%s"],
)
def test_odd_names_are_found_like_others(name: str) -> None:
    [found] = outcomes(shelf(name), name)
    assert found.artist is not None
    assert found.artist.name == name


def test_names_that_cannot_be_meant() -> None:
    long = "x" * 10_000
    catalogue = shelf("Rezz")
    empty, rezz, too_long = outcomes(catalogue, " \t", "Rezz", "\x00", long, "REZZ")
    assert reason(empty) == "an empty name; an artist's name was expected"
    assert reason(too_long) == "a name of 10000 characters; at most 200 were expected"
    assert rezz.artist is not None
    assert catalogue.asked == ["Rezz"]


@given(name=st.text(max_size=300))
def test_any_name_has_an_outcome(name: str) -> None:
    found = outcomes(shelf("Rezz", "AB"), name)
    assert found
    for each in found:
        if each.artist is not None and each.how == "exact":
            assert naming.same_name(each.artist.name, name)


# -- by pinned id ------------------------------------------------------------------------------


def test_a_pinned_id_beats_the_name() -> None:
    catalogue = shelf("Calibre", "Calibre")
    pins = PinnedArtists({"calibre": Artist("Calibre", {"deezer": "2", "musicbrainz": "m"})})
    [found] = outcomes(catalogue, "CALIBRE", pins=pins)
    assert found.artist == Artist("Calibre", {"deezer": "2", "musicbrainz": "m"})
    assert found.how == "pinned"
    assert not found.warnings
    assert not catalogue.asked


def test_a_pinned_id_of_another_name_is_taken_with_a_warning() -> None:
    pins = PinnedArtists({"Vril": Artist("Vril", {"deezer": "1"})})
    [found] = outcomes(shelf("Vrillah"), "Vril", pins=pins)
    assert found.artist == Artist("Vril", {"deezer": "1"})
    assert found.warnings == ('the id 1 pinned for "Vril" is that of Vrillah',)


def test_a_pinned_id_that_does_not_exist() -> None:
    pins = PinnedArtists({"Rezz & Vril": Artist("Rezz & Vril", {"deezer": "99"})})
    [found] = outcomes(shelf("Rezz", "Vril"), "Rezz & Vril", pins=pins)
    assert reason(found) == (
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
    [found] = outcomes(shelf("Vril", "Vril"), "Vril", pins=SPOTIFY_PIN, links=links)
    assert found.how == "linked"
    assert found.artist == Artist(
        "Vril",
        {"spotify": "0" * 22, "deezer": "2", "musicbrainz": world.performers[1].musicbrainz_id},
    )


def test_an_id_without_a_translation_falls_back_on_an_only_namesake(links: MusicBrainz) -> None:
    [found] = outcomes(shelf("Vrillah", "Vril"), "Vril", pins=SPOTIFY_PIN, links=links)
    assert found.how == "exact"
    assert found.artist == Artist("Vril", {"spotify": "0" * 22, "deezer": "2"})
    [warning] = found.warnings
    assert "not one of Deezer and MusicBrainz links none to it: found by name" in warning


def test_an_id_without_a_translation_is_no_guess_among_homonyms(links: MusicBrainz) -> None:
    [found] = outcomes(shelf("Vril", "Vril"), "Vril", pins=SPOTIFY_PIN, links=links)
    assert 'Deezer has several artists called "Vril": Vril (id 1), Vril (id 2)' in reason(found)


def test_musicbrainz_out_of_reach_ends_nothing(clock: JumpingClock) -> None:
    links = MusicBrainz(base_url=unused_url(), clock=clock)
    [found, other] = outcomes(shelf("Vril", "Rezz"), "Vril", "Rezz", pins=SPOTIFY_PIN, links=links)
    links.close()
    assert found.how == other.how == "exact"
    assert "MusicBrainz: cannot be reached" in found.warnings[0]


# -- collaborations ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["Rezz & Vril", "Rezz feat. Vril", "Rezz ft Vril", "Rezz Featuring Vril", "Rezz x Vril",
     "Rezz X Vril", "Rezz × Vril", "Rezz b2b Vril", "Rezz B2B Vril", "Rezz vs. Vril",
     "Rezz vs Vril", "Rezz presents Vril", "Rezz pres. Vril"],
)  # fmt: skip
def test_a_collaboration_is_looked_up_whole_first(name: str) -> None:
    [whole] = outcomes(shelf("Rezz", "Vril", name), name)
    assert whole.how == "exact"
    first, second = outcomes(shelf("Rezz", "Vril"), name)
    assert [each.artist and each.artist.name for each in (first, second)] == ["Rezz", "Vril"]
    assert {each.how for each in (first, second)} == {"part"}
    assert {each.requested for each in (first, second)} == {name}
    assert [each.name for each in (first, second)] == ["Rezz", "Vril"]
    assert first.warnings == (f'"{name}" is no artist of Deezer: looked up by part',)


@pytest.mark.parametrize("name", ["Rezzx Vril", "Ab2b", "Rezz xVril", "Vsauce", "Jamie xx", "x x"])
def test_what_only_looks_like_one(name: str) -> None:
    [found] = outcomes(shelf("Rezz", "Vril", "Jamie"), name)
    assert found.failure is not None


def test_three_together_and_one_of_them_twice() -> None:
    found = outcomes(shelf("Rezz", "Vril", "IMANU"), "Rezz b2b Vril b2b IMANU b2b REZZ")
    assert [each.name for each in found] == ["Rezz", "Vril", "IMANU"]


def test_a_part_that_is_missing_is_a_failure_of_its_own() -> None:
    first, second = outcomes(shelf("Rezz"), "Rezz b2b Nobody")
    assert first.artist is not None
    assert second.requested == "Rezz b2b Nobody"
    assert reason(second) == 'Deezer has no artist called "Nobody", nor one like it'


def test_a_band_with_an_ampersand_is_not_taken_apart_by_halves() -> None:
    [found] = outcomes(shelf("Florence", "Hercules"), "Florence & The Machine")
    assert 'no artist called "Florence & The Machine"' in reason(found)


def test_no_part_found_is_one_failure() -> None:
    [found] = outcomes(shelf(), "Nobody b2b Noone")
    assert 'no artist called "Nobody b2b Noone"' in reason(found)


def test_parts_obey_their_pins() -> None:
    pins = PinnedArtists({"Vril": Artist("Vril", {"deezer": "3"})})
    _, vril = outcomes(shelf("Rezz", "Vril", "Vril"), "Rezz b2b Vril", pins=pins)
    assert vril.artist is not None
    assert vril.artist.ids.get("deezer") == "3"


# -- services that fail ------------------------------------------------------------------------


def test_one_failing_name_leaves_the_others() -> None:
    catalogue = shelf("Rezz", "Vril", trouble={"Rezz": ServiceError("Deezer: status 502")})
    rezz, vril = outcomes(catalogue, "Rezz", "Vril")
    assert reason(rezz) == "Deezer: status 502"
    assert rezz.failure is not None
    assert rezz.failure.retryable
    assert not rezz.pending
    assert vril.artist is not None


@pytest.mark.parametrize("joint", ["&", "b2b"])
def test_a_part_that_fails_for_now_is_tried_again_as_a_whole(joint: str) -> None:
    catalogue = shelf("Rezz", "Vril", trouble={"Vril": ServiceError("Deezer: status 502")})
    [found] = outcomes(catalogue, f"Rezz {joint} Vril")
    assert found.name == f"Rezz {joint} Vril"
    assert found.failure is not None
    assert found.failure.retryable
    assert not found.pending


@pytest.mark.parametrize("last", ["IMANU", "Rezz b2b IMANU"])
def test_a_service_that_ends_leaves_the_rest_pending(last: str) -> None:
    catalogue = shelf("Rezz", "Vril", "Calibre", trouble={"IMANU": ServiceEnded("Deezer: quota")})
    found = outcomes(catalogue, "Rezz", "Vril", last, "Calibre", "deadmau5")
    assert [each.artist is not None for each in found] == [True, True, False, False, False]
    assert [each.pending for each in found] == [False, False, True, True, True]
    assert {reason(each) for each in found[2:]} == {"Deezer: quota"}
    assert [each.name for each in found[2:]] == [last, "Calibre", "deadmau5"]
    assert catalogue.asked[-1] == "IMANU"


def test_without_a_network_all_is_pending(clock: JumpingClock) -> None:
    catalogue = Deezer(base_url=unused_url(), clock=clock)
    found = outcomes(catalogue, *map(str, range(500)))
    catalogue.close()
    assert all(each.pending for each in found)
    assert "Deezer: cannot be reached" in reason(found[0])
    assert sum(clock.slept) < 3


def test_thousands_of_names_go_on_where_the_quota_stopped_them(
    httpserver: HTTPServer, clock: JumpingClock
) -> None:
    many = [Performer(f"Artist{n:04d}", n + 1) for n in range(60)]
    world = World(many, [Song("Song", (performer,), performer.number) for performer in many])
    world.like = lambda query: [p for p in many if p.name == query]  # type: ignore[method-assign]
    url = serve_deezer(httpserver, world)
    wanted = [performer.name for performer in many]
    catalogue = Deezer(base_url=url, clock=clock)
    first = []
    for each in ArtistResolver(catalogue, 2).resolve(wanted):
        first.append(each)
        if len(first) == 40:
            httpserver.clear()
            httpserver.expect_request("/deezer/search/artist").respond_with_response(
                Response(status=429, headers={"Retry-After": "86400"})
            )
    catalogue.close()
    assert [each.pending for each in first] == [False] * 40 + [True] * 20
    httpserver.clear()
    asked = sum(world.asked.values())
    catalogue = Deezer(base_url=serve_deezer(httpserver, world), clock=clock)
    again = list(ArtistResolver(catalogue, 2).resolve(wanted))
    catalogue.close()
    assert all(each.artist is not None for each in again)
    assert again[:40] == first[:40]
    assert sum(world.asked.values()) - asked == 2 * 20, "what is known is not asked for again"


def test_three_thousand_names_in_memory_are_quick() -> None:
    catalogue = Shelf([Artist("Rezz", {"deezer": "1"})])
    found = list(ArtistResolver(catalogue, 5).resolve(f"name {n} & co" for n in range(3000)))
    assert len(found) == 3000


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
