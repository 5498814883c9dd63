"""Which way of combining favourites ranks a line-up best: the experiments of docs/lineups.md.

It reads the track vectors of a library, as `artistindex build --audio` made it of several folders
of music, and makes up users and line-ups from them. No judgement of a person is in it.

1. An act like a favourite. Half of the tracks of one favourite play under another name; the other
   half and some other artists are the favourites. The line-up is the act and every artist who is no
   favourite. Where is the act?
2. An act to the same taste. The favourites are some artists of one collection of music, the act is
   another artist of it; the line-up is the act and every artist of the other collections. Where is
   the act? (Artists of one collection share its style, but also its production and encoding.)
   A collection that is no taste (--grab-bag) only takes part in the line-up.

For each act the reciprocal rank and the hit at 1 are averaged over drawn users; the intervals and
the paired differences are a bootstrap over acts (evaluation/bootstrap.py).
"""

import argparse
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import VectorKey
from artistindex.evaluation.bootstrap import interval, paired_differences, resampled_means
from artistindex.evaluation.hidden_favourites import place
from artistindex.index.transforms import fit, unit
from artistindex.library.library import Library
from artistindex.query.taste_scores import nearest

Floats = NDArray[np.float64]
Combiner = Callable[[Floats], Floats]
"""Cosines, (favourites, artists) -> a score for each artist, (artists,)."""


def best(cosines: Floats) -> Floats:
    """The nearest favourite alone, as `artistindex match` has it."""
    return nearest(cosines, np.zeros(len(cosines)))


def mean(cosines: Floats) -> Floats:
    """All favourites alike."""
    scores: Floats = cosines.mean(axis=0)
    return scores


def mean_of_top(count: int) -> Combiner:
    """The mean over the `count` nearest favourites, or all where there are fewer."""

    def combine(cosines: Floats) -> Floats:
        scores: Floats = np.sort(cosines, axis=0)[-count:].mean(axis=0)
        return scores

    return combine


def soft_maximum(temperature: float) -> Combiner:
    """The mean weighted by exp(cosine / temperature): the best near 0, the mean at infinity."""

    def combine(cosines: Floats) -> Floats:
        weights = np.exp((cosines - cosines.max(axis=0)) / temperature)
        scores: Floats = (weights * cosines).sum(axis=0) / weights.sum(axis=0)
        return scores

    return combine


COMBINERS: dict[str, Combiner] = {
    "best": best,
    "mean of top 2": mean_of_top(2),
    "mean of top 3": mean_of_top(3),
    "mean of top 5": mean_of_top(5),
    "mean": mean,
    "soft 0.005": soft_maximum(0.005),
    "soft 0.01": soft_maximum(0.01),
    "soft 0.02": soft_maximum(0.02),
    "soft 0.05": soft_maximum(0.05),
    "soft 0.1": soft_maximum(0.1),
    "soft 0.2": soft_maximum(0.2),
}
REFERENCE = "best"


@dataclass(frozen=True)
class Music:
    """An artist of one collection: the vectors of its tracks, (tracks, dimension)."""

    name: str
    collection: str
    tracks: NDArray[np.float32]

    @property
    def vector(self) -> Floats:
        """The artist's vector."""
        return np.asarray(self.tracks.astype(np.float64).mean(axis=0))


def read(library_path: Path, key: VectorKey, music: Path) -> list[Music]:
    """The artists with vectors of `key`, by the folders in `music`; no recording counts twice."""
    tracks_of: dict[tuple[str, str], list[NDArray[np.float32]]] = {}
    with Library.open(library_path, read_only=True) as library:
        vectors = library.vectors(key)
        for stored in library.artists():
            heard: set[str | None] = set()
            for track in library.tracks_of(stored.id):
                path = track.track.path
                if path is None or track.id not in vectors or track.audio_sha256 in heard:
                    continue
                heard.add(track.audio_sha256)
                place = (stored.artist.name, path.relative_to(music.resolve()).parts[0])
                tracks_of.setdefault(place, []).append(vectors[track.id])
    return [Music(*place, np.stack(tracks)) for place, tracks in sorted(tracks_of.items())]


def held_out_tracks(
    artists: Sequence[Music], favourites: int, users: int, seed: int
) -> Iterator[tuple[int, Floats, Floats]]:
    """(act, favourites' vectors, line-up's vectors with the act's first) of experiment 1."""
    generator = np.random.default_rng(seed)
    for act, artist in enumerate(artists):
        if len(artist.tracks) < 2:
            continue
        strangers = [at for at, other in enumerate(artists) if other.name != artist.name]
        for _ in range(users):
            others = generator.permutation(strangers)
            order = generator.permutation(len(artist.tracks))
            half = len(order) // 2
            plays, liked = (
                artist.tracks[part].mean(axis=0) for part in (order[:half], order[half:])
            )
            beside = [artists[at].vector for at in others[: favourites - 1]]
            rivals = [artists[at].vector for at in others[favourites - 1 :]]
            yield act, np.array([liked, *beside]), np.array([plays, *rivals])


def held_out_artists(
    artists: Sequence[Music], favourites: int, users: int, seed: int, grab_bags: Collection[str]
) -> Iterator[tuple[int, Floats, Floats]]:
    """The same of experiment 2."""
    generator = np.random.default_rng(seed)
    for act, artist in enumerate(artists):
        same = [
            at
            for at, other in enumerate(artists)
            if other.collection == artist.collection and other.name != artist.name
        ]
        rivals = [
            other.vector
            for other in artists
            if other.collection != artist.collection and other.name != artist.name
        ]
        if artist.collection in grab_bags or len(same) < favourites or not rivals:
            continue
        for _ in range(users):
            liked = [artists[at].vector for at in generator.permutation(same)[:favourites]]
            yield act, np.array(liked), np.array([artist.vector, *rivals])


def judged(trials: Iterator[tuple[int, Floats, Floats]], space: str) -> dict[str, Floats]:
    """Combiner -> (acts, 2): mean reciprocal rank and hit at 1 of every act."""
    values: dict[str, dict[int, list[tuple[float, float]]]] = {name: {} for name in COMBINERS}
    for act, liked, lineup in trials:
        raw = np.concatenate([liked, lineup]).astype(np.float32)
        rows = fit(space, raw).apply(unit(raw)).astype(np.float64)
        cosines = rows[: len(liked)] @ rows[len(liked) :].T
        for name, combine in COMBINERS.items():
            scores = combine(cosines)
            rank = place("", float(scores[0]), scores[1:]).rank
            values[name].setdefault(act, []).append((1 / rank, float(rank == 1)))
    return {
        name: np.array([np.mean(trials_of_act, axis=0) for trials_of_act in acts.values()])
        for name, acts in values.items()
    }


def report(title: str, values_of: dict[str, Floats]) -> None:
    """Print a table of one experiment."""
    acts = len(values_of[REFERENCE])
    print(f"\n{title}: {acts} acts\n")
    print("| combined by | MRR | hit@1 | MRR against `best` | |\n|---|---|---|---|---|")
    for name, values in values_of.items():
        resamples = resampled_means(values)
        cells = []
        for column in range(2):
            low, high = interval(resamples[:, column], acts)
            cells.append(f"{values[:, column].mean():.3f} [{low:.3f}, {high:.3f}]")
        [apart, _] = paired_differences(values, values_of[REFERENCE])
        difference = f"{apart.value:+.3f} [{apart.low:+.3f}, {apart.high:+.3f}]"
        verdict = "significant" if apart.is_clear else "not significant"
        verdict = "" if name == REFERENCE else verdict
        print(f"| {name} | {cells[0]} | {cells[1]} | {difference} | {verdict} |")


def main() -> None:
    """Read a library and print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=Path, help="library.sqlite3")
    parser.add_argument("music", type=Path, help="the folder whose subfolders are collections")
    parser.add_argument("--model", default="musicnn")
    parser.add_argument("--excerpt", default="full")
    parser.add_argument("--favourites", type=int, nargs="+", default=[3, 5, 10])
    parser.add_argument("--spaces", nargs="+", default=["none", "centre"])
    parser.add_argument("--users", type=int, default=50, help="made-up users an act")
    parser.add_argument("--grab-bag", nargs="*", default=[], help="collections of many styles")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with Library.open(options.library, read_only=True) as library:
        keys = library.keys()
    for key, _ in keys:
        if (key.model, key.excerpt) == (options.model, options.excerpt):
            tell(read(options.library, key, options.music), key, options)


def tell(artists: Sequence[Music], key: VectorKey, options: argparse.Namespace) -> None:
    """Run both experiments in every space and print the tables."""
    tracks = sum(len(artist.tracks) for artist in artists)
    places = sorted({artist.collection for artist in artists})
    print(f"# {key.model}, weights {key.weights_sha256[:12]}, excerpt {key.excerpt}")
    print(f"\n{len(artists)} artists, {tracks} tracks of {', '.join(places)}")
    for space in options.spaces:
        for count in options.favourites:
            parameters = (artists, count, options.users, options.seed)
            for what, trials in (
                ("like a favourite", held_out_tracks(*parameters)),
                ("to the same taste", held_out_artists(*parameters, options.grab_bag)),
            ):
                values_of = judged(trials, space)
                if len(values_of[REFERENCE]):
                    report(f"An act {what}, {count} favourites, space {space}", values_of)


if __name__ == "__main__":
    main()
