"""What a shell offers behind an option or for an argument: models, indexes, artists' names.

Nothing that goes wrong here may disturb who is typing: what cannot be read is offered to nobody.
"""

import os
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import click

from artistindex import naming
from artistindex.errors import ArtistIndexError

_MAX_OFFERED = 200
_BASH_SPECIAL = re.compile(r"([^\w@%+:,./-])")


def models(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the models there are."""
    from artistindex.embedding.registry import names

    return [name for name in names() if name.startswith(incomplete)]


def indexes(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the indexes in the folder."""
    from artistindex.index.reader import all_indexes

    names = [path.name for path in all_indexes(_folder(ctx))]
    return [name for name in names if name.startswith(incomplete)]


def artists(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the artists of the index that a query would ask, else those of the library."""
    begun = naming.normalise(incomplete) if incomplete.strip() else ""
    try:
        names = _artists(_folder(ctx), begun)
    except (ArtistIndexError, OSError):
        return []
    offered = (
        name for name in names if naming.printable(name) == name and not name.startswith("-")
    )
    return [_quoted(name) for name in islice(offered, _MAX_OFFERED)]


def _artists(folder: Path, begun: str) -> Iterable[str]:
    """The names whose folded form is `begun` so, or more of them than are offered."""
    from artistindex.index.reader import ArtistIndex, all_indexes, find_index
    from artistindex.library.library import FILE_NAME, Library

    if all_indexes(folder):
        with ArtistIndex.open(find_index(folder)) as index:
            return index.names_beginning(begun, 2 * _MAX_OFFERED)
    with Library.open(folder / FILE_NAME, read_only=True) as library:
        names = [stored.artist.name for stored in library.artists()]
        return [name for name in names if naming.normalise(name).startswith(begun)]


def _folder(ctx: click.Context) -> Path:
    folder: Path = ctx.find_root().params["indexes"]
    return folder


def _quoted(name: str) -> str:
    """Return `name` as the shell takes it for one word; of these, bash alone does not see to it."""
    if not os.environ.get("_ARTISTINDEX_COMPLETE", "").startswith("bash"):
        return name
    typed = os.environ.get("COMP_WORDS", "")
    word = typed.rpartition("\n" if "\n" in typed else " ")[2]
    if word[:1] in ("'", '"'):
        return name
    return _BASH_SPECIAL.sub(r"\\\\\1", name)  # twice: click's script reads them with `read`
