"""The own API over HTTP: JSON below /api/v1, with ETags and problem details."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import anyio
from anyio.to_thread import run_sync
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artistindex import naming
from artistindex.listeners.user_files import Upload
from artistindex.server.access import Access
from artistindex.server.bodies import to_json
from artistindex.server.library_ids import Song
from artistindex.server.live_index import LiveIndex, OpenIndex
from artistindex.server.openapi import document
from artistindex.server.operations import OPERATIONS, PREFIX, FilePart, Operation
from artistindex.server.parameters import parse_query
from artistindex.server.problems import Problem
from artistindex.server.settings import MAX_BODY
from artistindex.server.songs import SongBook

_MAX_FILES = 32  # of a form
_FORM = "multipart/form-data"

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Desk:
    """Where questions are put: the `live` index, who has `access`, and how answers are shown.

    `threads` says how many questions are worked on at once; `library` are the songs of a player's.
    """

    live: LiveIndex
    access: Access
    threads: anyio.CapacityLimiter
    shows_paths: bool = False
    library: Sequence[Song] | None = None

    async def ask(self, question: Callable[[OpenIndex], Answer]) -> Answer:
        """Put a question to the newest index, in a thread."""

        def work() -> Answer:
            with self.live.lend() as served:
                return question(served)

        return await run_sync(work, limiter=self.threads)

    def songs(self, served: OpenIndex) -> SongBook:
        """Return the songs of an open index by the ids of `library`, or by our own."""
        return served.once("songs", lambda: SongBook(served.index, self.library))

    def to_json(self, payload: Mapping[str, Any]) -> bytes:
        """Return an answer as JSON, without what only this machine should know."""
        return to_json(payload if self.shows_paths else without_paths(payload))


def without_paths(value: Any) -> Any:
    """Return a JSON value in which every `path`, which is one on our disk, is null."""
    if isinstance(value, dict):
        return {key: None if key == "path" else without_paths(value[key]) for key in value}
    return list(map(without_paths, value)) if isinstance(value, list) else value


def routes(desk: Desk) -> list[Route]:
    """Return the routes of the own API."""
    described = to_json(document(needs_token=desk.access.token is not None))

    async def openapi(request: Request) -> Response:
        return Response(described, media_type="application/json")

    return [
        Route(f"{PREFIX}/openapi.json", openapi),
        *(_route(desk, operation) for operation in OPERATIONS),
    ]


def _route(desk: Desk, operation: Operation) -> Route:
    async def get(request: Request) -> Response:
        desk.access.check(request)
        values = parse_query(operation.parameters, request.query_params)
        known = request.headers.get("if-none-match")

        def answer(served: OpenIndex) -> Response:
            body = desk.to_json(operation.answer(served, values))
            return Response(body, media_type="application/json")

        return await desk.ask(lambda served: cached(served, known, lambda: answer(served)))

    async def post(request: Request) -> Response:
        desk.access.check(request)
        values = parse_query(operation.parameters, request.query_params)
        files = await read_files(request, operation.files)
        body = await desk.ask(lambda served: desk.to_json(operation.answer(served, values, files)))
        return Response(body, media_type="application/json")

    endpoint = post if operation.files else get
    return Route(f"{PREFIX}{operation.path}", endpoint, methods=[operation.method])


def cached(served: OpenIndex, known: str | None, answer: Callable[[], Response]) -> Response:
    """Return an answer with the ETag of its index, without content where `known` names that."""
    etag = f'W/"{served.version}"'
    is_known = known is not None and _is_known(etag, known)
    response = Response(status_code=HTTPStatus.NOT_MODIFIED) if is_known else answer()
    response.headers.update({"ETag": etag, "Cache-Control": "no-cache"})
    return response


def _is_known(etag: str, header: str) -> bool:
    """Tell whether If-None-Match names the tag; weak and strong ones count alike (RFC 9110)."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


# --- files --------------------------------------------------------------------------------------


async def read_files(request: Request, parts: Sequence[FilePart]) -> dict[str, list[Upload]]:
    """Return the files of a form by the name of their part; raises Problem."""
    if not request.headers.get("content-type", "").lower().startswith(_FORM):
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body must be {_FORM}, with files in its parts")
    async with request.form(
        max_files=_MAX_FILES, max_fields=_MAX_FILES, max_part_size=MAX_BODY
    ) as form:
        files = await _by_part(form, parts)
    for part in parts:
        if part.required and not files[part.name]:
            raise Problem(
                HTTPStatus.BAD_REQUEST, f"the form needs a part {part.name}", parameter=part.name
            )
    return files


async def _by_part(form: FormData, parts: Sequence[FilePart]) -> dict[str, list[Upload]]:
    files: dict[str, list[Upload]] = {part.name: [] for part in parts}
    for name, value in form.multi_items():
        if name not in files:
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                f"there is no part {naming.quoted(name)}; there are {', '.join(files)}",
            )
        file = await _upload(name, value)
        if file.name or file.content:  # else a field of a browser in which nothing was chosen
            files[name].append(file)
    return files


async def _upload(name: str, value: UploadFile | str) -> Upload:
    """Return a part of a form: a file, or a list that was typed into it."""
    if isinstance(value, str):
        return Upload(name if value else "", value.encode("utf-8", "replace"))
    return Upload(value.filename or "", await value.read())
