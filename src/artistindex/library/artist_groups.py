"""The artists of a library as the user has decided who they are."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from artistindex import naming
from artistindex.entities import Artist
from artistindex.library.decisions import Decisions
from artistindex.library.rows import StoredArtist


class ArtistGroups:
    """Artists under the aliases that were decided on, without those who are to be ignored.

    `artists` has one artist of each group, with the name and ids that were decided on.
    """

    def __init__(self, artists: Sequence[StoredArtist], decisions: Decisions) -> None:
        self.artists: list[StoredArtist] = []
        self._members: dict[int, list[int]] = {}
        self._heads: dict[int, int] = {}
        self._decisions = decisions
        if not decisions:
            self.artists = list(artists)
            self._heads = {stored.id: stored.id for stored in artists}
            return
        by_name: dict[str, StoredArtist] = {}
        for stored in artists:
            if decisions.alias_of(stored.artist) is None:
                by_name.setdefault(naming.normalise(stored.artist.name), stored)
        for stored in artists:
            name = decisions.alias_of(stored.artist)
            if name is None:
                self._add(stored, stored)
                continue
            other = replace(stored, artist=replace(stored.artist, name=naming.clean(name)))
            self._add(by_name.setdefault(naming.normalise(name), other), stored)

    def members_of(self, artist: StoredArtist) -> list[int]:
        """Return the ids of all in an artist's group."""
        return self._members.get(artist.id, [artist.id])

    def head_of(self, artist_id: int) -> int | None:
        """Return the id of the artist who stands for a group, None for one who is ignored."""
        return self._heads.get(artist_id)

    def heads_of(self, artist_ids: Iterable[int]) -> set[int]:
        """Return the ids of those who stand for the groups of the artists."""
        heads = map(self.head_of, artist_ids)
        return {head for head in heads if head is not None}

    def _add(self, head: StoredArtist, member: StoredArtist) -> None:
        if self._ignored(head.artist) or self._ignored(member.artist):
            return
        self._heads[member.id] = head.id
        members = self._members.setdefault(head.id, [])
        if not members:
            self.artists.append(replace(head, artist=self._decisions.with_ids(head.artist)))
        members.append(member.id)

    def _ignored(self, artist: Artist) -> bool:
        return self._decisions.ignores(artist)
