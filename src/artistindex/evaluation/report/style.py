"""The hand in which reports and pages are written: colours, type, and what a page may load."""

import base64
import hashlib
from functools import lru_cache
from importlib.resources import files

_TEMPLATES = files("artistindex.evaluation.report") / "templates"


@lru_cache(maxsize=1)
def base_style() -> str:
    """Return the style that every page begins with: it follows light and dark."""
    return "".join((_TEMPLATES / name).read_text("utf-8") for name in ("colours.css", "base.css"))


def integrity(text: str) -> str:
    """Return a source of a Content-Security-Policy that allows exactly this inline text."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
