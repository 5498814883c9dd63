"""Which recipe of vectors finds the artists of a library's tracks best, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from artistindex.evaluation import bootstrap
from artistindex.evaluation.artist_retrieval import (
    RankerComparison,
    compare_rankers,
    library_beside,
)
from artistindex.evaluation.bootstrap import Difference
from artistindex.evaluation.track_pool import by_centroid, read_pools
from artistindex.index.manifest import Manifest
from artistindex.index.recipes import PLAIN, VectorRecipe, name_of, recipes_of

SIGNIFICANT = 0.05
_MIN_SHARE = 0.9  # of the tracks must have what a recipe needs, for it to be judged


@dataclass(frozen=True, eq=False)
class Tuning:
    """The recipes of one index, judged by artist retrieval.

    `current` is the name of the recipe that the index has, None where it has no name. `best` is
    the one that is better than the plain one with significance, and the best of those; else the
    plain one. `lacking` maps each recipe that cannot be judged to how many tracks would have to be
    embedded again for it.
    """

    index: str
    current: str | None
    best: str
    comparison: RankerComparison
    lacking: dict[str, int]

    @property
    def gain(self) -> Difference | None:
        """Return the difference of the best one from the plain one; None where that is the best."""
        return self.comparison.differences.get((self.best, PLAIN))

    def to_json(self) -> dict[str, Any]:
        """Return the shape that `artistindex tune --format json` prints."""
        return {
            "index": self.index,
            "current": self.current,
            "best": self.best,
            "lacking": self.lacking,
            **self.comparison.to_json(),
        }


def tune(folder: Path | str, *, seed: int = 0, resamples: int = bootstrap.RESAMPLES) -> Tuning:
    """Hold tracks out in every recipe of the model whose index is in `folder`.

    Those that the library beside it has the vectors for are judged, all on the same tracks.
    Read-only. Raises what `artist_retrieval` raises.
    """
    folder = Path(folder)
    manifest = Manifest.read(folder)
    key, recipes = manifest.key, recipes_of(manifest.key.model)
    keys = {
        name: replace(key, layer=recipe.layer, pooling=recipe.pooling)
        for name, recipe in recipes.items()
    }
    with library_beside(folder) as library:
        embedded = {name: library.embedded_track_ids(key) for name, key in keys.items()}
        lacking = {name: len(embedded[PLAIN] - ids) for name, ids in embedded.items()}
        enough = (1 - _MIN_SHARE) * len(embedded[PLAIN])
        judged = [name for name in recipes if lacking[name] <= enough]
        pools = read_pools(library, [keys[name] for name in judged])
    scorers = {
        name: by_centroid(pool, transform=recipes[name].transform)
        for name, pool in zip(judged, pools, strict=True)
    }
    comparison = compare_rankers(pools[0], scorers, against=PLAIN, seed=seed, resamples=resamples)
    return Tuning(
        index=key.model,
        current=name_of(VectorRecipe(key.layer, key.pooling, manifest.transform)),
        best=_best(judged, comparison),
        comparison=comparison,
        lacking={name: count for name, count in lacking.items() if name not in judged},
    )


def _best(judged: Sequence[str], comparison: RankerComparison) -> str:
    """Return the recipe with the largest gain among those whose gain is significant."""
    gains = {
        name: comparison.differences[name, PLAIN]
        for name in judged
        if (name, PLAIN) in comparison.differences
    }
    clear = {
        name: gain.value
        for name, gain in gains.items()
        if gain.is_clear and gain.value > 0 and gain.p < SIGNIFICANT
    }
    return max(clear, key=lambda name: clear[name], default=PLAIN)
