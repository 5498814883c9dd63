"""Which artist of one list is whom in another: by a shared id, then by the very same spelling."""

from collections.abc import Iterable

from artistindex.entities import Artist


class Identities:
    """Artists, numbered in the order in which they came, to be found again.

    The rule is the library's: a shared id decides; without one the same spelling does, unless ids
    of one service contradict. Names that merely fold alike are never the same artist.
    """

    def __init__(self, artists: Iterable[Artist] = ()) -> None:
        self._artists: list[Artist] = []
        self._by_id: dict[tuple[str, str], int] = {}
        self._by_name: dict[str, list[int]] = {}
        for artist in artists:
            self.add(artist)

    def add(self, artist: Artist) -> int:
        """Take `artist` in; its number."""
        number = len(self._artists)
        self._artists.append(artist)
        for service_and_id in artist.ids.items():
            self._by_id.setdefault(service_and_id, number)
        self._by_name.setdefault(artist.name, []).append(number)
        return number

    def find(self, artist: Artist) -> tuple[int, str] | None:
        """The number of the one who is `artist`, and what told: "spotify_id" or "name", say."""
        for service, id_ in artist.ids.items():
            if (service, id_) in self._by_id:
                return self._by_id[service, id_], f"{service}_id"
        for number in self._by_name.get(artist.name, ()):
            if not artist.contradicts(self._artists[number]):
                return number, "name"
        return None

    def namesakes(self, artist: Artist) -> list[Artist]:
        """Those spelled just as `artist`, whoever they are."""
        return [self._artists[number] for number in self._by_name.get(artist.name, ())]

    def __getitem__(self, number: int) -> Artist:
        return self._artists[number]

    def __len__(self) -> int:
        return len(self._artists)
