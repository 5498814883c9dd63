"""What an index is, in a few values for people and programs."""

from typing import Any

from artistindex.index.manifest import Manifest
from artistindex.index.recipes import VectorRecipe, name_of


def summary_of(manifest: Manifest) -> dict[str, Any]:
    """Return what `artistindex info` tells of an index; `recipe` is None where it has no name."""
    key = manifest.key
    return {
        "artists": manifest.artists,
        "tracks": manifest.tracks,
        "dimension": manifest.dimension,
        "model": key.model,
        "weights_sha256": key.weights_sha256,
        "precision": key.precision,
        "excerpt": key.excerpt,
        "layer": key.layer,
        "pooling": key.pooling,
        "transform": manifest.transform,
        "recipe": name_of(VectorRecipe(key.layer, key.pooling, manifest.transform)),
        "kind": manifest.kind,
        "recall": None if manifest.recall is None else manifest.recall.value,
        "licence": manifest.licence,
        "created": manifest.created,
    }
