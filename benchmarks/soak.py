"""Kill, starve and crowd the command line again and again, and look for what is lost.

    python benchmarks/soak.py --rounds 300 --seed 1

A round runs one command on one folder and kills it (SIGKILL) at a random moment, or lets no file
grow beyond a random size (as a full disk does), or sets all files' times a year ahead (as a clock
does that was moved back), or has a library of a newer version in the place, or runs two builds
and eight readers at once. After each, every index and the library are read whole, and whoever was
in the library must still be there unless the command was to forget them. docs/reliability.md
quotes what it found.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import wave
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from artistindex.embedding.registry import MODELS
from artistindex.entities import Artist, VectorKey
from artistindex.errors import ArtistIndexError
from artistindex.index.reader import all_indexes, verify
from artistindex.index.transforms import unit
from artistindex.library.library import FILE_NAME, Library
from artistindex.packs.format import PackedIndex, write_pack

ARTISTS = 30  # in the pack
MAX_SECONDS = 120  # for a command that nobody kills
MODEL = ("--model", "musicnn", "--engine", "openvino", "--workers", "1")
PAGE = b"<a href=x class=S id=s0>Rezz</a><a href=y class=S id=s1>Justice</a>"
_MAY_GO = {"forget": {"Artist 3"}, "rescan": {"Ann", "Bob", "Cid"}}
"""Whom a command may leave without a vector when it is killed: a file that changed loses its vector
when it is scanned, until it was embedded anew."""
YEAR = 365 * 24 * 3600


class Soak:
    """One folder, and the commands that are run on it; `faults` is what went wrong."""

    def __init__(self, work: Path, seed: int, address: str) -> None:
        self.faults: list[str] = []
        self.rounds: Counter[str] = Counter()
        self.killed: Counter[str] = Counter()
        self._work = work
        self._draw = random.Random(seed)
        self._indexes = work / "indexes"
        self._environment = os.environ | {
            "ARTISTINDEX_CACHE": str(work / "cache"),
            "ARTISTINDEX_MUSICMAP_URL": address,
        }
        _write_music(work / "music", seed)
        _write_pack(work / "pack.zip", seed)
        self._commands = {
            "build": ("build", "--audio", work / "music", *MODEL),
            "rescan": ("build", "--audio", work / "music", *MODEL),
            "import": ("import", work / "pack.zip"),
            "replace": ("import", work / "pack.zip", "--replace"),
            "export": ("export", work / "out.zip", "--overwrite"),
            "forget": ("forget", "Artist 3"),
            "musicmap": ("musicmap", "Rezz", "--out", work / "lists.json"),
        }
        self._seconds = dict.fromkeys(self._commands, 3.0)

    def run(self, rounds: int) -> None:
        """Run so many rounds, of all kinds."""
        others: dict[str, Callable[[], str]] = {
            "file size limit": self._starve,
            "clock moved back": self._move_clock,
            "newer library": self._put_newer_library,
            "two builds, eight readers": self._crowd,
        }
        for number in range(rounds):
            before = self._artists()
            kind = "kill"
            if self._draw.random() < 0.25:
                kind = self._draw.choices(list(others), weights=(6, 3, 3, 1))[0]
            command = others[kind]() if kind in others else self._kill()
            self.rounds[kind] += 1
            self._check(f"round {number} ({kind}, {command})", before, command)

    def finish(self) -> None:
        """Run everything to its end: all of it must be there then."""
        for command in ("build", "import", "export", "musicmap"):
            code, _, err = self._finish(self._start(command))
            if code:
                self.faults.append(f"{command} at the end: {code} {err[-200:]}")
        self._check("the end", self._artists(), "")
        names = {f"Artist {number}" for number in range(ARTISTS)} | {"Ann", "Bob", "Cid"}
        if lacking := names - self._artists():
            self.faults.append(f"lost at the end: {sorted(lacking)}")

    # -- rounds --------------------------------------------------------------------------------

    def _kill(self) -> str:
        command = self._draw.choice(list(self._commands))
        if command == "rescan":
            for path in (self._work / "music").iterdir():
                os.utime(path)
        started = time.monotonic()
        process = self._start(command)
        try:
            process.wait(self._draw.uniform(0, 1.1 * self._seconds[command]))
            self._seconds[command] = time.monotonic() - started
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            self.killed[command] += 1
        process.communicate()
        return command

    def _starve(self) -> str:
        command = self._draw.choice(["build", "import", "replace", "export", "musicmap"])
        size = int(2 ** self._draw.uniform(9, 18))
        code, _, err = self._finish(self._start(command, max_bytes=size))
        if code not in (0, 1, 3) or "Traceback" in err:
            self.faults.append(f"{command} with files of {size} bytes: {code} {err[-300:]}")
        return command

    def _move_clock(self) -> str:
        ahead = time.time() + YEAR
        for path in self._indexes.rglob("*"):
            os.utime(path, (ahead, ahead))
        code, _, err = self._finish(self._start("build"))
        if code not in (0, 3):
            self.faults.append(f"build before its files' times: {code} {err[-300:]}")
        return "build"

    def _put_newer_library(self) -> str:
        folder = self._work / "newer"
        shutil.rmtree(folder, ignore_errors=True)
        if not (self._indexes / FILE_NAME).exists():
            return "build"
        folder.mkdir()
        with Library.open(self._indexes / FILE_NAME):
            pass  # makes it one file again
        shutil.copy(self._indexes / FILE_NAME, folder)
        with sqlite3.connect(folder / FILE_NAME) as connection:
            connection.execute("INSERT INTO migrations VALUES (9999, '')")
        connection.close()
        content = (folder / FILE_NAME).read_bytes()
        code, _, err = self._finish(self._start("build", indexes=folder))
        if code == 0 or "newer" not in err or (folder / FILE_NAME).read_bytes() != content:
            self.faults.append(f"build over a newer library: {code} {err[-300:]}")
        return "build"

    def _crowd(self) -> str:
        builds = [self._start("build"), self._start("rescan")]
        readers = [self._start("query") for _ in range(8)] if all_indexes(self._indexes) else []
        for process in builds:
            code, _, err = self._finish(process)
            if code not in (0, 3) and not (code == 1 and "is being written by" in err):
                self.faults.append(f"one of two builds: {code} {err[-300:]}")
        for process in readers:
            code, _, err = self._finish(process)
            if code:
                self.faults.append(f"one of eight readers: {code} {err[-300:]}")
        return "build"

    # -- processes -----------------------------------------------------------------------------

    def _start(
        self, command: str, *, max_bytes: int | None = None, indexes: Path | None = None
    ) -> "subprocess.Popen[str]":
        words = self._commands.get(command, ("query", "Artist 1"))

        def limit() -> None:
            if max_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))

        return subprocess.Popen(
            [
                *(sys.executable, "-m", "artistindex", "--indexes", indexes or self._indexes),
                *words,
            ],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=limit,
        )

    def _finish(self, process: "subprocess.Popen[str]") -> tuple[int, str, str]:
        try:
            out, err = process.communicate(timeout=MAX_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            self.faults.append(f"no end within {MAX_SECONDS} s: {err[-300:]}")
        return process.returncode, out, err

    # -- what must hold ------------------------------------------------------------------------

    def _artists(self) -> set[str]:
        """Return who has a vector in the library."""
        if not (self._indexes / FILE_NAME).exists():
            return set()
        with Library.open(self._indexes / FILE_NAME) as library:
            embedded = set().union(*(library.embedded_track_ids(key) for key, _ in library.keys()))  # noqa: SIM118 - a method, not a dict's
            names = {
                stored.artist.name
                for stored in library.artists()
                if any(track.id in embedded for track in library.tracks_of(stored.id))
            }
            imported = library.imported(_key()).values()
            return names | {entry.artist.name for entry in imported}

    def _check(self, where: str, before: set[str], command: str) -> None:
        allowed = _MAY_GO.get(command, set())
        try:
            for folder in all_indexes(self._indexes):
                verify(folder)
            if (self._indexes / FILE_NAME).exists():
                with Library.open(self._indexes / FILE_NAME) as library:
                    library.verify()
            if lost := before - self._artists() - allowed:
                self.faults.append(f"{where} lost {sorted(lost)}")
            for path in self._work.glob("*.zip"):
                with zipfile.ZipFile(path) as archive:
                    archive.testzip()
            if (self._work / "lists.json").exists():
                json.loads((self._work / "lists.json").read_text())
        except (ArtistIndexError, zipfile.BadZipFile, ValueError) as error:
            self.faults.append(f"{where}: {error}")


def _key() -> VectorKey:
    spec = MODELS["musicnn"]
    return VectorKey(spec.name, spec.known_as or spec.sha256 or "")


def _write_music(folder: Path, seed: int) -> None:
    """Write three artists' tracks, four seconds of noise each."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(seed)
    for name in ("Ann", "Bob", "Cid"):
        with wave.open(str(folder / f"{name} - Song.wav"), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(draw.integers(-9000, 9000, 64_000, np.int16).tobytes())


def _write_pack(path: Path, seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = unit(draw.normal(size=(ARTISTS, MODELS["musicnn"].dimension)))
    artists = [Artist(f"Artist {number}") for number in range(ARTISTS)]
    tracks = [[(f"Song {number}", None)] for number in range(ARTISTS)]
    write_pack(path, [PackedIndex(_key(), "", "none", artists, tracks, rows)])


@contextmanager
def serving_lists() -> Iterator[str]:
    """Serve a page of similar artists on this machine; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def soak(work: Path, rounds: int, seed: int) -> Soak:
    """Run so many rounds in the new folder `work`, then everything to its end."""
    with serving_lists() as address:
        run = Soak(work, seed, address)
        run.run(rounds)
        run.finish()
    return run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = soak(Path(folder) / "work", options.rounds, options.seed)
    print(json.dumps({"rounds": run.rounds, "killed": run.killed, "faults": run.faults}, indent=1))
    return 1 if run.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
