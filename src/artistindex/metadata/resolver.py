"""From the names that were asked for to artists and their tracks, whatever the catalogue.

A hit counts only if its folded name is the one asked for; a near one is a failure that lists the
candidates and says how to pin one. A pinned id beats a name. "A & B", "A feat. B", "A b2b B" and
their like are looked up whole first, then by part.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from artistindex import naming
from artistindex.entities import Artist, Failure, Track
from artistindex.errors import ServiceEnded, ServiceError, UnknownArtist
from artistindex.listeners.favourites import unique
from artistindex.metadata.artist_ids import PinnedArtists, shorten
from artistindex.metadata.open import open_provider
from artistindex.metadata.provider import ArtistMatch, MetadataProvider

MAX_NAME_LENGTH = 200
_CANDIDATES_SHOWN = 5
_STAGE = "catalogue"
_CERTAIN = r"feat\.?|ft\.?|featuring|b2b|b3b|b4b|f2f|vs\.?|versus|x|×|presents|pres\.?"
_JOINT = re.compile(rf"\s+(?:{_CERTAIN}|&)\s+", re.IGNORECASE)
_UNCERTAIN_JOINT = re.compile(r"\s+&\s+")


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of one name, or of one part of a collaboration.

    `requested` is the name as asked for, `name` what was looked up: the same, or one part of it
    (`how` is then "part"; several Resolved follow each other). Either `artist`, `how` and `tracks`
    are there or `failure` is. With `pending` the name's turn did not come, since the service ended
    before: it is to be asked for again. `warnings` are to be kept and shown.
    """

    requested: str
    name: str
    artist: Artist | None = None
    how: Literal["pinned", "linked", "exact", "part"] | None = None
    tracks: tuple[Track, ...] = ()
    failure: Failure | None = None
    pending: bool = False
    warnings: tuple[str, ...] = field(default=())


class Links(Protocol):
    """What knows the ids that one artist has with several services."""

    def complete(self, artist: Artist) -> Artist:
        """`artist` with the ids that are linked to those it has."""


def unique_or_empty(wanted: Iterable[str]) -> Iterator[str]:
    """The tidied names, each folded name once; an empty one too, since it is an error to report."""
    wanted = list(wanted)
    if any(not naming.clean(name) for name in wanted):
        yield ""
    yield from unique(wanted)


@dataclass(frozen=True, slots=True)
class ArtistResolver:
    """Finds artists and their tracks in one catalogue.

    `limit` is the most tracks an artist. `links` (MusicBrainz) translates ids that are pinned with
    another service than this catalogue's.
    """

    catalogue: MetadataProvider
    limit: int
    pins: PinnedArtists = field(default_factory=PinnedArtists)
    links: Links | None = None

    def resolve(self, wanted: Iterable[str]) -> Iterator[Resolved]:
        """The artists that the names `wanted` mean, each folded name once, with their tracks.

        Yields each as soon as it is known and raises nothing for a name that cannot be found. Once
        the service ends, what is left comes out as pending.
        """
        ended = None
        for name in unique_or_empty(wanted):
            if ended is None:
                try:
                    yield from self._resolve(name)
                    continue
                except ServiceEnded as error:
                    ended = str(error)
            yield _failed(name, ended, retryable=True, pending=True)

    def _resolve(self, name: str) -> list[Resolved]:
        """All that becomes of one name. Raises ServiceEnded."""
        if not name:
            return [_failed(name, "an empty name; an artist's name was expected")]
        if len(name) > MAX_NAME_LENGTH:
            reason = f"a name of {len(name)} characters; at most {MAX_NAME_LENGTH} were expected"
            return [_failed(name, reason)]
        try:
            return [self._found(name, name)]
        except ServiceEnded:
            raise
        except ServiceError as error:
            return [_failed(name, str(error), retryable=True)]
        except _NoTracks as error:
            return [_failed(name, str(error))]
        except UnknownArtist as error:
            return self._parts(name) or [_failed(name, str(error))]

    def _parts(self, name: str) -> list[Resolved]:
        """The artists of a collaboration, or nothing where it is none or cannot be split safely.

        "&" is part of many a band's name, so its parts count only if all of them are found.
        """
        if self.pins.of(name):
            return []
        parts = parts_of(name)
        if len(parts) < 2:
            return []
        outcomes = [self._part(name, part) for part in parts]
        for outcome in outcomes:
            if outcome.failure is not None and outcome.failure.retryable:
                return [_failed(name, outcome.failure.reason, retryable=True)]
        found = [outcome for outcome in outcomes if outcome.artist is not None]
        if not found or (len(found) < len(outcomes) and not is_certain_joint(name)):
            return []
        return outcomes

    def _part(self, requested: str, part: str) -> Resolved:
        try:
            outcome = self._found(requested, part)
        except ServiceEnded:
            raise
        except (ServiceError, UnknownArtist) as error:
            retryable = isinstance(error, ServiceError)
            return replace(_failed(part, str(error), retryable=retryable), requested=requested)
        warning = f'"{requested}" is no artist of {self.catalogue.label}: looked up by part'
        return replace(outcome, how="part", warnings=(warning, *outcome.warnings))

    def _found(self, requested: str, name: str) -> Resolved:
        match = find(self.catalogue, name, self.pins.of(name), self.links)
        tracks = self.catalogue.tracks(match.artist, limit=self.limit)
        if not tracks:
            raise _NoTracks(
                f"{self.catalogue.label} lists no studio recording by {match.artist.name} "
                f"(id {match.artist.ids.get(self.catalogue.name)})"
            )
        return Resolved(
            requested=requested,
            name=name,
            artist=match.artist,
            how=match.how,
            tracks=tuple(tracks),
            warnings=match.warnings,
        )


def parts_of(name: str) -> list[str]:
    """The artists whom a name joins, as "A b2b B" and "A & B" do; itself where it joins none."""
    return list(unique(_JOINT.split(name)))


def is_certain_joint(name: str) -> bool:
    """Whether the parts of `name` are surely artists: "&" is part of many a band's name."""
    return not _UNCERTAIN_JOINT.search(name)


@contextmanager
def open_resolver(
    choice: str | None = None, *, ids: Path | None = None, limit: int
) -> Iterator[ArtistResolver]:
    """Open a resolver in the catalogue of this name (None: open_provider decides), closed at last.

    `ids` is an ids file; `limit` the most tracks an artist. Raises Misuse for an ids file of the
    wrong shape and for credentials that cannot be used, before anything is asked.
    """
    from artistindex.metadata.musicbrainz import MusicBrainz

    pins = PinnedArtists.read(ids) if ids is not None else PinnedArtists()
    with closing(open_provider(choice)) as catalogue:
        if not len(pins):
            yield ArtistResolver(catalogue, limit)
            return
        with closing(MusicBrainz()) as links:
            yield ArtistResolver(catalogue, limit, pins, links)


def find(
    catalogue: MetadataProvider, name: str, pin: Artist | None = None, links: Links | None = None
) -> ArtistMatch:
    """The artist whom `name`, or rather `pin`, means in `catalogue`.

    Raises UnknownArtist with the candidates and how to pin one, ServiceError and ServiceEnded.
    """
    if pin is None:
        return _by_name(catalogue, name)
    if pin.ids.get(catalogue.name) is not None:
        return _by_id(catalogue, name, pin, linked=False)
    warning = ""
    try:
        pin = links.complete(pin) if links is not None else pin
    except ServiceError as error:
        warning = f" ({error})"
    if pin.ids.get(catalogue.name) is not None:
        return _by_id(catalogue, name, pin, linked=True)
    return _by_name(
        catalogue,
        name,
        pin=pin,
        warning=f'the id pinned for "{name}" is not one of {catalogue.label} and MusicBrainz '
        f"links none to it{warning}: found by name instead",
    )


def _by_id(catalogue: MetadataProvider, name: str, pin: Artist, *, linked: bool) -> ArtistMatch:
    id_ = pin.ids.get(catalogue.name) or ""
    found = catalogue.artist(id_)
    if found is None:
        raise UnknownArtist(
            f'{catalogue.label} has no artist with the id {id_}, which is pinned for "{name}"; '
            "correct it in the ids file"
        )
    how: Literal["linked", "pinned"] = "linked" if linked else "pinned"
    if naming.same_name(found.name, name):
        return ArtistMatch(replace(pin, name=found.name), how)
    warning = f'the id {id_} pinned for "{name}" is that of {shorten(found.name)}'
    return ArtistMatch(replace(pin, name=name), how, (warning,))


def _by_name(
    catalogue: MetadataProvider, name: str, *, pin: Artist | None = None, warning: str = ""
) -> ArtistMatch:
    candidates = catalogue.search(name)
    exact = [artist for artist in candidates if naming.same_name(artist.name, name)]
    if not exact or (pin is not None and len(exact) > 1):
        raise UnknownArtist(
            _not_found(catalogue, name, exact or candidates, several=bool(exact)),
            closest=[artist.name for artist in candidates],
        )
    warnings = [warning] if warning else []
    first = exact[0]
    if len(exact) > 1:
        warnings.append(
            f"{len(exact)} artists of {catalogue.label} are called {shorten(first.name)}: took "
            f"the one it ranks first (id {first.ids.get(catalogue.name)}), not "
            f"{_listed(exact[1:], catalogue)}; to pin another, "
            f"{_how_to_pin(catalogue, name, exact[1])}"
        )
    if pin is not None:
        found = first.ids.get(catalogue.name) or ""
        first = replace(pin.with_id(catalogue.name, found), name=first.name)
    return ArtistMatch(first, "exact", tuple(warnings))


def _not_found(
    catalogue: MetadataProvider, name: str, candidates: Sequence[Artist], *, several: bool
) -> str:
    shown = shorten(name)
    if not candidates:
        return f'{catalogue.label} has no artist called "{shown}", nor one like it'
    what = f'several artists called "{shown}":' if several else f'no artist called "{shown}", only'
    return (
        f"{catalogue.label} has {what} {_listed(candidates, catalogue)}; "
        f"to pin one, {_how_to_pin(catalogue, name, candidates[0])}"
    )


def _listed(candidates: Sequence[Artist], catalogue: MetadataProvider) -> str:
    shown = [
        f"{shorten(artist.name)} (id {artist.ids.get(catalogue.name)})"
        for artist in candidates[:_CANDIDATES_SHOWN]
    ]
    more = len(candidates) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _how_to_pin(catalogue: MetadataProvider, name: str, candidate: Artist) -> str:
    entry = {"mapping": {name: {catalogue.name: candidate.ids.get(catalogue.name)}}}
    return f"give --ids a file such as {json.dumps(entry, ensure_ascii=False)}"


class _NoTracks(UnknownArtist):
    """The artist is there, but nothing of it can be used."""


def _failed(name: str, reason: str, *, retryable: bool = False, pending: bool = False) -> Resolved:
    failure = Failure(what=name, stage=_STAGE, reason=reason, retryable=retryable, artist=name)
    return Resolved(requested=name, name=name, failure=failure, pending=pending)
