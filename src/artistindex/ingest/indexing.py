"""From a plan and the library to one index in its folder."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from artistindex.entities import FailureStage, VectorKey
from artistindex.index.manifest import AUTO, Manifest, Recipe
from artistindex.index.rows import IndexRow
from artistindex.index.writer import write_rows
from artistindex.ingest.aggregate import GatheredArtist, OddTrack, gather
from artistindex.ingest.config import DEFAULT_TRACKS
from artistindex.ingest.extract import IndexPlan
from artistindex.library.library import Library

DROP, KEEP = "drop", "keep"  # what a recipe does with tracks that lie apart

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Indexed:
    """An index that was written: the manifest (None where there is nobody to index), the tracks
    behind each artist (both ids of the library), and how many tracks are odd."""

    manifest: Manifest | None = None
    track_ids: dict[int, tuple[int, ...]] = field(default_factory=dict)
    outliers: int = 0


def write(
    folder: Path,
    library: Library,
    recipe: Recipe,
    *,
    licence: str = "",
    min_artists: int = 1,
    kind: str = AUTO,
) -> Indexed:
    """Write the index of a library to `folder`, unless there are fewer artists for it.

    `recipe` says how, its transform not fitted yet, and `kind` how it is searched; `licence` is
    that of the model's weights. The library is read once, artist by artist. Tracks that lie apart
    are recorded as failures of stage "outlier". Raises what `write_rows` raises.
    """
    indexed = Indexed()
    odd: list[OddTrack] = []
    gathered = gather(
        library,
        recipe.key,
        tracks=recipe.tracks or DEFAULT_TRACKS,
        drop_outliers=recipe.outliers == DROP,
    )
    first = list(islice(gathered, min_artists))
    if len(first) == min_artists:
        rows = _noted(chain(first, gathered), indexed, odd)
        indexed.manifest = write_rows(folder, rows, recipe, licence=licence, kind=kind)
    model = recipe.key.model
    library.replace_failures(
        FailureStage.OUTLIER, model, [(track.failure(model), track.track.id) for track in odd]
    )
    return indexed


def recipe_of(plan: IndexPlan) -> Recipe:
    """Return what the index of a plan remembers of how it was made, its transform not fitted."""
    settings = plan.settings
    return Recipe(
        plan.key,
        tracks=settings.tracks,
        outliers=DROP if settings.drop_outliers else KEEP,
        transform=settings.transform,
    )


def _noted(
    gathered: Iterable[GatheredArtist], indexed: Indexed, odd: list[OddTrack]
) -> Iterator[IndexRow]:
    """Yield the rows, and note whose they are and what is odd."""
    for artist in gathered:
        ids = (track.library_id for track in artist.row.tracks)
        indexed.track_ids[artist.stored.id] = tuple(id_ for id_ in ids if id_ is not None)
        indexed.outliers += len(artist.odd)
        odd += artist.odd
        yield artist.row


def changes(before: Manifest, plan: IndexPlan) -> list[str]:
    """Say in which settings a plan differs from the index that is there, as far as it knows."""
    key, settings, recipe = plan.key, plan.settings, before.recipe
    pairs = {
        "weights": (key.weights_sha256[:12], before.key.weights_sha256[:12]),
        "precision": (key.precision, before.key.precision),
        "excerpt": (key.excerpt, before.key.excerpt),
        "layer": (key.layer or "output", before.key.layer or "output"),
        "pooling": (key.pooling, before.key.pooling),
        "transform": (settings.transform, before.transform),
        "tracks": (settings.tracks, recipe.tracks),
        "outliers": (recipe_of(plan).outliers, recipe.outliers),
    }
    return [
        f"{name} {new} instead of {old}"
        for name, (new, old) in pairs.items()
        if old is not None and new != old
    ]


def say_who_is_left_out(library: Library, key: VectorKey) -> None:
    """Log how many imported artists have vectors that do not go with those of `key`."""
    if left_out := library.imported_otherwise(key):
        _log.warning(
            "%s: %d imported artists are left out, since their vectors are of other weights,"
            " precision or excerpt",
            key.model,
            left_out,
        )
