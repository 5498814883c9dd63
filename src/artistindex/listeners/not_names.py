"""What stands in a list of names and is none: addresses, paths, markup, dates."""

import re
from enum import StrEnum

from artistindex.listeners import calendar


class NotAName(StrEnum):
    """What a line is that cannot be a name, in words for a message."""

    ADDRESS = "an address"
    PATH = "a path"
    MARKUP = "markup"
    DATE = "a date"


_MAX_CHARACTERS = 400
_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S|\bwww\.\w|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b|^(?:mailto|spotify):\S"
    r"|^(?:[\w-]+\.)+(?:com|org|net|io|fm|co|tv|me|de|uk|fr|nl|ca|us)(?:/\S*)$",
    re.IGNORECASE,
)
_PATH = re.compile(
    r"^(?:~|\.{1,2})?/[^/\s][^/]*/\S|^[a-z]:[\\/]\S|^\\\\\w"
    r"|[\\/].*\.(?:mp3|flac|wav|ogg|opus|m4a|aac|aiff?|wma|m3u8?)$",
    re.IGNORECASE,
)
_MARKUP = re.compile(  # <PIG> is a band
    r"</[a-z]|<[a-z][\w:.-]*\s+[\w:.-]+=|<[^<>]*/>|<[!?]\w|<!--"
    r"|<(?:a|b|i|p|u|br|hr|li|ul|ol|td|tr|th|em|div|span|strong|html|body|head|title|table|h\d)>",
    re.IGNORECASE,
)


def not_a_name(text: str) -> NotAName | None:
    """Return what a line of a list is if it cannot be a name, None where it may be one."""
    line = text.strip()[:_MAX_CHARACTERS]
    if _ADDRESS.search(line):
        return NotAName.ADDRESS
    if _PATH.search(line):
        return NotAName.PATH
    if _MARKUP.search(line):
        return NotAName.MARKUP
    return NotAName.DATE if calendar.is_date(line) else None
