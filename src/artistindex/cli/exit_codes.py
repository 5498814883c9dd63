"""The exit codes of the command line; docs/cli.md lists them."""

from typing import TYPE_CHECKING

from artistindex.errors import ArtistIndexError, Misuse

if TYPE_CHECKING:
    from artistindex.ingest.report import BuildReport

DONE, FAILED, MISUSED, SOME_FAILED, INTERRUPTED = 0, 1, 2, 3, 130


def for_error(error: ArtistIndexError) -> int:
    """Return 2 for what was misused, else 1."""
    return MISUSED if isinstance(error, Misuse) else FAILED


def for_build(report: "BuildReport") -> int:
    """Return 0 where every artist is indexed, 3 where some are, 1 where none is."""
    if not report.failed:
        return DONE
    return SOME_FAILED if report.indexed else FAILED
