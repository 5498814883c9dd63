"""The other side of the pool: what a worker process runs, job after job.

It imports nothing heavy before `work` has set the stage, so that numpy reads its settings there.
"""

import os
from multiprocessing import connection

from artistindex._util.worker_process import stand_by_parent
from artistindex.errors import ArtistIndexError

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""One worker a processor is enough: a linear algebra library whose second thread waits for work
takes 0.12 s of processor time for every two minutes of audio (measured), a tenth of the whole."""


def work(pipe: "connection.Connection") -> None:
    """Send, for every job from `pipe`, None when it begins, then what became of it.

    That is what the job makes, a TrackError, or another ArtistIndexError that ends the build.
    Returns when the other end is closed.
    """
    stand_by_parent()
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
