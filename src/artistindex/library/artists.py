"""The artists of a library."""

from collections.abc import Sequence
from dataclasses import replace

from artistindex import naming
from artistindex.entities import Artist, Service
from artistindex.library.artist_matching import find_same
from artistindex.library.database import Database
from artistindex.library.rows import StoredArtist, artist_of, stored_artist


class Artists:
    """The table of artists. What changes it runs within the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> list[StoredArtist]:
        """Return all artists, in the order in which they came."""
        return [stored_artist(row) for row in self._db.all("SELECT * FROM artists ORDER BY id")]

    def with_tracks(self) -> list[StoredArtist]:
        """Return the artists who have a track that is not a missing file, in the order of ids."""
        rows = self._db.all(
            "SELECT * FROM artists WHERE id IN (SELECT artist_id FROM credits JOIN tracks"
            " ON track_id = tracks.id WHERE NOT missing) ORDER BY id"
        )
        return [stored_artist(row) for row in rows]

    def guessed(self) -> set[int]:
        """Return the ids of the artists whom only the paths of files name."""
        rows = self._db.all(
            "SELECT artist_id FROM credits JOIN tracks ON track_id = tracks.id"
            " WHERE artist_id NOT IN (SELECT artist_id FROM requests WHERE artist_id IS NOT NULL)"
            " GROUP BY artist_id HAVING min(guessed)"
        )
        return {row["artist_id"] for row in rows}

    def find(self, name: str) -> list[StoredArtist]:
        """Return who may be meant: those spelled so, else folded so, else with that "service:id".

        Names fold as `naming.normalise` says.
        """
        folded = naming.normalise(name)
        rows = self._db.all("SELECT * FROM artists WHERE folded = ? ORDER BY id", folded)
        namesakes = [stored_artist(row) for row in rows]
        exact = [stored for stored in namesakes if stored.artist.name == naming.clean(name)]
        return exact or namesakes or self._with_qualified_id(name)

    def add(self, artist: Artist) -> int:
        """Return the id of `artist`'s row, which is made unless `artist_matching` finds one.

        Ids that the row lacked are filled in.
        """
        artist = replace(artist, name=naming.clean(artist.name))
        same = find_same(artist, self)
        if same is None:
            return self.insert(artist)
        artist_id, _ = same
        for service, id_ in artist.ids.items():
            self._db.run(
                f"UPDATE OR IGNORE artists SET {service}_id = ? WHERE id = ? AND"
                f" {service}_id IS NULL",
                id_,
                artist_id,
            )
        return artist_id

    def insert(self, artist: Artist) -> int:
        """Make a row for an artist who is new; returns its id."""
        return self._db.run(
            "INSERT INTO artists (name, folded, spotify_id, deezer_id, musicbrainz_id)"
            " VALUES (?, ?, ?, ?, ?)",
            artist.name,
            naming.normalise(artist.name),
            *(artist.ids.get(service) for service in Service),
        )

    def with_id(self, service: str, id_: str) -> int | None:
        """Return the id of the artist whom a service knows by `id_`."""
        rows = self._db.all(f"SELECT id FROM artists WHERE {service}_id = ?", id_)
        return int(rows[0]["id"]) if rows else None

    def spelled(self, name: str) -> Sequence[tuple[int, Artist]]:
        """Return the artists spelled just so, whoever they are, with their ids."""
        rows = self._db.all(
            "SELECT * FROM artists WHERE folded = ? AND name = ? ORDER BY id",  # folded is indexed
            naming.normalise(name),
            name,
        )
        return [(row["id"], artist_of(row)) for row in rows]

    def remove(self, artist_id: int) -> None:
        """Delete an artist with its credits and what packs brought of it."""
        self._db.run("DELETE FROM artists WHERE id = ?", artist_id)

    def remove_trackless(self) -> None:
        """Delete the artists who have no track, are not asked for and came in no pack."""
        self._db.run(
            "DELETE FROM artists WHERE id NOT IN (SELECT artist_id FROM credits)"
            " AND id NOT IN (SELECT artist_id FROM requests WHERE artist_id IS NOT NULL)"
            " AND id NOT IN (SELECT artist_id FROM imported_vectors)"
        )

    def detach(self, artist_id: int) -> None:
        """Delete an artist unless a request, a file of the user's own or a pack holds it."""
        self._db.run(
            "DELETE FROM artists WHERE id = ?1"
            " AND NOT EXISTS (SELECT 1 FROM requests WHERE artist_id = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM credits JOIN tracks ON track_id = tracks.id"
            "                 WHERE artist_id = ?1 AND (source = 'file' OR catalogue IS NULL))"
            " AND NOT EXISTS (SELECT 1 FROM imported_vectors WHERE artist_id = ?1)",
            artist_id,
        )

    def _with_qualified_id(self, name: str) -> list[StoredArtist]:
        service, _, id_ = naming.clean(name).partition(":")
        if service not in tuple(Service) or not id_:
            return []
        rows = self._db.all(f"SELECT * FROM artists WHERE {service}_id = ?", id_)
        return [stored_artist(row) for row in rows]
