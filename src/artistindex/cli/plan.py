"""What `artistindex build --dry-run` prints: who is meant, and which tracks would be taken."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistindex.cli.output import emit, message, progress

if TYPE_CHECKING:
    from artistindex.metadata.resolver import Resolved

_COLUMNS = ("artist", "id", "matched", "tracks")


def dry_run(
    wanted: Sequence[str],
    *,
    catalogue: str | None,
    ids: Path | None,
    tracks: int,
    form: str,
    quiet: bool,
) -> int:
    """Look the names up, print what a build would take, and return the exit code.

    Writes to no library: 0 where every artist was found, 3 where some were, 1 where none was.
    """
    from artistindex.metadata.resolver import open_resolver

    with (
        open_resolver(catalogue, ids=ids, limit=tracks) as lookup,
        progress(quiet=quiet) as shown,
    ):
        task = shown.add_task("looking up", total=len(wanted))
        outcomes, last = [], None
        for outcome in lookup.resolve(wanted):
            outcomes.append(outcome)
            shown.update(task, advance=outcome.requested != last)
            last = outcome.requested
        name = lookup.provider.name
    payload = plan(outcomes, name)
    emit(_rows(payload), _COLUMNS, form, payload=payload)
    _say(payload, quiet=quiet)
    if not payload["failed"]:
        return 0
    return 3 if payload["artists"] else 1


def plan(outcomes: Iterable["Resolved"], catalogue: str) -> dict[str, Any]:
    """The JSON shape of `artistindex build --dry-run --format json`.

    `{"catalogue": "deezer", "artists": [{"requested", "artist", "id", "how", "warnings",
    "tracks": [{"title", "artists", "album", "duration", "id", "isrc"}]}],
    "failed": [{"requested", "artist", "stage", "reason", "pending"}]}`; `how` is "pinned",
    "linked", "exact" or "part".
    """

    found: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for outcome in outcomes:
        if outcome.artist is not None:
            found.append(
                {
                    "requested": outcome.requested,
                    "artist": outcome.artist.name,
                    "id": outcome.artist.ids.get(catalogue),
                    "how": outcome.how,
                    "warnings": list(outcome.warnings),
                    "tracks": [
                        {
                            "title": track.title,
                            "artists": [credit.name for credit in track.artists],
                            "album": track.album,
                            "duration": track.duration,
                            "id": track.catalogue_id,
                            "isrc": track.isrc,
                        }
                        for track in outcome.tracks
                    ],
                }
            )
        elif outcome.failure is not None:
            failed.append(
                {
                    "requested": outcome.requested,
                    "artist": outcome.name,
                    "stage": outcome.failure.stage,
                    "reason": outcome.failure.reason,
                    "pending": outcome.pending,
                }
            )
    return {"catalogue": catalogue, "artists": found, "failed": failed}


def _rows(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "artist": each["artist"],
            "id": each["id"],
            "matched": each["how"],
            "tracks": "; ".join(track["title"] for track in each["tracks"]),
        }
        for each in payload["artists"]
    ]


def _say(payload: dict[str, Any], *, quiet: bool) -> None:
    """Warnings and failures, one line each; what is pending in one line for all."""
    for each in payload["artists"]:
        for warning in each["warnings"]:
            message(f"{each['artist']}: {warning}", quiet=quiet)
    pending = [each for each in payload["failed"] if each["pending"]]
    for each in payload["failed"]:
        if not each["pending"]:
            message(f"{each['artist'][:80] or '(empty)'}: {each['reason']}", quiet=quiet)
    if pending:
        message(f"{len(pending)} not looked up: {pending[0]['reason']}", quiet=quiet)
