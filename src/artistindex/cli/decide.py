"""What the commands share that write down what the user decides about names."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from artistindex.cli.options import State
from artistindex.cli.output import message
from artistindex.library.decisions import FILE_NAME, DecisionsFile
from artistindex.library.lock import writer_lock

remove_option = click.option("--remove", is_flag=True, help="Undo it.")


@contextmanager
def deciding(state: State) -> Iterator[DecisionsFile]:
    """The file beside the library, while nobody else writes there."""
    with writer_lock(state.indexes, wait=True):
        yield DecisionsFile(state.indexes / FILE_NAME)
    message("the next `artistindex build` goes by it", quiet=state.quiet)
