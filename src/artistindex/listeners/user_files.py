"""A file of the user's as text, whatever program saved it and however little it can be trusted."""

import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artistindex import naming
from artistindex.errors import Misuse

MAX_BYTES = 256 << 20  # the collection of a DJ with 50,000 tracks is an XML file of 150 MB
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MAX_FOREIGN_LETTERS = 1 / 3  # of the letters in a text of the Western code page


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of the user's that was sent: what it is called there, and its bytes.

    Its name is shown and never opened.
    """

    name: str
    content: bytes

    @property
    def label(self) -> Path:
        """The name as messages have it, cut and escaped."""
        return Path(naming.printable(naming.truncate(self.name.replace("\0", ""))) or "a file")


Source = Path | Upload
"""A file of the user's: a path, of which `-` is standard input, or one that was sent."""


def label_of(source: Source) -> Path:
    """Return what a message calls a file."""
    return source.label if isinstance(source, Upload) else source


def read_text(source: Source) -> str:
    """Return the text of a file of the user's.

    UTF-8, UTF-16 with its mark, and the Western code page of Windows are understood. Raises Misuse
    for what cannot be read as text, is larger than MAX_BYTES, or is a pipe without a writer.
    """
    data = source.content if isinstance(source, Upload) else _read_bytes(source)
    source = label_of(source)
    text = _decode(data)
    if text is None:
        raise Misuse(f"{source}: not text in UTF-8; save it as UTF-8 and try again")
    if "\0" in text:
        raise Misuse(f"{source}: not a text file")
    return text


def read_json(source: Path) -> Any:
    """Return the JSON document in a file of the user's. Raises Misuse with the line at fault."""
    return parse_json(read_text(source), source)


def parse_json(text: str, source: Path) -> Any:
    """Return the JSON document in `text`, which came from `source`. Raises Misuse."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Misuse(f"{source}: not JSON: {error.msg} in line {error.lineno}") from None
    except (ValueError, RecursionError):
        raise Misuse(f"{source}: not JSON that can be read") from None


def kind(value: Any) -> str:
    """Return what a JSON value is, in words for a message."""
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


def _read_bytes(source: Path) -> bytes:
    try:
        if str(source) == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            data = _read_file(source, MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise Misuse(f"cannot read {source}: {reason}") from None
    if len(data) > MAX_BYTES:
        raise Misuse(f"{source}: larger than {MAX_BYTES >> 20} MiB; a list of names was expected")
    return data


def _read_file(source: Path, count: int) -> bytes:
    """Read at most `count` bytes; of a pipe only where somebody writes into it."""
    # a plain open of a pipe waits for a writer, for ever where there is none
    handle = os.open(
        source, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    with open(handle, "rb", buffering=0) as file:
        start = b""
        if stat.S_ISFIFO(os.fstat(handle).st_mode):
            start = file.read(1)  # None: a writer is there and has written nothing yet
            if start == b"":
                raise Misuse(f"cannot read {source}: a pipe that nobody writes into")
            os.set_blocking(handle, True)
        return (start or b"") + _read_up_to(file, count)


def _read_up_to(file: Any, count: int) -> bytes:
    chunks = []
    while count > 0 and (chunk := file.read(min(count, 1 << 20))):
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


def _decode(data: bytes) -> str | None:
    if data[:2] in _UTF_16_MARKS:
        return _decoded(data, "utf-16")
    text = _decoded(data, "utf-8-sig")
    if text is None:
        text = _decoded(data, "cp1252")
        if text is not None and not _is_western(text):
            return None
    return text


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_western(text: str) -> bool:
    """Tell whether what the code page made of the bytes is language, which picture bytes are not.

    Every sequence of bytes means something in a code page of one byte a letter.
    """
    letters = [character for character in text if character.isalpha()]
    foreign = sum(not letter.isascii() for letter in letters)
    printable = all(character.isprintable() or character.isspace() for character in text)
    return printable and foreign <= _MAX_FOREIGN_LETTERS * len(letters)
