"""Lists that a person typed or pasted: lines without their bullets and numbers."""

import re
from collections.abc import Iterator

_BULLET = re.compile(r"(?:[-*+–—•·●○▪▫◦‣⁃►▸★☆✦]|\\-)\s+(?=\S)")
_NUMBER = re.compile(r"(?:\d{1,4}[.)]|\(\d{1,4}\)|#\d{1,4}[.:)])\s+(?=\S)")
_FIRST = re.compile(r"\(?1[.)]\s")
_COMMENT = re.compile(r"#(?!\d)")
_LINK = re.compile(r"\[([^\[\]]+)\]\(https?://[^()\s]*\)")
_BOLD = re.compile(r"(\*\*|__)(?=\S)(.+)(?<=\S)\1:?")
_MIN_NUMBERED_SHARE = 0.5


def typed_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the words of each line, without bullet, number, comment or blank.

    A number is one of the list, and none of a name, where at least half of the lines have one.
    """
    lines = [
        (number, _strip_markdown(strip_bullet(line)))
        for number, line in enumerate(map(str.strip, text.splitlines()), 1)
        if line and not _COMMENT.match(line)
    ]
    numbered = [line for _, line in lines if strip_number(line) != line]
    is_list = len(numbered) > 1 or any(map(_FIRST.match, numbered))
    is_numbered = is_list and len(numbered) >= _MIN_NUMBERED_SHARE * len(lines)
    for number, line in lines:
        yield number, strip_quotes(strip_number(line) if is_numbered else line)


def _strip_markdown(line: str) -> str:
    """Return a line without what makes it bold, and links as their words."""
    bold = _BOLD.fullmatch(line)
    return _LINK.sub(r"\1", bold[2].strip() if bold else line)


def strip_bullet(line: str) -> str:
    """Return a line without the bullet before it."""
    match = _BULLET.match(line)
    return line[match.end() :] if match else line


def strip_number(line: str) -> str:
    """Return a line without the number of a list before it."""
    match = _NUMBER.match(line)
    return line[match.end() :] if match else line


def strip_quotes(line: str) -> str:
    """Return a line without the quotes around all of it."""
    is_quoted = len(line) > 2 and line[0] == line[-1] == '"' and '"' not in line[1:-1]
    return line[1:-1].strip() if is_quoted else line
