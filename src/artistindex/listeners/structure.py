"""Telling the files that people own apart: by what is in them, never by how they are called."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum, auto
from pathlib import Path
from typing import Any, NoReturn

from artistindex import naming
from artistindex.errors import Misuse
from artistindex.listeners import calendar
from artistindex.listeners.tables import header_of, parse_table
from artistindex.listeners.user_files import Source, label_of, parse_json, read_text

_YAML_TEXT = "tag:yaml.org,2002:str"
_MAX_YAML_CHARACTERS = 4 << 20  # its parser takes a second for each 100,000
_MAX_TEXT_CHARACTERS = 16 << 20
_MAX_LINE = 20_000  # three hundred acts on one line are 6,000
_MARKUP_START = re.compile(r"<(?:[?!]|[A-Za-z][\w:.-]*[\s/>])")
_LABELS = (
    *("artists", "artist", "name", "names", "days", "day", "date", "lineup", "line-up", "acts"),
    *("events", "event", "stages", "stage", "venue", "title", "slug", "region", "year", "url"),
)
_KEYED = re.compile(
    r"(?P<item>-\s+)*(?P<quote>[\"']?)(?P<key>[A-Za-z_][\w-]*)(?P=quote)\s*:(?:\s+(?P<value>\S.*))?"
)
_SETTING = re.compile(r"\[[\w .-]+\]|[A-Za-z_][\w.-]*=.*")
_JSON_LINE = re.compile(r"\s*\{\s*\"")
_MIN_KEYED_SHARE = 0.5


class Structure(StrEnum):
    """How a file is put together."""

    JSON = auto()
    YAML = auto()
    XML = auto()
    PLAYLIST = auto()
    TABLE = auto()
    TEXT = auto()


@dataclass(frozen=True, slots=True)
class Document:
    """A file of the user's, parsed as far as its structure goes.

    `content` is the value of JSON and YAML (whose scalars are all texts; of JSON Lines a list), the
    root element of XML, a Table, or else the text.
    """

    source: Path
    structure: Structure
    content: Any


def read_document(file: Source) -> Document:
    """Read a file of the user's and tell its structure. Raises Misuse for what is broken.

    The ending of the name counts only where the structure does not speak: it says what a broken
    or empty file was meant to be.
    """
    text, source = read_text(file), label_of(file)
    start = text.lstrip()
    if _MARKUP_START.match(start) and ("</" in start or "/>" in start):
        return Document(source, Structure.XML, _parse_xml(start, source))
    if start[:1] in ("[", "{") or source.suffix.lower() == ".json":
        value = _parse_json_or_lines(text, source)
        if value is not _NOT_JSON:
            return Document(source, Structure.JSON, value)
    if start.startswith("#EXTM3U") or "\n#EXTINF:" in f"\n{start}":
        return Document(source, Structure.PLAYLIST, text)
    if table := parse_table(text, source):
        return Document(source, Structure.TABLE, table)
    if source.suffix.lower() in (".csv", ".tsv"):
        _refuse_table(text, source)
    if _is_yaml(text):
        return Document(source, Structure.YAML, _parse_yaml(text, source))
    _refuse_no_list(text, source)
    return Document(source, Structure.TEXT, text)


_NOT_JSON = object()


def _parse_json_or_lines(text: str, source: Path) -> Any:
    """Return the value of JSON or the list of JSON Lines; `_NOT_JSON` for a name in brackets."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(map(_JSON_LINE.match, lines)):
        return [_parse_line(line, number, source) for number, line in enumerate(lines, 1)]
    if source.suffix.lower() == ".json" or re.match(r'[\[{]\s*(?:["{\[]|$)', text.lstrip()):
        return parse_json(text, source)  # raises, and says where it is wrong
    return _NOT_JSON


def _parse_line(line: str, number: int, source: Path) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise Misuse(f"{source}: line {number} is not JSON, as the lines before it are") from None


def _parse_xml(text: str, source: Path) -> Any:
    import defusedxml.ElementTree as ElementTree
    from defusedxml import DefusedXmlException

    body = re.sub(r"\A<\?xml[^>]*\?>", "", text)  # decoded already, whatever it says of itself
    try:
        root = ElementTree.fromstring(body)
    except DefusedXmlException:
        raise Misuse(f"{source}: XML that declares entities of its own is not read") from None
    except ElementTree.ParseError as error:
        markup = re.match(r"<[^\s>]*", text)
        start = f"{markup[0]}…>" if markup else "markup"
        raise Misuse(
            f"{source}: found {start}, which is no XML that can be read ({error})"
        ) from None
    return root


def _parse_yaml(text: str, source: Path) -> Any:
    import yaml

    if len(text) > _MAX_YAML_CHARACTERS:
        raise Misuse(f"{source}: YAML of more than {_MAX_YAML_CHARACTERS >> 20} MiB is not read")

    class Loader(yaml.BaseLoader):
        """Reads scalars as texts: 1991 and NO are names, *NSYNC and &ME too; no alias explodes."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            if not isinstance(event, yaml.AliasEvent):
                return super().compose_node(parent, index)
            self.get_event()  # type: ignore[no-untyped-call]
            return yaml.ScalarNode(_YAML_TEXT, f"*{event.anchor}")

        def compose_scalar_node(self, anchor: Any) -> Any:
            node = super().compose_scalar_node(anchor)
            if anchor:
                node.value = f"&{anchor} {node.value}".strip()
            return node

    try:
        return yaml.load(text, Loader)  # noqa: S506  # BaseLoader makes nothing but texts
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise Misuse(f"{source}: not YAML: {error.problem}{line}") from None
    except (yaml.YAMLError, RecursionError):
        raise Misuse(f"{source}: not YAML that can be read") from None


def _is_yaml(text: str) -> bool:
    """Tell YAML from a list that a person typed, which may have bullets and headings too.

    What decides is keys with values, in at least half of the lines that are no bare items; in all
    of them where the keys have capitals.
    """
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#") and line != "---"]
    matches = [match for line in lines if (match := _KEYED.fullmatch(line))]
    keys = Counter(match["key"] for match in matches)
    keyed = [match for match in matches if _is_key(match, keys)]
    lower = sum(match["key"].islower() for match in keyed)  # as people seldom write headings
    items = sum(line.startswith("- ") for line in lines) - sum(bool(m["item"]) for m in keyed)
    days = sum(calendar.is_day(match["key"]) for match in matches)
    others = len(lines) - items - days
    is_mostly_keyed = lower >= _MIN_KEYED_SHARE * others or len(keyed) == others
    return is_mostly_keyed and any(match["value"] for match in keyed)


def _is_key(match: re.Match[str], keys: Counter[str]) -> bool:
    """Tell a key from the first word of a name: an item may be called "re: member"."""
    key = match["key"]
    if calendar.is_day(key):
        return False
    if key.casefold() in _LABELS:
        return True
    return key.islower() and (not match["item"] or keys[key] > 1)


def _refuse_table(text: str, source: Path) -> NoReturn:
    headings = ", ".join(header_of(text)[:6])
    raise Misuse(
        f"{source}: expected a CSV file whose first line has a column named artist,"
        f" found {naming.quoted(headings, 100)}"
    )


def _refuse_no_list(text: str, source: Path) -> None:
    """Raise Misuse for a text that nobody typed as a list."""
    if len(text) > _MAX_TEXT_CHARACTERS or max(map(len, text.splitlines()), default=0) > _MAX_LINE:
        raise Misuse(f"{source}: found a text too long for a list of names")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    settings = [line for line in lines if _SETTING.fullmatch(line)]
    if any("=" in line for line in settings) and len(settings) >= _MIN_KEYED_SHARE * len(lines):
        raise Misuse(
            f"{source}: found settings ({naming.quoted(settings[0], 60)});"
            " a list of names was expected"
        )
