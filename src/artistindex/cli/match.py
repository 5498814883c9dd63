"""`artistindex match`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from artistindex.cli.options import State, cookie_options, format_option, index_option, pass_state
from artistindex.cli.output import emit, message
from artistindex.errors import BrokenLibrary, Misuse
from artistindex.index.manifest import FILE_NAME as MANIFEST
from artistindex.index.manifest import Manifest
from artistindex.index.reader import PREFERRED, ArtistIndex, all_indexes, find_index
from artistindex.listeners.favourites import read_names
from artistindex.query.lineup import LineupEntry, Ranking, rank_lineup

_COLUMNS = ("rank", "artist", "score", "percentile", "because")
_MAX_SHOWN = 10
_names_file = click.Path(path_type=Path, allow_dash=True)


@click.command(name="match")
@click.argument("lineup", type=_names_file, metavar="LINEUP")
@click.option(
    "--likes", type=_names_file, required=True, metavar="FILE", help="The favourites' names."
)
@click.option(
    "--dislikes", type=_names_file, metavar="FILE", help="Artists whose like are to go down."
)
@index_option("The index to ask.  [default: the only one, else discogs-effnet]")
@click.option(
    "--ingest",
    is_flag=True,
    help="First fetch and embed who is missing, as `build` does by default.",
)
@cookie_options
@format_option
@pass_state
def command(
    state: State,
    /,
    lineup: Path,
    likes: Path,
    dislikes: Path | None,
    index: tuple[str, ...],
    ingest: bool,
    form: str,
    **cookies: Any,
) -> int:
    """Rank the artists in the file LINEUP for someone's favourites.

    LINEUP and the other files are lists of names as `build --artists` takes them: text (one a
    line), CSV or TSV (a column artist) or JSON; - is standard input. Favourites who play come
    first. The score is the cosine to the nearest favourite, less half of that to the nearest of
    --dislikes; the percentile says how many of the index's artists fit less. Who is not indexed is
    listed separately.
    """
    if [lineup, likes, dislikes].count(Path("-")) > 1:
        raise Misuse("only one of LINEUP, --likes and --dislikes can be standard input (-)")
    if len(index) > 1:
        raise Misuse("a line-up is ranked by one index: give --index once")
    if any(cookies.values()) and not ingest:
        raise Misuse("cookies are for fetching audio: they go with --ingest")
    wanted, liked = read_names(lineup), read_names(likes)
    disliked = read_names(dislikes) if dislikes else []
    model = index[0] if index else None
    failed = []
    if ingest:
        failed = _ingest(state, [*liked, *disliked, *wanted], model, cookies)
    with ArtistIndex.open(find_index(state.indexes, model)) as opened:
        found = rank_lineup(opened, wanted, liked, disliked)
        name = opened.name
    payload = _payload(name, found)
    if ingest:
        payload["failed"] = failed
    emit([_row(each) for each in found.ranked], _COLUMNS, form, payload=payload)
    if not state.quiet:
        _remark(found, failed)
    return 3 if failed else 0


def _ingest(
    state: State, wanted: Sequence[str], model: str | None, cookies: dict[str, Any]
) -> list[dict[str, str]]:
    """Build with those of `wanted` who are missing, as the index is built; returns who failed."""
    from artistindex.audio.sources.open import open_source
    from artistindex.cli.display import Display
    from artistindex.ingest.pipeline import build

    folder = find_index(state.indexes, model or _default(state.indexes))
    manifest = Manifest.read(folder) if (folder / MANIFEST).is_file() else None
    missing = list(wanted)
    if manifest is not None:
        _demand_its_own(state, folder, manifest)
        with ArtistIndex.open(folder) as opened:
            missing = [name for name in wanted if not opened.find_rows(name)]
    if not missing:
        return []
    message(f"ingesting {len(missing)} artists who are not in {folder}", quiet=state.quiet)
    with (
        Display(quiet=state.quiet) as display,
        open_source(cookies=cookies["cookies"], browser=cookies["cookies_from_browser"]) as source,
    ):
        report = build(
            artists=missing,
            indexes=state.indexes,
            models=[folder.name],
            source=source,
            pool=state.pool,
            reporter=display,
        )
    failed: list[dict[str, str]] = report.to_json()["failed"]
    return failed


def _demand_its_own(state: State, folder: Path, manifest: Manifest) -> None:
    """Raise unless a build would keep what is in the index: its library and weights are here."""
    from artistindex.cli.downloads import fetch_weights
    from artistindex.embedding.registry import spec_of
    from artistindex.library.library import FILE_NAME
    from artistindex.query.audio_query import weights_of

    if not (state.indexes / FILE_NAME).is_file():
        raise BrokenLibrary(
            f"the index {folder} has no library beside it to ingest into: export it where it was"
            " made, and import that pack here"
        )
    fetch_weights(spec_of(manifest.key.model), state)
    weights_of(manifest)


def _default(indexes: Path) -> str | None:
    """The model to begin with where there is no index yet; None where there is one."""
    return None if all_indexes(indexes) else PREFERRED[0]


def _payload(index: str, found: Ranking) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "index": index,
        "ranked": [each.to_json() for each in found.ranked],
        "not_indexed": found.not_indexed,
    }
    if found.likes_not_indexed:
        payload["likes_not_indexed"] = found.likes_not_indexed
    if found.dislikes_not_indexed:
        payload["dislikes_not_indexed"] = found.dislikes_not_indexed
    return payload


def _row(entry: LineupEntry) -> dict[str, Any]:
    """A line for people: the reasons in words."""
    reasons = [f"{each.artist} {each.score:.3f}" for each in entry.because]
    told = "a favourite" if entry.favourite else ", ".join(reasons)
    if entry.disliked:
        told = "disliked"
    return {
        "rank": entry.rank,
        "artist": entry.artist,
        "score": entry.score,
        "percentile": entry.percentile,
        "because": told,
    }


def _remark(found: Ranking, failed: Sequence[dict[str, str]]) -> None:
    """Who could not be ranked or counted, and why."""
    for line in found.remarks:
        message(line)
    for who, missing in (
        ("of the line-up", found.not_indexed),
        ("of the favourites", found.likes_not_indexed),
        ("of the disliked", found.dislikes_not_indexed),
    ):
        if missing:
            shown = ", ".join(missing[:_MAX_SHOWN])
            more = f" and {len(missing) - _MAX_SHOWN} more" if len(missing) > _MAX_SHOWN else ""
            message(f"{len(missing)} {who} are not indexed: {shown}{more}")
    for each in failed[:_MAX_SHOWN]:
        message(f"  {each['artist']}: {each['reason']} ({each['stage']})")
