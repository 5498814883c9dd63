"""`artistindex worker`."""

import click

from artistindex.cli.options import State, pass_state


@click.command(name="worker")
@click.argument("address")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Tracks to embed at a time.  [default: one a processor]",
)
@click.option("--host", help="The name or address by which the other machines reach this one.")
@pass_state
def command(state: State, /, address: str, workers: int | None, host: str | None) -> None:
    """Embed on this machine for builds with --cluster.

    ADDRESS is that of the Dask scheduler, such as tcp://127.0.0.1:8786. Runs until it is stopped or
    the scheduler is gone. With tls://HOST:8786 the certificates are those that Dask's own settings
    name.
    """
    from artistindex.embedding.pool import default_workers
    from artistindex.ingest.cluster import serve_node

    serve_node(address, workers=workers or default_workers(), host=host)
