"""Finding a track on YouTube and fetching its audio, politely, through yt-dlp.

The audio is kept as it was delivered: nothing is converted, and no ffmpeg program is needed.
"""

import itertools
import json
import logging
import math
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from artistindex import naming
from artistindex._util.public_addresses import public_addresses_only
from artistindex._util.urls import is_local, is_safe
from artistindex.audio.sources import youtube_errors
from artistindex.audio.sources.cache import AudioCache
from artistindex.audio.sources.match import MAX_DURATION, Candidate, Verdict, is_as_long, rank
from artistindex.audio.sources.youtube_errors import ErrorKind, Refusal
from artistindex.entities import AudioMatch, Track
from artistindex.errors import ArtistIndexError, Misuse, Remedy, ServiceEnded, TrackError

if TYPE_CHECKING:
    from yt_dlp import YoutubeDL

SEARCH = "ytsearch10:{query}"
VIDEO = "https://www.youtube.com/watch?v={id}"

_Answer = TypeVar("_Answer")
_log = logging.getLogger(__name__)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_BYTES = 300 << 20  # four hours of music as YouTube delivers it
_MAX_SECONDS = 1800.0  # that one download may take
_SEARCH_BYTES = 8 << 20
_NO_FFMPEG = os.path.join(os.devnull, "none")  # it would heed no limit of size, time or address
_MAX_IN_A_ROW = {
    ErrorKind.FORBIDDEN: 10,
    ErrorKind.BROKEN: 10,
}  # then it is not the video that is at fault


@dataclass(frozen=True, slots=True)
class Pace:
    """How politely YouTube is asked, in seconds.

    `between` every two requests; from `min_gap` to `max_gap` between two downloads; `pauses`
    are the waits, one after the other, when YouTube limits the rate, and the end after the last.
    """

    between: float = 0.75
    min_gap: float = 10.0
    max_gap: float = 20.0
    pauses: tuple[float, ...] = (60.0, 600.0, 3000.0)
    timeout: float = 20.0

    @classmethod
    def local(cls) -> "Pace":
        """For a server of one's own."""
        return cls(between=0, min_gap=0, max_gap=0, pauses=(0.2, 0.5, 1.0), timeout=5)


@dataclass(frozen=True, slots=True)
class Cookies:
    """The user's cookies: a Netscape cookie file, or the browser (`NAME` or
    `NAME:PROFILE`) to take them from.

    Neither the path nor a cookie appears in a log, an error or the repr.
    """

    file: Path | None = field(default=None, repr=False)
    browser: str | None = field(default=None, repr=False)


class YouTube:
    """YouTube as a source of audio; see base.AudioSource. For one thread.

    `search` is what yt-dlp searches with, "{query}" in it, or the URL of a JSON document
    `{"entries": [...]}` of flat entries; `video` is the URL of a video, "{id}" in it. They default
    to the environment's ARTISTINDEX_YOUTUBE_SEARCH and ARTISTINDEX_YOUTUBE_VIDEO, for mirrors and
    tests, then to YouTube itself. Pauses are logged. Raises Misuse for cookies
    that cannot be read.
    """

    name = "youtube"

    def __init__(
        self,
        cache: AudioCache,
        *,
        cookies: Cookies | None = None,
        pace: Pace | None = None,
        search: str | None = None,
        video: str | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._cache = cache
        self._search = search or _from_environment("ARTISTINDEX_YOUTUBE_SEARCH", SEARCH, "{query}")
        self._video = video or _from_environment("ARTISTINDEX_YOUTUBE_VIDEO", VIDEO, "{id}")
        self._pace = pace or (Pace.local() if is_local(self._video) else Pace())
        self._jar = _read_cookies(cookies.file) if cookies and cookies.file else None
        self._browser = cookies.browser if cookies else None
        self._log = _Log()
        self._stopping = threading.Event()
        self._sleep = sleep or self._stopping.wait
        self._rested = -math.inf
        self._row: list[ErrorKind] = []

    def candidates(self, track: Track) -> list[AudioMatch]:
        """The videos that are `track`, best first.

        Raises TrackError (stage "match") where none is, naming the nearest that were turned down.
        """
        verdicts = self.search(track)
        matches = [_match(verdict) for verdict in verdicts if verdict.accepted]
        if not matches:
            raise TrackError("match", _turned_down(verdicts), retryable=not verdicts)
        return matches

    def search(self, track: Track) -> list[Verdict]:
        """Return a verdict on every answer of the search, the accepted first, best first.

        Where none of them is acceptable, the recording's ISRC is searched for as well.
        """
        names = " ".join(artist.name for artist in track.artists[:2])
        candidates = self._candidates(f"{names} {track.title}")
        verdicts = rank(track, candidates)
        if track.isrc and not any(verdict.accepted for verdict in verdicts):
            by_id = {candidate.id: candidate for candidate in candidates}
            by_id |= {candidate.id: candidate for candidate in self._candidates(track.isrc)}
            verdicts = rank(track, by_id.values())
        return verdicts

    def _candidates(self, text: str) -> list[Candidate]:
        query = " ".join(text.split())[:200]
        entries = self._asking("match", lambda: self._entries(query))
        read = (Candidate.from_entry(entry) for entry in entries if isinstance(entry, Mapping))
        return [candidate for candidate in read if candidate and _ID.fullmatch(candidate.id)]

    def fetch(self, match: AudioMatch, *, duration: float | None = None) -> Path:
        """Return the audio of `match`, from the cache or downloaded as it is delivered.

        Raises TrackError for what lasts too long or too short for a track of `duration` seconds.
        """
        if not _ID.fullmatch(match.source_id):
            raise TrackError("fetch", "the library names a video by what is no id of YouTube's")
        key = f"{self.name}:{match.source_id}"
        cached = self._cache.get(key)
        if cached is not None:
            _demand_length(_length(cached), duration)
            return cached
        url = self._video.replace("{id}", match.source_id)
        with self._cache.fetching() as folder:
            file = self._asking("fetch", lambda: self._download(url, folder, duration))
            _demand_length(_length(file), duration)
            return self._cache.put(key, file)

    def fetch_url(self, url: str, folder: Path, *, allow_private: bool = False) -> Path:
        """Download the audio at any URL that yt-dlp knows into `folder`; never cached.

        Every connection that it takes goes to a public address, unless `allow_private`. Raises
        Misuse for what is no web address, TrackError for a list, for what is too long, lies in a
        private network or holds no audio, ServiceEnded where there is no connection.
        """
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise Misuse(
                f"{naming.quoted(url, 100)} is neither a file nor a web address (https://...)"
            )
        host = urlsplit(url).hostname or ""
        download = self._download if allow_private else self._download_from_public
        return self._asking("fetch", lambda: download(url, folder), service=host)

    def release(self, path: Path, *, useless: bool = False) -> None:
        """Say that a fetched file has been used; see AudioCache.release."""
        self._cache.release(path, useless=useless)

    def close(self) -> None:
        """End every wait and download, from any thread, and delete what is not to be kept."""
        self._stopping.set()
        self._cache.close()

    def _entries(self, query: str) -> list[Any]:
        options = {"extract_flat": True, "skip_download": True}
        with self._yt_dlp(options) as ydl:
            if "://" in self._search:
                return _entries_at(ydl, self._search.replace("{query}", quote(query, safe="")))
            answer = ydl.extract_info(self._search.replace("{query}", query), download=False)
            return list(itertools.islice((answer or {}).get("entries") or (), 20))

    def _download(self, url: str, folder: Path, wanted: float | None = None) -> Path:
        deadline = time.monotonic() + _MAX_SECONDS
        options = {
            "format": "bestaudio[ext=m4a]/bestaudio/best",
            "outtmpl": {"default": str(folder / "audio.%(ext)s").replace("\\", "/")},
            "noplaylist": True,
            "playlist_items": "1",
            "extract_flat": "in_playlist",
            "max_filesize": _MAX_BYTES,
            "fixup": "never",
            "match_filter": partial(_refuse, wanted),
            "progress_hooks": [lambda status: self._watch(status, deadline)],
        }
        self._rest()
        with self._yt_dlp(options) as ydl:
            info = ydl.extract_info(url, download=True) or {}
        if info.get("_type") in ("playlist", "multi_video"):
            raise TrackError("fetch", "the address is that of a list: give one track's")
        files = [path for path in folder.iterdir() if path.suffix not in (".part", ".ytdl")]
        if len(files) != 1 or not files[0].stat().st_size:
            raise TrackError("fetch", f"nothing was delivered, or over {_MAX_BYTES >> 20} MB")
        return files[0]

    def _download_from_public(self, url: str, folder: Path) -> Path:
        with public_addresses_only() as guard:
            try:
                return self._download(url, folder)
            except Exception:  # yt-dlp wraps what the guard raised
                if guard.refused is None:
                    raise
                raise TrackError(
                    "fetch",
                    f"it leads to {guard.refused}, which is no address of the public internet",
                    remedy=Remedy.ALLOW_PRIVATE,
                ) from None

    def _rest(self) -> None:
        """Wait until a polite while has passed since the last download began."""
        gap = random.uniform(self._pace.min_gap, self._pace.max_gap)  # noqa: S311 - no secret
        self._wait(self._rested + gap - time.monotonic())
        self._rested = time.monotonic()

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds)
        if self._stopping.is_set():
            raise ServiceEnded("YouTube was left when the run ended")

    def _watch(self, status: Mapping[str, Any], deadline: float) -> None:
        if self._stopping.is_set():
            raise ServiceEnded("YouTube was left when the run ended")
        if (status.get("downloaded_bytes") or 0) > _MAX_BYTES:
            raise TrackError("fetch", f"it delivers more than {_MAX_BYTES >> 20} MB")
        if time.monotonic() > deadline:
            reason = f"the download took more than {_MAX_SECONDS / 60:.0f} minutes"
            raise TrackError("fetch", reason, retryable=True)

    @contextmanager
    def _yt_dlp(self, options: Mapping[str, Any]) -> "Iterator[YoutubeDL]":
        self._log = _Log()
        with _python_only_client()(self._common() | dict(options)) as ydl:
            self._load_cookies(ydl)
            yield ydl

    def _common(self) -> dict[str, Any]:
        import io

        unit = 2.0 if self._pace.min_gap else 0.05
        waits = dict.fromkeys(("http", "fragment"), lambda n: min(30.0, unit * 2**n))
        return {
            "quiet": True,
            "noprogress": True,
            "external_downloader": "native",
            "ffmpeg_location": _NO_FFMPEG,
            "logger": self._log,
            "color": "never",
            "retries": 5,
            "fragment_retries": 5,
            "retry_sleep_functions": waits,
            "socket_timeout": self._pace.timeout,
            "sleep_interval_requests": self._pace.between,
            "cachedir": str(self._cache.folder.parent / "yt-dlp"),
            "cookiefile": io.StringIO(self._jar) if self._jar is not None else None,
            "cookiesfrombrowser": tuple(self._browser.split(":", 1)) if self._browser else None,
        }

    def _load_cookies(self, ydl: "YoutubeDL") -> None:
        from yt_dlp.utils import YoutubeDLError

        try:
            _ = ydl.cookiejar
        except (YoutubeDLError, OSError, ValueError):
            name = (self._browser or "").partition(":")[0]
            what = f"the browser {name!r}" if name else "the cookie file"
            line = f"no cookies can be read from {what}: {_COOKIES_EXPECTED}"
            raise Misuse(line) from None

    def _asking(
        self, stage: str, ask: Callable[[], _Answer], *, service: str = "YouTube"
    ) -> _Answer:
        """Ask until there is an answer or an error that another try cannot mend."""
        forbidden = False
        for pause in (*self._pace.pauses, None):
            try:
                answer = self._once(ask)
                if (
                    isinstance(answer, Refusal)
                    and answer.kind is ErrorKind.FORBIDDEN
                    and not forbidden
                ):
                    forbidden = True
                    answer = self._once(ask)
            except TrackError as error:
                self._row.clear()
                retryable, remedy = error.retryable, error.remedy
                raise TrackError(stage, error.reason, retryable=retryable, remedy=remedy) from None
            if not isinstance(answer, Refusal):
                self._row.clear()
                return answer
            if answer.kind is not ErrorKind.LIMITED:
                raise self._given_up(stage, answer, service)
            if pause is not None:
                _log.warning("%s limits the rate: waiting %.0f s", service, pause)
                self._wait(pause)
        raise ServiceEnded(
            f"{service} still limits the rate after {sum(self._pace.pauses) / 60:.0f} minutes of "
            "waiting: run this again in some hours; what is done is kept"
        )

    def _once(self, ask: Callable[[], _Answer]) -> _Answer | Refusal:
        try:
            return ask()
        except ArtistIndexError:
            raise
        except Exception as error:  # a site that changed makes its extractor raise anything
            return youtube_errors.understand(error, self._log.warnings)

    def _given_up(self, stage: str, refusal: Refusal, service: str) -> TrackError | ServiceEnded:
        if refusal.kind is ErrorKind.DISK:
            return self._cache.unwritable(OSError(28, "No space left on device"))
        ended = youtube_errors.as_service_unavailable(refusal, service)
        if ended is not None:
            return ended
        if refusal.kind not in self._row:
            self._row.clear()
        self._row.append(refusal.kind)
        lost = youtube_errors.as_track_error(refusal, service)
        if len(self._row) >= _MAX_IN_A_ROW.get(refusal.kind, 1 << 30):
            return ServiceEnded(
                f"{len(self._row)} downloads in a row failed, the last one because {lost.reason}; "
                "run this again later, what is done is kept"
            )
        return TrackError(stage, lost.reason, retryable=lost.retryable)


_COOKIES_EXPECTED = "expected a Netscape cookies.txt, or a browser that is installed and closed"


class _Log:
    """Where yt-dlp's messages go: nowhere, but its warnings help to understand its errors."""

    def __init__(self) -> None:
        self.warnings = ""

    def debug(self, message: str) -> None:
        """Of no use to anyone."""

    info = debug
    error = debug  # raised as well

    def warning(self, message: str) -> None:
        """Keep it for `youtube_errors.understand`."""
        self.warnings = f"{self.warnings}\n{message}"[-4000:]


@cache
def _python_only_client() -> "type[YoutubeDL]":
    """Return yt-dlp's client without the handler whose connections Python cannot see."""
    import yt_dlp

    class Client(yt_dlp.YoutubeDL):  # type: ignore[misc]  # yt-dlp is not typed
        def build_request_director(self, handlers: Iterable[Any], *rest: Any) -> Any:
            seen = [handler for handler in handlers if handler.RH_KEY != "CurlCFFI"]
            return super().build_request_director(seen, *rest)

    return Client


def _from_environment(variable: str, default: str, place: str) -> str:
    value = os.environ.get(variable)
    if not value:
        return default
    if place not in value or not is_safe(value):
        raise Misuse(f"{variable} must be an https URL with {place} in it")
    return value


def _read_cookies(file: Path) -> str:
    """The text of a cookie file, so that yt-dlp never learns its path and never writes to it."""
    try:
        text = file.read_text("utf-8")
    except (OSError, ValueError):
        raise Misuse(f"the cookie file cannot be read: {_COOKIES_EXPECTED}") from None
    if not any(line.count("\t") == 6 for line in text.splitlines()):
        raise Misuse(f"the cookie file holds no cookies: {_COOKIES_EXPECTED}")
    return text


def _entries_at(ydl: "YoutubeDL", url: str) -> list[Any]:
    with ydl.urlopen(url) as answer:
        body = answer.read(_SEARCH_BYTES)
    try:
        entries = json.loads(body)["entries"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise TrackError("match", "the search sent no list of videos", retryable=True) from None
    return entries[:20] if isinstance(entries, list) else []


def _refuse(
    wanted: float | None, info: Mapping[str, Any], *, incomplete: object = False
) -> str | None:
    """yt-dlp's match filter: raises, so that the reason is told, for what is not to be fetched."""
    duration = info.get("duration")
    if info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming"):
        raise TrackError("fetch", "it is a live stream")
    if isinstance(duration, int | float) and duration > MAX_DURATION:
        raise TrackError("fetch", f"it lasts {duration / 60:.0f} minutes, more than one track does")
    _demand_length(duration if isinstance(duration, int | float) else None, wanted)
    return None


def _demand_length(lasts: float | None, wanted: float | None) -> None:
    """Raise where audio of `lasts` seconds cannot be a track of `wanted` seconds."""
    if lasts and wanted and not is_as_long(lasts, wanted):
        reason = f"what is delivered lasts {lasts:.0f} s, and {wanted:.0f} s are wanted"
        raise TrackError("fetch", reason)


def _length(file: Path) -> float | None:
    """Return the seconds that an MP4 file declares, which YouTube mostly delivers; else None.

    Read without FFmpeg: a stranger's file is decoded in the worker processes only.
    """
    from mutagen import MutagenError
    from mutagen.mp4 import MP4

    if file.suffix not in (".m4a", ".mp4"):
        return None
    try:
        info = MP4(file).info  # type: ignore[no-untyped-call]  # mutagen
        return float(info.length) if info is not None else None
    except (MutagenError, OSError, ValueError, LookupError, AttributeError):
        return None


def _match(verdict: Verdict) -> AudioMatch:
    video = verdict.candidate
    return AudioMatch(YouTube.name, video.id, verdict.score, verdict.reason, video.title)


def _turned_down(verdicts: list[Verdict]) -> str:
    if not verdicts:
        return "the search found no video"
    nearest = [
        f"{naming.quoted(verdict.candidate.title, 60)} ({verdict.reason})"
        for verdict in verdicts[:3]
    ]
    return f"none of {len(verdicts)} videos is the track; nearest: " + "; ".join(nearest)
