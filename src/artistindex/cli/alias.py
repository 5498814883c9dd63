"""`artistindex alias`."""

import click

from artistindex.cli import completion
from artistindex.cli.decide import deciding, remove_option
from artistindex.cli.options import State, pass_state
from artistindex.cli.output import message


@click.command(name="alias")
@click.argument("name", shell_complete=completion.artists)
@click.argument("other", required=False, shell_complete=completion.artists)
@remove_option
@pass_state
def command(state: State, name: str, other: str | None, remove: bool) -> None:
    """Decide that NAME is another name of the artist OTHER.

    Their tracks are one artist's from the next build on, called OTHER. It is kept in artists.toml
    beside the library, which may be edited by hand; no file and no vector is changed. --remove NAME
    undoes it.
    """
    if (other is None) is not remove:
        raise click.UsageError("give NAME and OTHER, or --remove and NAME")
    with deciding(state) as decisions:
        if other is None:
            decisions.remove_alias(name)
            message(f"{name} is an artist again", quiet=state.quiet)
        else:
            decisions.add_alias(name, other)
            message(f"{name} is {other}", quiet=state.quiet)
