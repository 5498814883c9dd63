"""What yt-dlp's errors mean for a run: the next candidate, a pause, or the end.

yt-dlp tells its errors apart by their text only. Nothing here quotes an address: those of media are
signed, and the path of a cookie file is nobody's business.
"""

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from artistindex.errors import Remedy, ServiceEnded, TrackError


class ErrorKind(StrEnum):
    """What to do about an error."""

    BOT = "end: the service asks for proof of a person"
    RUNTIME = "end: no JavaScript runtime"
    OFFLINE = "end: no connection"
    DISK = "end: no space"
    LIMITED = "pause, then the same again"
    FORBIDDEN = "once more, then the next candidate"
    GONE = "the next candidate, for good"
    BROKEN = "the next candidate, for now"


_TABLE = (  # the first that matches, in this order
    (ErrorKind.BOT, r"not a bot|captcha"),
    (ErrorKind.LIMITED, r"rate.?limited|try again later|http error 429|too many requests"),
    (ErrorKind.FORBIDDEN, r"http error 403"),
    (ErrorKind.RUNTIME, r"requested format is not available|no supported javascript runtime"),
    (
        ErrorKind.GONE,
        r"video unavailable|private video|video is private|\bage\b|age.restrict|country|region"
        r"|geo.?restrict|not available|removed|terminated|copyright|members.only|premium"
        r"|join this channel|premiere|live event|login|sign in|http error (?:404|410|451)|drm"
        r"|no longer",
    ),
    (
        ErrorKind.OFFLINE,
        r"failed to resolve|name or service not known|name resolution|nodename nor servname"
        r"|getaddrinfo|connection refused|network is unreachable|no route to host"
        r"|unable to connect to proxy|actively refused",
    ),
)
_ADDRESS = re.compile(r"\S*(?://|\\\\)\S*|(?<!\w)~?/\S+|[A-Za-z]:\\\S+")
_NOISE = re.compile(
    r"^ERROR:\s*|\[[\w:.+-]+\]\s*|\(caused by.*|; please report.*|Use --cookies.*|See  ?https?.*",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of yt-dlp, understood; `text` is its own words, without addresses and paths."""

    kind: ErrorKind
    text: str


def understand(error: BaseException, warnings: str = "") -> Refusal:
    """What `error` means; `warnings` are those that yt-dlp gave before."""
    if any(isinstance(e, OSError) and e.errno in _FULL for e in _causes(error)):
        return Refusal(ErrorKind.DISK, "no space is left")
    message = str(error)
    lowered = message.casefold()
    kind = next((kind for kind, text in _TABLE if re.search(text, lowered)), ErrorKind.BROKEN)
    if kind is ErrorKind.RUNTIME and "javascript runtime" not in (warnings + message).casefold():
        kind = ErrorKind.BROKEN if _has_runtime() else ErrorKind.RUNTIME
    return Refusal(kind, plain(message))


def plain(message: str) -> str:
    """One short line of a message of yt-dlp, without addresses, paths and advice."""
    line = " ".join(_ADDRESS.sub("...", _NOISE.sub(" ", message)).split())
    return line[:160].rstrip(" .:;") or "it gave no reason"


def as_service_unavailable(refusal: Refusal, service: str) -> ServiceEnded | None:
    """Return the error that ends the service for this run, if `refusal` calls for it."""
    if refusal.kind is ErrorKind.BOT:
        return ServiceEnded(
            f"{service} wants proof that you are not a bot and gives out nothing more; what is "
            "done is kept",
            remedy=Remedy.GIVE_COOKIES,
        )
    if refusal.kind is ErrorKind.RUNTIME:
        return ServiceEnded(
            f"{service} needs a JavaScript runtime to give out audio, and none was found; deno "
            "(https://deno.com) is one",
            remedy=Remedy.INSTALL_EXTRA,
            extra="youtube",
        )
    if refusal.kind is ErrorKind.OFFLINE:
        return ServiceEnded(
            f"{service} cannot be reached: check the connection (or the proxy), then run this "
            "again; what is done is kept"
        )
    return None


def as_track_error(refusal: Refusal, service: str) -> TrackError:
    """Return the error that gives up this audio, but not the service."""
    if refusal.kind is ErrorKind.FORBIDDEN:
        reason = f"{service} refused it twice (403): upgrade yt-dlp (pip install -U yt-dlp)"
        return TrackError("fetch", reason, retryable=True)
    return TrackError(
        "fetch", f"{service}: {refusal.text}", retryable=refusal.kind is not ErrorKind.GONE
    )


_FULL = (errno.ENOSPC, errno.EDQUOT)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything that led to it; yt-dlp keeps some of that in `exc_info`."""
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        cause = queue.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        info = getattr(cause, "exc_info", None)
        queue += [cause.__cause__, cause.__context__, info[1] if info else None]


def _has_runtime() -> bool:
    """Whether yt-dlp finds the one JavaScript runtime that it uses unasked."""
    from yt_dlp.utils._jsruntime import DenoJsRuntime

    info = DenoJsRuntime().info
    return info is not None and bool(info.supported)
