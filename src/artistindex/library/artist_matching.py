"""Which artist of one list is whom in another: by a shared id, then by the very same spelling."""

from collections.abc import Iterable

from artistindex.entities import Artist

_COLUMNS = ("spotify_id", "deezer_id", "musicbrainz_id")


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
        for column, given in _ids(artist):
            self._by_id.setdefault((column, given), number)
        self._by_name.setdefault(artist.name, []).append(number)
        return number

    def find(self, artist: Artist) -> tuple[int, str] | None:
        """The number of the one who is `artist`, and what told: "spotify_id" or "name", say."""
        for column, given in _ids(artist):
            if (column, given) in self._by_id:
                return self._by_id[column, given], column
        for number in self._by_name.get(artist.name, ()):
            if not _contradict(artist, self._artists[number]):
                return number, "name"
        return None

    def namesakes(self, artist: Artist) -> list[Artist]:
        """Those spelled just as `artist`, whoever they are."""
        return [self._artists[number] for number in self._by_name.get(artist.name, ())]

    def __getitem__(self, number: int) -> Artist:
        return self._artists[number]

    def __len__(self) -> int:
        return len(self._artists)


def _ids(artist: Artist) -> list[tuple[str, str]]:
    found = ((column, getattr(artist, column)) for column in _COLUMNS)
    return [(column, given) for column, given in found if given]


def _contradict(one: Artist, other: Artist) -> bool:
    theirs = dict(_ids(other))
    return any(theirs.get(column, given) != given for column, given in _ids(one))
