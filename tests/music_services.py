"""Deezer, Spotify and MusicBrainz on a local server, in the shapes that the real ones send."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from artistindex import naming

SECRET_ID = "sentinelclientid0123456789"
SECRET = "sentinelsecret0123456789abcdef"
TOKEN = "sentineltoken-0123456789"


@dataclass(frozen=True)
class Performer:
    """An artist of the made-up world; the ids of the services follow from the number."""

    name: str
    number: int

    @property
    def deezer_id(self) -> str:
        return str(self.number)

    @property
    def spotify_id(self) -> str:
        return f"{self.number:022d}"

    @property
    def musicbrainz_id(self) -> str:
        return f"00000000-0000-4000-8000-{self.number:012d}"


@dataclass(frozen=True)
class Song:
    """A track of the made-up world, by one or more performers."""

    title: str
    by: tuple[Performer, ...]
    number: int
    seconds: int = 200
    album: str = "An Album"
    isrc: str | None = None


@dataclass
class World:
    """Who there is, in the services' own ranking, and what they made, the most popular first."""

    performers: Sequence[Performer]
    songs: Sequence[Song] = ()
    asked: Counter[str] = field(default_factory=Counter)
    requests: list[Request] = field(default_factory=list)
    top_tracks_allowed: bool = False
    linked: Mapping[str, Sequence[str]] = field(default_factory=dict)
    previews: str = "https://cdnt-preview.dzcdn.net"

    def like(self, query: str) -> list[Performer]:
        """Everyone who shares a piece of a word with `query`: as generous as the real searches."""
        words = naming.normalise(query).replace('artist:"', "").replace('"', "").split()
        return [
            performer
            for performer in self.performers
            if any(word[:4] in naming.normalise(performer.name) for word in words)
        ]

    def numbered(self, id_: str) -> Performer | None:
        number = int(id_) if id_.isdigit() else -1
        return next((p for p in self.performers if p.number == number), None)

    def by(self, performer: Performer | None) -> list[Song]:
        return [song for song in self.songs if performer in song.by]

    def note(self, what: str, request: Request) -> None:
        self.asked[what] += 1
        self.requests.append(request)


def json_response(document: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(document), status, headers, content_type="application/json")


# -- Deezer ----------------------------------------------------------------------------------


def deezer_artist(performer: Performer) -> dict[str, Any]:
    return {
        "id": performer.number,
        "name": performer.name,
        "link": f"https://www.deezer.com/artist/{performer.number}",
        "picture": "https://api.deezer.com/artist/0/image",
        "nb_album": 7,
        "nb_fan": 1000 - performer.number,
        "radio": True,
        "tracklist": f"https://api.deezer.com/artist/{performer.number}/top?limit=50",
        "type": "artist",
    }


def deezer_track(song: Song, previews: str = World.previews) -> dict[str, Any]:
    track = {
        "id": song.number,
        "readable": True,
        "title": song.title,
        "title_short": song.title,
        "title_version": "",
        "duration": song.seconds,
        "rank": 900_000 - song.number,
        "explicit_lyrics": False,
        "preview": f"{previews}/{song.number}.mp3?hdnea=signed",
        "contributors": [{**deezer_artist(p), "role": "Main"} for p in song.by],
        "artist": deezer_artist(song.by[0]),
        "album": {"id": 1, "title": song.album, "type": "album"},
        "type": "track",
    }
    return track | ({"isrc": song.isrc} if song.isrc else {})


def deezer_error(code: int, kind: str = "DataException", message: str = "no data") -> Response:
    return json_response({"error": {"type": kind, "message": message, "code": code}})


def serve_deezer(server: HTTPServer, world: World, at: str = "/deezer") -> str:
    """Serve the world as Deezer does; returns the base URL."""

    def answer(request: Request) -> Response:
        parts = request.path.removeprefix(at).strip("/").split("/")
        world.note("/".join(part for part in parts if not part.isdigit()), request)
        match parts:
            case ["search", "artist"]:
                artists = [deezer_artist(p) for p in world.like(request.args["q"])]
                return json_response({"data": artists, "total": len(artists)})
            case ["artist", id_]:
                performer = world.numbered(id_)
                return json_response(deezer_artist(performer)) if performer else deezer_error(800)
            case ["artist", id_, "top"]:
                songs = world.by(world.numbered(id_))[: int(request.args["limit"])]
                listed = [deezer_track(song, world.previews) for song in songs]
                return json_response({"data": listed, "total": len(listed)})
            case ["track", id_]:
                for song in world.songs:
                    if id_ in (str(song.number), f"isrc:{song.isrc}"):
                        return json_response(deezer_track(song, world.previews))
        return deezer_error(800)

    _serve(server, at, answer)
    return server.url_for(at)


# -- Spotify ---------------------------------------------------------------------------------


def spotify_artist(performer: Performer) -> dict[str, Any]:
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/artist/{performer.spotify_id}"},
        "href": f"https://api.spotify.com/v1/artists/{performer.spotify_id}",
        "id": performer.spotify_id,
        "images": [],
        "name": performer.name,
        "type": "artist",
        "uri": f"spotify:artist:{performer.spotify_id}",
    }


def spotify_track(song: Song) -> dict[str, Any]:
    return {
        "album": {"id": f"{song.number:022d}", "name": song.album, "type": "album"},
        "artists": [spotify_artist(p) for p in song.by],
        "disc_number": 1,
        "duration_ms": song.seconds * 1000,
        "explicit": False,
        "external_ids": {"isrc": song.isrc} if song.isrc else {},
        "id": f"{song.number:022d}",
        "is_local": False,
        "name": song.title,
        "track_number": 1,
        "type": "track",
        "uri": f"spotify:track:{song.number:022d}",
    }


def spotify_page(items: list[dict[str, Any]], request: Request) -> dict[str, Any]:
    limit, offset = int(request.args.get("limit", 10)), int(request.args.get("offset", 0))
    return {
        "href": request.url,
        "items": items[offset : offset + limit],
        "limit": limit,
        "next": None,
        "offset": offset,
        "previous": None,
        "total": len(items),
    }


def spotify_error(status: int, message: str, **more: str) -> Response:
    return json_response({"error": {"status": status, "message": message, **more}}, status)


def serve_spotify(server: HTTPServer, world: World, at: str = "/spotify") -> dict[str, str]:
    """Serve the world as Spotify's Development Mode does; returns base_url and token_url."""

    def token(request: Request) -> Response:
        world.note("token", request)
        if request.authorization is None or request.authorization.password != SECRET:
            return json_response(
                {"error": "invalid_client", "error_description": "Invalid client secret"}, 400
            )
        return json_response({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})

    def answer(request: Request) -> Response:
        parts = request.path.removeprefix(f"{at}/v1").strip("/").split("/")
        world.note("/".join(part for part in parts if not part.isdigit()), request)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return spotify_error(401, "No token provided")
        if int(request.args.get("limit", 1)) > (50 if parts[0] == "albums" else 10):
            return spotify_error(400, "Invalid limit")
        match parts:
            case ["search"]:
                return json_response(search(request))
            case ["artists", id_]:
                performer = world.numbered(id_)
                if performer is None:
                    return spotify_error(404, "Resource not found")
                return json_response(spotify_artist(performer))
            case ["artists", id_, "top-tracks"]:
                if not world.top_tracks_allowed:
                    return spotify_error(403, "Forbidden")
                songs = world.by(world.numbered(id_))[:10]
                return json_response({"tracks": list(map(spotify_track, songs))})
            case ["artists", id_, "albums"]:
                own = {song.album for song in world.by(world.numbered(id_))}
                items = [
                    {"id": f"{n}", "name": album}
                    for n, album in enumerate(albums())
                    if album in own
                ]
                return json_response(spotify_page(items, request))
            case ["albums", id_, "tracks"]:
                songs = [song for song in world.songs if song.album == albums()[int(id_)]]
                items = [simplified(song) for song in songs]
                return json_response(spotify_page(items, request))
        return spotify_error(404, "Service not found")

    def albums() -> list[str]:
        return list(dict.fromkeys(song.album for song in world.songs))

    def simplified(song: Song) -> dict[str, Any]:
        unwanted = ("album", "external_ids")
        return {k: v for k, v in spotify_track(song).items() if k not in unwanted}

    def search(request: Request) -> dict[str, Any]:
        query = request.args["q"]
        answer = {}
        if "artist" in request.args["type"].split(","):
            artists = [spotify_artist(p) for p in world.like(query)]
            answer["artists"] = spotify_page(artists, request)
        if "track" not in request.args["type"].split(","):
            return answer
        words = naming.normalise(query.removeprefix('artist:"').removesuffix('"'))
        artists = [  # the title counts as well, as the experiment found out
            spotify_track(song)
            for song in world.songs
            if words in naming.normalise(song.title)
            or any(words in naming.normalise(performer.name) for performer in song.by)
        ]
        return answer | {"tracks": spotify_page(artists, request)}

    server.expect_request(f"{at}/api/token", method="POST").respond_with_handler(token)
    _serve(server, f"{at}/v1", answer)
    return {
        "base_url": server.url_for(f"{at}/v1"),
        "token_url": server.url_for(f"{at}/api/token"),
    }


# -- MusicBrainz -----------------------------------------------------------------------------


def serve_musicbrainz(server: HTTPServer, world: World, at: str = "/musicbrainz") -> str:
    """Serve the links in `world.linked`, a name's pages, as MusicBrainz does."""

    def answer(request: Request) -> Response:
        world.note("musicbrainz", request)
        assert request.args["fmt"] == "json"
        resource = request.args.get("resource")
        for performer in world.performers:
            pages = world.linked.get(performer.name, ())
            if resource in pages and resource is not None:
                artist = {"id": performer.musicbrainz_id, "name": performer.name}
                relation = {"type": "free streaming", "target-type": "artist", "artist": artist}
                return json_response({"id": "x", "resource": resource, "relations": [relation]})
            if pages and request.path.endswith(performer.musicbrainz_id):
                relations = [
                    {"type": "wikidata", "target-type": "url", "url": {"resource": "https://w/Q1"}},
                    {"type": "odd", "target-type": "url"},
                    *(
                        {"type": "streaming", "target-type": "url", "url": {"resource": page}}
                        for page in pages
                    ),
                ]
                return json_response(
                    {"id": performer.musicbrainz_id, "name": "x", "relations": relations}
                )
        return json_response({"error": "Not Found"}, 404)

    _serve(server, at, answer)
    return server.url_for(at)


def _serve(server: HTTPServer, at: str, answer: Callable[[Request], Response]) -> None:
    import re

    server.expect_request(re.compile(f"^{re.escape(at)}/.*")).respond_with_handler(answer)


def queries(world: World) -> list[str]:
    """The addresses that were asked for, readable."""
    return [unquote(request.full_path) for request in world.requests]
