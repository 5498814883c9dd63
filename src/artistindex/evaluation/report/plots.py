"""The plots of a report, as SVG whose text the reader's own fonts draw.

Artists' names come from strangers: they are shortened, stripped of what a line of SVG text cannot
hold, and never read as mathematics. Matplotlib is used without its global state.
"""

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from artistindex.evaluation.compare import Comparison
from artistindex.evaluation.report.tables import shown
from artistindex.evaluation.spaces import Space

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

MAX_IN_HEAT_MAP = 60
_MAX_LABELS = 60
_MAX_ON_MAP = 1000
_LABEL_LENGTH = 24
# told apart by the colour-blind: Okabe & Ito, Color Universal Design (2008); markers tell them too
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing: a file `name` without its ending, the `svg`, a title and the text in its stead."""

    name: str
    title: str
    description: str
    svg: bytes


def plots_of(comparison: Comparison) -> list[Plot]:
    """Return every plot that the comparison has the numbers for."""
    curves = [overlap_curves(comparison)] if comparison.curves else []
    return [*curves, histograms(comparison), heat_maps(comparison), artist_maps(comparison)]


def label(name: str) -> str:
    """Return a name as a plot shows it: printable characters only, at most 24 of them."""
    return shown(name, _LABEL_LENGTH)


# --- the plots ----------------------------------------------------------------------------------


def overlap_curves(comparison: Comparison) -> Plot:
    """Draw the headline metric over k for each index, with its interval, and chance."""
    metric = f"{comparison.headline.partition('@')[0]}@k"

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        looks = zip(_cycle(), _MARKERS * 10, strict=True)
        for (colour, marker), (index, curve) in zip(looks, comparison.curves.items(), strict=False):
            ks = np.arange(1, len(curve) + 1)
            values = [overlap.value or 0.0 for overlap in curve]
            axes.plot(ks, values, color=colour, marker=marker, markersize=4, label=label(index))
            if all(overlap.low is not None for overlap in curve):
                axes.fill_between(
                    ks,
                    [overlap.low or 0.0 for overlap in curve],
                    [overlap.high or 0.0 for overlap in curve],
                    color=colour,
                    alpha=0.2,
                    linewidth=0,
                )
        first = next(iter(comparison.curves.values()))
        ks = np.arange(1, len(first) + 1)
        chances = [overlap.chance for overlap in first]
        axes.plot(ks, chances, color="black", linestyle=":", label="chance")
        axes.set_xlabel("k")
        axes.set_ylabel(metric)
        axes.set_ylim(0, None)
        axes.legend(frameon=False)

    k = comparison.ks[-1]
    values = [
        f"{index} {curve[k - 1].value:.1%}"
        for index, curve in comparison.curves.items()
        if len(curve) >= k
    ]
    chance = next(iter(comparison.curves.values()))[-1].chance
    return Plot(
        "overlap",
        f"Agreement with {comparison.judge} over k, with 95% intervals",
        f"Lines of {metric} over k. At k = {k}: {', '.join(values)}. Chance, dotted, rises in a"
        f" straight line to {chance:.1%}.",
        _svg("overlap", draw, 7.0, 4.2),
    )


def histograms(comparison: Comparison) -> Plot:
    """Draw the similarities of all pairs of artists, one histogram under the other."""

    def draw(figure: "Figure") -> None:
        rows = figure.subplots(len(comparison.names), 1, sharex=True, squeeze=False)[:, 0]
        for colour, axes, (index, spread) in zip(
            _cycle(), rows, comparison.spreads.items(), strict=False
        ):
            shares = np.array(spread.counts) / spread.pairs
            axes.stairs(shares, spread.edges, fill=True, color=colour)
            axes.set_title(label(index), loc="left", fontsize=10)
            axes.set_ylabel("share of pairs")
        rows[-1].set_xlabel("cosine similarity")

    described = [
        f"{index}: {spread.low:.2f} to {spread.high:.2f}, mean {spread.mean:.2f}"
        for index, spread in comparison.spreads.items()
    ]
    return Plot(
        "similarities",
        "How the similarities of all pairs of artists lie",
        f"Histograms. {'; '.join(described)}.",
        _svg("similarities", draw, 7.0, 1.0 + 1.8 * len(comparison.names)),
    )


def heat_maps(comparison: Comparison) -> Plot:
    """Draw the similarities of up to 60 artists, in the clustered order of the first index."""
    rows = heat_map_rows(comparison)
    spaces = [space.only(rows) for space in comparison.spaces]
    matrices = [space.similarities(np.arange(len(space))) for space in spaces]
    order = clustered(matrices[0])
    labels = [label(spaces[0].artists[row]) for row in order]

    def draw(figure: "Figure") -> None:
        columns = figure.subplots(1, len(spaces), squeeze=False, sharey=True)[0]
        for axes, space, matrix in zip(columns, spaces, matrices, strict=True):
            ordered = matrix[np.ix_(order, order)]
            np.fill_diagonal(ordered, np.nan)
            image = axes.imshow(ordered, cmap="viridis", interpolation="nearest")
            axes.set_title(label(space.name), loc="left", fontsize=10)
            axes.set_xticks([])
            figure.colorbar(image, ax=axes, shrink=0.6)
        columns[0].set_yticks(range(len(labels)), labels, fontsize=7)

    side = 2.0 + 0.14 * len(labels)
    some = "" if len(rows) == len(comparison.artists) else f" of {len(comparison.artists)}"
    return Plot(
        "heatmap",
        f"Similarities of {len(rows)}{some} artists, like beside like",
        f"A heat map for each index, artists in the same order in all: clustered by"
        f" {spaces[0].name}. Each has a colour scale of its own.",
        _svg("heatmap", draw, 2.0 + side * len(spaces), max(3.0, side)),
    )


def heat_map_rows(comparison: Comparison) -> NDArray[np.int64]:
    """Return the artists of the heat map: all, or 60 drawn with a fixed seed."""
    count = len(comparison.artists)
    if count <= MAX_IN_HEAT_MAP:
        return np.arange(count)
    drawn = np.random.default_rng(0).choice(count, MAX_IN_HEAT_MAP, replace=False)
    return np.sort(drawn)


def artist_maps(comparison: Comparison) -> Plot:
    """Draw the artists in two dimensions per index; an artist's colour is the same on every map.

    Colours come from the place on the first map, the other maps are turned and scaled to fit it
    best: neighbours that scatter show as a mixture of colours.
    """
    count = len(comparison.artists)
    rows = np.arange(count)
    if count > _MAX_ON_MAP:
        rows = np.sort(np.random.default_rng(0).choice(count, _MAX_ON_MAP, replace=False))
    spaces = [space.only(rows) for space in comparison.spaces]
    maps = [flattened(space) for space in spaces]
    places = [maps[0], *(fitted(other, maps[0]) for other in maps[1:])]
    colours = _colours(places[0])
    size = 60 if count <= _MAX_LABELS else 14

    def draw(figure: "Figure") -> None:
        columns = figure.subplots(1, len(spaces), squeeze=False)[0]
        for axes, space, place in zip(columns, spaces, places, strict=True):
            axes.scatter(place[:, 0], place[:, 1], c=colours, s=size, linewidths=0)
            axes.set_title(label(space.name), loc="left", fontsize=10)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_aspect("equal", "datalim")
            if len(rows) <= _MAX_LABELS:
                _write_names(axes, space.artists, place)

    return Plot(
        "map",
        "The artists on a map per index, each artist in the same colour",
        f"Scatter plots of {len(rows)} artists in the two directions in which their vectors vary"
        f" most, coloured by their place on the map of {spaces[0].name}.",
        _svg("map", draw, 5.0 * len(spaces), 5.0),
    )


def _write_names(axes: "Axes", artists: Sequence[str], place: Floats) -> None:
    for artist, (x, y) in zip(artists, place, strict=True):
        axes.annotate(label(artist), (x, y), xytext=(5, 2), textcoords="offset points", fontsize=8)


# --- what they rest on --------------------------------------------------------------------------


def clustered(similarities: NDArray[np.floating]) -> list[int]:
    """Return an order of the rows of (n, n) similarities that puts like beside like.

    Average linkage (UPGMA), the branches turned so that neighbours are most alike (Bar-Joseph,
    Gifford & Jaakkola, Bioinformatics 17, 2001).
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distances = squareform(np.maximum(1 - np.asarray(similarities, np.float64), 0), checks=False)
    return [int(row) for row in leaves_list(linkage(distances, "average", optimal_ordering=True))]


def flattened(space: Space) -> Floats:
    """Return the artists in two dimensions, (n, 2): principal components of their vectors.

    Where there are similarities only, classical multidimensional scaling, which is the same thing
    (Torgerson, Psychometrika 17, 1952).
    """
    if space.vectors is not None:
        centred = space.vectors.astype(np.float64)
        left, sizes, _ = np.linalg.svd(centred - centred.mean(axis=0), full_matrices=False)
        place = left[:, :2] * sizes[:2]
    else:
        gram = space.similarities(np.arange(len(space)))
        centred = gram - gram.mean(axis=0) - gram.mean(axis=1)[:, None] + gram.mean()
        values, vectors = np.linalg.eigh(centred)
        place = vectors[:, :-3:-1] * np.sqrt(np.maximum(values[:-3:-1], 0))
    place = np.pad(place, ((0, 0), (0, 2 - place.shape[1])))
    furthest = place[np.abs(place).argmax(axis=0), [0, 1]]
    return np.asarray(place * np.where(furthest < 0, -1.0, 1.0), np.float64)


def fitted(place: Floats, target: Floats) -> Floats:
    """Return `place` turned, mirrored and scaled to lie nearest to `target` by least squares.

    Both are (n, 2), float64, and centred. Orthogonal Procrustes with scale (Schönemann & Carroll,
    Psychometrika 35, 1970).
    """
    from scipy.linalg import orthogonal_procrustes

    turn, scale = orthogonal_procrustes(place, target)
    size = float(np.sum(place**2))
    return np.asarray(place @ turn * (scale / size if size > 0 else 1.0), np.float64)


def _colours(place: Floats) -> Floats:
    """RGB of shape (n, 3): the hue tells the direction from the middle, the strength how far."""
    from matplotlib.colors import hsv_to_rgb

    hue = (np.arctan2(place[:, 1], place[:, 0]) / (2 * np.pi)) % 1.0
    far = np.hypot(place[:, 0], place[:, 1])
    strength = 0.25 + 0.75 * far / far.max() if far.max() > 0 else np.full(len(far), 0.25)
    return np.asarray(hsv_to_rgb(np.stack([hue, strength, np.full(len(hue), 0.75)], axis=1)))


# --- drawing ------------------------------------------------------------------------------------


def _svg(name: str, draw: Callable[["Figure"], None], width: float, height: float) -> bytes:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    settings: dict[str, Any] = {**_STYLE, "svg.hashsalt": name}
    with rc_context(settings), _unknown_glyphs():  # type: ignore[arg-type]  # keys are literals
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


@contextmanager
def _unknown_glyphs() -> Iterator[None]:
    """The reader's fonts draw the text, so it is no matter which glyphs matplotlib's own have."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"(?s).*(Glyph|glyph|font).*")
        warnings.filterwarnings("ignore", message="constrained_layout not applied")
        yield


def _cycle() -> list[str]:
    return list(COLOURS) * 10
