"""A catalogue, a video site and the media on one local server: all that a build asks for.

Requests can be held, to kill a process just then, or answered with what goes wrong.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

import psutil
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from artistindex.audio.reader import Source
from artistindex.errors import TrackError
from artistindex.library.library import FILE_NAME, Library
from music_services import Performer, Song, World, serve_deezer
from video_site import Video, VideoSite

LONGEST = 120.0  # seconds for a command, on a busy machine


class Server(HTTPServer):
    """A threaded server that asks `before` first: what it returns is the answer."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0, threaded=True)
        self.before: Callable[[Request], Response | None] = lambda request: None

    def dispatch(self, request: Request) -> Response:
        return self.before(request) or super().dispatch(request)


@contextmanager
def serving() -> Iterator["Online"]:
    """A server of one's own; at the end nothing stays held, and no process is left."""
    with Server() as server:
        online = Online(server)
        try:
            yield online
        finally:
            for process in Process.started:
                process.kill()
            Process.started.clear()
            online.release()


class Online:
    """Artists, the videos of their songs, and how often each thing was asked for."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.world = World([], [])
        self.site = VideoSite(server, find=lambda query: self.videos.get(query, []))
        self.videos: dict[str, list[Video]] = {}
        self.asked: Counter[str] = Counter()
        self.deezer = serve_deezer(server, self.world)
        self._held: dict[str, threading.Event] = {}
        self._released = threading.Event()
        self.faults: Callable[[str, int], Response | None] = lambda what, number: None
        server.before = self._before

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process ask here."""
        return {"ARTISTINDEX_DEEZER_URL": self.deezer, **self.site.environment}

    def add(self, name: str, songs: Sequence[str], audio: Path | Sequence[Path]) -> Performer:
        """An artist, and a video for each song, whose audio is a file or one of several in turn."""
        performer = Performer(name, len(self.world.performers) + 1)
        self.world.performers = [*self.world.performers, performer]
        files = [audio] if isinstance(audio, Path) else audio
        for at, title in enumerate(songs):
            file = files[at % len(files)]
            song = Song(title, (performer,), 1000 * performer.number + at, seconds=length(file))
            self.world.songs = [*self.world.songs, song]
            id_ = video_id(performer, at)
            self.site.add(id_, f"{name} - {title}", file, channel=name, duration=song.seconds)
            query = " ".join(f"{name} {title}".split())[:200]
            self.videos.setdefault(query, []).append(self.site.videos[id_])
        return performer

    def hold(self, what: str) -> None:
        """Leave requests for `what` without an answer until `release`."""
        self._held[what] = threading.Event()

    def wait_for(self, what: str) -> None:
        """Wait until `what`, which is held, is asked for."""
        assert self._held[what].wait(LONGEST), f"nobody asked for {what}: {self.asked}"

    def release(self) -> None:
        """Answer what is held, and hold nothing any more."""
        self._held.clear()
        self._released.set()
        self._released = threading.Event()

    def _before(self, request: Request) -> Response | None:
        what = called(request)
        self.asked[what] += 1
        reached, released = self._held.get(what), self._released
        if reached is not None:
            reached.set()
            released.wait(LONGEST)
        return self.faults(what, self.asked[what])


def length(file: Path) -> int:
    """The whole seconds that a file says it lasts, 200 where it says nothing."""
    try:
        return max(1, round(Source(file).length() or 200))
    except TrackError:
        return 200


def called(request: Request) -> str:
    """What a request is for: "search/artist:Rezz", "artist/3/top", "search:Rezz Edge", an id."""
    path = request.path.strip("/").removeprefix("deezer/")
    match path:
        case "media":
            return request.args["v"]
        case "search":
            return f"search:{request.args['q']}"
        case "search/artist":
            return f"search/artist:{request.args['q']}"
    return path


def video_id(performer: Performer, song: int) -> str:
    """The id of the video of an artist's n-th song."""
    return f"v{performer.number:07d}_{song:02d}"


class Process:
    """A command line in a process of its own, with the processes that it starts."""

    started: ClassVar[list["Process"]] = []

    def __init__(self, *arguments: object, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "artistindex", *map(str, arguments)],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self.started.append(self)

    def finish(self, text: str = "", *, within: float = LONGEST) -> tuple[int, str, str]:
        """Its exit code and what it said; killed, and an error, where it takes longer."""
        try:
            out, err = self._process.communicate(text, timeout=within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return self._process.returncode, out, err

    def interrupt(self) -> None:
        """What Ctrl-C does: a signal to the whole group."""
        os.killpg(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        """End it at once, and see that none of its workers outlives it for long."""
        if self._process.returncode is not None:
            return
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.resume()
        self._process.communicate()
        _, alive = psutil.wait_procs(children, timeout=LONGEST)
        assert not alive, f"orphans: {alive}"

    def workers(self) -> list[psutil.Process]:
        """Its worker processes."""
        children = psutil.Process(self._process.pid).children()
        return [child for child in children if "spawn_main" in command(child)]

    def suspend_workers(self) -> None:
        """Wait for its first worker, and let it do nothing."""
        wait_until(self.workers)
        for worker in self.workers():
            worker.suspend()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None


def command(process: psutil.Process) -> str:
    """How a process was started; nothing where it has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def stages(indexes: Path) -> Counter[str]:
    """How many tracks of a library have come how far."""
    with Library.open(indexes / FILE_NAME, read_only=True) as library:
        return Counter(library.stages())


def wait_until(holds: Callable[[], object], *, within: float = LONGEST) -> None:
    """Wait until something holds that is looked at often."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)
