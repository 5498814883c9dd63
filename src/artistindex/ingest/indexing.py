"""What a plan makes of an index, beside what it was."""

import logging

from artistindex.entities import VectorKey
from artistindex.index.manifest import Manifest, Recipe
from artistindex.ingest.aggregate import DROP, KEEP
from artistindex.ingest.extract import IndexPlan
from artistindex.library.library import Library

_log = logging.getLogger(__name__)


def recipe_of(plan: IndexPlan) -> Recipe:
    """Return what the index of a plan remembers of how it was made, its transform not fitted."""
    settings = plan.settings
    return Recipe(
        plan.key,
        tracks=settings.tracks,
        outliers=DROP if settings.drop_outliers else KEEP,
        transform=settings.transform,
    )


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
