"""From a plan and the library to one index in its folder."""

import logging
from pathlib import Path

import numpy as np

from artistindex.entities import VectorKey
from artistindex.index.manifest import Manifest
from artistindex.index.writer import write_index
from artistindex.ingest.aggregate import ArtistVectors, artist_vectors
from artistindex.ingest.extract import IndexPlan
from artistindex.library.library import Library

_OUTLIERS = {True: "drop", False: "keep"}

_log = logging.getLogger(__name__)


def gather(library: Library, plan: IndexPlan) -> ArtistVectors:
    """Return the artists' vectors of an index, from the library's tracks."""
    settings = plan.settings
    return artist_vectors(
        library, plan.key, tracks=settings.tracks, drop_outliers=settings.drop_outliers
    )


def write(folder: Path, plan: IndexPlan, vectors: ArtistVectors) -> Manifest:
    """Write the index of `vectors` to `folder`; raises what `write_index` raises."""
    return write_index(
        folder,
        key=plan.key,
        artists=vectors.artists,
        vectors=np.stack(vectors.vectors),
        tracks=vectors.tracks,
        guessed=vectors.guessed,
        licence="; ".join(dict.fromkeys([plan.model.weights.spec.licence, *vectors.licences])),
        transform=plan.settings.transform,
        max_tracks=plan.settings.tracks,
        outliers=_OUTLIERS[plan.settings.drop_outliers],
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
        "outliers": (_OUTLIERS[settings.drop_outliers], recipe.outliers),
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
