"""Who is meant and which tracks there are: from a folder of music, or from names."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from artistindex._util.progress import Reporter
from artistindex._util.remote_files import url_of
from artistindex.entities import Artist, Failure, Service
from artistindex.errors import ArtistIndexError, Remedy
from artistindex.ingest.missing_files import drop_missing
from artistindex.library.library import Library
from artistindex.library.rows import StoredArtist
from artistindex.metadata import local_files
from artistindex.metadata.attribution import Decision, decide_artists
from artistindex.metadata.local_files import FolderScan
from artistindex.metadata.resolver import ArtistResolver, Resolved
from artistindex.metadata.tag_reader import ReadsTags

_FILES_A_REPORT = 100
_FILES_A_COMMIT = 1000

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Discovered:
    """The ids of the artists in the library, and what went wrong with the other names."""

    artist_ids: set[int] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)


def add_folder(
    library: Library,
    music: Path,
    reporter: Reporter,
    *,
    rescan: bool = False,
    prune: bool = False,
    reader: ReadsTags | None = None,
) -> set[int]:
    """Record the audio files below `music`, and return the ids of their artists.

    With `rescan` the tags of all files are read again. Files that are gone leave the library's
    answers; where they are more than a third, only with `prune` (`missing_files`). `reader` reads
    the tags, by default a process of its own. Raises what `survey` raises, and ArtistIndexError
    where no file has an artist.
    """
    artist_ids: set[int] = set()
    nameless = 0
    library.clear_failures(stage="catalogue", below=music if url_of(music) else music.resolve())
    scanned, decisions = survey(library, music, reporter, rescan=rescan, reader=reader)
    files = [*map(local_files.audio_file, decisions), *scanned.failures]
    for start in range(0, len(files), _FILES_A_COMMIT):
        with library.transaction():
            for file in files[start : start + _FILES_A_COMMIT]:
                if isinstance(file, Failure):
                    library.add_failure(file)
                    nameless += 1
                    continue
                track_id = library.upsert_file(
                    file.track, size=file.size, mtime_ns=file.mtime_ns, folder=scanned.root
                )
                artist_ids.update(library.artists_of(track_id))
    present = {file.path for file in scanned.files}
    drop_missing(library, scanned.root, prune=prune, present=present)
    if scanned.unread:
        count, kinds = scanned.unread.total(), ", ".join(sorted(scanned.unread))
        _log.warning("not read: %d files of kinds without a decoder (%s)", count, kinds)
    if nameless:
        _log.warning("not usable: %d of the files", nameless, extra={"remedy": Remedy.SEE_FAILURES})
    if not artist_ids:
        raise ArtistIndexError(f"no file in {music} has an artist", remedy=Remedy.SEE_FAILURES)
    return library.deciding_for(artist_ids)


def survey(
    library: Library | None,
    music: Path,
    reporter: Reporter,
    *,
    rescan: bool = False,
    reader: ReadsTags | None = None,
) -> tuple[FolderScan, list[Decision]]:
    """Look through a folder of music, and decide whose each file is; records nothing.

    Files that have not changed since `library` recorded them are not read again, except with
    `rescan`. Raises what `local_files.scan_folder` raises.
    """
    reporter.activity(f"scanning {music}")

    def report(count: int) -> None:
        if count % _FILES_A_REPORT == 0:
            reporter.activity(f"scanning {music}: {count} files")

    if library is None:
        scanned = local_files.scan_folder(music, progress=report)
        return scanned, decide_artists(scanned.files)
    known = (lambda path, size, mtime_ns: None) if rescan else library.file
    scanned = local_files.scan_folder(music, known=known, reader=reader, progress=report)
    names = [stored.artist.name for stored in library.artists()]
    return scanned, decide_artists(scanned.files, names)


def add_names(
    library: Library, names: Sequence[str], resolver: ArtistResolver, *, tracks: int
) -> Discovered:
    """Find the artists called `names` and list tracks of each.

    A name answered before is not looked up again, unless another id is pinned for it now or fewer
    than `tracks` tracks are listed. What is not found is recorded as a failure of stage
    "catalogue"; a name whose turn did not come, since the catalogue ended, is not: it is left for
    another run.
    """
    library.add_request(names)
    discovered = Discovered()
    unknown = []
    for name in names:
        stored = library.artist_for(name)
        if stored is not None and _is_settled(library, name, stored, resolver, tracks):
            discovered.artist_ids.add(stored.id)
        else:
            unknown.append(name)
    for outcome in resolver.resolve(unknown):
        if outcome.artist is not None:
            discovered.artist_ids.add(_record(library, outcome, outcome.artist))
        elif outcome.failure is not None:
            discovered.failures.append(outcome.failure)
            if not outcome.pending:
                library.add_failure(outcome.failure)
    discovered.artist_ids = library.deciding_for(discovered.artist_ids)
    return discovered


def _is_settled(
    library: Library, name: str, stored: StoredArtist, resolver: ArtistResolver, tracks: int
) -> bool:
    """Return whether `stored` still answers `name`: the same pins, and enough tracks."""
    pin = resolver.pins.of(name)
    if pin is not None:
        for service in Service:
            if pin.ids.get(service) not in (None, stored.artist.ids.get(service)):
                return False
    listed = [row for row in library.tracks_of(stored.id) if row.track.catalogue is not None]
    return len(listed) >= tracks


def _record(library: Library, outcome: Resolved, artist: Artist) -> int:
    """Record who a name means; its parts take the place of a collaboration's name."""
    if outcome.name != outcome.requested:
        library.remove_request(outcome.requested)
    artist_id = library.resolve_request(outcome.name, artist, outcome.tracks)
    for warning in outcome.warnings:
        library.add_failure(Failure(outcome.name, "identity", warning, artist=artist.name))
        _log.warning("%s: %s", outcome.name, warning)
    return artist_id
