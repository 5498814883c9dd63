"""An index is written again: of artists that changed out of the library, of the others as it was.

What an index was made of the library remembers, artist by artist (`library.index_states`). Where
nothing changed, nothing is written. A transform that was fitted stays as it is, so that vectors can
be taken over, until the artists have grown by a tenth or it is asked for anew.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Self

from artistindex import __version__
from artistindex.entities import FailureStage
from artistindex.errors import BrokenIndex
from artistindex.index import hnsw
from artistindex.index.kinds import kind_for
from artistindex.index.manifest import AUTO, FORMAT, Manifest, Recipe, replaceable
from artistindex.index.reader import ArtistIndex
from artistindex.index.rows import IndexRow
from artistindex.index.writer import write_rows
from artistindex.ingest.aggregate import GatheredArtist, OddTrack, gather
from artistindex.library.index_states import IndexState, artist_table
from artistindex.library.library import Library

VERSION = f"{__version__}/1"
"""Of what makes rows of a library; to be raised whenever the same library makes others."""

_GROWTH = 10  # a transform is fitted again once the artists have grown by one in so many
_NONE = -1


@dataclass(frozen=True, slots=True)
class Indexed:
    """An index that was written, or left as it was.

    `manifest` is None where there is nobody to index, `rows` maps an artist's id in the library to
    the row, `outliers` counts the odd tracks.
    """

    folder: Path
    manifest: Manifest | None = None
    rows: Mapping[int, int] = field(default_factory=dict)
    outliers: int = 0

    def tracks_behind(self, artist_ids: Iterable[int]) -> set[int]:
        """Return the ids, in the library, of the tracks behind some artists."""
        if self.manifest is None:
            return set()
        rows = {self.rows[artist_id] for artist_id in artist_ids if artist_id in self.rows}
        with ArtistIndex.open(self.folder) as index:
            return {track for row, track in index.library_ids() if row in rows}


def write(
    folder: Path,
    library: Library,
    recipe: Recipe,
    *,
    licence: str = "",
    min_artists: int = 1,
    kind: str = AUTO,
    refit: bool = False,
) -> Indexed:
    """Write the index of a library to `folder`, unless there are fewer artists for a new one.

    `recipe` says how, whatever its transform was fitted on, and `kind` how it is searched; with
    `refit` the transform is fitted whatever there is. `licence` is that of the model's weights.
    Tracks that lie apart are recorded as failures of stage "outlier". Raises what `write_rows`
    raises.
    """
    recipe = _not_fitted(recipe)
    with _Before.open(folder, library, recipe) as before:
        rebuild = _Rebuild(library, recipe, before, refit=refit)
        manifest = rebuild.write(folder, licence, min_artists, kind)
    odd = rebuild.odd_tracks()
    model = recipe.key.model
    library.replace_failures(
        FailureStage.OUTLIER, model, [(track.failure(model), track.track.id) for track in odd]
    )
    if manifest is None:
        return Indexed(folder)
    state = rebuild.state(manifest)
    library.put_index_state(folder.name, state)
    return Indexed(folder, manifest, state.rows_by_artist(), len(odd))


class _Before:
    """The index that is there and what it was made of; empty where that is not known."""

    def __init__(self, index: ArtistIndex | None = None, state: IndexState | None = None) -> None:
        self.index = index
        self.state = state or IndexState("", "", artist_table([], [], [], []))
        artists = self.state.artists
        self._places = {id_: at for at, id_ in enumerate(artists["id"].tolist())}
        self._prints = artists["print"].tolist()

    @classmethod
    @contextmanager
    def open(cls, folder: Path, library: Library, recipe: Recipe) -> Iterator[Self]:
        """Open the index in `folder` if it was made by `recipe` and is the one remembered."""
        manifest, state = replaceable(folder), library.index_state(folder.name)
        if manifest is None or state is None or not _is_of(state, manifest, recipe):
            yield cls()
            return
        with ExitStack() as stack:
            try:
                index = stack.enter_context(ArtistIndex.open(folder))
            except BrokenIndex:
                yield cls()
            else:
                yield cls(index, state)

    @cached_property
    def licences(self) -> list[str]:
        """The licence of each artist's row, "" for none of its own."""
        texts = [*self.state.licences, ""]  # the last one is that of number -1
        return [texts[number] for number in self.state.artists["licence"]]

    def would_say(self, licence: str, kind: str) -> bool:
        """Whether the same rows, of a model of `licence`, would make a manifest like this one."""
        if self.index is None:
            return False
        manifest, licences = self.index.manifest, dict.fromkeys([licence, *self.state.licences])
        return (
            manifest.licence == "; ".join(licences)
            and manifest.kind is kind_for(kind, manifest.artists, manifest.dimension)
            and (manifest.graph_file is None or hnsw.is_made_so(manifest.parameters))
        )

    def is_outgrown_by(self, artists: int) -> bool:
        """Whether so many are a tenth more than those whom the transform was fitted on."""
        fitted = self.state.fitted_artists
        return _GROWTH * (artists - fitted) >= fitted

    def place(self, artist_id: int, fingerprint: bytes) -> int | None:
        """Return the place, among those of the state, of an artist who has not changed since."""
        at = self._places.get(artist_id)
        return at if at is not None and self._prints[at] == fingerprint else None

    def row(self, place: int) -> int:
        """Return the row of the artist at a place of the state; -1 for none."""
        return int(self.state.artists["row"][place])


def _is_of(state: IndexState, manifest: Manifest, recipe: Recipe) -> bool:
    return (
        manifest.format == FORMAT
        and _not_fitted(manifest.recipe) == recipe
        and state.version == VERSION
        and state.manifest_sha256 == manifest.sha256
    )


def _not_fitted(recipe: Recipe) -> Recipe:
    return replace(recipe, fitted_on=None, fitted_count=0, transform_parameters={})


class _Rebuild:
    """The artists of an index, those taken over from the one before and those gathered anew."""

    def __init__(self, library: Library, recipe: Recipe, before: _Before, *, refit: bool) -> None:
        self._library = library
        self._recipe = recipe
        prints = list(library.fingerprints(recipe.key))
        self._artists = [stored for stored, _ in prints]
        self._prints = [fingerprint for _, fingerprint in prints]
        if recipe.transform != "none" and (refit or before.is_outgrown_by(len(prints))):
            before = _Before()
        self._before = before
        self._places = [before.place(stored.id, fingerprint) for stored, fingerprint in prints]
        self._rows = [_NONE] * len(prints)
        self._licences = [""] * len(prints)
        unchanged = {
            stored.id
            for stored, place in zip(self._artists, self._places, strict=True)
            if place is not None
        }
        self._odd = [triple for triple in before.state.odd if triple[0] in unchanged]

    def write(self, folder: Path, licence: str, min_artists: int, kind: str) -> Manifest | None:
        """Write what has changed, if anything has."""
        index, recipe, fitted = self._before.index, self._recipe, None
        if index is not None:
            recipe, fitted = index.manifest.recipe, index.transform
            if self._is_unchanged() and self._before.would_say(licence, kind):
                self._rows = self._before.state.artists["row"].tolist()
                self._licences = self._before.licences
                return index.manifest
        rows = self._new_rows()
        first = list(islice(rows, min_artists))
        if index is None and len(first) < min_artists:
            return None
        return write_rows(
            folder, chain(first, rows), recipe, licence=licence, fitted=fitted, kind=kind
        )

    def odd_tracks(self) -> list[OddTrack]:
        """Return the tracks that lie apart, in the order of the artists."""
        scores = {(artist_id, track_id): score for artist_id, track_id, score in self._odd}
        odd_artists = {artist_id for artist_id, _ in scores}
        artists = [stored for stored in self._artists if stored.id in odd_artists]
        return [
            OddTrack(stored, track, scores[stored.id, track.id])
            for stored, tracks in self._library.tracks_by_artist(artists)
            for track in tracks
            if (stored.id, track.id) in scores
        ]

    def state(self, manifest: Manifest) -> IndexState:
        """Return what is to be remembered of the index."""
        licences = list(dict.fromkeys(licence for licence in self._licences if licence))
        numbers = {licence: number for number, licence in enumerate(licences)} | {"": _NONE}
        return IndexState(
            manifest.sha256,
            VERSION,
            artist_table(
                [stored.id for stored in self._artists],
                self._rows,
                [numbers[licence] for licence in self._licences],
                self._prints,
            ),
            licences,
            self._odd,
            self._before.state.fitted_artists or len(self._artists),
        )

    def _is_unchanged(self) -> bool:
        return self._places == list(range(len(self._before.state.artists)))

    def _new_rows(self) -> Iterator[IndexRow]:
        """Yield the rows in the order of the artists, and note which they are."""
        placed = self._placed_rows()
        gathered = self._gathered()
        fresh, count = next(gathered, None), 0
        for number, (stored, place) in enumerate(zip(self._artists, self._places, strict=True)):
            row = None
            if place is not None:
                row = next(placed) if self._before.row(place) != _NONE else None
            elif fresh is not None and fresh.stored.id == stored.id:
                row = self._noted(fresh)
                fresh = next(gathered, None)
            if row is not None:
                self._rows[number], self._licences[number] = count, row.licence
                count += 1
                yield row

    def _gathered(self) -> Iterator[GatheredArtist]:
        """Yield the artists that changed, or are new, out of the library."""
        pairs = zip(self._artists, self._places, strict=True)
        changed = [stored for stored, place in pairs if place is None]
        return gather(self._library, self._recipe, changed)

    def _placed_rows(self) -> Iterator[IndexRow]:
        """Yield the rows of the artists that did not change, as they are in the index."""
        if self._before.index is None:
            return
        licences = self._before.licences
        places = [
            place
            for place in self._places
            if place is not None and self._before.row(place) != _NONE
        ]
        rows = self._before.index.placed_rows(map(self._before.row, places))
        for place, row in zip(places, rows, strict=True):
            yield replace(row, licence=licences[place])

    def _noted(self, gathered: GatheredArtist) -> IndexRow:
        self._odd += [(odd.artist.id, odd.track.id, odd.score) for odd in gathered.odd]
        return gathered.row
