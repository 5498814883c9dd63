"""`artistindex serve`."""

import socket
from functools import partial
from pathlib import Path

import click

from artistindex.cli import logs
from artistindex.cli.options import State, any_path, index_option, pass_state
from artistindex.cli.output import message
from artistindex.errors import Misuse
from artistindex.index.reader import find_index
from artistindex.server.serving import serve
from artistindex.server.settings import LOCAL_NAMES, Settings

_MIN_TOKEN, _MAX_TOKEN = 16, 1024  # characters


@click.command(name="serve")
@index_option("The index to serve.  [default: the only one, else discogs-effnet]")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; one that other machines reach needs --token-file.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8100,
    show_default=True,
    help="The port to listen on; 0 for any that is free.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many processes answer; they share the mapped index.",
)
@click.option(
    "--token-file",
    type=any_path,
    metavar="FILE",
    help="Answer only whoever knows the token in FILE.",
)
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="A name by which requests may call this server, such as that of a proxy before it.",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let web pages of this origin read answers, as https://example.org.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    default=100,
    show_default=True,
    help="How many requests a second an address may send each worker; 0 for any number.",
)
@click.option(
    "--library-ids",
    type=any_path,
    metavar="FILE",
    help="Tell players of OpenSubsonic the ids of their own library, out of CSV or JSON.",
)
@click.option("--show-paths", is_flag=True, help="Name the files of tracks in answers.")
@pass_state
def command(
    state: State,
    /,
    index: tuple[str, ...],
    host: str,
    port: int,
    workers: int,
    token_file: Path | None,
    names: tuple[str, ...],
    origins: tuple[str, ...],
    rate: float,
    library_ids: Path | None,
    show_paths: bool,
) -> None:
    """Answer over HTTP: an API of its own, described at /api/v1/openapi.json.

    An index that is built anew meanwhile is served from the next request on. Ctrl-C or SIGTERM
    stops it once what is being answered is answered. docs/serve.md has more.
    """
    if len(index) > 1:
        raise Misuse("one index is served: give --index once")
    folder = find_index(state.indexes, index[0] if index else None)
    settings = Settings(
        folder=folder,
        host=host,
        port=port,
        workers=workers,
        token=None if token_file is None else _token(token_file),
        host_names=frozenset({*LOCAL_NAMES, host, *_own_names(), *names}),
        origins=origins,
        rate=rate,
        library_ids=library_ids,
        shows_paths=show_paths,
    )
    serve(
        settings,
        on_start=partial(logs.set_up, quiet=state.quiet, verbosity=state.verbose),
        on_listening=lambda address: message(
            f"serving {folder.name} at {address} (Ctrl-C stops)", quiet=state.quiet
        ),
    )


def _own_names() -> tuple[str, ...]:
    name = socket.gethostname()
    return name, f"{name}.local"


def _token(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            token = file.read(_MAX_TOKEN + 2).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text in UTF-8"
        raise Misuse(f"cannot read {path}: {reason}") from None
    if not _MIN_TOKEN <= len(token) <= _MAX_TOKEN or not token.isascii() or " " in token:
        raise Misuse(
            f"{path}: a token has from {_MIN_TOKEN} to {_MAX_TOKEN} ASCII characters without"
            " spaces; `openssl rand -hex 32` makes one"
        )
    return token
