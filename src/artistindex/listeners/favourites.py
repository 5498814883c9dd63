"""Reading lists of names: what `--artists FILE` takes."""

import csv
import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from artistindex import naming
from artistindex.errors import Misuse

_MAX_BYTES = 32 << 20
_COLUMN = "artist"
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def read_names(source: Path) -> list[str]:
    """The names in `source`, tidied, each folded name once, in order. `-` is standard input.

    By its ending a file is JSON (a list of names, or `{"artists": [...]}` as the original
    experiment wrote it), CSV or TSV (a column named artist) or text (one name a line, # begins a
    comment line). Standard input and other endings are looked at: JSON if it is a JSON list or
    object, CSV if the first line has a column named artist, else text. Raises Misuse.
    """
    text = read_text(source)
    found = list(unique(_names(text, source.suffix.lower(), str(source))))
    if not found:
        raise Misuse(f"{source}: no artist in it; one name a line was expected")
    return found


def unique(wanted: Iterable[str]) -> Iterable[str]:
    """The tidied names in order, each folded name once; empty ones are left out."""
    seen = set()
    for name in map(naming.clean, wanted):
        key = naming.normalise(name)
        if name and key not in seen:
            seen.add(key)
            yield name


def read_text(source: Path) -> str:
    """The text of a file of the user's (UTF-8, or UTF-16 with its mark), or of standard input.

    Raises Misuse for what cannot be read as text, with the reason.
    """
    data = _read_bytes(source)
    encoding = _BYTE_ORDER_MARKS.get(data[:2], "utf-8-sig")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise Misuse(f"{source}: not text in UTF-8; save it as UTF-8 and try again") from None
    if "\0" in text:
        raise Misuse(f"{source}: not a text file")
    return text


def read_json(source: Path) -> Any:
    """The JSON document in a file of the user's. Raises Misuse with the line that is wrong."""
    return _parse_json(read_text(source), str(source))


def _read_bytes(source: Path) -> bytes:
    try:
        if str(source) == "-":
            data = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with source.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise Misuse(f"cannot read {source}: {reason}") from None
    if len(data) > _MAX_BYTES:
        raise Misuse(f"{source}: larger than {_MAX_BYTES >> 20} MiB; a list of names was expected")
    return data


def _names(text: str, suffix: str, source: str) -> Iterable[str]:
    if suffix == ".json":
        return _from_json(_parse_json(text, source), source)
    if suffix in (".csv", ".tsv"):
        return _from_csv(text, source)
    if suffix in (".txt", ".text"):
        return _from_lines(text)
    if text.lstrip()[:1] in ("[", "{"):
        try:
            return _from_json(json.loads(text), source)
        except (ValueError, RecursionError):
            return _from_lines(text)
    return _from_csv(text, source) if _header(text) else _from_lines(text)


def _from_lines(text: str) -> Iterable[str]:
    lines = (line.strip() for line in text.splitlines())
    return (line for line in lines if not line.startswith("#"))


def _from_json(document: Any, source: str) -> Iterable[str]:
    entries = document.get("artists") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise Misuse(
            f'{source}: expected a JSON list of names or {{"artists": [...]}}, '
            f"found {kind(document)}"
        )
    for position, entry in enumerate(entries, start=1):
        if not isinstance(entry, str):
            raise Misuse(
                f"{source}: entry {position} of the list must be a name, found {kind(entry)}"
            )
    return entries


def _from_csv(text: str, source: str) -> Iterable[str]:
    header = _header(text)
    if header is None:
        raise Misuse(f"{source}: expected a CSV file whose first line has a column named artist")
    delimiter, column = header
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Misuse(f"{source}: not a CSV file: {error}") from None
    return [row[column] for row in rows[1:] if len(row) > column]


def _header(text: str) -> tuple[str, int] | None:
    """The delimiter and the column of the artist, if the first line is a header that has one."""
    first = next(iter(text.splitlines()), "")
    for delimiter in ",;\t":
        try:
            cells = next(csv.reader([first], delimiter=delimiter), [])
        except csv.Error:
            continue
        folded = [naming.normalise(entry) for entry in cells]
        if _COLUMN in folded:
            return delimiter, folded.index(_COLUMN)
    return None


def _parse_json(text: str, source: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Misuse(f"{source}: not JSON: {error.msg} in line {error.lineno}") from None
    except (ValueError, RecursionError):
        raise Misuse(f"{source}: not JSON that can be read") from None


def kind(value: Any) -> str:
    """What a JSON value is, for a message."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return "a text"
        case _:
            return "a number"
