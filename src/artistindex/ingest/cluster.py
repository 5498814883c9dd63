"""A Dask cluster as just another pool: what embeds tracks on machines other than this one.

The driver, this process, keeps what it always keeps: the library, the fetching, the commits. Only
jobs go out and vectors come back. What happens to a job on its machine is cluster_node.py's.
"""

import ipaddress
import logging
import re
import threading
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

from artistindex._util.extras import load_extra
from artistindex.embedding.embed import EmbedResult, Job
from artistindex.embedding.weights import Weights
from artistindex.errors import ArtistIndexError, ClusterError, Misuse, Remedy, TrackError
from artistindex.index.rows import batches
from artistindex.ingest.cluster_node import (
    Answer,
    LacksWeights,
    Order,
    embed_here,
    has_weights,
    read_tags_here,
    store_piece,
)
from artistindex.metadata.tags import Tags

if TYPE_CHECKING:
    from distributed import Client
    from distributed import Future as DaskFuture

SECONDS_TO_ANSWER = 30.0
SECONDS_FOR_WORKERS = 60.0
DEATHS_OF_NODES = 3
_FILES_A_TASK = 32  # whose tags are read together
_PIECE = 8 << 20  # bytes of weights a message
_MAX_DELIVERIES = 10
_SECONDS_A_LOOK = 1.0
_LOCAL = "local:"

_log = logging.getLogger(__name__)

Outcome = EmbedResult | TrackError


@contextmanager
def open_cluster(
    address: str, *, timeout: float, patience: float = SECONDS_FOR_WORKERS
) -> Iterator["ClusterPool"]:
    """Open the cluster whose scheduler is at `address`, or one of N workers here for "local:N".

    A track may take `timeout` seconds; the first worker has `patience` seconds to come. TLS is
    what Dask's own settings say (`distributed.comm.tls`). Raises Misuse for what is no address,
    MissingExtra, and ClusterError where there is no scheduler or no worker.
    """
    distributed = load_extra("distributed", "cluster")
    with ExitStack() as stack:
        if address.startswith(_LOCAL):
            cluster = stack.enter_context(_local_cluster(address.removeprefix(_LOCAL)))
            client = stack.enter_context(distributed.Client(cluster))
        else:
            check_address(address)
            client = stack.enter_context(_connected(address))
        yield stack.enter_context(ClusterPool(client, timeout=timeout, patience=patience))


@contextmanager
def _local_cluster(workers: str) -> Iterator[Any]:
    """Run a scheduler and `workers` Dask workers of one thread on this machine, on loopback."""
    if not re.fullmatch(r"[1-9][0-9]{0,2}", workers):
        raise Misuse(f"local:{workers} is no cluster; expected local: and a number of workers")
    dask, distributed = load_extra("dask", "cluster"), load_extra("distributed", "cluster")
    with (
        dask.config.set(settings_of_nodes()),
        distributed.LocalCluster(
            n_workers=int(workers),
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=0,  # it does not see the processes that embed
            silence_logs=logging.ERROR,
        ) as cluster,
    ):
        yield cluster


def settings_of_nodes() -> dict[str, Any]:
    """Return the settings of Dask that a worker or scheduler needs for jobs like ours.

    A daemonic process may have no children.
    """
    return {
        "distributed.worker.daemon": False,
        "distributed.scheduler.allowed-failures": DEATHS_OF_NODES,
    }


def serve_node(address: str, *, workers: int, host: str | None = None) -> None:
    """Run `workers` Dask workers of one thread for the scheduler at `address`, until it is gone.

    `host` is where this machine is reached by the others. One thread each, since Dask holds a death
    against all that the worker had. Raises MissingExtra.
    """
    dask = load_extra("dask", "cluster")
    main = load_extra("distributed.cli.dask_worker", "cluster").main
    check_address(address)
    arguments = [address, "--nworkers", str(workers), "--nthreads", "1", "--memory-limit", "0"]
    with dask.config.set(settings_of_nodes()):
        main.main(
            [*arguments, "--no-dashboard", *(("--host", host) if host else ())],
            prog_name="dask worker",
            standalone_mode=False,
        )


def _connected(address: str) -> "Client":
    distributed = load_extra("distributed", "cluster")
    try:
        client: Client = distributed.Client(address, timeout=SECONDS_TO_ANSWER)
    except OSError as error:
        raise ClusterError(
            f"no scheduler answers at {address}", remedy=Remedy.START_SCHEDULER
        ) from error
    return client


def check_address(address: str) -> None:
    """Raise Misuse for what is no address of a scheduler, and warn of one that is not safe.

    That is one of another machine, without encryption and certificates on the way there.
    """
    parts = urlsplit(address)
    try:
        is_address = parts.scheme in ("tcp", "tls") and parts.hostname and parts.port
    except ValueError:  # the port is no number
        is_address = False
    if not is_address:
        raise Misuse(f"no scheduler can be at {address!r}; expected tcp://HOST:8786 or local:N")
    if parts.scheme != "tls" and not _is_loopback(str(parts.hostname)):
        _log.warning(
            "%s: without TLS whoever reaches the cluster runs what they like on its machines",
            address,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class ClusterPool:
    """Embeds tracks on the workers of a Dask cluster, which come and go.

    `workers` is how many threads there are now, at least one: jobs wait for those to come. A
    machine that dies costs a retry, and a track its place only where so many have died with it.
    Use it as a context manager: leaving it by an exception cancels what has not begun.
    """

    def __init__(
        self, client: "Client", *, timeout: float, patience: float = SECONDS_FOR_WORKERS
    ) -> None:
        self.workers = 1
        self._client = client
        self._timeout = timeout
        self._sender = uuid4().hex
        self._running: dict[_Sent, DaskFuture[Any]] = {}
        self._closing = threading.Event()
        self._watch = threading.Thread(target=self._follow_workers, daemon=True)
        self._wait_for_workers(patience)

    def _wait_for_workers(self, patience: float) -> None:
        try:
            self._client.wait_for_workers(1, timeout=patience)
        except TimeoutError as error:
            raise ClusterError(
                f"no worker has come to the cluster in {patience:.0f} s",
                remedy=Remedy.START_WORKERS,
            ) from error
        self.workers = max(1, sum(self._threads().values()))

    def submit(self, job: Job) -> "Future[Outcome]":
        """Give `job` to a worker of the cluster; see `WorkerPool.submit`.

        The result raises ClusterError where the cluster is lost or cannot do the work.
        """
        sent = _Sent(job, Order.of(job, self._timeout))
        self._send(sent)
        return sent.outcome

    def read(self, paths: Sequence[Path]) -> Iterator[Tags | TrackError]:
        """Yield the tags of each file, read by the workers, or why it has none that can be read."""
        tasks: deque[tuple[Sequence[Path], DaskFuture[Any]]] = deque()
        for part in batches(paths, _FILES_A_TASK):
            tasks.append((part, self._client.submit(read_tags_here, part, pure=False)))
            if len(tasks) > 2 * self.workers:
                yield from _tags(*tasks.popleft())
        while tasks:
            yield from _tags(*tasks.popleft())

    def _send(self, sent: "_Sent", **options: Any) -> None:
        task = self._client.submit(embed_here, sent.order, pure=False, **options)
        self._running[sent] = task
        task.add_done_callback(partial(self._on_done, sent))

    def _on_done(self, sent: "_Sent", task: "DaskFuture[Any]") -> None:
        """Pass on what became of a job, unless it has to be sent again."""
        if self._closing.is_set() or self._running.get(sent) is not task:
            return
        try:
            answer = _answer(task)
            if self._sends_again(sent, answer):
                return
        except BaseException as error:
            sent.outcome.set_exception(error)
        else:
            sent.outcome.set_result(cast(Outcome, answer.outcome))
        self._running.pop(sent, None)

    def _sends_again(self, sent: "_Sent", answer: Answer) -> bool:
        """Return whether a job went out once more: what it lacked was of its machine alone.

        A machine that has lost the music fails quickly, and would take one job after the other.
        """
        if isinstance(answer.outcome, LacksWeights):
            self._bring_weights(answer.outcome, answer.address, sent)
            self._send(sent)
            return True
        unread = isinstance(answer.outcome, TrackError) and answer.outcome.stage == "read"
        others = self._elsewhere(answer.address) if unread and not sent.second else []
        if others:
            sent.second = frozenset(others)
            self._send(sent, workers=others)
        return bool(others)

    def _elsewhere(self, address: str) -> list[str]:
        """Return the workers on other machines than that of `address`."""
        host = urlsplit(address).hostname
        return [other for other in self._threads() if urlsplit(other).hostname != host]

    def _bring_weights(self, lacking: LacksWeights, address: str, sent: "_Sent") -> None:
        """Send the weights that a machine lacks, unless it has got them meanwhile.

        A machine that is gone by now needs none: the job goes to another one. Raises ClusterError
        where it goes wrong again and again.
        """
        sent.deliveries += 1
        needed = {config.weights.sha256: config.weights for config in sent.job.models}
        weights = needed[lacking.sha256]
        try:
            self._bring(weights, address)
        except (OSError, KeyError) as error:
            if sent.deliveries > _MAX_DELIVERIES:
                raise ClusterError(
                    f"the weights of {weights.spec.name} do not reach {address} ({error})"
                ) from error

    def _bring(self, weights: Weights, address: str) -> None:
        if self._run_at(address, has_weights, weights):
            return
        _log.info("sending the weights of %s to %s", weights.spec.name, address)
        with weights.path.open("rb") as file:
            offset = 0
            while piece := file.read(_PIECE):
                self._run_at(address, store_piece, weights, self._sender, offset, piece)
                offset += len(piece)

    def _run_at(self, address: str, function: Any, *arguments: Any) -> Any:
        return self._client.run(function, *arguments, workers=[address])[address]

    # -- who is there ------------------------------------------------------------------------------

    def _threads(self) -> dict[str, int]:
        """Return how many threads each worker has, by its address."""
        threads: dict[str, int] = self._client.nthreads()
        return threads

    def _follow_workers(self) -> None:
        """Follow the workers that come and go, and say so where the last one has gone."""
        before = self.workers
        while not self._closing.wait(_SECONDS_A_LOOK):
            with suppress(OSError):
                threads = self._threads()
                now = sum(threads.values())
                if before and not now:
                    _log.warning("no worker is left in the cluster; waiting for one to come")
                before, self.workers = now, max(1, now)
                self._free_from(threads)

    def _free_from(self, present: Collection[str]) -> None:
        """Send the jobs to anybody that wait for workers of which none is `present` any more."""
        for sent, task in tuple(self._running.items()):
            if sent.second and sent.second.isdisjoint(present) and not task.done():
                self._send(sent)
                self._client.cancel([task], force=True)

    def __enter__(self) -> "ClusterPool":
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        if self._running:
            self._client.cancel(list(self._running.values()), force=True)
        self._watch.join()


def _tags(paths: Sequence[Path], task: "DaskFuture[Any]") -> list[Tags | TrackError]:
    """Return what a task read of `paths`; where its machines died, that of each."""
    outcome = _result(task)
    if not isinstance(outcome, TrackError):
        tags: list[Tags | TrackError] = outcome
        return tags
    return [TrackError("catalogue", outcome.reason, retryable=True) for _ in paths]


@dataclass(slots=True, eq=False)
class _Sent:
    """A job that is out; `second` are the workers to try where a machine could not read its file.

    Only these: Dask would let a machine that fails quickly steal it back. `deliveries` counts how
    often weights were sent for it.
    """

    job: Job
    order: Order
    outcome: "Future[Outcome]" = field(default_factory=Future)
    second: frozenset[str] = frozenset()
    deliveries: int = 0


def _answer(task: "DaskFuture[Any]") -> Answer:
    """Return what a machine answered."""
    outcome = _result(task)
    return outcome if isinstance(outcome, Answer) else Answer("", outcome)


def _result(task: "DaskFuture[Any]") -> Any:
    """Return what a task did; one that only ever met machines that died, a TrackError."""
    from distributed import KilledWorker

    try:
        return task.result()
    except KilledWorker:
        reason = f"{DEATHS_OF_NODES + 1} machines of the cluster died while they had it"
        return TrackError("decode", reason, retryable=True)
    except CancelledError as error:
        raise ClusterError("the connection to the cluster is lost", remedy=Remedy.GO_ON) from error
    except ArtistIndexError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ClusterError(
            f"the machines of the cluster cannot do the work ({reason})",
            remedy=Remedy.START_WORKERS,
        ) from error
