"""Downloading one large file so that a cut costs only what had not arrived yet."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from artistindex import __version__
from artistindex._util.files import atomic_write, no_follow
from artistindex.errors import WeightsError

if TYPE_CHECKING:
    from requests import Response

ATTEMPTS = 5
CHUNK = 1 << 16  # what a cut can cost
CONNECT_TIMEOUT, READ_TIMEOUT = 10, 30  # seconds

Progress = Callable[[int, int | None], None]


class Unreachable(WeightsError):
    """The server cannot be reached, has no answer, or broke off every time."""


class _Cut(Exception):
    """An attempt that ended early; the next one may go on from there."""


def download(
    url: str,
    part: Path,
    *,
    progress: Progress,
    expected: int | None = None,
    max_bytes: int,
    pause: float = 1.0,
) -> None:
    """Fill `part` with what `url` names; `progress(done, total)` is called with bytes.

    What `part` holds from before is kept where the server confirms that its file is still the
    same (If-Range, with the validator noted beside `part`); else the download begins anew. A cut
    is followed by another attempt, ATTEMPTS in all, with `pause` seconds and more between them.
    Raises Unreachable where that does not help (`part` stays, to go on from), WeightsError for
    an answer that is not the file: an HTTP error, a size other than `expected` or over `max_bytes`;
    OSError where `part` cannot be written.
    """
    if part.is_symlink():
        discard(part)
    reason = ""
    for attempt in range(ATTEMPTS):
        time.sleep(pause * attempt)
        try:
            _attempt(url, part, progress, expected, max_bytes, first=attempt == 0)
        except _Cut as cut:
            reason = str(cut)
        else:
            _validator_file(part).unlink(missing_ok=True)
            return
    raise Unreachable(f"{url} cannot be downloaded ({reason})")


def discard(part: Path) -> None:
    """Remove an unfinished download and what was noted with it."""
    part.unlink(missing_ok=True)
    _validator_file(part).unlink(missing_ok=True)


def _attempt(
    url: str,
    part: Path,
    progress: Progress,
    expected: int | None,
    max_bytes: int,
    *,
    first: bool,
) -> None:
    import requests

    present = part.stat().st_size if part.exists() else 0
    validator = _noted_validator(part, url) if present else ""
    headers = {"User-Agent": f"artistindex/{__version__}", "Accept-Encoding": "identity"}
    if validator:
        headers |= {"Range": f"bytes={present}-", "If-Range": validator}
    timeout = (CONNECT_TIMEOUT, READ_TIMEOUT)
    try:
        response = requests.get(url, headers=headers, stream=True, timeout=timeout)
    except (requests.ConnectionError, requests.Timeout) as error:
        if first:
            raise Unreachable(f"{url} cannot be reached ({_reason(error)})") from error
        raise _Cut(_reason(error)) from error
    except requests.RequestException as error:
        raise WeightsError(f"{url} cannot be downloaded ({_reason(error)})") from error
    with response:
        _refuse_status(url, response, part)
        start, total = _span(response)
        if start not in (0, present):
            discard(part)
            raise _Cut(
                f"the server sent bytes from {start:,} when asked for those from {present:,}"
            )
        if total is not None and total != (expected or total):
            raise WeightsError(f"{url} is {total:,} bytes, expected {expected:,}")
        if start == 0:
            _note_validator(part, url, response)
        _write(url, response, part, start, total, progress, max_bytes)


def _refuse_status(url: str, response: "Response", part: Path) -> None:
    status = response.status_code
    if status == 416:  # what is there is no beginning of the server's file
        discard(part)
        raise _Cut("the server's file has changed")
    if status == 429 or status >= 500:
        raise _Cut(f"the server answered {status}")
    if status not in (200, 206):
        raise WeightsError(f"{url} cannot be downloaded (the server answered {status})")


def _span(response: "Response") -> tuple[int, int | None]:
    """Return the offset of the first byte and the size of the whole file, None where unsaid."""
    if response.status_code == 206:
        match = re.fullmatch(
            r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip()
        )
        if match is None:
            return -1, None
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = response.headers.get("Content-Length", "")
    coded = response.headers.get("Content-Encoding", "identity") != "identity"
    return 0, int(length) if length.isdigit() and not coded else None


def _write(
    url: str,
    response: "Response",
    part: Path,
    start: int,
    total: int | None,
    progress: Progress,
    max_bytes: int,
) -> None:
    import requests

    done = start
    progress(done, total)
    with open(part, "ab" if start else "wb", opener=no_follow) as file:
        chunks = response.iter_content(CHUNK)
        while True:
            try:
                chunk = next(chunks, None)
            except requests.RequestException as error:
                raise _Cut("the connection was cut") from error
            if chunk is None:
                break
            done += len(chunk)
            if done > max_bytes:
                raise WeightsError(
                    f"{url} is over {max_bytes:,} bytes, more than the model can have"
                )
            file.write(chunk)
            progress(done, total)
    if total is not None and done != total:
        raise _Cut(f"it ended after {done:,} of {total:,} bytes")


def _validator_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.validator")


def _noted_validator(part: Path, url: str) -> str:
    try:
        noted_url, validator = _validator_file(part).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return ""
    return validator if noted_url == url else ""


def _note_validator(part: Path, url: str, response: "Response") -> None:
    """Keep what tells this version of the file from others (RFC 9110, 13.1.5: no weak tags)."""
    tag = response.headers.get("ETag", "")
    validator = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")
    atomic_write(_validator_file(part), f"{url}\n{validator or ''}\n".encode())


def _reason(error: Exception) -> str:
    """Return the innermost reason, without the layers that HTTP libraries wrap around it."""
    import requests

    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted here"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy refused"
    return "no connection" if isinstance(error, requests.ConnectionError) else str(error)
