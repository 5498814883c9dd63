"""The answers of a service, kept on disk for a while: one SQLite file a service.

Own code rather than an HTTP cache library, because what is kept is not the response: it has been
checked first, lacks what must not be kept (signed URLs), and is plain text, never a pickle.
"""

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

from artistindex._util.files import refuse_link

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS responses (
        url TEXT PRIMARY KEY, status INTEGER NOT NULL, body TEXT NOT NULL, fetched REAL NOT NULL
    ) STRICT, WITHOUT ROWID
"""


class HttpCache:
    """Answers by URL, none older than `seconds`.

    A cache only: what cannot be read is made anew, what cannot be written is not kept.
    """

    def __init__(self, path: Path, *, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._connection = self._open(path, now)

    def _open(self, path: Path, now: float) -> sqlite3.Connection | None:
        for _ in range(2):
            connection = None
            try:
                refuse_link(path)
                path.parent.mkdir(parents=True, exist_ok=True)
                connection = sqlite3.connect(
                    path, timeout=10, isolation_level=None, check_same_thread=False
                )
                connection.execute(_SCHEMA)
                connection.execute(
                    "DELETE FROM responses WHERE fetched < ? OR fetched > ?",
                    (now - self._seconds, now),
                )
                return connection
            except sqlite3.OperationalError:  # busy, read-only, a full disk
                _close(connection)
                return None
            except sqlite3.DatabaseError:  # not a database
                _close(connection)
                with suppress(OSError):
                    path.unlink()
            except OSError:
                return None
        return None

    def get(self, url: str, *, now: float) -> tuple[int, str] | None:
        """The status and body kept for `url`, or None."""
        if self._connection is None:
            return None
        with self._lock, suppress(sqlite3.Error):
            row = self._connection.execute(
                "SELECT status, body FROM responses WHERE url = ? AND fetched BETWEEN ? AND ?",
                (url, now - self._seconds, now),
            ).fetchone()
            if row is not None:
                return int(row[0]), str(row[1])
        return None

    def put(self, url: str, status: int, body: str, *, now: float) -> None:
        """Keep an answer."""
        if self._connection is None:
            return
        with self._lock, suppress(sqlite3.Error, UnicodeEncodeError):
            self._connection.execute(
                "INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?)", (url, status, body, now)
            )

    def close(self) -> None:
        """Close the file."""
        _close(self._connection)
        self._connection = None


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        connection.close()
