"""Who is the same artist: the one rule of the library, and of packs that meet it.

A shared id decides. Without one the very same spelling does, unless a service knows the two by
different ids. Names that merely fold alike are never the same artist.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from artistindex.entities import Artist

_Key_co = TypeVar("_Key_co", covariant=True)


class Directory(Protocol[_Key_co]):
    """Artists that can be looked up, each by a key of its own."""

    def with_id(self, service: str, id_: str) -> _Key_co | None:
        """Return the artist whom a service knows by `id_`."""

    def spelled(self, name: str) -> Iterable[tuple[_Key_co, Artist]]:
        """Yield the artists whose names are spelled just so, the first first."""


def find_same(artist: Artist, directory: Directory[_Key_co]) -> tuple[_Key_co, str] | None:
    """Return the key of the one who is `artist`, and what says so: "spotify_id" or "name", say."""
    for service, id_ in artist.ids.items():
        key = directory.with_id(service, id_)
        if key is not None:
            return key, f"{service}_id"
    for key, namesake in directory.spelled(artist.name):
        if not artist.contradicts(namesake):
            return key, "name"
    return None


class ArtistList:
    """Artists in memory, numbered in the order in which they came, to be found again."""

    def __init__(self, artists: Iterable[Artist] = ()) -> None:
        self._artists: list[Artist] = []
        self._by_id: dict[tuple[str, str], int] = {}
        self._by_name: dict[str, list[int]] = {}
        for artist in artists:
            self.add(artist)

    def add(self, artist: Artist) -> int:
        """Append `artist`; returns its number."""
        number = len(self._artists)
        self._artists.append(artist)
        for service_and_id in artist.ids.items():
            self._by_id.setdefault(service_and_id, number)
        self._by_name.setdefault(artist.name, []).append(number)
        return number

    def find(self, artist: Artist) -> tuple[int, str] | None:
        """Return the number of the one who is `artist`, and what says so."""
        return find_same(artist, self)

    def with_id(self, service: str, id_: str) -> int | None:
        """Return the number of the artist whom a service knows by `id_`."""
        return self._by_id.get((service, id_))

    def spelled(self, name: str) -> list[tuple[int, Artist]]:
        """Return the artists spelled just so, whoever they are, with their numbers."""
        return [(number, self._artists[number]) for number in self._by_name.get(name, ())]

    def __getitem__(self, number: int) -> Artist:
        return self._artists[number]

    def __len__(self) -> int:
        return len(self._artists)
