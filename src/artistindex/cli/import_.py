"""`artistindex import`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from artistindex.cli.options import State, any_path, format_option, pass_state
from artistindex.cli.output import emit, message
from artistindex.errors import Misuse

if TYPE_CHECKING:
    from artistindex.packs.import_ import Collision, ImportedIndex

_COLUMNS = ("index", "artists", "in_pack", "added", "unchanged", "kept", "replaced")
_MAX_SHOWN = 10


@click.command(name="import")
@click.argument("pack", type=any_path, metavar="FILE")
@click.option(
    "--names",
    type=any_path,
    metavar="FILE",
    help="Who the rows of an .npy file are of: a name a line, or CSV with a column artist, and"
    " title with --tracks.",
)
@click.option(
    "--model", metavar="NAME", help="What to call the model of vectors that were made elsewhere."
)
@click.option("--licence", metavar="TEXT", help="The licence that its vectors are under.")
@click.option("--tracks", is_flag=True, help="The vectors are of tracks, not of artists.")
@click.option("--replace", is_flag=True, help="Take the file's vector of who is here too.")
@format_option
@pass_state
def command(
    state: State,
    pack: Path,
    names: Path | None,
    model: str | None,
    licence: str | None,
    tracks: bool,
    replace: bool,
    output_format: str,
) -> None:
    """Take a pack in, or vectors that were made elsewhere.

    The indexes of a pack (PACK.zip) are taken as they are, or merged with what is here. Artists are
    the same where they share an id, else where they are spelled alike. Whoever is here already
    keeps the vector made here, unless --replace is given. Nothing is imported of a file in which
    anything is wrong, or whose vectors are of another model, weights, precision or excerpt.

    Vectors of your own come as VECTORS.npy with --names, as Parquet (a file or a folder of `export
    --parquet`), or as the original experiment's JSON, and make an index of any name: --model and
    --licence say what the file does not.
    """
    from artistindex.packs.own_vectors import is_vectors

    message(f"reading {pack}", quiet=state.quiet)
    if not is_vectors(pack):
        if names or model or licence or tracks:
            raise Misuse("a pack says itself what is in it: --replace is all that goes with it")
        _take_pack(state, pack, output_format, replace=replace)
        return
    from artistindex.packs.own_vectors import import_vectors

    imported = import_vectors(
        pack,
        state.indexes,
        names=names,
        model=model,
        licence=licence,
        is_tracks=tracks,
        replace=replace,
        wait=True,
    )
    rows = [vectors.to_json() for vectors in imported]
    columns = ("index", "artists", "tracks", *_COLUMNS[2:])
    emit(rows, columns, output_format, payload={"file": str(pack), "indexes": rows})
    for vectors in imported:
        message(f"{vectors.index.model}: {vectors.index.licence}", quiet=state.quiet)
        _say_collisions(state, vectors.index)


def _take_pack(state: State, pack: Path, output_format: str, *, replace: bool) -> None:
    from artistindex.packs.claims import describe_claims
    from artistindex.packs.import_ import import_pack

    imported = import_pack(pack, state.indexes, replace=replace, wait=True)
    rows: Sequence[dict[str, Any]] = [index.to_json() for index in imported]
    emit(rows, _COLUMNS, output_format, payload={"pack": str(pack), "indexes": rows})
    for index in imported:
        message(f"{index.model}: {describe_claims(index.key)}", quiet=state.quiet)
        licence = index.licence or "not stated"
        message(f"{index.model}: licence of the weights: {licence}", quiet=state.quiet)
        _say_collisions(state, index)


def _say_collisions(state: State, index: "ImportedIndex") -> None:
    for collision in index.collisions[:_MAX_SHOWN]:
        message(f"{index.model}: {_describe(collision)}", quiet=state.quiet)
    more = len(index.collisions) - _MAX_SHOWN
    if more > 0:
        message(f"and {more} more (--format json lists them)", quiet=state.quiet)


def _describe(collision: "Collision") -> str:
    artist, local = collision.artist, collision.local
    if collision.kept == "both":
        return f"{artist!r} has a namesake here with another id: both are in the index"
    whose = "the pack's" if collision.kept == "pack" else "the one here"
    known = f"{artist!r} is here too" if artist == local else f"{artist!r} is {local!r} here"
    return f"{known} (same {collision.matched_by.replace('_', ' ')}): {whose} is taken"
