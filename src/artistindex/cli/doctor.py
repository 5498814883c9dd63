"""`artistindex doctor`: what works here today, and what does all the same where something lacks."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from artistindex import __version__
from artistindex._util.dirs import cache_folder
from artistindex.cli import exit_codes
from artistindex.cli.options import State, format_option, pass_state
from artistindex.cli.output import emit, message, working
from artistindex.cli.remedies import line_for
from artistindex.embedding import weights
from artistindex.embedding.registry import DEFAULT_MODELS, MODELS, all_specs
from artistindex.embedding.spec import ModelSpec
from artistindex.errors import ArtistIndexError, EngineError

_COLUMNS = ("what", "state", "detail", "otherwise")
_WORKS, _LACKS, _UNASKED = "works", "lacks", "not asked"
_MIN_FREE = 2e9  # bytes: the weights of every model, their converted form, and some audio
_MAX_COUNTING = 3.0  # seconds for the size of the caches
_SERVICES = {  # name: (the variable that says another address, address, what is done otherwise)
    "Deezer": ("ARTISTINDEX_DEEZER_URL", "https://api.deezer.com", "folders of music need none"),
    "Spotify": ("ARTISTINDEX_SPOTIFY_URL", "https://api.spotify.com", "names are asked of Deezer"),
    "MusicBrainz": (
        "ARTISTINDEX_MUSICBRAINZ_URL",
        "https://musicbrainz.org",
        "links to other services are left out",
    ),
    "YouTube": (
        "ARTISTINDEX_YOUTUBE_VIDEO",
        "https://www.youtube.com",
        "`build --audio-source preview`, or folders of music",
    ),
    "music-map": (
        "ARTISTINDEX_MUSICMAP_URL",
        "https://www.music-map.com",
        "lists that were fetched before are kept in their file",
    ),
    "the models' publisher": (
        "ARTISTINDEX_MODELS_URL",
        "https://essentia.upf.edu",
        "`models add MODEL FILE`, or musicnn",
    ),
}


@dataclass(frozen=True, slots=True)
class _Finding:
    """One thing that was looked at; `otherwise` is what works still where it lacks."""

    what: str
    state: str
    detail: str
    otherwise: str | None = None


@click.command(name="doctor")
@click.option("--offline", is_flag=True, help="Ask no service whether it answers.")
@format_option
@pass_state
def command(state: State, offline: bool, output_format: str) -> int:
    """Say what works here today, and what works still where something lacks.

    Looks at the engines, the processor, the weights, disk and caches, and asks each service once
    whether it answers. Takes less than 20 s. Leaves with 1 where nothing can be embedded.
    """
    with working("looking around", quiet=state.quiet):
        engines = [*_engines()]
        findings = [
            _Finding("artistindex", _WORKS, f"{__version__}, Python {sys.version.split()[0]}"),
            *engines,
            _onnxruntime(),
            *map(_weights, MODELS.values()),
            *(_weights(spec) for spec in all_specs() if spec.own),
            *_yt_dlp(),
            _credentials(),
            *(_services(offline=offline)),
            *_disk(state.indexes),
            _caches(),
        ]
    emit(
        map(asdict, findings),
        _COLUMNS,
        output_format,
        payload=[asdict(finding) for finding in findings],
    )
    runs = any(engine.state == _WORKS for engine in engines)
    if not runs:
        message("no engine works: nothing can be embedded, but indexes that are there be asked")
    return exit_codes.DONE if runs else exit_codes.FAILED


def _engines() -> Iterator[_Finding]:
    from artistindex.embedding.essentia import essentia_standard
    from artistindex.embedding.openvino import import_openvino

    yield _engine("essentia", "essentia-tensorflow", essentia_standard, "openvino runs all models")
    openvino = _engine("openvino", "openvino", import_openvino, "essentia is slower, not worse")
    yield openvino
    if openvino.state == _WORKS:
        core = import_openvino().Core()
        name = core.get_property("CPU", "FULL_DEVICE_NAME")
        has_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        detail = f"{name}, {os.cpu_count()} processors, {'' if has_bf16 else 'no '}bf16"
        otherwise = None if has_bf16 else "f32, the default; `--precision bf16` would be no faster"
        yield _Finding("processor", _WORKS, detail, otherwise)


def _onnxruntime() -> _Finding:
    """The engine that only models of ONNX have."""
    from artistindex.embedding.onnxruntime import has_cuda, import_onnxruntime

    try:
        detail = f"{import_onnxruntime().__version__}, {'' if has_cuda() else 'no '}CUDA"
        return _Finding("engine onnxruntime", _WORKS, detail)
    except EngineError as error:
        otherwise = "openvino runs models of ONNX, with nothing to check it"
        return _Finding("engine onnxruntime", _LACKS, line_for(error), otherwise)


def _engine(name: str, package: str, load: Callable[[], object], otherwise: str) -> _Finding:
    what = f"engine {name}"
    try:
        load()
        return _Finding(what, _WORKS, version(package))
    except (EngineError, PackageNotFoundError) as error:
        reason = line_for(error) if isinstance(error, EngineError) else str(error)
        return _Finding(what, _LACKS, reason, otherwise)


def _weights(spec: ModelSpec) -> _Finding:
    what = f"model {spec.name}"
    if not weights.is_installed(spec):
        kind = "the default" if spec.name in DEFAULT_MODELS else "an extra"
        detail = f"{kind}; `artistindex models fetch {spec.name}`"
        return _Finding(what, _LACKS, detail, "musicnn is part of the package")
    try:
        installed = weights.find_installed(spec)
    except ArtistIndexError as error:
        return _Finding(what, _LACKS, line_for(error), "musicnn is part of the package")
    return _Finding(what, _WORKS, f"{installed.bytes / 1e6:.0f} MB")


def _yt_dlp() -> Iterator[_Finding]:
    """What fetches from YouTube: the package, and the program that runs the site's scripts."""
    otherwise = "`build --audio-source preview`, or folders of music"
    try:
        yield _Finding("yt-dlp", _WORKS, version("yt-dlp"))
    except PackageNotFoundError:
        yield _Finding("yt-dlp", _LACKS, "is not installed", otherwise)
    beside = Path(sys.executable).with_name("deno")
    deno = shutil.which("deno") or (str(beside) if beside.is_file() else None)
    if deno:
        yield _Finding("deno", _WORKS, deno)
    else:
        detail = "is not installed; `pip install 'artistindex[youtube]'` brings it"
        yield _Finding("deno", _LACKS, detail, otherwise)


def _credentials() -> _Finding:
    from artistindex.metadata.spotify import find_credentials

    what, otherwise = "Spotify credentials", "names are asked of Deezer, which needs none"
    try:
        is_there = find_credentials() is not None
    except ArtistIndexError as error:
        return _Finding(what, _LACKS, line_for(error), otherwise)
    if is_there:
        return _Finding(what, _WORKS, "are there")
    return _Finding(what, _LACKS, "set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET", otherwise)


def _services(*, offline: bool) -> Iterator[_Finding]:
    from artistindex._util.reachable import answers

    if offline:
        yield from (_Finding(name, _UNASKED, "--offline") for name in _SERVICES)
        return
    addresses = {
        name: os.environ.get(variable) or address
        for name, (variable, address, _) in _SERVICES.items()
    }
    for name, trouble in answers(addresses).items():
        if trouble is None:
            yield _Finding(name, _WORKS, "answers")
        else:
            yield _Finding(name, _LACKS, trouble, _SERVICES[name][2])


def _disk(indexes: Path) -> Iterator[_Finding]:
    for what, folder in (("room for indexes", indexes), ("room for the cache", cache_folder())):
        folder = folder.absolute()
        there = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(there).free
        detail = f"{free / 1e9:.1f} GB free in {folder}"
        if not os.access(there, os.W_OK):
            detail, free = f"{there} cannot be written to", 0
        if free < _MIN_FREE:
            yield _Finding(what, _LACKS, detail, "--indexes or ARTISTINDEX_CACHE name another disk")
        else:
            yield _Finding(what, _WORKS, detail)


def _caches() -> _Finding:
    """How much is kept that can be fetched or made again."""
    folder, sizes = cache_folder(), 0
    end = time.monotonic() + _MAX_COUNTING
    for path, _, files in os.walk(folder):
        sizes += sum(_size(os.path.join(path, file)) for file in files)
        if time.monotonic() > end:
            return _Finding("cache", _WORKS, f"more than {sizes / 1e6:.0f} MB in {folder}")
    return _Finding("cache", _WORKS, f"{sizes / 1e6:.0f} MB in {folder}")


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:  # gone since it was listed
        return 0
