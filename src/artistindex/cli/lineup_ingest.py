"""`artistindex match --ingest`: getting those whom an index lacks, as it was built itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artistindex.cli.options import State
from artistindex.cli.output import message
from artistindex.errors import BrokenLibrary
from artistindex.index.manifest import FILE_NAME as MANIFEST
from artistindex.index.manifest import Manifest
from artistindex.index.reader import PREFERRED, ArtistIndex, all_indexes, find_index
from artistindex.listeners.bills import Lineup
from artistindex.listeners.favourites import Favourites


def ingest(
    state: State,
    model: str | None,
    lineup: Lineup,
    favourites: list[Favourites],
    cookies: Mapping[str, Any],
) -> list[dict[str, str]]:
    """Build with those who are missing, as the index is built; returns who failed."""
    from artistindex.audio.sources.open import open_source
    from artistindex.cli.display import Display
    from artistindex.ingest.pipeline import build

    folder = find_index(state.indexes, model or _default(state.indexes))
    missing = _missing(state, folder, lineup, favourites)
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


def _missing(state: State, folder: Path, lineup: Lineup, favourites: list[Favourites]) -> list[str]:
    from artistindex.query.acts import missing_names

    if not (folder / MANIFEST).is_file():
        return missing_names(None, lineup, *favourites)
    _demand_its_own(state, folder, Manifest.read(folder))
    with ArtistIndex.open(folder) as index:
        return missing_names(index, lineup, *favourites)


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
