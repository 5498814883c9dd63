"""A process that reads tags, in which the name of a file says what becomes of the process."""

import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

from artistindex.errors import TrackError
from artistindex.metadata.tag_worker import work
from artistindex.metadata.tags import Tags


def odd_work(pipe: Connection) -> None:
    """Serve `read_oddly`."""
    work(pipe, read=read_oddly)


def read_oddly(path: Path) -> Tags | TrackError:
    """Hang, die or take all memory, where the path says so."""
    if "hang" in path.name:
        time.sleep(600)
    if "kill" in path.name:
        os.kill(os.getpid(), signal.SIGKILL)
    if "exit" in path.name:
        os._exit(3)
    if "memory" in path.name:
        try:
            bytearray(4 << 30)
        except MemoryError:
            return TrackError("catalogue", "no memory")
    return Tags(artists=(path.stem,))
