"""Errors as problem details (RFC 9457), each kind with an HTTP status and a name of its own."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from artistindex.errors import (
    AmbiguousArtist,
    ArtistIndexError,
    Misuse,
    UnknownArtist,
    UnknownTrack,
)
from artistindex.server.bodies import to_json

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """What is answered instead: a `status`, what went wrong in `detail`, and `more` members."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.more = status, detail, more
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Return the answer; without a type of its own, the status says what kind it is."""
        content = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
            **self.more,
        }
        return Response(to_json(content), self.status, self.headers, MEDIA_TYPE)


def problem_of(error: ArtistIndexError) -> Problem:
    """Return an error of the library as a problem."""
    detail = " ".join(str(error).split())
    match error:
        case UnknownArtist() | UnknownTrack():
            return Problem(HTTPStatus.NOT_FOUND, detail, closest=list(error.closest))
        case AmbiguousArtist():
            return Problem(HTTPStatus.CONFLICT, detail, candidates=list(error.candidates))
        case Misuse():
            return Problem(HTTPStatus.BAD_REQUEST, detail)
        case _:
            return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the index cannot answer this")
