"""Which tracks are one recording: one rule, applied when a track is listed or embedded, and kept.

Two tracks are one recording if their decoded audio has the same hash or they share an id of the
recording (ISRC, MusicBrainz). Where nothing says so, and MusicBrainz does not know them as two,
they are one if the same artists made them, their titles name the same recording (a remastering
does, a remix or a live take does not) and they are as long as each other, as
`track_selection.same_recording` has it. How alike they sound says nothing.
"""

import json
from sqlite3 import Row

from artistindex import naming
from artistindex.library.database import Database
from artistindex.library.rows import track_of
from artistindex.metadata.titles import Title
from artistindex.metadata.track_selection import same_recording

NEW_RECORDING = "(SELECT coalesce(max(recording), 0) + 1 FROM tracks)"
"""SQL for the number of a recording that no track has yet."""

_NAMED = """
    SELECT tracks.*, CASE WHEN billing <> '[]' THEN billing ELSE
        (SELECT json_group_array(artists.name) FROM credits JOIN artists ON artist_id = artists.id
         WHERE track_id = tracks.id) END AS billing
    FROM tracks"""  # of two columns called billing the later one counts


def title_key(title: str) -> str:
    """Return what the titles of one recording's releases have in common."""
    return Title.parse(title).recording


class Recordings:
    """The recording of every track of a library; recordings are numbers that mean nothing else."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def by_track(self) -> dict[int, int]:
        """Return track id -> recording, for all tracks."""
        return {
            row["id"]: row["recording"] for row in self._db.all("SELECT id, recording FROM tracks")
        }

    def decide(self, track_id: int) -> None:
        """Join the track with the recordings that the rule says it is.

        A recording once joined stays joined. The title is asked only for a track that stands alone.
        """
        (row,) = self._db.all(f"{_NAMED} WHERE id = ?", track_id)
        same = self._of_same_audio_or_id(row)
        if not same and not self._is_shared(row):
            same = self._of_same_title(row)
        self._join(row, same)

    def decide_by_id(self, track_id: int) -> None:
        """Join the track with the recordings of its ids alone: nothing is known of its sound."""
        (row,) = self._db.all(f"{_NAMED} WHERE id = ?", track_id)
        self._join(row, self._of_same_audio_or_id(row))

    def _join(self, row: Row, same: set[int]) -> None:
        joined = sorted({row["recording"], *same})
        for recording in joined[1:]:
            self._db.run(
                "UPDATE tracks SET recording = ? WHERE recording = ?", joined[0], recording
            )

    def part(self, track_id: int) -> None:
        """Give the track a recording of its own, since its audio is another now."""
        self._db.run(f"UPDATE tracks SET recording = {NEW_RECORDING} WHERE id = ?", track_id)

    def _of_same_audio_or_id(self, row: Row) -> set[int]:
        rows = self._db.all(
            "SELECT recording FROM tracks WHERE audio_sha256 = ?2 AND id <> ?1"
            " UNION SELECT recording FROM tracks WHERE isrc = ?3 AND isrc <> '' AND id <> ?1"
            " UNION SELECT recording FROM tracks WHERE musicbrainz_id = ?4 AND id <> ?1",
            row["id"],
            row["audio_sha256"],
            row["isrc"],
            row["musicbrainz_id"],
        )
        return {row["recording"] for row in rows}

    def _is_shared(self, row: Row) -> bool:
        sql = "SELECT 1 FROM tracks WHERE recording = ? AND id <> ? LIMIT 1"
        return bool(self._db.all(sql, row["recording"], row["id"]))

    def _of_same_title(self, row: Row) -> set[int]:
        """The recording of the first track that has the artists, the title and the length.

        How long a file is that was not decoded yet is not known, so that it joins nothing.
        """
        rows = self._db.all(
            f"{_NAMED} WHERE title_key = ?1 AND id <> ?2 AND (path IS NULL OR stage = 'embedded')"
            " AND (musicbrainz_id = ?3 OR musicbrainz_id IS NULL OR ?3 IS NULL)"
            " AND id IN (SELECT track_id FROM credits WHERE artist_id IN"
            "            (SELECT artist_id FROM credits WHERE track_id = ?2)) ORDER BY id",
            row["title_key"],
            row["id"],
            row["musicbrainz_id"],
        )
        for other in rows:
            if _same_artists(row, other) and same_recording(track_of(row), track_of(other)):
                return {other["recording"]}
        return set()


def decide_all(database: Database) -> None:
    """Decide the recordings of a library that was made before they were kept, track by track."""
    rows = database.all("SELECT id, title FROM tracks ORDER BY id")
    for row in rows:
        key = title_key(row["title"])
        database.run("UPDATE tracks SET title_key = ? WHERE id = ?", key, row["id"])
    recordings = Recordings(database)
    for row in rows:
        recordings.decide(row["id"])


def _same_artists(row: Row, other: Row) -> bool:
    """Whether one track names all artists of the other: a guest may be in the title alone."""
    names, others = (
        {naming.normalise(name) for name in json.loads(track["billing"])} for track in (row, other)
    )
    return names <= others or others <= names
