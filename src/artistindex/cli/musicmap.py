"""`artistindex musicmap`."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from artistindex import naming
from artistindex.cli.options import State, any_path, format_option, pass_state
from artistindex.cli.output import emit, message, progress
from artistindex.errors import Misuse

_COLUMNS = ("artist", "status", "listed", "reason")


@click.command(name="musicmap")
@click.argument("artists", nargs=-1, metavar="[ARTIST]...")
@click.option(
    "--artists",
    "names_file",
    type=any_path,
    metavar="FILE",
    help="Artists too: one a line, or CSV or JSON; - reads standard input.",
)
@click.option(
    "--out",
    type=any_path,
    required=True,
    metavar="FILE",
    help="The JSON file of lists to add to; what it holds stays.",
)
@click.option("--retry-failed", is_flag=True, help="Ask again for artists without a list in FILE.")
@format_option
@pass_state
def command(
    state: State,
    artists: tuple[str, ...],
    names_file: Path | None,
    out: Path,
    retry_failed: bool,
    output_format: str,
) -> int:
    """Fetch music-map.com's lists of similar artists into the file that `evaluate` reads.

    At most one request a second; pages are kept for 90 days. An artist whose list the file has is
    not asked for again, so that the same command goes on where it was interrupted.
    """
    from artistindex.listeners import musicmap
    from artistindex.listeners.favourites import read_names
    from artistindex.listeners.truth_files import ListFile

    names = [name for name in artists if naming.clean(name)]
    names += read_names(names_file) if names_file else ()
    if not names:
        raise Misuse("name at least one artist, or a file of artists with --artists")
    file = ListFile(out)
    with musicmap.session() as session, progress(quiet=state.quiet) as bar:
        task = bar.add_task("music-map", total=len(names))
        outcomes = musicmap.collect(
            names,
            file,
            session=session,
            retry_failed=retry_failed,
            done=lambda outcome: bar.advance(task),
        )
    emit([asdict(outcome) for outcome in outcomes], _COLUMNS, output_format)
    counted = Counter(outcome.status for outcome in outcomes)
    summary = ", ".join(f"{count} {status}" for status, count in counted.items())
    if counted["unknown"] and not retry_failed:
        summary += " (--retry-failed asks again)"
    message(f"{out}: {summary}", quiet=state.quiet)
    if counted["failed"] + counted["unknown"] == 0:
        return 0
    return 3 if counted["fetched"] + counted["known"] else 1
