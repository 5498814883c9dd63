"""A forest plot as SVG: a point and its interval for each row, zero marked."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

ROW, LEFT, WIDTH, TOP = 22, 230, 420, 34
LOW, HIGH = -0.2, 0.25
STEPS = (-0.2, -0.1, 0.0, 0.1, 0.2)


def forest(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the drawing of `rows` that have a difference: {"way", "difference", "low", "high"}."""
    differences = [row for row in rows if "difference" in row]
    height = TOP + ROW * len(differences) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {height}"'
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="13">MRR less that of the plain centroid, 95% interval</text>',
    ]
    for step in STEPS:
        dash = "" if step == 0 else ' stroke-dasharray="2 3"'
        parts.append(
            f'<path d="M{_at(step):.1f} {TOP}V{height - 8}" stroke="#999"{dash}/>'
            f'<text x="{_at(step):.1f}" y="{TOP - 5}" text-anchor="middle">{step:+.1f}</text>'
        )
    for number, row in enumerate(differences):
        parts += _row(row, TOP + ROW * number + ROW // 2)
    return "\n".join([*parts, "</svg>", ""])


def _row(row: Mapping[str, Any], middle: int) -> list[str]:
    colour = "#0a6" if row["low"] > 0 else "#b33" if row["high"] < 0 else "#555"
    ends = [_at(min(HIGH, max(LOW, row[end]))) for end in ("low", "high")]
    return [
        f'<text x="{LEFT - 10}" y="{middle + 4}" text-anchor="end">{escape(row["way"])}</text>',
        f'<path d="M{ends[0]:.1f} {middle}H{ends[1]:.1f}" stroke="{colour}" stroke-width="2"/>',
        f'<circle cx="{_at(row["difference"]):.1f}" cy="{middle}" r="4" fill="{colour}"/>',
    ]


def _at(value: float) -> float:
    return LEFT + WIDTH * (value - LOW) / (HIGH - LOW)
