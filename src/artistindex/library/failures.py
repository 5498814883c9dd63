"""What went wrong and has not gone right since."""

import os
from collections.abc import Sequence
from pathlib import Path

from artistindex.entities import Failure, FailureStage
from artistindex.library.database import Database, now
from artistindex.metadata.filename import readable


class Failures:
    """The table of failures. What changes it runs within the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> list[Failure]:
        """Return the failures, oldest first."""
        rows = self._db.all("SELECT * FROM failures ORDER BY at, id")
        return [
            Failure(
                what=row["what"],
                stage=row["stage"],
                reason=row["reason"],
                retryable=bool(row["retryable"]),
                artist=row["artist"],
                when=row["at"],
            )
            for row in rows
        ]

    def put(self, failure: Failure, *, track_id: int | None = None, model: str = "") -> None:
        """Keep a failure, of `model` alone where one is named; the same trouble is kept once."""
        self._db.run(
            "INSERT INTO failures (what, artist, stage, reason, retryable, at, track_id, model)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (what, stage, model) DO UPDATE SET reason = excluded.reason,"
            " artist = excluded.artist,"
            " retryable = excluded.retryable, at = excluded.at, track_id = excluded.track_id",
            _storable(failure.what),
            failure.artist and _storable(failure.artist),
            failure.stage,
            _storable(failure.reason),
            failure.retryable,
            now(),
            track_id,
            model,
        )

    def replace(self, stage: str, model: str, failures: Sequence[tuple[Failure, int]]) -> None:
        """Keep (failure, id of the track) as all of a stage and model; the same ones stay."""
        rows = self._db.all(
            "SELECT what, artist, reason, track_id FROM failures WHERE stage = ? AND model = ?",
            stage,
            model,
        )
        present = {row["what"]: tuple(row)[1:] for row in rows}
        expected = {
            _storable(failure.what): (
                failure.artist and _storable(failure.artist),
                _storable(failure.reason),
                track_id,
            )
            for failure, track_id in failures
        }
        if present == expected:
            return
        self.clear(stage=stage, model=model, below=None)
        for failure, track_id in failures:
            self.put(failure, track_id=track_id, model=model)

    def clear(self, *, stage: str | None, model: str | None, below: Path | None) -> int:
        """Delete failures of a stage, a model, of files below a folder; returns how many."""
        prefix = None if below is None else f"{readable(below).rstrip(os.sep)}{os.sep}"
        before = self._db.count("failures")
        self._db.run(
            "DELETE FROM failures WHERE (?1 IS NULL OR stage = ?1)"
            " AND (?2 IS NULL OR model = ?2)"
            " AND (?3 IS NULL OR substr(what, 1, length(?3)) = ?3)",
            stage,
            model,
            prefix,
        )
        return before - self._db.count("failures")

    def clear_track(self, track_id: int, model: str = "") -> None:
        """Delete a track's failures that concern all models, or those of `model`."""
        self._db.run("DELETE FROM failures WHERE track_id = ? AND model = ?", track_id, model)

    def clear_request(self, name: str) -> None:
        """Delete what went wrong with finding out whom a name means."""
        self._db.run(
            "DELETE FROM failures WHERE what = ? AND stage IN (?, ?)",
            name,
            FailureStage.CATALOGUE,
            FailureStage.IDENTITY,
        )

    def clear_artist(self, name: str) -> None:
        """Delete the failures of an artist."""
        self._db.run("DELETE FROM failures WHERE artist = ?", name)


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
