"""The shapes in which people keep who is like whom, told apart by structure alone.

Lists by artist (`{"A": ["B", "C"]}`, with strengths `{"A": {"B": 0.5}}`), what Last.fm answers to
artist.getSimilar, CSV of pairs or of labels, TREC qrels, lines of MusicBrainz ids (the gold lists
of Oramas et al., ISMIR 2015). What is none of these, or could be two, is refused.
"""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from artistindex import naming
from artistindex.entities import Service

MAX_PAIRS = 20_000_000  # of artists with one label: 160 MB
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_MBID = re.compile(_UUID)
_MBID_LINE = re.compile(rf"\s*({_UUID})(?:\s*[\t:]\s*|\s+)((?:{_UUID}[\s,;]*)+)")
_ID = re.compile(rf"({'|'.join(Service)}):(?:artist:)?(\S+)")
_LABEL_BREAKS = re.compile(r"[;|]")
_DELIMITERS = ",;\t|"
_MIN_NAMED_SHARE = 0.5  # of second cells that are first cells too, where no header says what is
_LISTED_KEYS = frozenset(
    (
        *("name", "mbid", "id", "ids", "rank", "match", "url", "image", "streamable"),
        *("strength", "relationship_strength", "weight", "score"),
    )
)


class TruthFormat(StrEnum):
    """What a truth file was read as, in words for a person."""

    MUSIC_MAP = "music-map lists"
    LISTS = "lists of artists"
    LAST_FM = "Last.fm's similar artists"
    MBIDS = "lists of MusicBrainz ids"
    PAIRS = "pairs of artists"
    QRELS = "TREC qrels"
    LABELS = "labels of artists"


UNDERSTOOD = (
    'expected music-map lists, each artist with its status; or {"A": ["B", "C"]}; a CSV file with'
    " columns artist,similar[,weight] or artist,genre; TREC qrels; lines of MusicBrainz ids;"
    " Last.fm's answers"
)


class NotUnderstood(Exception):
    """A file that is no truth, with what is wrong about it."""


@dataclass(frozen=True, slots=True)
class Similar:
    """One listed artist; `strength` is the truth's own scale, larger is closer, None unknown."""

    name: str
    strength: float | None


Lists = Mapping[str, Sequence[Similar]]


@dataclass(frozen=True, slots=True)
class Shape:
    """Who is like whom as a file says it; `is_ranked`, where the order of a list means something.

    `ties` counts the listed artists whose strength another of their list has too, `nowhere` the
    pairs that say that two are not alike.
    """

    format: TruthFormat
    lists: Lists
    is_ranked: bool
    ties: int = 0
    nowhere: int = 0


def artist_key(name: str) -> str:
    """Return what an artist of a truth is looked up by: a folded name, or "service:ID".

    Ids are "spotify:ID", "spotify:artist:ID", "deezer:ID", "musicbrainz:ID" or a bare MBID.
    """
    text = naming.clean(name)
    if _MBID.fullmatch(text):
        return f"{Service.MUSICBRAINZ}:{text.lower()}"
    if match := _ID.fullmatch(text):
        service, id_ = match.groups()
        return f"{service}:{id_.lower() if service == Service.MUSICBRAINZ else id_}"
    return naming.normalise(text)


def parse_strength(value: object) -> float | None:
    """Return a strength as a number; None for what is none, for NaN, and for music-map's -1."""
    number = _as_float(value)
    return number if math.isfinite(number) and number >= 0 else None


def _as_float(value: object) -> float:
    """Return a value as a number, NaN for what is none."""
    try:
        return float(value)  # type: ignore[arg-type]  # what is none raises
    except (TypeError, ValueError, OverflowError):
        return math.nan


# --- JSON ---------------------------------------------------------------------------------------


def shape_of_json(value: Any) -> Shape:
    """Return the shape of a JSON document that is no music-map file. Raises NotUnderstood."""
    answers = value if isinstance(value, list) else [value]
    if answers and all(map(_is_answer, answers)):
        return Shape(TruthFormat.LAST_FM, dict(map(_lastfm_list, answers)), is_ranked=True)
    if not isinstance(value, dict) or not value:
        raise NotUnderstood("is no JSON object of artists")
    if is_answer_or_labels(value):
        return _labels(_json_labels(next(iter(value.values()))))
    if _all(value, str):
        return _labels(_json_labels(value))
    if _all(value, list):
        lists = {name: [_listed(name, item) for item in items] for name, items in value.items()}
        return Shape(TruthFormat.LISTS, lists, is_ranked=True)
    if _all(value, dict):
        return _ranked_by_strength(
            TruthFormat.LISTS,
            (
                (name, other, _number(strength, f"of {naming.quoted(name)}"))
                for name, listed in value.items()
                for other, strength in listed.items()
            ),
        )
    raise NotUnderstood("holds artists with neither a list nor a status")


def is_answer_or_labels(value: Mapping[str, Any]) -> bool:
    """Tell an answer of Last.fm, and labels under a heading: `{"genres": {"A": ["x"]}}`."""
    if _is_answer(value):
        return True
    return len(value) == 1 and _heading(next(iter(value))) in _LABEL and _all(value, dict)


def _is_answer(value: Any) -> bool:
    return isinstance(value, dict) and "similarartists" in value


def _all(value: Mapping[str, Any], kind: type) -> bool:
    return all(isinstance(entry, kind) for entry in value.values())


def _lastfm_list(answer: Mapping[str, Any]) -> tuple[str, list[Similar]]:
    similar = answer["similarartists"]
    attributes = similar.get("@attr") if isinstance(similar, dict) else None
    owner = attributes.get("artist") if isinstance(attributes, dict) else None
    listed = similar.get("artist") if isinstance(similar, dict) else None
    if not isinstance(owner, str) or not isinstance(listed, list):
        raise NotUnderstood('has an answer of Last.fm without "@attr" or "artist"')
    return owner, [_listed(owner, artist) for artist in listed]


def _listed(owner: str, item: Any) -> Similar:
    """Return a listed artist: a name, an id, or an object with either, as Last.fm has them."""
    if isinstance(item, str):
        return Similar(naming.clean(item), None)
    if isinstance(item, dict) and item.keys() <= _LISTED_KEYS:
        name = item.get("name") or item.get("mbid") or item.get("id")
        if isinstance(name, str):
            keys = ("match", "relationship_strength", "strength", "weight", "score")
            strength = next((item[key] for key in keys if key in item), None)
            return Similar(naming.clean(name), parse_strength(strength))
    raise NotUnderstood(f"lists something for {naming.quoted(owner)} that is no artist")


def _json_labels(labelled: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, labels in labelled.items():
        for label in [labels] if isinstance(labels, str) else labels:
            if not isinstance(label, str):
                raise NotUnderstood(f"gives {naming.quoted(name)} a label that is no text")
            yield name, label


# --- text ---------------------------------------------------------------------------------------

_QUERY = ("artist", "name", "query", "source", "from", "seed")
_RELEVANT = (
    *("similar", "similar artist", "similar to", "related", "related artist", "relevant"),
    *("neighbour", "neighbor", "target", "to", "document", "doc"),
)
_BOTH_WAYS = (
    *(("artist1", "artist2"), ("artist 1", "artist 2"), ("artist a", "artist b")),
    *(("name1", "name2"), ("name 1", "name 2"), ("first", "second")),
)
_STRENGTH = (
    *("weight", "strength", "relationship strength", "score", "similarity", "match"),
    *("relevance", "rel", "grade"),
)
_LABEL = (
    *("genre", "genres", "label", "labels", "style", "styles", "tag", "tags", "class"),
    *("category", "subgenre", "scene", "cluster"),
)
_RANK = ("rank", "place", "position")
_SUFFIX = re.compile(r"(?<=\w) (?:name|mbid|id|uri)$")


def shape_of_text(text: str) -> Shape:
    """Return the shape of a text that is no JSON. Raises NotUnderstood."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise NotUnderstood("is empty")
    for shape_of in (_qrels, _mbid_lists, _table, _bare_pairs):
        if shape := shape_of(lines):
            return shape
    raise NotUnderstood(f"begins with {naming.quoted(lines[0], 60)}, which says no relation")


def _qrels(lines: Sequence[str]) -> Shape | None:
    """Return lines of "query iteration document relevance", parted by tabs or by spaces."""
    rows = [line.strip().split("\t" if line.count("\t") == 3 else None) for line in lines]
    if not all(len(row) == 4 and _is_iteration(row[1]) and _is_number(row[3]) for row in rows):
        return None
    judged = ((query, document, float(relevance)) for query, _, document, relevance in rows)
    return _ranked_by_strength(TruthFormat.QRELS, judged, is_ranked=False)


def _is_iteration(text: str) -> bool:
    return text.strip().isdecimal() or text.strip() == "Q0"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _mbid_lists(lines: Sequence[str]) -> Shape | None:
    matches = [_MBID_LINE.fullmatch(line) for line in lines]
    if not all(matches):
        return None
    lists = {
        match[1]: [Similar(id_, None) for id_ in _MBID.findall(match[2])]
        for match in matches
        if match
    }
    if len(lists) < len(lines):
        raise NotUnderstood("has two lists of one MusicBrainz id")
    return Shape(TruthFormat.MBIDS, lists, is_ranked=True)


@dataclass(frozen=True, slots=True)
class _Columns:
    """The positions of what a header names, None where it does not."""

    delimiter: str
    artist: int
    similar: int | None = None
    label: int | None = None
    strength: int | None = None
    rank: int | None = None
    both_ways: bool = False


def _table(lines: Sequence[str]) -> Shape | None:
    """Return a table whose header names an artist, and a similar one or a label."""
    columns = next(filter(None, (_columns(lines[0], mark) for mark in _DELIMITERS)), None)
    if columns is None:
        return None
    rows = _rows(lines[1:], columns.delimiter)
    if columns.similar is None:
        return _labels(
            (_cell(row, columns.artist, line), label)
            for line, row in rows
            for label in _LABEL_BREAKS.split(_cell(row, columns.label, line))
        )
    return _pairs(rows, columns)


def _columns(line: str, delimiter: str) -> _Columns | None:
    header = [_heading(cell) for cell in next(csv.reader([line], delimiter=delimiter), [])]
    pair = next((pair for pair in _BOTH_WAYS if set(pair) <= set(header)), None)
    at = _position(header, (pair[0],) if pair else _QUERY)
    similar = _position(header, (pair[1],) if pair else _RELEVANT)
    label = _position(header, _LABEL)
    if at is None or (similar is None and label is None):
        return None
    strength, rank = _position(header, _STRENGTH), _position(header, _RANK)
    return _Columns(delimiter, at, similar, label, strength, rank, both_ways=pair is not None)


def _heading(cell: str) -> str:
    return _SUFFIX.sub("", naming.normalise(cell.replace("_", " ")))


def _position(header: Sequence[str], names: Iterable[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _rows(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line from 2, and its cells."""
    reader = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            yield reader.line_num + 1, [cell.strip() for cell in row]
    except csv.Error as error:
        raise NotUnderstood(f"is no CSV ({error} in line {reader.line_num + 1})") from None


def _cell(row: Sequence[str], position: int | None, line: int) -> str:
    cell = row[position] if position is not None and position < len(row) else ""
    if not cell:
        raise NotUnderstood(f"lacks an artist, a similar one or a label in line {line}")
    return cell


def _pairs(rows: Iterable[tuple[int, list[str]]], columns: _Columns) -> Shape:
    triples: list[tuple[str, str, float | None]] = []
    order: list[float] = []
    for line, row in rows:
        first, second = _cell(row, columns.artist, line), _cell(row, columns.similar, line)
        strength = None
        if columns.strength is not None:
            strength = _number(_cell(row, columns.strength, line), f"in line {line}")
        if columns.rank is not None:
            order.append(_number(_cell(row, columns.rank, line), f"in line {line}"))
        triples.append((first, second, strength))
    if order:
        triples = [triples[at] for at in sorted(range(len(order)), key=order.__getitem__)]
    if columns.both_ways:
        triples += [(second, first, strength) for first, second, strength in triples]
    if columns.strength is None:
        lists = _grouped((first, Similar(second, None)) for first, second, _ in triples)
        return Shape(TruthFormat.PAIRS, lists, is_ranked=bool(order))
    return _ranked_by_strength(TruthFormat.PAIRS, triples)


def _bare_pairs(lines: Sequence[str]) -> Shape | None:
    """Return pairs without a header: with a number behind each, or with names that come back."""
    for delimiter in _DELIMITERS:
        rows = [row for _, row in _rows(lines, delimiter)] if delimiter in lines[0] else []
        widths = {len(row) for row in rows}
        if widths == {3} and all(all(row) and _is_number(row[2]) for row in rows):
            weighted = ((row[0], row[1], float(row[2])) for row in rows)
            return _ranked_by_strength(TruthFormat.PAIRS, weighted)
        if widths == {2} and all(map(all, rows)):
            first = {artist_key(row[0]) for row in rows}
            second = {artist_key(row[1]) for row in rows}
            if len(first & second) < _MIN_NAMED_SHARE * len(second):
                raise NotUnderstood(
                    "has two columns and no header that says whether the second is an artist or a"
                    " label"
                )
            lists = _grouped((row[0], Similar(row[1], None)) for row in rows)
            return Shape(TruthFormat.PAIRS, lists, is_ranked=False)
    return None


# --- lists out of pairs and labels --------------------------------------------------------------


def _number(value: object, where: str) -> float:
    number = _as_float(value)
    if not math.isfinite(number):
        raise NotUnderstood(f"has {naming.quoted(str(value), 40)} {where}, where a number belongs")
    return number


def _ranked_by_strength(
    truth_format: TruthFormat,
    triples: Iterable[tuple[str, str, float | None]],
    *,
    is_ranked: bool = True,
) -> Shape:
    """Return lists with the strongest first; a strength of zero or below says: not alike."""
    nowhere = 0
    alike: list[tuple[str, Similar]] = []
    for first, second, strength in triples:
        if strength is not None and strength <= 0:
            nowhere += 1
        else:
            alike.append((first, Similar(naming.clean(second), strength)))
    lists = {
        owner: sorted(listed, key=lambda similar: -(similar.strength or 0.0))
        for owner, listed in _grouped(alike).items()
    }
    ties = sum(map(_ties, lists.values())) if is_ranked else 0
    return Shape(truth_format, lists, is_ranked, ties, nowhere)


def _ties(listed: Iterable[Similar]) -> int:
    count = Counter(similar.strength for similar in listed)
    return sum(times for times in count.values() if times > 1)


def _grouped(pairs: Iterable[tuple[str, Similar]]) -> dict[str, list[Similar]]:
    """Return the listed by their owner, under the spelling that came first."""
    spellings: dict[str, str] = {}
    lists: dict[str, list[Similar]] = {}
    for owner, similar in pairs:
        spelling = spellings.setdefault(artist_key(owner), naming.clean(owner))
        lists.setdefault(spelling, []).append(similar)
    return lists


def _labels(labelled: Iterable[tuple[str, str]]) -> Shape:
    """Return lists of those with a label in common; who has none in common has an empty list."""
    spellings: dict[str, str] = {}
    groups: dict[str, dict[str, None]] = {}
    labels_of: dict[str, dict[str, None]] = {}
    for name, text in labelled:
        if label := naming.normalise(text):
            spelling = spellings.setdefault(artist_key(name), naming.clean(name))
            groups.setdefault(label, {})[spelling] = None
            labels_of.setdefault(spelling, {})[label] = None
    pairs = sum(len(group) ** 2 for group in groups.values())
    if pairs > MAX_PAIRS:
        raise NotUnderstood(
            f"makes {pairs:,} pairs of artists with one label; {MAX_PAIRS:,} are the most"
        )
    if all(len(group) < 2 for group in groups.values()):
        raise NotUnderstood("holds no two artists with the same label")
    listed_of = _shared_objects(spellings.values())
    lists = {
        name: [
            listed_of(other)
            for other in dict.fromkeys(other for label in labels for other in groups[label])
            if other != name
        ]
        for name, labels in labels_of.items()
    }
    return Shape(TruthFormat.LABELS, lists, is_ranked=False)


def _shared_objects(names: Iterable[str]) -> Callable[[str], Similar]:
    """Return one object a name, however many lists it is in."""
    return {name: Similar(name, None) for name in names}.__getitem__
