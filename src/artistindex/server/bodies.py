"""Bodies of answers: JSON and XML, whatever letters are in a name."""

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_json(value: object) -> bytes:
    """Return a JSON document; a NaN or an infinity in it is a mistake of ours and raises."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")  # a lone surrogate becomes JSON's own escape


class Element:
    """An element of XML with `attributes`, and inside it `text` or other elements."""

    def __init__(
        self,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        *children: "Element",
        text: str = "",
    ) -> None:
        self._name, self._attributes = name, attributes or {}
        self._children, self._text = children, text

    def document(self) -> bytes:
        """Return the document of which it is the root, in UTF-8."""
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{self}'.encode()

    def __str__(self) -> str:
        attributes = "".join(
            f" {key}={quoteattr(_text(value))}" for key, value in self._attributes.items()
        )
        inside = escape(_text(self._text)) + "".join(map(str, self._children))
        start = f"<{self._name}{attributes}"
        return f"{start}>{inside}</{self._name}>" if inside else f"{start}/>"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _NOT_IN_XML.sub("\ufffd", str(value))
