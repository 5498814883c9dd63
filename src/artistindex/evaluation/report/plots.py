"""The plots of a report, as SVG whose text the reader's own fonts draw.

Artists' names come from strangers: they are shortened and stripped of what a line of SVG text
cannot hold.
"""

import colorsys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artistindex.evaluation.bootstrap import Estimate
from artistindex.evaluation.compare import Comparison
from artistindex.evaluation.report.drawing import (
    Panel,
    Point,
    apart,
    free_labels,
    standalone,
    text_width,
    ticks,
)
from artistindex.evaluation.report.tables import shown
from artistindex.evaluation.spaces import Space

Floats = NDArray[np.float64]
Scale = Callable[[float], float]

MAX_IN_HEAT_MAP = 60
_MAX_LABELS = 60
_MAX_ON_MAP = 1000
_LABEL_LENGTH = 24
# told apart by the colour-blind: Okabe & Ito, Color Universal Design (2008); markers tell them too.
# templates/plots.css has them as .c0 to .c5
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_WIDTH = 640.0
_LEFT, _BOTTOM = 48.0, 40.0  # room for the axes
_CELL = 9.0
_SHADES = 24
_SIDE = 420.0


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing: a file `name` without its ending, a title and the text in its stead.

    It has a panel or several, as elements of HTML (`inline`) and in one file (`svg`).
    """

    name: str
    title: str
    description: str
    inline: tuple[str, ...]
    svg: bytes

    @classmethod
    def of(
        cls, name: str, title: str, description: str, panels: Sequence[Panel], *, columns: int = 1
    ) -> "Plot":
        """Return the plot of some panels, in a file so many beside each other."""
        inline = tuple(panel.inline(description) for panel in panels)
        return cls(name, title, description, inline, standalone(panels, columns, description))


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
    first = next(iter(comparison.curves.values()))
    panel = Panel(_WIDTH, 380.0)
    names = [label(index) for index in comparison.curves]
    right = _WIDTH - 32 - max(text_width(name, 12) for name in (*names, "chance"))
    top = max(_highest(curve) for curve in comparison.curves.values()) * 1.05 or 1.0
    xs = np.linspace(_LEFT + 12, right, len(first)).tolist()
    bottom = panel.height - _BOTTOM

    def up(value: float) -> float:
        return bottom - value / top * (bottom - 28)

    _percent_axis(panel, ticks(0.0, top, 7), up, right)
    for k, x in enumerate(xs, 1):
        if len(xs) <= 20 or k % 5 == 0:
            panel.text(x, bottom + 16, str(k), "tick", "middle")
    panel.text((_LEFT + right) / 2, panel.height - 6, "k", "small", "middle")
    panel.text(_LEFT, 14, metric, "small")
    panel.line([(x, up(point.chance)) for x, point in zip(xs, first, strict=True)], "chance")
    for style, curve in enumerate(comparison.curves.values()):
        _draw_curve(panel, xs, curve, up, style)
    ends = [up(curve[-1].value or 0.0) for curve in comparison.curves.values()]
    heights = apart([*ends, up(first[-1].chance)], 16, 20, bottom)
    for style, (text, y) in enumerate(zip((*names, "chance"), heights, strict=True)):
        panel.text(right + 24, y + 4, text)
        if style < len(names):
            panel.marker(right + 15, y, style)
    return Plot.of(
        "overlap",
        f"Agreement with {comparison.judge} over k, with 95% intervals",
        _curves_in_words(comparison, metric),
        [panel],
    )


def _draw_curve(
    panel: Panel, xs: Sequence[float], curve: Sequence[Estimate], up: Scale, style: int
) -> None:
    if all(point.low is not None for point in curve):
        lows = [(x, up(point.low or 0.0)) for x, point in zip(xs, curve, strict=False)]
        highs = [(x, up(point.high or 0.0)) for x, point in zip(xs, curve, strict=False)]
        panel.line([*highs, *reversed(lows)], "band", style=style)
    middle = [(x, up(point.value or 0.0)) for x, point in zip(xs, curve, strict=False)]
    panel.line(middle, "curve", style=style)
    for x, y in middle:
        panel.marker(x, y, style)


def _highest(curve: Sequence[Estimate]) -> float:
    return max(max(point.high or 0.0, point.value or 0.0, point.chance) for point in curve)


def _percent_axis(panel: Panel, values: Sequence[float], up: Scale, right: float) -> None:
    for value in values:
        panel.line([(_LEFT, up(value)), (right, up(value))], "grid" if value else "axis")
        panel.text(_LEFT - 8, up(value) + 4, f"{value:.0%}", "tick", "end")


def _curves_in_words(comparison: Comparison, metric: str) -> str:
    k = comparison.ks[-1]
    values = [
        f"{index} {curve[k - 1].value:.1%}"
        for index, curve in comparison.curves.items()
        if len(curve) >= k
    ]
    chance = next(iter(comparison.curves.values()))[-1].chance
    return (
        f"Lines of {metric} over k. At k = {k}: {', '.join(values)}. Chance, dotted, rises in a"
        f" straight line to {chance:.1%}."
    )


def histograms(comparison: Comparison) -> Plot:
    """Draw the similarities of all pairs of artists, one histogram under the other."""
    spreads = comparison.spreads
    low = min(spread.edges[0] for spread in spreads.values())
    high = max(spread.edges[-1] for spread in spreads.values())
    panels = []
    for style, (index, spread) in enumerate(spreads.items()):
        panel = Panel(_WIDTH, 132.0)
        bottom = panel.height - 24

        def across(value: float) -> float:
            return _LEFT + (value - low) / ((high - low) or 1.0) * (_WIDTH - _LEFT - 12)

        shares = np.array(spread.counts) / spread.pairs
        tallest = float(shares.max()) or 1.0
        outline = [(across(spread.edges[0]), bottom)]
        for share, left, right in zip(shares, spread.edges[:-1], spread.edges[1:], strict=True):
            y = bottom - float(share) / tallest * (bottom - 26)
            outline += [(across(left), y), (across(right), y)]
        panel.line([*outline, (across(spread.edges[-1]), bottom)], "bars", style=style)
        panel.line([(_LEFT, bottom), (_WIDTH - 12, bottom)], "axis")
        for value in ticks(low, high):
            panel.text(
                across(value), bottom + 15, f"{value:.1f}".replace("-", "−"), "tick", "middle"
            )
        panel.text(_LEFT, 14, label(index), "head")
        panel.text(_LEFT - 8, 30, f"{tallest:.0%}", "tick", "end")
        panels.append(panel)
    described = [
        f"{index}: {spread.low:.2f} to {spread.high:.2f}, mean {spread.mean:.2f}"
        for index, spread in spreads.items()
    ]
    return Plot.of(
        "similarities",
        "How the cosine similarities of all pairs of artists lie, as shares of the pairs",
        f"Histograms. {'; '.join(described)}.",
        panels,
    )


def heat_maps(comparison: Comparison) -> Plot:
    """Draw the similarities of up to 60 artists, in the clustered order of the first index."""
    rows = heat_map_rows(comparison)
    spaces = [space.only(rows) for space in comparison.spaces]
    matrices = [space.similarities(np.arange(len(space))) for space in spaces]
    order = clustered(matrices[0])
    names = [label(spaces[0].artists[row]) for row in order]
    panels = [
        _heat_map(label(space.name), names, matrix[np.ix_(order, order)])
        for space, matrix in zip(spaces, matrices, strict=True)
    ]
    some = "" if len(rows) == len(comparison.artists) else f" of {len(comparison.artists)}"
    return Plot.of(
        "heatmap",
        f"Similarities of {len(rows)}{some} artists, like beside like",
        f"A heat map for each index, artists in the same order in all: clustered by"
        f" {spaces[0].name}. Each has a scale of its own.",
        panels,
        columns=2,
    )


def _heat_map(title: str, names: Sequence[str], matrix: NDArray[np.floating]) -> Panel:
    """One index: the stronger the shade, the more alike; a scale with its ends is below."""
    left = 8 + max(text_width(name, 9) for name in names)
    side = _CELL * len(names)
    panel = Panel(left + side + 8, 24 + side + 40, title)
    panel.text(left, 15, title, "head")
    off = ~np.eye(len(matrix), dtype=bool)
    low, high = float(matrix[off].min()), float(matrix[off].max())
    shades = np.rint((matrix - low) / ((high - low) or 1.0) * (_SHADES - 1)).astype(int)
    shades[~off] = -1  # everybody is like themselves
    for shade in range(_SHADES):
        cells = "".join(
            f"M{left + _CELL * column:g} {24 + _CELL * row:g}h{_CELL:g}v{_CELL:g}h-{_CELL:g}z"
            for row, column in np.argwhere(shades == shade).tolist()
        )
        if cells:
            panel.path(cells, "cell", opacity=_opacity(shade))
    for at, name in enumerate(names):
        panel.text(left - 4, 24 + _CELL * at + 7.5, name, "tiny", "end")
    for shade in range(_SHADES):
        x, y = left + 4 * shade, 24 + side + 10
        panel.path(f"M{x:g} {y:g}h4v8h-4z", "cell", opacity=_opacity(shade))
    panel.text(left, 24 + side + 32, f"{low:.2f} to {high:.2f}".replace("-", "−"), "small")
    return panel


def _opacity(shade: int) -> float:
    return 0.04 + 0.96 * shade / (_SHADES - 1)


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
    panels = [
        _artist_map(space, place, colours) for space, place in zip(spaces, places, strict=True)
    ]
    return Plot.of(
        "map",
        "The artists on a map per index, each artist in the same colour",
        f"Scatter plots of {len(rows)} artists in the two directions in which their vectors vary"
        f" most, coloured by their place on the map of {spaces[0].name}.",
        panels,
        columns=2,
    )


def _artist_map(space: Space, place: Floats, colours: Sequence[str]) -> Panel:
    """One index; names stand where they meet no other, all of them where one points at a dot."""
    panel = Panel(_SIDE, _SIDE, label(space.name))
    panel.text(8, 16, label(space.name), "head")
    middle = (place.max(axis=0) + place.min(axis=0)) / 2
    span = float(np.ptp(place, axis=0).max()) or 1.0
    points: list[Point] = [
        (_SIDE / 2 + x, _SIDE / 2 + 8 - y)
        for x, y in ((place - middle) * ((_SIDE - 60) / span)).tolist()
    ]
    is_small = len(points) <= _MAX_LABELS
    names = [label(artist) for artist in space.artists]
    for (x, y), colour, name in zip(points, colours, names, strict=True):
        panel.dot(x, y, 4.5 if is_small else 2.5, colour, name)
    if is_small:
        bounds = (2.0, 22.0, _SIDE - 2, _SIDE - 2)
        for name, where in zip(names, free_labels(points, names, 11, bounds), strict=True):
            if where:
                panel.text(*where, name, "small")
    return panel


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


def _colours(place: Floats) -> list[str]:
    """Colours by place: the hue tells the direction from the middle, the strength how far."""
    hues = (np.arctan2(place[:, 1], place[:, 0]) / (2 * np.pi)) % 1.0
    far = np.hypot(place[:, 0], place[:, 1])
    strengths = 0.25 + 0.75 * far / (far.max() or 1.0)
    return [
        "#"
        + "".join(f"{round(255 * part):02x}" for part in colorsys.hsv_to_rgb(hue, strength, 0.78))
        for hue, strength in zip(hues.tolist(), strengths.tolist(), strict=True)
    ]
