"""What an index was made of, artist by artist, so that the next one need only take what changed.

This is remembered, not known: an index that another hand replaced is not the one remembered, and is
made anew.
"""

import json
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from artistindex.library.database import Database
from artistindex.library.fingerprints import BYTES

_ARTIST = np.dtype([("id", "<i8"), ("row", "<i8"), ("licence", "<i4"), ("print", f"V{BYTES}")])


@dataclass(frozen=True, slots=True, eq=False)
class IndexState:
    """The index whose manifest has the seal `manifest_sha256`, as `version` of the package made it.

    `artists` are those of the library, in its order, with the row (-1 for none), the fingerprint
    and the place of the row's licence among `licences` (-1 for none). `odd` are artist, track and
    score of tracks that lie apart. The transform was fitted when there were `fitted_artists`.
    """

    manifest_sha256: str
    version: str
    artists: NDArray[np.void]
    licences: list[str] = field(default_factory=list)
    odd: list[tuple[int, int, float]] = field(default_factory=list)
    fitted_artists: int = 0

    def rows_by_artist(self) -> dict[int, int]:
        """Return id in the library -> row, of those who have one."""
        indexed = self.artists[self.artists["row"] >= 0]
        return dict(zip(indexed["id"].tolist(), indexed["row"].tolist(), strict=True))


def artist_table(
    ids: list[int], rows: list[int], licences: list[int], prints: list[bytes]
) -> NDArray[np.void]:
    """Return the `artists` of a state."""
    table = np.empty(len(ids), _ARTIST)
    table["id"], table["row"], table["licence"] = ids, rows, licences
    table["print"] = np.frombuffer(b"".join(prints), f"V{BYTES}")
    return table


class IndexStates:
    """The table of states. What changes it runs within the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, index: str) -> IndexState | None:
        """Return what is remembered of the index in the folder called `index`."""
        rows = self._db.all("SELECT * FROM index_states WHERE folder = ?", index)
        if not rows:
            return None
        (row,) = rows
        return IndexState(
            row["manifest_sha256"],
            row["version"],
            np.frombuffer(row["artists"], _ARTIST),
            json.loads(row["licences"]),
            [(artist, track, score) for artist, track, score in json.loads(row["odd"])],
            row["fitted_artists"],
        )

    def put(self, index: str, state: IndexState) -> None:
        """Remember a state in place of the one before."""
        self._db.run(
            "INSERT OR REPLACE INTO index_states VALUES (?, ?, ?, ?, ?, ?, ?)",
            index,
            state.manifest_sha256,
            state.version,
            state.artists.tobytes(),
            json.dumps(state.licences),
            json.dumps(state.odd),
            state.fitted_artists,
        )
