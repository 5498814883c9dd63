"""What `artistindex build --audio DIR --dry-run` prints: who would be there, and why."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistindex import naming
from artistindex.cli.display import Display
from artistindex.cli.options import State
from artistindex.cli.output import counted, emit, message
from artistindex.entities import Artist, Failure
from artistindex.library.decisions import FILE_NAME as DECISIONS_FILE
from artistindex.library.decisions import Decisions
from artistindex.library.library import FILE_NAME, Library
from artistindex.metadata import local_files

if TYPE_CHECKING:
    from artistindex.metadata.attribution import Decision
    from artistindex.metadata.local_files import FolderScan

_COLUMNS = ("artist", "files", "from", "why")
_MAX_NOTES = 3  # in a table
_NOTHING_DECIDED = Decisions()


@dataclass(slots=True)
class _Summary:
    """The files that a name stands for, and what was decided about them, each note once."""

    ids: dict[str, str]
    files: int = 0
    guessed: int = 0
    notes: dict[str, None] = field(default_factory=dict)

    def add(self, other: "_Summary") -> None:
        """Add the files of another name of the same artist."""
        self.files += other.files
        self.guessed += other.guessed
        self.notes |= other.notes


def dry_run(state: State, music: Path, names: Sequence[str], output_format: str) -> int:
    """Print whose the files in `music` are, and return the exit code.

    Only the artists called `names`, where there are any. Writes nothing: 0 where the folder has an
    artist, 1 where it has none.
    """
    from artistindex.ingest.discover import survey

    path = state.indexes / FILE_NAME
    opened = Library.open(path, read_only=True) if path.is_file() else nullcontext()
    with opened as library, Display(quiet=state.quiet) as display:
        scanned, decisions = survey(library, music, display)
    payload = plan(scanned, decisions, names, Decisions.read(state.indexes / DECISIONS_FILE))
    emit(_rows(payload), _COLUMNS, output_format, payload=payload)
    _say(payload, quiet=state.quiet)
    return 0 if payload["artists"] else 1


def plan(
    scanned: "FolderScan",
    decisions: Sequence["Decision"],
    names: Iterable[str] = (),
    decided: Decisions = _NOTHING_DECIDED,
) -> dict[str, Any]:
    """Return the JSON shape of `artistindex build --audio DIR --dry-run --format json`.

    `{"folder", "artists": [{"artist", "ids", "files", "guessed", "notes"}], "nobody": [{"path",
    "reason", "note"}], "failed": [{"path", "reason"}], "unread": {suffix: files},
    "ignored": {artist: files}}`; `guessed` counts the files whose artist comes from their path or
    title, `notes` say what was done about names. What the user `decided` about names is respected.
    """
    keys = {naming.normalise(name) for name in decided.meant_by(names)}
    summaries = _by_artist(decisions)
    ignored = {artist.name: summaries.pop(artist).files for artist in _ignored(summaries, decided)}
    artists = {
        artist: summary
        for artist, summary in _joined(summaries, decided).items()
        if not keys or naming.normalise(artist.name) in keys
    }
    return {
        "folder": str(scanned.root),
        "artists": [
            {
                "artist": artist.name,
                "ids": summary.ids,
                "files": summary.files,
                "guessed": summary.guessed,
                "notes": list(summary.notes),
            }
            for artist, summary in sorted(
                artists.items(), key=lambda item: naming.normalise(item[0].name)
            )
        ],
        "nobody": list(_nobodys(decisions)),
        "failed": [{"path": row.what, "reason": row.reason} for row in scanned.failures],
        "unread": dict(sorted(scanned.unread.items())),
        "ignored": ignored,
    }


def _ignored(artists: Iterable[Artist], decided: Decisions) -> list[Artist]:
    return [artist for artist in artists if decided.ignores(artist)]


def _joined(summaries: Mapping[Artist, _Summary], decided: Decisions) -> dict[Artist, _Summary]:
    """Return the summaries with those of other names added to whom they are names of."""
    by_name = {naming.normalise(artist.name): artist for artist in summaries}
    joined: dict[Artist, _Summary] = {}
    for artist, summary in summaries.items():
        other = decided.alias_of(artist)
        if other is not None:
            summary.notes[f"{artist.name!r} is {other}, as you decided"] = None
            artist = by_name.get(naming.normalise(other), Artist(other))
        joined.setdefault(artist, _Summary(dict(artist.ids))).add(summary)
    return joined


def _by_artist(decisions: Iterable["Decision"]) -> dict[Artist, _Summary]:
    artists: dict[Artist, _Summary] = {}
    for decision in decisions:
        for artist in decision.artists:
            ids = {str(service): id_ for service, id_ in artist.ids.items()}
            summary = artists.setdefault(artist, _Summary(ids))
            summary.files += 1
            summary.guessed += decision.guessed
            if decision.note:
                summary.notes[decision.note] = None
    return artists


def _nobodys(decisions: Iterable["Decision"]) -> Iterable[dict[str, Any]]:
    for decision in decisions:
        if not decision.artists:
            outcome = local_files.audio_file(decision)
            reason = outcome.reason if isinstance(outcome, Failure) else ""
            yield {"path": str(decision.file.relative), "reason": reason, "note": decision.note}


def _rows(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row an artist, then one for each reason why files are nobody's."""
    rows = [
        {
            "artist": artist["artist"],
            "files": artist["files"],
            "from": _origin(artist),
            "why": _cut(artist["notes"]),
        }
        for artist in payload["artists"]
    ]
    reasons = Counter(row["note"] or row["reason"] for row in payload["nobody"])
    reasons.update(row["reason"] for row in payload["failed"])
    reasons.update(
        {f"{artist!r} is ignored": files for artist, files in payload["ignored"].items()}
    )
    return rows + [
        {"artist": None, "files": files, "from": None, "why": reason}
        for reason, files in reasons.most_common()
    ]


def _origin(artist: dict[str, Any]) -> str:
    if not artist["guessed"]:
        return "tags"
    return "guess" if artist["guessed"] == artist["files"] else "tags, guess"


def _cut(notes: Sequence[str]) -> str:
    more = [f"and {len(notes) - _MAX_NOTES} more"] if len(notes) > _MAX_NOTES else []
    return "; ".join([*notes[:_MAX_NOTES], *more])


def _say(payload: dict[str, Any], *, quiet: bool) -> None:
    guessed = sum(artist["guessed"] > 0 for artist in payload["artists"])
    nobodys = len(payload["nobody"]) + len(payload["failed"]) + sum(payload["ignored"].values())
    message(
        f"{counted(len(payload['artists']), 'artist')}, {guessed} of them guessed;"
        f" {counted(nobodys, 'file')} would not be used; nothing was written",
        quiet=quiet,
    )
    if payload["unread"]:
        kinds = ", ".join(payload["unread"])
        files = counted(sum(payload["unread"].values()), "file")
        message(f"not read: {files} of kinds without a decoder ({kinds})", quiet=quiet)
