"""The other side of the crew: what a worker process runs, job after job.

It imports nothing heavy before `work` has set the stage, so that numpy reads its settings there.
"""

import multiprocessing
import os
import signal
import threading
from multiprocessing import connection

from artistindex.errors import ArtistIndexError

NOT_FOR_WORKERS = (signal.SIGINT, signal.SIGTERM)
"""Signals that are meant for the process that started the worker alone."""
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""One worker a processor is enough: a linear algebra library whose second thread waits for work
takes 0.12 s of processor time for every two minutes of audio (measured), a tenth of the whole."""


def work(pipe: "connection.Connection") -> None:
    """For every job from `pipe`, send None when it begins, then what became of it.

    That is an `Embedded`, a TrackError, or another ArtistIndexError that ends the build. Returns
    when the other end is closed.
    """
    for number in NOT_FOR_WORKERS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(_ONE_THREAD)
    from artistindex.embedding.embed import embed_safely

    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(None)
        try:
            outcome: object = embed_safely(job)
        except ArtistIndexError as error:
            outcome = error
        pipe.send(outcome)


def _end_with_parent() -> None:
    """A killed parent can stop nobody, and a track may take long: leave with it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
