"""Text in a CSV cell that no spreadsheet runs as a formula.

Excel and LibreOffice take a cell for a formula that begins with =, +, - or @, their full-width
forms included, whatever space or quotation mark stands before, and wherever a cell begins by the
separator of the reader's own country: a semicolon, say. An apostrophe in front makes it text.
"""

import re

from artistindex.naming import printable

_SEPARATOR = re.compile(r"([,;|])")  # tabs and ends of lines are escaped before
_FORMULA = re.compile('[\\s"\u200b-\u200d\u2060\ufeff]*[=+\\-@＝＋－＠﹦﹢﹣﹫]')
_NUMBER = re.compile(r"\s*[+-]\s?\(?\d[\d\s().-]*(?:[eE][+-]?\d+)?\s?%?\s*", re.ASCII)


def csv_text(text: str) -> str:
    """Return `text` with control characters escaped and an apostrophe before each formula.

    Numbers, of telephones too ("+44", "+1 555 0100"), are none and stay as they are.
    """
    return "".join(map(_defuse, _SEPARATOR.split(printable(text))))


def _defuse(part: str) -> str:
    is_formula = _FORMULA.match(part) and not _NUMBER.fullmatch(part)
    return f"'{part}" if is_formula else part
