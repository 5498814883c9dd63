"""What `artistindex build --dry-run` prints: who is meant, and which tracks would be taken.

With --explain-match it prints the videos that a search gives for each track, and their worth.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistindex import naming
from artistindex.cli.output import emit, message, progress
from artistindex.cli.remedies import line_for
from artistindex.errors import ServiceEnded, TrackError

if TYPE_CHECKING:
    from artistindex.audio.sources.match import Verdict
    from artistindex.entities import Track
    from artistindex.metadata.resolver import Resolved

    Search = Callable[[Track], list[Verdict]]

_COLUMNS = ("artist", "id", "matched", "tracks")
_VIDEO_COLUMNS = ("artist", "track", "video", "channel", "seconds", "score", "accepted", "reason")


def dry_run(
    names: Sequence[str],
    *,
    catalogue: str | None,
    ids: Path | None,
    tracks: int,
    output_format: str,
    quiet: bool,
    search: "Search | None" = None,
) -> int:
    """Look the names up, print what a build would take, and return the exit code.

    With `search` every track is searched for, and the verdicts on its videos are printed instead.
    Writes to no library: 0 where every artist was found, 3 where some were, 1 where none was.
    """
    from artistindex.metadata.resolver import open_resolver

    with (
        open_resolver(catalogue, ids=ids, limit=tracks) as resolver,
        progress(quiet=quiet) as shown,
    ):
        task = shown.add_task("looking up", total=len(names))
        outcomes, last = [], None
        for outcome in resolver.resolve(names):
            outcomes.append(outcome)
            shown.update(task, advance=outcome.requested != last)
            last = outcome.requested
        provider = resolver.provider.name
    payload = plan(outcomes, provider, search)
    rows, columns = (
        (_rows(payload), _COLUMNS) if search is None else (_videos(payload), _VIDEO_COLUMNS)
    )
    emit(rows, columns, output_format, payload=payload)
    _say(payload, quiet=quiet)
    if not payload["failed"]:
        return 0
    return 3 if payload["artists"] else 1


def plan(
    outcomes: Iterable["Resolved"], catalogue: str, search: "Search | None" = None
) -> dict[str, Any]:
    """Return the JSON shape of `artistindex build --dry-run --format json`.

    `{"catalogue": "deezer", "artists": [{"requested", "artist", "id", "how", "warnings",
    "tracks": [{"title", "artists", "album", "duration", "id", "isrc"}]}],
    "failed": [{"requested", "artist", "stage", "reason", "pending"}]}`; `how` is "pinned",
    "linked", "exact" or "part". With `search` a track has "candidates" as well, the best first:
    [{"id", "title", "channel", "duration", "accepted", "score", "reason"}], and "problem", which
    is why there are none, or null.
    """
    explainer = _Explainer(search) if search is not None else None
    artists: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for outcome in outcomes:
        if outcome.artist is not None:
            tracks = [_track(track, explainer) for track in outcome.tracks]
            artists.append(
                {
                    "requested": outcome.requested,
                    "artist": outcome.artist.name,
                    "id": outcome.artist.ids.get(catalogue),
                    "how": outcome.how,
                    "warnings": list(outcome.warnings),
                    "tracks": tracks,
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
    return {"catalogue": catalogue, "artists": artists, "failed": failed}


def _track(track: "Track", explainer: "_Explainer | None") -> dict[str, Any]:
    fields = {
        "title": track.title,
        "artists": [credit.name for credit in track.artists],
        "album": track.album,
        "duration": track.duration,
        "id": track.catalogue_id,
        "isrc": track.isrc,
    }
    return fields | (explainer.explain(track) if explainer is not None else {})


def _rows(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "artist": artist["artist"],
            "id": artist["id"],
            "matched": artist["how"],
            "tracks": "; ".join(track["title"] for track in artist["tracks"]),
        }
        for artist in payload["artists"]
    ]


class _Explainer:
    """Searches for tracks, until the service ends, and tells what the videos are worth."""

    def __init__(self, search: "Search") -> None:
        self._search = search
        self._ended: str | None = None

    def explain(self, track: "Track") -> dict[str, Any]:
        """Return the fields that a track's row of the plan gets."""
        if self._ended is not None:
            return {"candidates": [], "problem": self._ended}
        try:
            return {"candidates": _candidates(self._search(track)), "problem": None}
        except ServiceEnded as error:
            self._ended = line_for(error)
            return {"candidates": [], "problem": self._ended}
        except TrackError as error:
            return {"candidates": [], "problem": line_for(error)}


def _candidates(verdicts: Sequence["Verdict"]) -> list[dict[str, Any]]:
    return [
        {
            "id": verdict.candidate.id,
            "title": verdict.candidate.title,
            "channel": verdict.candidate.channel,
            "duration": verdict.candidate.duration,
            "accepted": verdict.accepted,
            "score": verdict.score,
            "reason": verdict.reason,
        }
        for verdict in verdicts
    ]


def _videos(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row a video, or one that says why a track has none."""
    rows = []
    for artist in payload["artists"]:
        for track in artist["tracks"]:
            row = {"artist": artist["artist"], "track": track["title"]}
            if not track["candidates"]:
                rows.append(row | {"reason": track["problem"] or "the search found no video"})
            rows += [
                row
                | {"video": video["title"], "channel": video["channel"]}
                | {"seconds": video["duration"], "score": video["score"]}
                | {"accepted": "yes" if video["accepted"] else "no", "reason": video["reason"]}
                for video in track["candidates"]
            ]
    return rows


def _say(payload: dict[str, Any], *, quiet: bool) -> None:
    """Say warnings and failures, one line each, and what is pending in one line for all."""
    for artist in payload["artists"]:
        for warning in artist["warnings"]:
            message(f"{artist['artist']}: {warning}", quiet=quiet)
    pending = [failure for failure in payload["failed"] if failure["pending"]]
    for failure in payload["failed"]:
        if not failure["pending"]:
            who = naming.truncate(failure["artist"]) or "(empty)"
            message(f"{who}: {failure['reason']}", quiet=quiet)
    if pending:
        message(f"{len(pending)} not looked up: {pending[0]['reason']}", quiet=quiet)
