"""`artistindex ids`."""

import click

from artistindex.cli import completion
from artistindex.cli.decide import deciding, remove_option
from artistindex.cli.options import State, pass_state
from artistindex.cli.output import message
from artistindex.errors import Misuse
from artistindex.metadata.artist_ids import parse_id


@click.command(name="ids")
@click.argument("name", shell_complete=completion.artists)
@click.argument("id_", metavar="[ID]", required=False)
@remove_option
@pass_state
def command(state: State, name: str, id_: str | None, remove: bool) -> None:
    """Pin the artist NAME to ID, so that nobody else is meant.

    ID is a Spotify, Deezer or MusicBrainz id, or the address of the artist's page there. It is kept
    in artists.toml beside the library, which may be edited by hand, and holds for every build;
    `build --ids` comes before it. --remove NAME takes away all ids of NAME.
    """
    if (id_ is None) is not remove:
        raise click.UsageError("give NAME and ID, or --remove and NAME")
    with deciding(state) as decisions:
        if id_ is None:
            decisions.unpin(name)
            message(f"{name} is pinned to no id", quiet=state.quiet)
            return
        try:
            service, bare = parse_id(id_.removeprefix("deezer:").removeprefix("musicbrainz:"))
        except ValueError:
            raise Misuse(
                f"{id_!r} is no id of an artist; expected one of Spotify (22 letters and digits),"
                " Deezer (a number) or MusicBrainz (a UUID), or the address of a page there"
            ) from None
        decisions.pin(name, service, bare)
        message(f"{name} is {service}:{bare}", quiet=state.quiet)
