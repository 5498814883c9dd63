"""An artist as a set of tracks: half against half, and held-out tracks without their kin.

quality.py judges by these beside single tracks.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Track
from artistindex.evaluation import bootstrap
from artistindex.evaluation.artist_retrieval import HEADLINE, Retrieval, retrieve
from artistindex.evaluation.track_pool import Credits, Scorer, TrackPool
from artistindex.index.recipes import RECIPES
from artistindex.index.transforms import Transform, fit
from artistindex.query.rerank import mean_of_best_matches

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SPLITS = 20
MIN_TRACKS = 4
"""The fewest tracks of an artist that are split into halves."""
_AFFIXES = {"f", "fast", "old", "new", "remake", "remix", "mix", "version", "v", "short", "cut"}


# --- half against half --------------------------------------------------------------------------


def closest_pair(similarities: Floats) -> float:
    """Return the similarity of the two sides' closest tracks."""
    return float(similarities.max())


def two_closest(similarities: Floats) -> float:
    """Return the mean, over the asking side (rows), of the two closest tracks of the other."""
    return float(np.sort(similarities, axis=1)[:, -2:].mean())


SET_WAYS: Mapping[str, Callable[[Floats], float]] = {
    "mean of best matches": mean_of_best_matches,
    "closest track": closest_pair,
    "two closest": two_closest,
}


@dataclass(frozen=True, eq=False)
class Halves:
    """How half of an artist's tracks finds the other half, by way: MRR of each artist.

    `values` is float64 of shape (artists, ways), the baseline's column first; `homes` (artists,)
    are the collections that most of their tracks lie in.
    """

    ways: tuple[str, ...]
    values: Floats
    homes: tuple[str, ...]

    def table(self, *, resamples: int) -> str:
        """Return one line for each way, as Markdown; p-values corrected for all ways."""
        places = np.arange(len(self.values))
        ends = [
            bootstrap.interval(column, len(places))
            for column in bootstrap.resampled_means(self.values, places, resamples=resamples).T
        ]
        apart = bootstrap.corrected(
            [self._difference(self.values[:, at], resamples) for at in range(1, len(self.ways))]
        )
        lines = [
            f"| way, {len(places)} artists | MRR (95%) | less {self.ways[0]} (95%) | p (Holm) |",
            "|---|---|---|---|",
        ]
        for way, mean, (low, high), difference in zip(
            self.ways, self.values.mean(axis=0), ends, (None, *apart), strict=True
        ):
            cells = "|" if difference is None else f"{_signed(difference)} | {difference.p:.2g}"
            lines.append(f"| {way} | {mean:.3f} ({low:.3f} to {high:.3f}) | {cells} |")
        return "\n".join([*lines, "", self.nested_text(resamples=resamples)])

    def nested_text(self, *, resamples: int) -> str:
        """Say what is won by the way that was chosen, for each collection, on other artists."""
        chosen = np.zeros(len(self.values))
        names = {}
        for home in dict.fromkeys(self.homes):
            here = np.array([each == home for each in self.homes])
            best = int(self.values[~here].mean(axis=0).argmax())
            chosen[here], names[home] = self.values[here, best], self.ways[best]
        apart = self._difference(chosen, resamples)
        return (
            f"Nested over {len(names)} collections: {_signed(apart)}, p = {apart.p:.2g}; chosen"
            f" {', '.join(dict.fromkeys(names.values()))}."
        )

    def _difference(self, column: Floats, resamples: int) -> bootstrap.Difference:
        (difference,) = bootstrap.paired_differences(
            column[:, None], self.values[:, :1], np.arange(len(column)), resamples=resamples
        )
        return difference


def halves(pools: Mapping[str, TrackPool], parts: Mapping[str, NDArray[np.bool_]]) -> Halves:
    """Split the tracks of artists who have four or more, 20 times, and let halves find halves.

    `pools` are those of the recipes by name, `parts` the tracks of each collection. Transforms are
    fitted without the half that asks.
    """
    pool = next(iter(pools.values()))
    owners = np.flatnonzero(pool.credits.sum(axis=1) >= MIN_TRACKS)
    columns = {
        f"{name}, {way}": column
        for name, each in pools.items()
        for way, column in _halves(each, owners, RECIPES[name].transform).items()
    }
    names = list(parts)
    lying = np.stack([(pool.credits[owners] & parts[name]).sum(axis=1) for name in names])
    homes = tuple(names[at] for at in lying.argmax(axis=0))
    return Halves(tuple(columns), np.stack(list(columns.values()), axis=1), homes)


def _halves(pool: TrackPool, owners: Ints, transform: str) -> dict[str, Floats]:
    draw = np.random.default_rng(0)
    values = {way: np.zeros(len(owners)) for way in ("centroid", *SET_WAYS)}
    for at, owner in enumerate(owners):
        for _ in range(SPLITS):
            tracks = draw.permutation(np.flatnonzero(pool.credits[owner]))
            asking = tracks[: len(tracks) // 2]
            for way, rank in _one_split(pool, int(owner), asking, transform).items():
                values[way][at] += 1 / rank / SPLITS
    return values


def _one_split(
    pool: TrackPool, owner: int, asking: NDArray[np.intp], transform: str
) -> dict[str, float]:
    """Return the rank of the other half in every way; infinite where recordings leave none."""
    gone = np.isin(pool.recordings, pool.recordings[asking])
    remaining = pool.credits & ~gone
    if not remaining[owner].any():
        return dict.fromkeys(("centroid", *SET_WAYS), np.inf)
    raw = pool.vectors.astype(np.float64)
    alive = np.flatnonzero(remaining.any(axis=1))
    rows = np.stack([raw[remaining[row]].mean(axis=0) for row in alive]).astype(np.float32)
    fitted = _fitted(pool, rows, ~gone, transform)
    asked = fitted.apply(raw[asking].mean(axis=0, keepdims=True).astype(np.float32))[0]
    units = fitted.apply(pool.vectors).astype(np.float64)
    similarities = units[asking] @ units.T
    scores = {"centroid": fitted.apply(rows) @ asked}
    for way, compare in SET_WAYS.items():
        scores[way] = np.array([compare(similarities[:, remaining[row]]) for row in alive])
    (own,) = np.flatnonzero(alive == owner)
    return {way: float(np.sum(column >= column[own])) for way, column in scores.items()}


def _fitted(
    pool: TrackPool, rows: NDArray[np.float32], remaining: NDArray[np.bool_], transform: str
) -> Transform:
    tracks = pool.vectors[remaining]
    return fit(transform, rows, tracks=tracks, background=pool.background)


# --- without the same album, without the same theme ---------------------------------------------


@dataclass(frozen=True, eq=False)
class WithoutGroup(TrackPool):
    """A pool in which a held-out track takes its group with it: its album, say, or its theme.

    `groups` (tracks,) are numbers. `is_own_alone` takes out what the track's artists have in the
    group, and leaves what others have.
    """

    groups: Ints = field(kw_only=True)
    is_own_alone: bool = field(kw_only=True)

    def without(self, track: int) -> Credits:
        """Return the credits without the recording and the group of the track at `track`."""
        gone = np.asarray(self.groups == self.groups[track])[None, :]
        if self.is_own_alone:
            gone = gone & self.credits[:, track][:, None]
        return np.asarray(super().without(track) & ~gone, np.bool_)

    def remaining(self, track: int) -> dict[int, Ints]:
        """Return the tracks that are left to each artist who loses any with the track."""
        left = self.without(track)
        losers = np.flatnonzero((self.credits & ~left).any(axis=1))
        return {int(row): np.flatnonzero(left[row]) for row in losers}


Ways = Callable[[TrackPool], Mapping[str, Scorer]]


def kin_table(pool: TrackPool, groups: Mapping[str, Ints], ways: Ways) -> str:
    """Say what held-out tracks lose with their kin: MRR of the same queries, in several ways.

    `groups` by name are numbers (tracks,). Queries are those that have a right answer outside of
    their group.
    """
    lines = [
        "| left out with a track | queries, artists | way | MRR with all"
        " | without what its artist has there | without all that lies there |",
        "|---|---|---|---|---|---|",
    ]
    usual = {way: retrieve(way, pool, scorer, resamples=2) for way, scorer in ways(pool).items()}
    for name, numbers in groups.items():
        variants = [without(pool, numbers, is_own_alone=own) for own in (True, False)]
        columns = [ways(variant) for variant in variants]
        for way, before in usual.items():
            own, everybody = (
                retrieve(way, variant, scorers[way], resamples=2)
                for variant, scorers in zip(variants, columns, strict=True)
            )
            rows = np.isin(before.tracks, own.tracks)
            counts = f"{own.queries}, {len(np.unique(own.owners))}"
            means = [before.column(HEADLINE)[rows], own.column(HEADLINE), _of(everybody, own)]
            cells = " | ".join(f"{column.mean():.3f}" for column in means)
            lines.append(f"| {name} | {counts} | {way} | {cells} |")
    return "\n".join(lines)


def without(pool: TrackPool, groups: Ints, *, is_own_alone: bool) -> WithoutGroup:
    """Return `pool` with the `groups` of its tracks."""
    return WithoutGroup(
        pool.artists,
        pool.ids,
        pool.tracks_of,
        pool.recordings,
        pool.vectors,
        pool.background,
        groups=groups,
        is_own_alone=is_own_alone,
    )


def _of(retrieval: Retrieval, queries: Retrieval) -> Floats:
    return retrieval.column(HEADLINE)[np.isin(retrieval.tracks, queries.tracks)]


def numbered(names: Sequence[object]) -> Ints:
    """Return a number for each name, the same for the same one."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def packages(tracks: Sequence[Track]) -> list[str]:
    """Return the package that each track's file is called after, else its folder."""
    return [_package(track.path or Path()) for track in tracks]


def _package(path: Path) -> str:
    package, line, _ = path.name.partition("_")
    return package if line else path.parent.name


def albums(tracks: Sequence[Track]) -> list[tuple[str, str]]:
    """Return the album of each track: its package and its tag, empty where there is none."""
    return [
        (package, (track.album or "").lower())
        for package, track in zip(packages(tracks), tracks, strict=True)
    ]


def themes(tracks: Sequence[Track], pool: TrackPool) -> list[tuple[object, ...]]:
    """Return the theme of each track: its artists, its package, and what its title begins with.

    More is joined so than are variants of one theme ("Combat 1" and "Combat 2"), hardly less. Where
    a package gives several tracks one title, names of files count instead.
    """
    named = [
        (package, track.title) for package, track in zip(packages(tracks), tracks, strict=True)
    ]
    counts = Counter(named)
    return [
        (pool.credits[:, at].tobytes(), package, stem(title if counts[name] == 1 else _file(track)))
        for at, (name, track) in enumerate(zip(named, tracks, strict=True))
        for package, title in [name]
    ]


def _file(track: Track) -> str:
    return (track.path or Path()).stem.partition("_")[2]


def stem(title: str) -> str:
    """Return the words of a title without brackets, numbers and what tells variants apart."""
    bare = re.sub(r"\(.*?\)|\[.*?\]", " ", title.lower())
    words = re.sub(r"[\W\d_]+", " ", bare).split()
    return " ".join(word for word in words if word not in _AFFIXES) or title


def _signed(apart: bootstrap.Difference) -> str:
    return f"{apart.value:+.3f} ({apart.low:+.3f} to {apart.high:+.3f})"
