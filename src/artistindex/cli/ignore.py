"""`artistindex ignore`."""

import click

from artistindex.cli import completion
from artistindex.cli.decide import deciding, remove_option
from artistindex.cli.options import State, pass_state
from artistindex.cli.output import message


@click.command(name="ignore")
@click.argument("name", shell_complete=completion.artists)
@remove_option
@pass_state
def command(state: State, name: str, remove: bool) -> None:
    """Decide to leave the artist NAME out of every index.

    NAME may be an id ("spotify:...") too. It is kept in artists.toml beside the library, which may
    be edited by hand; what is there of the artist stays, so that --remove takes it in again at the
    next build.
    """
    with deciding(state) as decisions:
        if remove:
            decisions.remove_ignored(name)
            message(f"{name} is no longer ignored", quiet=state.quiet)
        else:
            decisions.ignore(name)
            message(f"{name} is ignored", quiet=state.quiet)
