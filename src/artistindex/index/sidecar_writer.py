"""The sidecar of an index while it is written: rows come once, and none of them stays in memory."""

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from artistindex import naming
from artistindex.index import trigrams
from artistindex.index.rows import IndexRow, VectorFile
from artistindex.index.sidecar import SCHEMA, TRIGRAMS, StoredArray, UsedTrack

_SPOOL = """
    CREATE TEMP TABLE spool
        (id INTEGER PRIMARY KEY, title, album, recording, path, vector, library_id)
"""  # where tracks wait until the folder is known that all files lie in
_FROM_SPOOL = """
    INSERT INTO tracks SELECT id, title, album, recording, iif(path IS NULL, NULL, 0),
        iif(path IS NULL, NULL, within(path)), vector, library_id FROM spool
"""
_SHARING = """
    SELECT json_group_array(DISTINCT row) FROM artist_tracks CROSS JOIN spool ON spool.id = track
    WHERE recording IS NOT NULL GROUP BY recording HAVING min(row) < max(row)
"""
_COLUMNS = {
    "artists": 5,
    "artist_ids": 3,
    "spool": 7,
    "track_ids": 3,
    "artist_tracks": 3,
    "arrays": 4,
}
_MAX_PENDING = 10_000  # rows of tables


class SidecarWriter:
    """Writes the file at `path`, which is empty, and the tracks' vectors into `vectors`.

    A track of the library that stands for several artists is one track. The same rows make the same
    bytes. Raises what SQLite raises where there is no room.
    """

    def __init__(self, path: Path, vectors: VectorFile) -> None:
        self.tracks = 0
        self._path = path
        self._vectors = vectors
        self._rows = 0
        self._numbers: dict[int, int] = {}  # id in the library -> number of the track
        self._folder: str | None = None  # that all files lie in, so far
        self._parent = ""
        self._pending: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._connection = sqlite3.connect(path, isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "BEGIN",
            *_statements("CREATE TABLE"),
            _SPOOL,
        ):
            self._connection.execute(statement)

    def add(self, row: IndexRow) -> None:
        """Write the next row."""
        number, artist = self._rows, row.artist
        pending = self._pending
        pending["artists"].append(
            (number, artist.name, naming.normalise(artist.name), row.guessed, len(row.tracks))
        )
        pending["artist_ids"] += [(number, service, id_) for service, id_ in artist.ids.items()]
        pending["artist_tracks"] += [
            (number, position, self._number(track)) for position, track in enumerate(row.tracks)
        ]
        self._rows += 1
        if len(pending["artist_tracks"]) >= _MAX_PENDING or len(pending["artists"]) >= _MAX_PENDING:
            self._flush()

    def rows_sharing_recordings(self) -> set[tuple[int, int]]:
        """The pairs of rows that have a recording in common."""
        self._flush()
        sharing = self._connection.execute(_SHARING)
        return {pair for (rows,) in sharing for pair in combinations(sorted(json.loads(rows)), 2)}

    def finish(self, arrays: Sequence[StoredArray]) -> None:
        """Write what is left, with the arrays of a transform, and close the file."""
        self._pending["arrays"] += arrays
        self._flush()
        if self._folder is not None:
            folder = os.fsencode(self._folder)
            self._connection.execute("INSERT INTO folders VALUES (0, ?)", (folder,))
        self._connection.create_function("within", 1, self._within)
        for statement in (_FROM_SPOOL, "DROP TABLE spool", *_statements("CREATE INDEX")):
            self._connection.execute(statement)
        if self._rows >= trigrams.MIN_NAMES:
            self._list_trigrams()
        self._connection.execute("COMMIT")
        self._connection.close()
        _forget_writer(self._path)

    def _list_trigrams(self) -> None:
        """Write the table in which names are looked for that are not quite as typed."""
        self._connection.execute(TRIGRAMS)
        folded = self._connection.execute("SELECT folded FROM artists ORDER BY row")
        rows = trigrams.lists(name for (name,) in folded)
        self._connection.executemany("INSERT INTO trigrams VALUES (?, ?)", rows)

    def close(self) -> None:
        """Close the file, finished or not."""
        self._connection.close()

    def _number(self, track: UsedTrack) -> int:
        """Return the number of a track, which is written unless it has been."""
        if track.library_id is None:
            number = self.tracks
        elif (number := self._numbers.setdefault(track.library_id, self.tracks)) < self.tracks:
            return number
        vector = None if track.vector is None else self._vectors.append(track.vector)
        path = None if track.path is None else os.fsencode(track.path)
        if track.path is not None:
            self._note_folder(track.path)
        self._pending["spool"].append(
            (number, track.title, track.album, track.recording, path, vector, track.library_id)
        )
        self._pending["track_ids"] += [(number, *of_service) for of_service in track.ids.items()]
        self.tracks += 1
        return number

    def _note_folder(self, path: Path) -> None:
        parent = str(path.parent)
        if parent != self._parent:
            self._parent = parent
            known = parent if self._folder is None else self._folder
            self._folder = os.path.commonpath([known, parent])

    def _within(self, path: bytes) -> bytes:
        """Return the path relative to the folder that all files lie in."""
        return os.path.relpath(path, os.fsencode(self._folder or ""))

    def _flush(self) -> None:
        for table, rows in self._pending.items():
            marks = ", ".join("?" * _COLUMNS[table])
            self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
            rows.clear()


def _statements(kind: str) -> list[str]:
    """Return the statements of the schema that begin so."""
    statements = (statement.strip() for statement in SCHEMA.split(";"))
    return [statement for statement in statements if statement.startswith(kind)]


def _forget_writer(path: Path) -> None:
    """Blank what a header says of who changed the file how often: the same rows, the same bytes.

    https://www.sqlite.org/fileformat.html, offsets 24, 92 and 96.
    """
    with path.open("r+b") as file:
        for offset, length in ((24, 4), (92, 8)):
            file.seek(offset)
            file.write(bytes(length))
