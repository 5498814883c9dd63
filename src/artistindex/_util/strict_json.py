"""JSON from a service, taken only where it is JSON as the standard (RFC 8259) has it."""

import json
from collections.abc import Callable
from typing import Any

from artistindex.errors import ServiceError


def parse(text: str, service: str, *, hook: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Return the document in `text`; `hook` replaces each object, as in `json.loads`.

    Raises ServiceError, in the name of `service`, for anything else, NaN and Infinity included.
    """
    try:
        return json.loads(text, object_hook=hook, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise not_json(service, text) from None


def not_json(service: str, text: str = "") -> ServiceError:
    """Return the error for an answer that is not the JSON it should be."""
    sort = "a web page" if text.lstrip()[:1] == "<" else "something else"
    return ServiceError(
        f"{service} sent {sort} where JSON was expected (is a log-in page or a proxy in between?)"
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
