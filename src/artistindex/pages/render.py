"""A page as one HTML file: data, code and style inside it, and nothing that leaves it.

The Content-Security-Policy in the file allows the script and the style by their hashes, and files
beside the page where it plays some; everything else is refused by the browser.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from artistindex.evaluation.report.style import base_style, integrity
from artistindex.naming import UNPRINTABLE
from artistindex.pages.page_data import PageData

SCRIPTS = ("start", "fold", "data", "lineup", "calendar", "graph", "canvas", "map", "main")
_ASSETS = files("artistindex.pages") / "assets"


@dataclass(frozen=True, slots=True)
class SendForm:
    """A form on the page of a server, to which a line-up is sent; `notice` says what was wrong."""

    notice: str = ""


def render_page(data: PageData, *, form: SendForm | None = None) -> str:
    """Return the page of `data` as HTML; every name in it is text, whatever it holds.

    Only that of a server has a `form`: a file asks nobody for anything.
    """
    style, script = _style(), _script()
    template = _environment().get_template("page.html.jinja")
    html: str = template.render(
        page=data,
        lineup=data.lineup,
        map=data.map,
        style=style,
        script=script,
        form=form,
        policy=policy(style, script, plays_files=data.has_audio, sends_forms=form is not None),
        packed=data.packed(),
    )
    return html


def policy(style: str, script: str, *, plays_files: bool, sends_forms: bool = False) -> str:
    """Return the Content-Security-Policy of a page with this inline style and script."""
    parts = [
        "default-src 'none'",
        f"script-src {integrity(script)}",
        f"style-src {integrity(style)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'self'" if sends_forms else "form-action 'none'",
    ]
    if plays_files:
        parts.append("media-src 'self' file:")
    return "; ".join(parts)


def asset_text(name: str) -> str:
    """Return one of the page's own files."""
    return (_ASSETS / name).read_text("utf-8")


@lru_cache(maxsize=1)
def _style() -> str:
    return base_style() + asset_text("page.css")


@lru_cache(maxsize=1)
def _script() -> str:
    parts = "\n".join(asset_text(f"{name}.js") for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}\n}})();'


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("artistindex.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(text=_text, ordinal=ordinal, decimal=_decimal)
    return environment


def _text(text: object) -> str:
    """Text of strangers without what a browser must not see: controls, directions, surrogates."""
    return UNPRINTABLE.sub("", str(text))


def ordinal(number: float) -> str:
    """Return "1st", "2nd", "93rd", "11th" of a number cut to an integer."""
    whole = int(number)
    ending = (
        "th" if whole % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(whole % 10, "th")
    )
    return f"{whole}{ending}"


def _decimal(number: float) -> str:
    return f"{number:.2f}".replace("-", "−")
