"""`artistindex build`."""

from pathlib import Path
from typing import Any

import click

from artistindex.cli.display import Display
from artistindex.cli.downloads import fetch_weights
from artistindex.cli.options import State, any_path, format_option, pass_state
from artistindex.cli.output import emit, message
from artistindex.models.registry import DEFAULT_MODELS, MODELS

_MOST_SHOWN = 10


@click.command(name="build")
@click.argument("artists", nargs=-1, metavar="[ARTIST]...")
@click.option("--audio", type=any_path, metavar="DIR", help="Take the music in this folder.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help=f"A model to embed with; may be given several times. One of {', '.join(MODELS)}."
    f"  [default: {', '.join(DEFAULT_MODELS)}]",
)
@click.option("--tracks", default=5, show_default=True, help="Tracks that stand for an artist.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "essentia", "openvino"]),
    default="auto",
    show_default=True,
    help="What runs the models; auto takes openvino once a self-check has passed.",
)
@click.option("--workers", type=int, help="Worker processes.  [default: one a processor]")
@click.option("--retry-failed", is_flag=True, help="Try again what failed in earlier runs.")
@format_option
@pass_state
def command(
    state: State,
    artists: tuple[str, ...],
    audio: Path | None,
    models: tuple[str, ...],
    tracks: int,
    engine: str,
    workers: int | None,
    retry_failed: bool,
    form: str,
) -> int:
    """Embed artists' music and index the vectors.

    With --audio the artists are those found in the folder, or the ARTISTs named of them. Without
    any name, what an earlier run left is finished and the indexes are built again.
    """
    from artistindex.pipeline import build

    with Display(quiet=state.quiet) as display:
        report = build(
            artists,
            audio=audio,
            indexes=state.indexes,
            models=models or DEFAULT_MODELS,
            tracks=tracks,
            engine=engine,
            workers=workers,
            retry_failed=retry_failed,
            fetch=lambda spec: fetch_weights(spec, state),
            observer=display,
        )
    payload = report.to_json()
    emit(payload["indexes"], ("index", "artists", "dimension", "path"), form, payload=payload)
    if not state.quiet:
        _say_what_happened(payload)
    return report.exit_code


def _say_what_happened(payload: dict[str, Any]) -> None:
    """The story of a build in a few lines."""
    extracted, seconds = payload["extracted"], payload["seconds"]
    if extracted:
        rate = payload["audio_seconds"] / seconds
        message(f"{extracted} tracks embedded in {seconds:.1f} s ({rate:.0f} s of audio a second)")
    else:
        message("nothing new to embed")
    if payload["failed_tracks"]:
        message(f"{payload['failed_tracks']} tracks failed: `artistindex failures` says why")
    message(f"{payload['indexed']} of {payload['requested']} artists are in every index")
    for each in payload["failed"][:_MOST_SHOWN]:
        message(f"  {each['artist']}: {each['reason']} ({each['stage']})")
    if len(payload["failed"]) > _MOST_SHOWN:
        message(f"  and {len(payload['failed']) - _MOST_SHOWN} more")
