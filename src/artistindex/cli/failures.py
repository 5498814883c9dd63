"""`artistindex failures`."""

from dataclasses import asdict

import click

from artistindex.cli.options import State, format_option, pass_state
from artistindex.cli.output import emit, message
from artistindex.library.library import FILE_NAME, Library

_COLUMNS = ("what", "artist", "stage", "reason", "retryable", "when")


@click.command(name="failures")
@format_option
@pass_state
def command(state: State, output_format: str) -> None:
    """List what went wrong and has not gone right since, and why.

    `artistindex build --retry-failed` tries it all again; those marked retryable may well succeed.
    """
    with Library.open(state.indexes / FILE_NAME, read_only=True) as library:
        rows = [asdict(failure) for failure in library.failures()]
    if output_format == "table" and not rows:
        message("nothing has failed", quiet=state.quiet)
        return
    emit(rows, _COLUMNS, output_format)
