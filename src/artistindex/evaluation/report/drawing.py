"""Plots drawn as SVG whose colours are those of the page around it, in the light and in the dark.

Shapes carry classes, never colours of their own where the page has one: templates/plots.css says
what they look like, inside the report and in a file that stands alone.
"""

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from xml.sax.saxutils import escape, quoteattr

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

_GAP = 16  # between panels of one file
_MARKERS = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-3.5-3.5h7v7h-7z",
    "M0-4.5L4.5 3.5h-9z",
    "M0-5L5 0L0 5L-5 0z",
    "M0 4.5L4.5-3.5h-9z",
    "M-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
)


@dataclass(slots=True)
class Panel:
    """One drawing of `width` by `height`, into which shapes are put."""

    width: float
    height: float
    title: str = ""
    _parts: list[str] = field(default_factory=list)

    def text(
        self, x: float, y: float, text: str, look: str = "label", anchor: str = "start"
    ) -> None:
        """Write a line of text at its baseline."""
        place = f'x="{_number(x)}" y="{_number(y)}"'
        self._parts.append(
            f'<text class="{look}" {place} text-anchor="{anchor}">{escape(text)}</text>'
        )

    def path(self, d: str, look: str, *, style: int | None = None, opacity: float = 1.0) -> None:
        """Draw a path; `style` numbers the index that it is of."""
        classes = look if style is None else f"{look} c{style % len(_MARKERS)}"
        opaque = "" if opacity == 1.0 else f' opacity="{_number(opacity)}"'
        self._parts.append(f'<path class="{classes}" d="{d}"{opaque}/>')

    def line(self, points: Iterable[Point], look: str, *, style: int | None = None) -> None:
        """Draw a line through points."""
        self.path(
            "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points), look, style=style
        )

    def marker(self, x: float, y: float, style: int) -> None:
        """Put the sign of an index: each has a shape of its own, beside its colour."""
        sign = _MARKERS[style % len(_MARKERS)]
        place = f"translate({_number(x)} {_number(y)})"
        self._parts.append(
            f'<path class="marker c{style % len(_MARKERS)}" d="{sign}" transform="{place}"/>'
        )

    def dot(self, x: float, y: float, radius: float, colour: str, name: str) -> None:
        """Put a disc of a colour of its own, which tells its name to whoever points at it."""
        place = f'cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}"'
        self._parts.append(
            f'<circle class="dot" {place} fill="{colour}"><title>{escape(name)}</title></circle>'
        )

    def inline(self, description: str) -> str:
        """Return the drawing as an element of HTML."""
        name = f"{self.title}: {description}" if self.title else description
        return (
            f'<svg class="plot" role="img" aria-label={quoteattr(name)}'
            f' viewBox="0 0 {_number(self.width)} {_number(self.height)}">{self._body}</svg>'
        )

    @property
    def _body(self) -> str:
        return "".join(self._parts)


def standalone(panels: Sequence[Panel], columns: int, description: str) -> bytes:
    """Return the panels, so many beside each other, as an SVG file that needs nothing else."""
    width = max(panel.width for panel in panels)
    rows = [panels[at : at + columns] for at in range(0, len(panels), columns)]
    parts: list[str] = []
    top = 0.0
    for row in rows:
        for at, panel in enumerate(row):
            parts.append(
                f'<svg x="{_number(at * (width + _GAP))}" y="{_number(top)}"'
                f' width="{_number(panel.width)}" height="{_number(panel.height)}">'
                f"{panel._body}</svg>"
            )
        top += max(panel.height for panel in row) + _GAP
    across = min(columns, len(panels)) * (width + _GAP) - _GAP
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_number(across)}'
        f' {_number(top - _GAP)}" width="{_number(across)}" height="{_number(top - _GAP)}"'
        f' role="img"><title>{escape(description)}</title>'
        f"<style>{escape(_own_style())}</style>{''.join(parts)}</svg>\n"
    ).encode()


@lru_cache(maxsize=1)
def _own_style() -> str:
    templates = files("artistindex.evaluation.report") / "templates"
    colours, looks = (
        (templates / name).read_text("utf-8") for name in ("colours.css", "plots.css")
    )
    return f"{colours}{looks}svg {{ background: var(--panel); }}"


# --- scales and labels --------------------------------------------------------------------------


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about so many round numbers from `low` to `high`."""
    span = high - low
    if span <= 0:
        return [low]
    raw = span / count
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(at * step, 10) for at in range(first, last + 1)]


def text_width(text: str, size: float) -> float:
    """Return about how wide a line of text is in a common font without serifs."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return size * (0.58 * (len(text) - wide) + 1.05 * wide)


def apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return `places`, in their order, moved so that each is `gap` from the next.

    They stay between `low` and `high` while there is room for all.
    """
    order = sorted(range(len(places)), key=lambda at: places[at])
    moved = list(places)
    floor = low
    for at in order:
        moved[at] = max(moved[at], floor)
        floor = moved[at] + gap
    ceiling = high
    for at in reversed(order):
        moved[at] = min(moved[at], ceiling)
        ceiling = moved[at] - gap
    return moved


def free_labels(
    places: Sequence[Point], texts: Sequence[str], size: float, bounds: Box
) -> list[Point | None]:
    """Return where the text of each place can stand so that no two meet, None where nowhere."""
    taken: list[Box] = [(x - 4, y - 4, x + 4, y + 4) for x, y in places]
    labels: list[Point | None] = []
    for (x, y), text in zip(places, texts, strict=True):
        width = text_width(text, size)
        candidates = (
            (x + 7, y + 4),
            (x - 7 - width, y + 4),
            (x - width / 2, y - 8),
            (x - width / 2, y + 16),
        )
        chosen = None
        for left, base in candidates:
            box = (left, base - size, left + width, base + 3)
            if _is_within(box, bounds) and not any(_meet(box, other) for other in taken):
                taken.append(box)
                chosen = (left, base)
                break
        labels.append(chosen)
    return labels


def _meet(box: Box, other: Box) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def _is_within(box: Box, bounds: Box) -> bool:
    return (
        box[0] >= bounds[0] and box[1] >= bounds[1] and box[2] <= bounds[2] and box[3] <= bounds[3]
    )


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
