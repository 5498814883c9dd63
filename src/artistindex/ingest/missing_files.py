"""Files that were there when a folder of music was scanned before, and are not now."""

import logging
from collections.abc import Collection, Sequence
from pathlib import Path

from artistindex import naming
from artistindex._util.remote_files import url_of
from artistindex.entities import Artist
from artistindex.errors import Remedy
from artistindex.library.library import Library
from artistindex.library.tracks import is_gone

_MAX_SHARE = 1 / 3  # of a folder's files; where more are gone, a disk may not be mounted
_MAX_NAMED = 10

_log = logging.getLogger(__name__)


def drop_missing(
    library: Library, music: Path, *, prune: bool, present: Collection[Path] = ()
) -> None:
    """Take the files below `music` that are gone out of the answers, and say whose they were.

    Their vectors are kept, for when they come back. Where more than a third of the files are gone,
    that is said and nothing is dropped, unless `prune` is given. Of a folder elsewhere, the files
    that are `present` say which are gone.
    """
    known = library.files_below(music)
    elsewhere = url_of(music) is not None
    gone = [
        track_id
        for path, track_id in known.items()
        if (path not in present if elsewhere else is_gone(path))
    ]
    if len(gone) > len(known) * _MAX_SHARE and not prune:
        _log.warning(
            "%d of %d files that were in %s are gone, as if a disk were missing; they are kept",
            len(gone),
            len(known),
            music,
            extra={"remedy": Remedy.PRUNE},
        )
    elif gone:
        artists = library.set_missing(gone)
        _log.warning("%d files that were in %s are gone%s", len(gone), music, _and_with(artists))


def _and_with(artists: Sequence[Artist]) -> str:
    if not artists:
        return ""
    names = [naming.truncate(artist.name) for artist in artists[:_MAX_NAMED]]
    more = len(artists) - len(names)
    return f", and with them {', '.join(names)}{f' and {more} more' if more else ''}"
