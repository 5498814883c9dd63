"""From the names that were asked for to artists and their tracks, whatever the catalogue.

A hit counts only if its folded name is the one asked for; a near one is a failure that lists the
candidates and says how to pin one. A pinned id beats a name. "A & B", "A feat. B", "A b2b B" and
their like are looked up whole first, then by part.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from artistindex import naming
from artistindex.entities import Artist, Failure, Track
from artistindex.errors import ServiceEnded, ServiceError, UnknownArtist
from artistindex.listeners.favourites import unique
from artistindex.metadata.artist_ids import PinnedArtists
from artistindex.metadata.open import open_provider
from artistindex.metadata.provider import ArtistMatch, Evidence, MetadataProvider
from artistindex.metadata.track_selection import is_live

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
    (`how` is then PART, and one Resolved a part follows). Either `artist`, `how` and `tracks`
    are there or `failure` is. With `pending` the name's turn did not come, since the service ended
    before: it is to be asked for again. `warnings` are to be kept and shown.
    """

    requested: str
    name: str
    artist: Artist | None = None
    how: Evidence | None = None
    tracks: tuple[Track, ...] = ()
    failure: Failure | None = None
    pending: bool = False
    warnings: tuple[str, ...] = field(default=())


class Links(Protocol):
    """What knows the ids that one artist has with several services."""

    def complete(self, artist: Artist) -> Artist:
        """Return `artist` with the ids that are linked to those it has."""


def unique_names(names: Iterable[str]) -> Iterator[str]:
    """Yield the cleaned names, each folded name once; an empty one too, an error to report."""
    names = list(names)
    if any(not naming.clean(name) for name in names):
        yield ""
    yield from unique(names)


@dataclass(frozen=True, slots=True)
class ArtistResolver:
    """Finds artists and their tracks in one catalogue.

    `limit` is the most tracks an artist. `links` (MusicBrainz) translates ids that are pinned with
    another service than this catalogue's.
    """

    provider: MetadataProvider
    limit: int
    pins: PinnedArtists = field(default_factory=PinnedArtists)
    links: Links | None = None

    def resolve(self, names: Iterable[str]) -> Iterator[Resolved]:
        """Yield the artists that `names` mean, each folded name once, with their tracks.

        Yields every one as soon as it is known and raises nothing for a name that cannot be found.
        Once the service ends, what is left comes out as pending.
        """
        ended = None
        for name in unique_names(names):
            if ended is None:
                try:
                    yield from self._resolve(name)
                    continue
                except ServiceEnded as error:
                    ended = str(error)
            yield _failed(name, ended, retryable=True, pending=True)

    def _resolve(self, name: str) -> list[Resolved]:
        """Return all that becomes of one name. Raises ServiceEnded."""
        if not name:
            return [_failed(name, "an empty name; an artist's name was expected")]
        if len(name) > MAX_NAME_LENGTH:
            reason = f"a name of {len(name)} characters; at most {MAX_NAME_LENGTH} were expected"
            return [_failed(name, reason)]
        try:
            return [self._match(name, name)]
        except ServiceEnded:
            raise
        except ServiceError as error:
            return [_failed(name, str(error), retryable=True)]
        except _NoTracks as error:
            return [_failed(name, str(error))]
        except UnknownArtist as error:
            return self._parts(name) or [_failed(name, str(error))]

    def _parts(self, name: str) -> list[Resolved]:
        """Return the artists of a collaboration, or nothing where it cannot be split safely.

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
        matched = [outcome for outcome in outcomes if outcome.artist is not None]
        if not matched or (len(matched) < len(outcomes) and not is_certain_joint(name)):
            return []
        return outcomes

    def _part(self, requested: str, part: str) -> Resolved:
        try:
            outcome = self._match(requested, part)
        except ServiceEnded:
            raise
        except (ServiceError, UnknownArtist) as error:
            retryable = isinstance(error, ServiceError)
            return replace(_failed(part, str(error), retryable=retryable), requested=requested)
        warning = f'"{requested}" is no artist of {self.provider.label}: looked up by part'
        return replace(outcome, how=Evidence.PART, warnings=(warning, *outcome.warnings))

    def _match(self, requested: str, name: str) -> Resolved:
        match = find(self.provider, name, self.pins.of(name), self.links)
        tracks = self.provider.tracks(match.artist, limit=self.limit)
        if not tracks:
            raise _NoTracks(
                f"{self.provider.label} lists no studio recording by {match.artist.name} "
                f"(id {match.artist.ids.get(self.provider.name)})"
            )
        warnings = match.warnings
        if all(map(is_live, tracks)):
            warnings += (
                f"{self.provider.label} lists nothing but live recordings by {match.artist.name}: "
                "they stand for the artist",
            )
        return Resolved(
            requested=requested,
            name=name,
            artist=match.artist,
            how=match.how,
            tracks=tuple(tracks),
            warnings=warnings,
        )


def parts_of(name: str) -> list[str]:
    """Return the artists whom a name joins, as "A b2b B" and "A & B" do, else itself."""
    return list(unique(_JOINT.split(name)))


def is_certain_joint(name: str) -> bool:
    """Tell whether the parts of `name` are surely artists: "&" is part of many a band's name."""
    return not _UNCERTAIN_JOINT.search(name)


@contextmanager
def open_resolver(
    choice: str | None = None,
    *,
    ids: Path | None = None,
    pins: Mapping[str, Mapping[str, str]] | None = None,
    limit: int,
) -> Iterator[ArtistResolver]:
    """Open a resolver in the catalogue of this name (None: open_provider decides), closed at last.

    `ids` is an ids file, which comes before `pins`, ids by name and service; `limit` is the most
    tracks an artist. Raises Misuse for an ids file of the wrong shape and for credentials that
    cannot be used, before anything is asked.
    """
    from artistindex.metadata.musicbrainz import MusicBrainz

    pinned = PinnedArtists({name: Artist(name, own) for name, own in (pins or {}).items()})
    if ids is not None:
        pinned.update(PinnedArtists.read(ids))
    with closing(open_provider(choice)) as provider:
        if not len(pinned):
            yield ArtistResolver(provider, limit)
            return
        with closing(MusicBrainz()) as links:
            yield ArtistResolver(provider, limit, pinned, links)


def find(
    provider: MetadataProvider, name: str, pin: Artist | None = None, links: Links | None = None
) -> ArtistMatch:
    """Find the artist whom `name`, or rather `pin`, means at `provider`.

    Raises UnknownArtist with the candidates and how to pin one, ServiceError and ServiceEnded.
    """
    if pin is None:
        return _by_name(provider, name)
    if pin.ids.get(provider.name) is not None:
        return _by_id(provider, name, pin, linked=False)
    warning = ""
    try:
        pin = links.complete(pin) if links is not None else pin
    except ServiceError as error:
        warning = f" ({error})"
    if pin.ids.get(provider.name) is not None:
        return _by_id(provider, name, pin, linked=True)
    return _by_name(
        provider,
        name,
        pin=pin,
        warning=f'the id pinned for "{name}" is not one of {provider.label} and MusicBrainz '
        f"links none to it{warning}: found by name instead",
    )


def _by_id(provider: MetadataProvider, name: str, pin: Artist, *, linked: bool) -> ArtistMatch:
    id_ = pin.ids.get(provider.name) or ""
    artist = provider.artist(id_)
    if artist is None:
        raise UnknownArtist(
            f'{provider.label} has no artist with the id {id_}, which is pinned for "{name}"; '
            "correct it in the ids file"
        )
    how = Evidence.LINKED if linked else Evidence.PINNED
    if naming.same_name(artist.name, name):
        return ArtistMatch(replace(pin, name=artist.name), how)
    warning = f'the id {id_} pinned for "{name}" is that of {_short(artist.name)}'
    return ArtistMatch(replace(pin, name=name), how, (warning,))


def _by_name(
    provider: MetadataProvider, name: str, *, pin: Artist | None = None, warning: str = ""
) -> ArtistMatch:
    candidates = provider.search(name)
    exact = [artist for artist in candidates if naming.same_name(artist.name, name)]
    if not exact or (pin is not None and len(exact) > 1):
        raise UnknownArtist(
            _not_found(provider, name, exact or candidates, namesakes=bool(exact)),
            closest=[artist.name for artist in candidates],
        )
    warnings = [warning] if warning else []
    first = exact[0]
    if len(exact) > 1:
        warnings.append(
            f"{len(exact)} artists of {provider.label} are called {_short(first.name)}: took "
            f"the one it ranks first (id {first.ids.get(provider.name)}), not "
            f"{_listed(exact[1:], provider)}; to pin another, "
            f"{_how_to_pin(provider, name, exact[1])}"
        )
    if pin is not None:
        id_ = first.ids.get(provider.name) or ""
        first = replace(pin.with_id(provider.name, id_), name=first.name)
    return ArtistMatch(first, Evidence.EXACT, tuple(warnings))


def _not_found(
    provider: MetadataProvider, name: str, candidates: Sequence[Artist], *, namesakes: bool
) -> str:
    shown = _short(name)
    if not candidates:
        return f'{provider.label} has no artist called "{shown}", nor one like it'
    what = (
        f'several artists called "{shown}":' if namesakes else f'no artist called "{shown}", only'
    )
    return (
        f"{provider.label} has {what} {_listed(candidates, provider)}; "
        f"to pin one, {_how_to_pin(provider, name, candidates[0])}"
    )


def _listed(candidates: Sequence[Artist], provider: MetadataProvider) -> str:
    shown = [
        f"{_short(artist.name)} (id {artist.ids.get(provider.name)})"
        for artist in candidates[:_CANDIDATES_SHOWN]
    ]
    more = len(candidates) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _how_to_pin(provider: MetadataProvider, name: str, candidate: Artist) -> str:
    entry = {"mapping": {name: {provider.name: candidate.ids.get(provider.name)}}}
    return f"give an ids file such as {json.dumps(entry, ensure_ascii=False)}"


class _NoTracks(UnknownArtist):
    """The artist is there, but nothing of it can be used."""


def _failed(name: str, reason: str, *, retryable: bool = False, pending: bool = False) -> Resolved:
    failure = Failure(what=name, stage=_STAGE, reason=reason, retryable=retryable, artist=name)
    return Resolved(requested=name, name=name, failure=failure, pending=pending)


def _short(name: str) -> str:
    return naming.truncate(naming.clean(name), 60)
