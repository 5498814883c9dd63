"""A video site on a local server: a search that answers in flat entries, and media to download.

YouTube is told apart from it by two addresses only; yt-dlp itself downloads from it. What goes
wrong is said in the status line, whose words yt-dlp repeats in its errors.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

TYPES = {
    ".m4a": "audio/mp4",
    ".webm": "audio/webm",
    ".wav": "audio/x-wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
}
BOT = "401 Sign in to confirm you're not a bot"
LIMITED = "400 This content isn't available, try again later"
FORBIDDEN = "403 Forbidden"
PRIVATE = "401 Private video. Sign in if you've been granted access to this video"
GONE = "404 Video unavailable"
AGE = "401 Sign in to confirm your age. This video may be inappropriate for some users"
REGION = "451 The uploader has not made this video available in your country"
NO_FORMAT = "400 Requested format is not available"


@dataclass
class Video:
    """A video: its entry in a search and the file that is its audio."""

    entry: dict[str, Any]
    audio: Path | None = None


@dataclass
class VideoSite:
    """Videos by id; `faults` are status lines to answer with, before anything is delivered."""

    server: HTTPServer
    videos: dict[str, Video] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    queries: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    find: Callable[[str], list[Video]] | None = None
    search_answer: Response | None = None

    def __post_init__(self) -> None:
        self.server.expect_request("/search").respond_with_handler(self._search)
        self.server.expect_request("/media").respond_with_handler(self._media)

    @property
    def search_url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/search?q={{query}}"

    @property
    def video_url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/media?v={{id}}"

    @property
    def addresses(self) -> dict[str, Any]:
        """What to give to YouTube()."""
        return {"search": self.search_url, "video": self.video_url}

    @property
    def environment(self) -> dict[str, str]:
        """What to set for another process."""
        return {
            "ARTISTINDEX_YOUTUBE_SEARCH": self.search_url,
            "ARTISTINDEX_YOUTUBE_VIDEO": self.video_url,
        }

    def add(self, id_: str, title: str, audio: Path | None = None, **entry: object) -> "VideoSite":
        """A video of 200 s on the channel "Someone", unless `entry` says otherwise."""
        fields = {"id": id_, "title": title, "duration": 200, "channel": "Someone"}
        self.videos[id_] = Video(fields | {"uploader": "Someone", "view_count": 10} | entry, audio)
        return self

    def fail(self, id_: str, *status: str) -> None:
        """Answer the next requests for this video (or for "search") with these status lines."""
        self.faults[id_] = list(status)

    def _search(self, request: Request) -> Response:
        self.requests.append(request)
        query = request.args["q"]
        self.queries.append(query)
        self.asked["search"] += 1
        if self.faults.get("search"):
            return Response(status=self.faults["search"].pop(0))
        if self.search_answer is not None:
            return self.search_answer
        videos = self.find(query) if self.find else list(self.videos.values())
        entries = [video.entry for video in videos]
        return Response(json.dumps({"entries": entries}), content_type="application/json")

    def _media(self, request: Request) -> Response:
        self.requests.append(request)
        id_ = request.args["v"]
        self.asked[id_] += 1
        if self.faults.get(id_):
            return Response(status=self.faults[id_].pop(0))
        video = self.videos.get(id_)
        if video is None or video.audio is None:
            return Response(status=GONE)
        content = video.audio.read_bytes()
        headers: Mapping[str, str] = {"Content-Length": str(len(content))}
        kind = TYPES[video.audio.suffix]
        return Response(content, content_type=kind, headers=dict(headers))
