"""Chosen pairs of artists, and how alike somebody expects them to be."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from artistindex import naming
from artistindex.errors import Misuse, UnknownArtist
from artistindex.evaluation.spaces import Space

EXPERIMENT = Path(__file__).with_name("data") / "experiment-pairs.csv"

LEVELS = {"low": (0.0, 100 / 3), "medium": (100 / 3, 200 / 3), "high": (200 / 3, 100.0)}
_EXPECTATION = "and low, medium, high or a range within -1 to 1 such as 0.1-0.3"
_RANGE = re.compile(r"\s*(-?[0-9]*\.?[0-9]+)\s*(?:-|–|to|\.\.)\s*(-?[0-9]*\.?[0-9]+)\s*")


@dataclass(frozen=True, slots=True)
class ExpectedPair:
    """Two artists and the expectation, as written and as bounds.

    `low` and `high` bound the cosine, or, where `is_level`, its percentile among all pairs of an
    index: cosines of two models have no common scale, their percentiles have.
    """

    first: str
    second: str
    expected: str
    low: float
    high: float
    is_level: bool

    def is_met(self, cosine: float, percentile: float) -> bool:
        """Tell whether an index meets the expectation."""
        return self.low <= (percentile if self.is_level else cosine) <= self.high


def read_pairs(path: Path) -> list[ExpectedPair]:
    """Read lines of artist, artist, and low, medium, high or a range such as 0.1-0.3.

    Empty lines and a heading ("artist" first, no expectation last) are skipped. Raises Misuse, with
    the line's number, for anything else.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, [field.strip() for field in line]) for line in reader]
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise Misuse(f"{path} is no CSV file in UTF-8 ({error})") from error
    lines = [(number, line) for number, line in lines if any(line)]
    if lines and _is_heading(lines[0][1]):
        del lines[0]
    if not lines:
        raise Misuse(f"{path} holds no pair; expected lines of artist, artist, {_EXPECTATION}")
    return [_pair(path, number, line) for number, line in lines]


def _is_heading(line: Sequence[str]) -> bool:
    return naming.normalise(line[0]) in ("artist", "artist1") and _bounds(line[-1]) is None


def _pair(path: Path, number: int, line: Sequence[str]) -> ExpectedPair:
    if len(line) != 3 or not all(line):
        _bad(path, number, f"has {len(line)} fields")
    first, second, expected = line
    if naming.same_name(first, second):
        _bad(path, number, f"pairs {naming.quoted(first, 40)} with itself")
    bounds = _bounds(expected)
    if bounds is None:
        _bad(path, number, f"expects {naming.quoted(expected, 40)}")
    return ExpectedPair(first, second, expected, *bounds, is_level=expected.lower() in LEVELS)


def _bounds(expected: str) -> tuple[float, float] | None:
    if expected.lower() in LEVELS:
        return LEVELS[expected.lower()]
    ends = _RANGE.fullmatch(expected)
    if ends is None or not -1 <= float(ends[1]) <= float(ends[2]) <= 1:
        return None
    return float(ends[1]), float(ends[2])


def _bad(path: Path, number: int, what: str) -> NoReturn:
    raise Misuse(f"{path}, line {number} {what}; expected artist, artist, {_EXPECTATION}")


def check_known(pairs: Sequence[ExpectedPair], spaces: Sequence[Space], path: Path) -> None:
    """Raise UnknownArtist for an artist of `pairs` that no space has, with the closest names."""
    from rapidfuzz import process

    known = {naming.normalise(artist): artist for space in spaces for artist in space.artists}
    for pair in pairs:
        for artist in (pair.first, pair.second):
            if naming.normalise(artist) not in known:
                hits = process.extract(naming.normalise(artist)[:200], list(known), limit=3)
                closest = [known[hit[0]] for hit in hits]
                raise UnknownArtist(
                    f"{path} names {naming.quoted(artist)}, whom none of the indexes has; the"
                    f" closest names are {', '.join(closest)}",
                    closest,
                )
