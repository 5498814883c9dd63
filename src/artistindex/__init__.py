"""Turns artists into vectors by how their music sounds, and finds who sounds alike.

The flow, which the folders show; imports run only leftwards along it:

    names, records, errors    what everyone speaks
    catalogues -> audio -> models -> library -> ingest -> index -> query -> musicmap, evaluation
       who         what     vectors   kept       joined    searchable  asked        judged
    cli parses, calls one of these, prints

The whole public API is named in `__all__`. Everything else may change without notice.
"""

from typing import TYPE_CHECKING, Any

from artistindex.errors import ArtistIndexError

if TYPE_CHECKING:
    from artistindex.entities import Neighbour
    from artistindex.evaluation.compare import compare
    from artistindex.evaluation.evaluate import evaluate
    from artistindex.index.reader import ArtistIndex
    from artistindex.ingest.pipeline import build
    from artistindex.library.library import Library

__version__ = "0.1.0"
__all__ = [
    "ArtistIndex",
    "ArtistIndexError",
    "Library",
    "Neighbour",
    "build",
    "compare",
    "evaluate",
]

_HOMES = {
    "ArtistIndex": "artistindex.index.reader",
    "Library": "artistindex.library.library",
    "Neighbour": "artistindex.entities",
    "build": "artistindex.ingest.pipeline",
    "compare": "artistindex.evaluation.compare",
    "evaluate": "artistindex.evaluation.evaluate",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for, so that importing the package costs next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'artistindex' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
