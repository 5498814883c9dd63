"""Folders of made music, stand-in models, and the command line as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import sounds
import standins
from artistindex.embedding import weights
from artistindex.embedding.embed import EmbedResult, Job, embed_safely
from artistindex.embedding.registry import spec_of
from artistindex.embedding.spec import ModelSpec
from artistindex.errors import TrackError

SECONDS = 3.2  # a little more than the longest patch, MusiCNN's


@dataclass(frozen=True)
class Place:
    """A folder of its own for music, models, caches and indexes, and commands that run there."""

    root: Path

    @property
    def music(self) -> Path:
        return self.root / "music"

    @property
    def indexes(self) -> Path:
        return self.root / "indexes"

    @property
    def environment(self) -> dict[str, str]:
        """What sends every process to this place."""
        return {
            "ARTISTINDEX_MODELS": str(self.root / "models"),
            "ARTISTINDEX_CACHE": str(self.root / "cache"),
        }

    def start(self, *arguments: object, **more: Any) -> subprocess.Popen[str]:
        """Start a command in a process group of its own; its output goes to pipes."""
        more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
        more["env"] = os.environ | self.environment | more.get("env", {})
        command = [sys.executable, "-m", "artistindex", "--indexes", str(self.indexes)]
        return subprocess.Popen(
            [*command, *map(str, arguments)],
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
            **more,
        )

    def run(self, *arguments: object, timeout: float = 240, **more: Any) -> tuple[int, str, str]:
        """Run a command to its end: (exit code, standard output, standard error)."""
        with self.start(*arguments, **more) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except BaseException:
                process.kill()
                raise
        return process.returncode, out, err

    def build(self, *arguments: object, **more: Any) -> dict[str, Any]:
        """Build from `music` and return the report; the exit code has to be 0 or 3."""
        code, out, err = self.run(
            "build", "--audio", self.music, "--workers", 1, "--format", "json", *arguments, **more
        )
        assert code in (0, 3), err
        report: dict[str, Any] = json.loads(out)
        return report

    def add_stand_ins(self, monkeypatch: Any, *models: str) -> None:
        """Install stand-ins for `models`; Discogs-EffNet's has a function library, as MTG's has."""
        monkeypatch.setenv("ARTISTINDEX_MODELS", self.environment["ARTISTINDEX_MODELS"])
        self.root.mkdir(parents=True, exist_ok=True)
        for model in models:
            file = self.root / f"{model}.pb"
            if model == "discogs-effnet":
                standins.write_effnet(file, function_library=True)
            else:
                standins.write_model(model, file)
            weights.install(spec_of(model), file, unverified=True)


def write_music(
    folder: Path,
    tracks: Mapping[str, int],
    *,
    suffixes: tuple[str, ...] = (".wav",),
    seconds: float = SECONDS,
) -> list[Path]:
    """So many tracks of each artist, no two alike, in the formats in turn, two to an album."""
    paths: list[Path] = []
    for artist, count in tracks.items():
        for number in range(count):
            seed = len(paths)
            path = folder / f"{seed:03}{suffixes[seed % len(suffixes)]}"
            sounds.write(path, sounds.music(seconds, seed=seed))
            title, album = f"{artist} {number}", f"Album {number // 2}"
            paths.append(sounds.tag(path, artist=artist, title=title, album=album))
    return paths


class InProcessPool:
    """A pool without processes: the same work in this one, so that a test of what is made of its
    outcome takes no time to start. What processes may do is tested with the real pool."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self.jobs: list[Job] = []

    def submit(self, job: Job) -> Future[EmbedResult | TrackError]:
        self.jobs.append(job)
        future: Future[EmbedResult | TrackError] = Future()
        try:
            future.set_result(embed_safely(job))
        except Exception as error:
            future.set_exception(error)
        return future


def install_untried(spec: ModelSpec, path: Path) -> None:
    """As a process of its own installs weights, without the trial (test_trial.py)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "try_weights", lambda *_: None)
        weights.install(spec, path, unverified=True)
