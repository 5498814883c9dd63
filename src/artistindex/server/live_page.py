"""The page at /: that of `artistindex page`, with a form to which a line-up is sent."""

from dataclasses import dataclass, replace
from http import HTTPStatus

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artistindex.errors import ArtistIndexError
from artistindex.index.reader import ArtistIndex
from artistindex.listeners.favourites import read_favourites
from artistindex.pages.page_data import PageData, page_data
from artistindex.pages.render import SendForm, render_page
from artistindex.server.answers import Uploads, read_sent_lineup
from artistindex.server.api import Desk, cached, read_files
from artistindex.server.live_index import OpenIndex
from artistindex.server.operations import FilePart

MAX_MAPPED = 20_000
"""Artists, up to which the page has a map: it holds every name and the tracks of everybody."""

_FILES = (
    FilePart("lineup", "Line-ups and events.", required=True),
    FilePart("likes", "Favourites.", required=True),
    FilePart("dislikes", "Artists whose like are to go down."),
)


@dataclass(frozen=True, slots=True)
class _Pages:
    """The page of an open index: its data, whose map is laid out once, and its HTML."""

    data: PageData
    html: bytes

    @classmethod
    def of(cls, index: ArtistIndex) -> "_Pages":
        """Lay the map out; takes seconds."""
        data = page_data(index) if len(index) <= MAX_MAPPED else _without_map(index)
        return cls(data, render_page(data, form=SendForm()).encode())


def routes(desk: Desk) -> list[Route]:
    """Return the route of the page; it is laid out in a thread of its own, others are answered."""
    thread = anyio.CapacityLimiter(1)

    async def endpoint(request: Request) -> Response:
        desk.access.check(request)
        if request.method == "POST":
            files = await read_files(request, _FILES)
            return await run_sync(_with_lineup, desk, files, limiter=thread)
        known = request.headers.get("if-none-match")
        return await run_sync(_plain, desk, known, limiter=thread)

    return [Route("/", endpoint, methods=["GET", "POST"])]


def _plain(desk: Desk, known: str | None) -> Response:
    with desk.live.lend() as served:
        return cached(served, known, lambda: Response(_pages(served).html, media_type="text/html"))


def _with_lineup(desk: Desk, files: Uploads) -> Response:
    """Answer with the page of a line-up, or with the plain one that says what is wrong."""
    with desk.live.lend() as served:
        pages = _pages(served)
        try:
            data, status = _ranked(served.index, files, pages), HTTPStatus.OK
            notice = ""
        except ArtistIndexError as error:
            data, status = pages.data, HTTPStatus.BAD_REQUEST
            notice = " ".join(str(error).split())
        html = render_page(data, form=SendForm(notice))
        return Response(html.encode(), status, media_type="text/html")


def _pages(served: OpenIndex) -> _Pages:
    return served.once("page", lambda: _Pages.of(served.index))


def _ranked(index: ArtistIndex, files: Uploads, pages: _Pages) -> PageData:
    likes = read_favourites(files["likes"])
    dislikes = read_favourites(files["dislikes"]) if files["dislikes"] else ()
    lineup = read_sent_lineup(index, files["lineup"], likes)
    data = page_data(index, lineup, likes, dislikes, with_map=False)
    return replace(data, map=pages.data.map)


def _without_map(index: ArtistIndex) -> PageData:
    return PageData(
        title=f"{len(index):,} artists",
        index=index.name,
        artists=len(index),
        tracks=index.manifest.tracks,
        created=index.manifest.created,
        lineup=None,
        map=None,
    )
