"""What the process that reads tags runs, batch after batch."""

from collections.abc import Callable
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path

from artistindex._util.remote_files import local_copy
from artistindex._util.worker_process import stand_by_parent
from artistindex.errors import TrackError
from artistindex.metadata.tags import Tags, read_tags

MAX_MEMORY = 2 << 30  # bytes of address space


def tags_or_error(path: Path) -> Tags | TrackError:
    """Return the tags of a file, or why they cannot be read."""
    try:
        with local_copy(path) as here:
            return read_tags(here)
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        return TrackError("catalogue", reason, retryable=True)
    except MemoryError:
        return TrackError("catalogue", "its tags take more memory than tags may")
    except Exception as error:  # nobody foresaw it: the file's trouble, and no other's
        reason = f"its tags cannot be read: unexpected {type(error).__name__}: {error}"
        return TrackError("catalogue", reason)


def work(
    pipe: "connection.Connection", *, read: Callable[[Path], Tags | TrackError] = tags_or_error
) -> None:
    """Send None when ready; then for every path of the lists from `pipe` its Tags or a TrackError.

    Returns when the other end is closed.
    """
    stand_by_parent()
    _limit_memory()
    with suppress(EOFError, OSError):
        pipe.send(None)
        while True:
            for path in pipe.recv():
                pipe.send(read(path))


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # there is no such limit on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
