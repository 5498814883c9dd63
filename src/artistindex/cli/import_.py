"""`artistindex import`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from artistindex.cli.options import State, any_path, format_option, pass_state
from artistindex.cli.output import emit, message

if TYPE_CHECKING:
    from artistindex.packs.import_ import Collision

_COLUMNS = ("index", "artists", "in_pack", "added", "unchanged", "kept", "replaced")
_MAX_SHOWN = 10


@click.command(name="import")
@click.argument("pack", type=any_path, metavar="PACK.zip")
@click.option("--replace", is_flag=True, help="Take the pack's vector of artists who are here too.")
@format_option
@pass_state
def command(state: State, pack: Path, replace: bool, output_format: str) -> None:
    """Take the indexes in PACK.zip in: new ones as they are, others merged with what is here.

    Artists are the same where they share an id, else where they are spelled alike. Whoever is here
    already keeps the vector made here, unless --replace is given. Nothing is imported of a pack in
    which anything is wrong, or whose vectors are of another model, weights, precision or excerpt.
    """
    from artistindex.packs.claims import describe_claims
    from artistindex.packs.import_ import import_pack

    def say(line: str) -> None:
        message(line, quiet=state.quiet)

    say(f"reading {pack}")
    imported = import_pack(pack, state.indexes, replace=replace, wait=True)
    rows = [index.to_json() for index in imported]
    emit(rows, _COLUMNS, output_format, payload={"pack": str(pack), "indexes": rows})
    for index in imported:
        say(f"{index.model}: {describe_claims(index.key)}")
        say(f"{index.model}: licence of the weights: {index.licence or 'not stated'}")
        for collision in index.collisions[:_MAX_SHOWN]:
            say(f"{index.model}: {_describe(collision)}")
        if len(index.collisions) > _MAX_SHOWN:
            say(f"and {len(index.collisions) - _MAX_SHOWN} more (--format json lists them)")


def _describe(collision: "Collision") -> str:
    artist, local = collision.artist, collision.local
    if collision.kept == "both":
        return f"{artist!r} has a namesake here with another id: both are in the index"
    whose = "the pack's" if collision.kept == "pack" else "the one here"
    known = f"{artist!r} is here too" if artist == local else f"{artist!r} is {local!r} here"
    return f"{known} (same {collision.matched_by.replace('_', ' ')}): {whose} is taken"
