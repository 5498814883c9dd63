"""`artistindex build`."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from artistindex.audio.sources.open import SOURCES
from artistindex.cli import completion, exit_codes
from artistindex.cli.display import Display
from artistindex.cli.options import (
    State,
    any_path,
    cookie_options,
    format_option,
    is_given,
    pass_state,
)
from artistindex.cli.output import counted, emit, message
from artistindex.embedding.engine import Engine, Precision
from artistindex.embedding.onnxruntime import Device
from artistindex.embedding.registry import DEFAULT_MODELS, MODELS
from artistindex.errors import Misuse
from artistindex.index.manifest import AUTO, Kind
from artistindex.index.recipes import RECIPES
from artistindex.index.transforms import TRANSFORMS
from artistindex.listeners.favourites import read_names

if TYPE_CHECKING:
    from artistindex.audio.sources.base import AudioSource

_MAX_SHOWN = 10
_AS_BEFORE = "as the index was made, else {}"
_SOURCE_OPTIONS = (
    "audio_source",
    "audio_cache",
    "no_audio_cache",
    "cookies",
    "cookies_from_browser",
)


@click.command(name="build")
@click.argument("artists", nargs=-1, metavar="[ARTIST]...")
@click.option(
    "--artists",
    "artists_file",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="More names: text (one a line), CSV (a column artist) or JSON; - is standard input.",
)
@click.option(
    "--audio",
    type=any_path,
    metavar="DIR",
    help="Take the music in this folder, or at this URL (s3://…).",
)
@click.option(
    "--ids", type=any_path, metavar="FILE", help='Ids that pin who is meant: {"mapping": {...}}.'
)
@click.option(
    "--catalogue",
    type=click.Choice(["spotify", "deezer"]),
    help="Where names are looked up.  [default: spotify with credentials, else deezer]",
)
@click.option(
    "--audio-source",
    type=click.Choice(SOURCES),
    help="Where the audio of a name's tracks comes from; previews are Deezer's, of 30 s."
    f"  [default: {SOURCES[0]}]",
)
@click.option(
    "--audio-cache",
    type=any_path,
    metavar="DIR",
    help="Keep fetched audio here, and use what is there.  [default: in the user's cache]",
)
@click.option("--no-audio-cache", is_flag=True, help="Delete fetched audio once it is embedded.")
@cookie_options
@click.option(
    "--model",
    "models",
    shell_complete=completion.models,
    multiple=True,
    metavar="MODEL",
    help=f"A model to embed with; may be given several times. One of {', '.join(MODELS)},"
    " descriptors, or any that `models list` shows."
    f"  [default: those of the indexes that are there, else {', '.join(DEFAULT_MODELS)}]",
)
@click.option(
    "--tracks",
    type=int,
    help=f"Tracks that stand for an artist.  [default: {_AS_BEFORE.format(5)}]",
)
@click.option(
    "--engine",
    type=click.Choice([engine.value for engine in Engine]),
    default="auto",
    show_default=True,
    help="What runs the models; auto takes openvino once a self-check has passed, and onnxruntime"
    " is for models of ONNX.",
)
@click.option(
    "--device",
    type=click.Choice([device.value for device in Device]),
    default="auto",
    show_default=True,
    help="Where onnxruntime computes; auto takes cuda where it is there, and computes what the"
    " processor does.",
)
@click.option(
    "--precision",
    type=click.Choice([precision.value for precision in Precision]),
    help="What openvino computes in; bf16 is faster where the processor has it."
    f"  [default: {_AS_BEFORE.format('f32')}]",
)
@click.option(
    "--excerpt",
    metavar="NxS",
    help="Windows x seconds of each track, as 3x30; full is all, or the middle 20 minutes."
    f"  [default: {_AS_BEFORE.format('full')}]",
)
@click.option(
    "--recipe",
    type=click.Choice(tuple(RECIPES)),
    help="What is made of a model's patches; plain is what the original experiment made."
    f"  [default: {_AS_BEFORE.format('the usual one of the model')}]",
)
@click.option(
    "--transform",
    type=click.Choice(TRANSFORMS),
    help=f"The space in which artists are compared.  [default: {_AS_BEFORE.format(TRANSFORMS[0])}]",
)
@click.option(
    "--kind",
    type=click.Choice((AUTO, *Kind)),
    default=AUTO,
    show_default=True,
    help="How the index is searched: flat looks at every artist, hnsw follows a graph to nearly all"
    " of the nearest, and auto takes it for very many.",
)
@click.option("--workers", type=int, help="Worker processes.  [default: one a processor]")
@click.option(
    "--cluster",
    metavar="ADDRESS|local:N",
    help="Embed on a Dask cluster, whose scheduler is at tcp://HOST:8786 or tls://HOST:8786.",
)
@click.option("--retry-failed", is_flag=True, help="Try again what failed in earlier runs.")
@click.option(
    "--rescan", is_flag=True, help="Read the tags of all files in --audio again, changed or not."
)
@click.option(
    "--prune",
    is_flag=True,
    help="Drop the files in --audio that are gone, even where more than a third of them are.",
)
@click.option(
    "--drop-outliers/--keep-outliers",
    default=None,
    help="Leave out tracks that sound as if they were somebody else's, or take them again."
    f"  [default: {_AS_BEFORE.format('keep')}]",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show who is meant and which tracks, or whose the files are, and stop.",
)
@click.option(
    "--explain-match",
    is_flag=True,
    help="With --dry-run: search for the tracks, and show what every video is worth and why.",
)
@format_option
@pass_state
def command(
    state: State,
    /,
    artists: tuple[str, ...],
    artists_file: Path | None,
    audio: Path | None,
    ids: Path | None,
    catalogue: str | None,
    dry_run: bool,
    explain_match: bool,
    models: tuple[str, ...],
    output_format: str,
    **options: Any,
) -> int:
    """Embed artists' music and index the vectors.

    With --audio the artists are those found in the folder, or the ARTISTs named of them. Otherwise
    the names are looked up in a catalogue and the audio comes from YouTube. Without any name, what
    an earlier run left is finished and the indexes are built again.
    """
    if audio is not None:
        _refuse_with_folder()
        ids = catalogue = None
        explain_match = False
    names = [*artists, *(read_names(artists_file) if artists_file else ())]
    if explain_match and (not dry_run or options["audio_source"] == "preview"):
        raise Misuse("--explain-match is for --dry-run and videos: previews are not searched for")
    if dry_run and audio is not None:
        from artistindex.cli import folder_plan

        return folder_plan.dry_run(state, audio, names, output_format)
    if dry_run:
        from artistindex.ingest.config import DEFAULT_TRACKS

        with _source(options, audio) if explain_match else nullcontext() as source:
            tracks = options["tracks"] or DEFAULT_TRACKS
            return _dry_run(state, names, catalogue, ids, tracks, output_format, source)
    from artistindex.ingest.config import BuildConfig
    from artistindex.ingest.pipeline import build

    with Display(quiet=state.quiet) as display, _source(options, audio) as source:
        config = BuildConfig(
            names,
            audio=audio,
            indexes=state.indexes,
            models=models or None,
            catalogue=catalogue,
            ids=ids,
            **options,
        )
        report = build(config, source=source, pool=state.pool, reporter=display)
    payload = report.to_json()
    emit(
        payload["indexes"],
        ("index", "artists", "dimension", "path"),
        output_format,
        payload=payload,
    )
    if not state.quiet:
        _say_what_happened(payload, report.extraction.reasons)
    return exit_codes.for_build(report)


def _refuse_with_folder() -> None:
    """Raise Misuse for an option given that has no say over a folder of music."""
    for name in ("explain_match", "ids", "catalogue", *_SOURCE_OPTIONS):
        if is_given(name):
            flag = name.replace("_", "-")
            raise Misuse(f"--{flag} is for names that are looked up; --audio takes a folder")


@contextmanager
def _source(options: dict[str, Any], audio: Path | None) -> Iterator["AudioSource | None"]:
    """Open the place that audio comes from; takes its options out of `options`."""
    from artistindex.audio.sources.open import open_source

    chosen = {name: options.pop(name) for name in _SOURCE_OPTIONS}
    if audio is not None:
        yield None
        return
    with open_source(
        chosen["audio_source"] or SOURCES[0],
        cache=chosen["audio_cache"],
        keep=not chosen["no_audio_cache"],
        cookies=chosen["cookies"],
        browser=chosen["cookies_from_browser"],
    ) as source:
        yield source


def _dry_run(
    state: State,
    names: Sequence[str],
    catalogue: str | None,
    ids: Path | None,
    tracks: int,
    output_format: str,
    source: "AudioSource | None",
) -> int:
    from artistindex.audio.sources.youtube import YouTube
    from artistindex.cli.plan import dry_run

    if not names:
        raise Misuse("--dry-run needs names: give ARTIST or --artists FILE")
    return dry_run(
        names,
        catalogue=catalogue,
        ids=ids,
        tracks=tracks,
        output_format=output_format,
        quiet=state.quiet,
        search=source.search if isinstance(source, YouTube) else None,
    )


def _say_what_happened(payload: dict[str, Any], reasons: Counter[tuple[str, str]]) -> None:
    """Tell the story of a build in a few lines."""
    extracted, failed, seconds = payload["extracted"], payload["failed_tracks"], payload["seconds"]
    if extracted:
        rate = f"{payload['audio_seconds'] / seconds:.0f} s of audio a second"
        message(f"{counted(extracted, 'track')} embedded in {seconds:.1f} s ({rate})")
    else:
        message("nothing new to embed")
    if failed:
        share = f"extraction rate {100 * extracted / (extracted + failed):.0f}%"
        message(f"{counted(failed, 'track')} failed ({share}); `artistindex failures`:")
        for (stage, reason), count in reasons.most_common(_MAX_SHOWN):
            message(f"  {count} x {stage}: {reason}")
    if payload["outliers"]:
        outliers = counted(payload["outliers"], "track")
        message(f"{outliers} may be somebody else's: see `artistindex failures`")
    if payload["requested"]:
        message(f"{payload['indexed']} of {payload['requested']} artists are in every index")
    _say_who_failed(payload["failed"])


def _say_who_failed(failed: Sequence[dict[str, str]]) -> None:
    """Name those who failed, and each reason once: without a network it is the same for all."""
    names = defaultdict(list)
    for entry in failed:
        names[f"{entry['reason']} ({entry['stage']})"].append(entry["artist"])
    for reason, artists in list(names.items())[:_MAX_SHOWN]:
        more = len(artists) - _MAX_SHOWN
        shown = ", ".join(artists[:_MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
        message(f"  {shown}: {reason}")
    if len(names) > _MAX_SHOWN:
        message(f"  and {len(names) - _MAX_SHOWN} more reasons; `artistindex failures` has all")
