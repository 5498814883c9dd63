"""Would a ranked line-up have found a favourite that it was not told of?

Each favourite who plays is taken out of the favourites in turn, and so are those who share a
recording with it, who are alike because they are in part the same. The line-up is ranked for the
rest as `match` ranks it, and the hidden favourite takes its place among the acts that are no
favourites. Chance is a ranking at random.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse
from artistindex.evaluation.bootstrap import RESAMPLES, Estimate, interval
from artistindex.evaluation.spaces import space_of_index
from artistindex.index.reader import ArtistIndex
from artistindex.listeners.bills import Lineup
from artistindex.listeners.favourites import Favourites
from artistindex.query.acts import Names, Taste, find_acts, find_taste
from artistindex.query.taste_scores import handicaps_of, nearest

Floats = NDArray[np.float64]
TOP = 0.1
"""The share of the line-up that counts as its top."""


@dataclass(frozen=True, slots=True)
class HiddenFavourite:
    """A favourite who plays, ranked by the other favourites among `acts` acts, itself included.

    `rank` is 1 for the best; acts that score the same share the middle of their ranks.
    `percentile` is the share of the other acts that it beats, in percent.
    """

    artist: str
    rank: float
    percentile: float
    acts: int

    def to_json(self) -> dict[str, Any]:
        """Return it as an entry of `artists`."""
        return {"artist": self.artist, "rank": self.rank, "percentile": self.percentile}


@dataclass(frozen=True, slots=True)
class HiddenFavourites:
    """What an index makes of each hidden favourite.

    `playing` counts the favourites who play, of whom those in the index can be hidden; `pool` are
    the acts in the index that are no favourites.
    """

    index: str
    hidden: tuple[HiddenFavourite, ...]
    playing: int
    pool: int
    metrics: dict[str, Estimate]

    def to_json(self, *, per_artist: bool = False) -> dict[str, Any]:
        """Return an entry of `indexes` in the JSON shape of `artistindex evaluate --lineup`."""
        document: dict[str, Any] = {
            "index": self.index,
            "queries": len(self.hidden),
            "pool": self.pool,
            "coverage": len(self.hidden) / self.playing,
            "metrics": {name: estimate.to_json() for name, estimate in self.metrics.items()},
        }
        if per_artist:
            document["artists"] = [favourite.to_json() for favourite in self.hidden]
        return document


def hidden_favourites(
    index: Path | str | ArtistIndex,
    lineup: Lineup,
    likes: Favourites,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> HiddenFavourites:
    """Hide each favourite who plays in turn, and tell where the others would have put it.

    The metrics are `median_percentile` (0 to 100) and `recall@10%` (the share of hidden favourites
    in the top tenth of the acts), each with chance and the 95% bootstrap interval over hidden
    favourites. Read-only. Raises Misuse where no favourite in the index plays, no other favourite
    is left to rank by, or nobody else plays.
    """
    if not isinstance(index, ArtistIndex):
        with ArtistIndex.open(index) as opened:
            return hidden_favourites(opened, lineup, likes, seed=seed, resamples=resamples)
    names = Names(index)
    taste = find_taste(index, names, likes)
    acts = find_acts(index, names, lineup, taste, closest=False).acts
    playing = [act.row for act in acts if act.row is not None and act.row in taste.liked]
    others = [act.row for act in acts if act.row is not None and act.row not in taste.liked]
    _check(index, playing, others, taste)
    hidden = tuple(_hide(index, playing, others, taste))
    if not hidden:
        raise Misuse(f"all favourites in the index {index.name} share their recordings")
    return HiddenFavourites(
        index=index.name,
        hidden=hidden,
        playing=sum(act.weight > 0 for act in acts),
        pool=len(others),
        metrics={
            "median_percentile": _median(
                [favourite.percentile for favourite in hidden], seed, resamples
            ),
            "recall@10%": _recall(hidden, seed, resamples),
        },
    )


def _check(index: ArtistIndex, playing: Sequence[int], others: Sequence[int], taste: Taste) -> None:
    if not playing:
        raise Misuse(f"none of the favourites in the index {index.name} plays: nobody to hide")
    if len(taste.liked) < 2:
        raise Misuse(f"one favourite in the index {index.name}: hidden, there is none to rank by")
    if not others:
        raise Misuse(
            f"all who play and are in the index {index.name} are favourites: nobody to beat"
        )


def _hide(
    index: ArtistIndex, playing: Sequence[int], others: Sequence[int], taste: Taste
) -> Iterable[HiddenFavourite]:
    """Yield each favourite of `playing`, ranked among `others` by the favourites that are left."""
    liked = np.array(list(taste.liked))
    handicaps = handicaps_of(index, taste.liked.values())
    vectors = index.vectors
    cosines = (vectors[liked] @ vectors[[*playing, *others]].T).astype(np.float64)
    sharing = _sharing(index, playing)
    for column, row in enumerate(playing):
        left = ~np.isin(liked, [row, *sharing.get(row, ())])
        if not left.any():
            continue
        scores = nearest(cosines[left], handicaps[left])
        yield place(index.artists[row], float(scores[column]), scores[len(playing) :])


def place(artist: str, score: float, rivals: Floats) -> HiddenFavourite:
    """Return the place that `score` has among those of its `rivals`, (acts - 1,)."""
    equal = 0.5 * int((rivals == score).sum())
    better, worse = int((rivals > score).sum()), int((rivals < score).sum())
    return HiddenFavourite(
        artist,
        rank=1 + better + equal,
        percentile=100 * (worse + equal) / len(rivals),
        acts=1 + len(rivals),
    )


def _sharing(index: ArtistIndex, rows: Iterable[int]) -> dict[int, set[int]]:
    """Return those who share a recording with each of `rows`."""
    sharing: dict[int, set[int]] = {row: set() for row in rows}
    for pair in space_of_index(index).excluded:
        for row, other in (pair, pair[::-1]):
            if row in sharing:
                sharing[row].add(other)
    return sharing


# --- metrics ------------------------------------------------------------------------------------


def _median(percentiles: Sequence[float], seed: int, resamples: int) -> Estimate:
    """Return the median over the hidden favourites; a random ranking's is at the middle."""
    values = np.array(percentiles)
    low, high = interval(np.median(_resampled(values, seed, resamples), axis=1), len(values))
    return Estimate(float(np.median(values)), low, high, chance=50.0, ceiling=100.0)


def _recall(hidden: Sequence[HiddenFavourite], seed: int, resamples: int) -> Estimate:
    """Return the share of those in the top of the acts; chance is the share that the top is."""
    acts = hidden[0].acts
    top = max(1, round(TOP * acts))
    hits = np.array([float(favourite.rank <= top) for favourite in hidden])
    low, high = interval(_resampled(hits, seed, resamples).mean(axis=1), len(hits))
    return Estimate(float(hits.mean()), low, high, chance=top / acts)


def _resampled(values: Floats, seed: int, resamples: int) -> Floats:
    """Return `values`, (favourites,), drawn again and again: (resamples, favourites)."""
    drawn: Floats = np.random.default_rng(seed).choice(values, size=(resamples, len(values)))
    return drawn
