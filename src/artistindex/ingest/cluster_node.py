"""What runs on the machines of a cluster: a worker process of ours inside each Dask worker.

A Dask worker alone says of a death only that it happened, to all the tasks that it had, and knows
no time limit. So each hands its job to a `WorkerPool` of its own, as a laptop does: a track that
crashes costs itself alone and is named. Weights lie in this machine's cache under their sha256.
"""

import atexit
import pickle
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from artistindex import __version__
from artistindex._util.dirs import cache_folder
from artistindex._util.files import make_folder, no_follow, replace_file, sha256_file
from artistindex.embedding.embed import EmbedResult, Job
from artistindex.embedding.pool import WorkerPool
from artistindex.embedding.weights import PACKAGED, Weights
from artistindex.errors import ClusterError, Remedy, TrackError, WeightsError
from artistindex.metadata.tag_reader import TagReader
from artistindex.metadata.tags import Tags

_checked: set[Path] = set()
"""Files of weights whose hash this process has seen to be right."""


@dataclass(frozen=True, slots=True)
class Order:
    """A job on its way to a machine: `content` is only read where the `version` is the same."""

    content: bytes
    timeout: float
    version: str = __version__

    @classmethod
    def of(cls, job: Job, timeout: float) -> "Order":
        """Wrap up `job`, which may take `timeout` seconds."""
        return cls(pickle.dumps(job), timeout)

    def job(self) -> Job:
        """Return the job; raises ClusterError where another version wrapped it up."""
        if self.version != __version__:
            raise ClusterError(
                f"{socket.gethostname()} runs artistindex {__version__}, the build {self.version}",
                remedy=Remedy.SAME_VERSION,
            )
        job: Job = pickle.loads(self.content)  # noqa: S301  (Dask unpickles what comes, too)
        return job


@dataclass(frozen=True, slots=True)
class LacksWeights:
    """What becomes of a job whose weights are not in the cache of its machine."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a job, and the address of the Dask worker that says so."""

    address: str
    outcome: EmbedResult | TrackError | LacksWeights


def embed_here(order: Order) -> Answer:
    """Embed a job in this Dask worker's pool; a track's own trouble is an answer.

    Raises ClusterError where the driver is of another version, EngineError or WeightsError where no
    track could be embedded at all.
    """
    from distributed import get_worker

    worker = get_worker()
    return Answer(worker.address, _outcome(order, threads=worker.state.nthreads))


def read_tags_here(paths: Sequence[Path]) -> list[Tags | TrackError]:
    """Read the tags of files in a process of this Dask worker's own."""
    with TagReader() as reader:
        return list(reader.read(paths))


def _outcome(order: Order, *, threads: int) -> EmbedResult | TrackError | LacksWeights:
    job = order.job()
    models = []
    for config in job.models:
        path = find_weights(config.weights)
        if path is None:
            return LacksWeights(config.weights.sha256)
        models.append(replace(config, weights=replace(config.weights, path=path)))
    return _pool(threads, order.timeout).submit(replace(job, models=tuple(models))).result()


def find_weights(weights: Weights) -> Path | None:
    """Return this machine's file of `weights`; None where there is none that is the same.

    Raises WeightsError where the package's own file is another one.
    """
    path = _path_of(weights)
    if path in _checked:
        return path
    if path.is_file() and sha256_file(path) == weights.sha256:
        _checked.add(path)
        return path
    if weights.spec.packaged:
        raise WeightsError(
            f"{path} on {socket.gethostname()} is not the file that the build has (sha256"
            f" {weights.sha256[:12]}…); it is part of the package: install artistindex again"
        )
    return None


def has_weights(weights: Weights) -> bool:
    """Return whether this machine has `weights`."""
    return find_weights(weights) is not None


def store_piece(weights: Weights, sender: str, offset: int, piece: bytes) -> None:
    """Keep a piece of the file of `weights` that `sender` sends, at its place.

    With the last piece the file gets its name. Raises WeightsError where it has arrived altered.
    """
    part = _path_of(weights).with_name(f".{weights.sha256}.{sender}.part")
    make_folder(part.parent)
    with open(part, "ab" if offset else "wb", opener=no_follow) as file:
        file.write(piece)
    if offset + len(piece) == weights.bytes:
        _finish(weights, part)


def _finish(weights: Weights, part: Path) -> None:
    try:
        if sha256_file(part) != weights.sha256:
            raise WeightsError(f"{weights.spec.name} arrived altered on {socket.gethostname()}")
        replace_file(part, _path_of(weights))
    finally:
        part.unlink(missing_ok=True)


def _path_of(weights: Weights) -> Path:
    if weights.spec.packaged:
        return PACKAGED / weights.spec.file
    return cache_folder("cluster") / f"{weights.sha256}{weights.path.suffix}"


@cache
def _pool(workers: int, timeout: float) -> WorkerPool:
    pool = WorkerPool(workers, timeout=timeout)
    atexit.register(pool.close, kill=True)  # before multiprocessing waits for its children
    return pool
