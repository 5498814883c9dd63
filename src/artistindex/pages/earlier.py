"""The places of artists on an earlier page, from which the next map starts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Artist
from artistindex.errors import Misuse
from artistindex.pages.packing import find_data, unpack

MAX_PAGE_BYTES = 1 << 27
_GRID = 65_535


@dataclass(frozen=True, slots=True)
class Places:
    """Where artists were, by `keys_of`."""

    by_key: Mapping[str, tuple[float, float]]

    @classmethod
    def read(cls, page: Path) -> Self | None:
        """Read the map of the page at `page`; None where it has none, or is no page of ours."""
        with page.open("rb") as file:
            content = file.read(MAX_PAGE_BYTES + 1)
        data = find_data(content) if len(content) <= MAX_PAGE_BYTES else None
        if data is None:
            return None
        try:
            return cls._of(*unpack(data))
        except (Misuse, LookupError, TypeError, ValueError, AttributeError):
            return None

    @classmethod
    def _of(cls, header: Mapping[str, object], arrays: Mapping[str, NDArray[np.integer]]) -> Self:
        artists = header["map"]
        if not isinstance(artists, dict):
            raise TypeError("the page has no map")
        left, top, span = map(float, artists["frame"])
        xs = arrays["x"] * (span / _GRID) + left
        ys = arrays["y"] * (span / _GRID) + top
        if not np.isfinite([xs, ys]).all():
            raise ValueError("a place that is nowhere")
        keys: Mapping[str, str] = artists["keys"]
        names: Sequence[str] = artists["names"]
        by_key = {
            keys.get(str(row), name): (float(x), float(y))
            for row, (name, x, y) in enumerate(zip(names, xs, ys, strict=True))
        }
        return cls(by_key)

    def of(self, artists: Sequence[Artist]) -> NDArray[np.float64]:
        """Return the places (artists, 2) of `artists`, NaN for who had none."""
        nowhere = (np.nan, np.nan)
        places = [self.by_key.get(key, nowhere) for key in keys_of(artists)]
        return np.array(places, np.float64).reshape(-1, 2)


def keys_of(artists: Sequence[Artist]) -> list[str]:
    """Return what tells each artist from the others, on one page and on the next.

    That is the name, and for namesakes the ids too.
    """
    count = Counter(artist.name for artist in artists)
    return [artist.name if count[artist.name] == 1 else artist.described for artist in artists]
