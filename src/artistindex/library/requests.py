"""The names that a library was asked for, and whom they turned out to mean."""

from collections.abc import Iterable

from artistindex import naming
from artistindex.entities import FailureStage
from artistindex.library.database import Database, now
from artistindex.library.rows import StoredArtist, stored_artist


class Requests:
    """The table of requests. What changes it runs within the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, names: Iterable[str]) -> None:
        """Note names that were asked for; those that are there already stay as they are."""
        for name in names:
            self._db.run(
                "INSERT OR IGNORE INTO requests (name, asked) VALUES (?, ?)",
                naming.clean(name),
                now(),
            )

    def all(self) -> list[str]:
        """Return every name asked for so far, in the order in which they were."""
        return [row["name"] for row in self._db.all("SELECT name FROM requests ORDER BY rowid")]

    def pending(self) -> list[str]:
        """Return the names whose artist is not known and whose look-up has not failed."""
        rows = self._db.all(
            "SELECT name FROM requests WHERE artist_id IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM failures WHERE what = requests.name AND stage = ?)"
            " ORDER BY asked, rowid",
            FailureStage.CATALOGUE,
        )
        return [row["name"] for row in rows]

    def artist_for(self, name: str) -> StoredArtist | None:
        """Return the artist that a name means, as far as that is known."""
        rows = self._db.all(
            "SELECT artists.* FROM artists JOIN requests ON artist_id = artists.id"
            " WHERE requests.name = ?",
            naming.clean(name),
        )
        return stored_artist(rows[0]) if rows else None

    def resolve(self, name: str, artist_id: int) -> None:
        """Record that `name` means an artist, whatever it meant before."""
        self._db.run(
            "INSERT INTO requests (name, artist_id, asked) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET artist_id = excluded.artist_id",
            naming.clean(name),
            artist_id,
            now(),
        )

    def remove(self, name: str) -> None:
        """Delete a name asked for."""
        self._db.run("DELETE FROM requests WHERE name = ?", naming.clean(name))

    def remove_of(self, artist_id: int) -> None:
        """Delete the names that mean an artist."""
        self._db.run("DELETE FROM requests WHERE artist_id = ?", artist_id)
