"""The application: the doors, and what stands before them."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from artistindex.errors import ArtistIndexError
from artistindex.server import api, lastfm, live_page, subsonic
from artistindex.server.access import Access
from artistindex.server.api import Desk
from artistindex.server.library_ids import read_songs
from artistindex.server.live_index import LiveIndex
from artistindex.server.problems import Problem, problem_of
from artistindex.server.safety import BodyLimit, HostCheck, RateLimit, RequestLog, SafeHeaders
from artistindex.server.settings import MAX_BODY, Settings

_THREADS = 4  # docs/serve.md has what was measured
_MIN_COMPRESSED = 1024  # bytes

_DOORS = (api.routes, lastfm.routes, subsonic.routes, live_page.routes)

_logger = logging.getLogger(__name__)


def create_app(settings: Settings, on_start: Callable[[], None] | None = None) -> ASGIApp:
    """Return the ASGI application that `settings` describe, its index open.

    `on_start` is called first, in the process that serves. Raises BrokenIndex, Misuse.
    """
    if on_start is not None:
        on_start()
    library = None if settings.library_ids is None else read_songs(settings.library_ids)
    live = LiveIndex(settings.folder, salt="paths" if settings.shows_paths else "")
    desk = Desk(
        live,
        Access(settings.token),
        anyio.CapacityLimiter(_THREADS),
        shows_paths=settings.shows_paths,
        library=library,
    )
    app = Starlette(
        routes=[route for door in _DOORS for route in door(desk)],
        middleware=_layers(settings),
        exception_handlers=dict.fromkeys(
            (Problem, ArtistIndexError, HTTPException, Exception), _answer_error
        ),
        lifespan=_closing(live),
    )
    return RequestLog(app)


def _layers(settings: Settings) -> list[Middleware]:
    layers = [
        Middleware(SafeHeaders, is_shared=bool(settings.origins)),
        Middleware(HostCheck, names=settings.host_names),
        Middleware(RateLimit, rate=settings.rate),
        Middleware(BodyLimit, limit=MAX_BODY),
        Middleware(GZipMiddleware, minimum_size=_MIN_COMPRESSED, compresslevel=5),
    ]
    if settings.origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "If-None-Match"],
            expose_headers=["ETag"],
        )
        layers.insert(2, cors)
    return layers


def _closing(live: LiveIndex) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        live.close()

    return lifespan


# --- errors -------------------------------------------------------------------------------------


async def _answer_error(request: Request, error: Exception) -> Response:
    return _as_problem(error).response()


def _as_problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case ArtistIndexError():
            problem = problem_of(error)
            if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                _logger.error("%s", error)
            return problem
        case HTTPException():
            status = HTTPStatus(error.status_code)
            detail = status.description if error.detail == status.phrase else error.detail
            return Problem(status, detail, headers=error.headers)
        case _:  # goes on to the log with its traceback
            return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a mistake of the server")
