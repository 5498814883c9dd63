"""Weights files: found, added and downloaded, and never trusted blindly.

Files lie in the folder of models, beside `weights.json`, which keeps what is known of them: the
sha256 that was trusted for each model, and the file that is installed. Where the publisher states a
hash it must match; where none is published, the first one seen is trusted and a later different one
is refused. Every file is read as a graph first (graph_check.py), then gets its final name. Models
of the user's own lie in a folder within, each beside its description.
"""

import errno
import json
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from artistindex._util.dirs import cache_folder, models_folder
from artistindex._util.files import (
    atomic_write,
    file_lock,
    make_folder,
    replace_file,
    sha256_file,
)
from artistindex._util.progress import NullReporter, Reporter
from artistindex.embedding import download as downloads
from artistindex.embedding.download import Unreachable, discard
from artistindex.embedding.graph import MAX_BYTES
from artistindex.embedding.graph_check import check_graph_is_safe
from artistindex.embedding.registry import BASE_URL, MODELS, OWN, description_of, is_shipped
from artistindex.embedding.spec import GRAPHS, ModelSpec
from artistindex.embedding.spec_file import identity, read_spec
from artistindex.embedding.trial import try_weights
from artistindex.errors import Misuse, Remedy, WeightsError

LOCK_FILE = "weights.json"
PACKAGED = Path(__file__).with_name("data")
ABOUT = 0.02  # how far from `about_bytes` a file may be
CHUNK = 1 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Weights:
    """The installed weights of a model: a checked file and its sha256 (hexadecimal)."""

    spec: ModelSpec
    path: Path
    sha256: str
    bytes: int

    @property
    def identity(self) -> str:
        """Return the sha256 under which vectors of these weights are kept.

        Vectors of a described model depend on its description too.
        """
        if self.spec.name not in MODELS and not self.spec.packaged:
            return identity(self.spec, self.sha256)
        is_published = self.sha256 == self.spec.sha256
        return (self.spec.known_as if is_published else None) or self.sha256


@dataclass(frozen=True, slots=True)
class _Known:
    """What weights.json keeps of a model: `trusted` is the hash that an official file must have,
    `sha256` that of the file installed now, `unverified` whether that is a file of one's own."""

    trusted: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    source: str | None = None
    unverified: bool = False


def path_of(spec: ModelSpec) -> Path:
    """Return where the weights of `spec` lie once they are installed."""
    if spec.packaged:
        return PACKAGED / spec.file
    return (models_folder() / OWN if spec.own else models_folder()) / spec.file


def is_installed(spec: ModelSpec) -> bool:
    """Return whether there is a file for `spec`; `find_installed` says if it is sound."""
    return path_of(spec).is_file()


def url_of(spec: ModelSpec, base_url: str | None = None) -> str:
    """Return the address of the weights: at `base_url`, $ARTISTINDEX_MODELS_URL or MTG's.

    Raises Misuse for a model that is part of the package, or whose weights nobody publishes.
    """
    if spec.packaged:
        raise Misuse(f"the weights of {spec.name} are part of the package; nothing to download")
    if spec.url is None or not _is_published(spec):
        raise Misuse(
            f"the weights of {spec.name} cannot be downloaded",
            remedy=Remedy.ADD_WEIGHTS,
            model=spec.name,
        )
    base = base_url or os.environ.get("ARTISTINDEX_MODELS_URL") or BASE_URL
    return f"{base.rstrip('/')}/{spec.url.removeprefix(BASE_URL)}"


def _is_published(spec: ModelSpec) -> bool:
    """Whether the weights can be had where Essentia's models lie; no other address is asked."""
    return spec.url is not None and spec.url.startswith(BASE_URL)


def find_installed(spec: ModelSpec) -> Weights:
    """Return the installed weights of `spec`, hashed and checked.

    A file put into the folder by hand is taken as `install` would take it. Raises WeightsError
    where there is none (naming the file and its URL), and where the file is not the one that was
    installed.
    """
    path = path_of(spec)
    if not path.is_file():
        raise _missing(spec, path)
    sha256, size = sha256_file(path), path.stat().st_size
    if spec.packaged:
        if sha256 != spec.sha256:
            raise WeightsError(
                f"{path} has sha256 {sha256[:12]}…, expected {(spec.sha256 or '')[:12]}…; "
                "it is part of the package: install artistindex again"
            )
        return Weights(spec, path, sha256, size)
    known = _recall(spec)
    if known.sha256 is None:
        check_graph_is_safe(path, spec)
        _check(spec, path, sha256, size, known)
        if sha256 != spec.sha256:
            _try(spec, path, sha256)
        with suppress(WeightsError), _writing(spec):  # a read-only folder will still do
            _remember(spec, _Known(sha256, sha256, size, source="found in the folder"))
    elif known.sha256 != sha256:
        raise WeightsError(
            f"{path} has changed since it was installed (sha256 {sha256[:12]}…, expected "
            f"{known.sha256[:12]}…)",
            remedy=Remedy.REPLACE_WEIGHTS,
            model=spec.name,
        )
    return Weights(spec, path, sha256, size)


def install(spec: ModelSpec, file: Path, *, unverified: bool = False) -> Weights:
    """Install a copy of `file` as the weights of `spec`.

    Without `unverified` its size and sha256 must be the published ones and those trusted before;
    where nothing is published (VGGish), its size must fit the architecture, and its sha256 is
    trusted from now on. With `unverified` any harmless graph with the model's tensors will do.
    Raises WeightsError and leaves what was installed as it was.
    """
    if spec.packaged:
        raise Misuse(f"the weights of {spec.name} are part of the package; nothing to add")
    with _writing(spec), _temporary(spec) as part:
        _copy(spec, file, part)
        return _install(spec, part, str(file), unverified=unverified, called=file)


def install_own(description: Path, file: Path) -> Weights:
    """Install a copy of `file` as the weights of the model that `description` (TOML) describes.

    The file must be a harmless graph that fits the description and runs in an engine that is here;
    a model of the user's own that has the same name is replaced. Raises Misuse for a description
    that is wrong, WeightsError for the file, and leaves what was installed as it was.
    """
    spec = read_spec(description)
    if is_shipped(spec.name):
        raise Misuse(f"{description}: name must be one of your own: {spec.name} is known already")
    text = description.read_bytes()
    with _writing(spec), _temporary(spec) as part:
        _copy(spec, file, part)
        sha256 = _judge(spec, part, _Known(), unverified=False, called=file)
        with _explained(spec):
            atomic_write(description_of(spec.name), text)
        return _put(spec, part, _Known(None, sha256, source=str(file), unverified=True))


def remove(spec: ModelSpec) -> bool:
    """Remove the weights of `spec`, and a description of the user's own; False where none was.

    What was trusted for a published file stays known. Raises Misuse for what is part of the
    package.
    """
    if spec.packaged:
        raise Misuse(f"the weights of {spec.name} are part of the package; nothing to remove")
    paths = [path_of(spec)]
    if spec.own:
        files = [f"{spec.name}{written.suffix}" for written in GRAPHS]
        paths = [*(path_of(spec).with_name(file) for file in files), description_of(spec.name)]
    was_there = any(path.exists() for path in paths)
    with _writing(spec):
        known = _Known() if spec.own else _Known(trusted=_recall(spec).trusted)
        _remember(spec, known)
        for path in paths:
            with _explained(spec):
                path.unlink(missing_ok=True)
    for converted in cache_folder("converted").glob(f"{spec.name}-*"):
        shutil.rmtree(converted, ignore_errors=True)
    return was_there


def download(
    spec: ModelSpec,
    *,
    base_url: str | None = None,
    reporter: Reporter | None = None,
    pause: float = 1.0,
) -> Weights:
    """Return the installed weights of `spec`, downloaded first where there are none.

    `reporter` hears of the bytes; the licence is logged before the first one. A download that was
    cut goes on where it ended if the server can (Range), else from the start; after ATTEMPTS cuts,
    `pause` seconds and more apart, the rest is left to the next call. Raises WeightsError, and
    Misuse as `url_of` does.
    """
    if spec.packaged or is_installed(spec):
        return find_installed(spec)
    if not _is_published(spec):
        raise _missing(spec, path_of(spec))
    url = url_of(spec, base_url)
    with _writing(spec):
        if is_installed(spec):  # another process was quicker
            return find_installed(spec)
        _log.warning("%s: downloading %s", spec.name, url)
        _log.warning("%s: licence %s", spec.name, spec.licence)
        part = models_folder() / f"{spec.file}.part"
        with _explained(spec):
            _download(spec, url, part, reporter or NullReporter(), pause)
        try:
            return _install(spec, part, url, unverified=False, called=url)
        finally:
            _discard(part)


def _download(spec: ModelSpec, url: str, part: Path, reporter: Reporter, pause: float) -> None:
    """Fill `part`; an interrupted download stays for the next time, a refused one does not."""
    about = int((1 + ABOUT) * spec.about_bytes) if spec.about_bytes else None
    try:
        downloads.download(
            url,
            part,
            progress=partial(reporter.downloaded, spec.name),
            expected=spec.bytes,
            max_bytes=spec.bytes or about or MAX_BYTES,
            pause=pause,
        )
    except WeightsError as error:
        if not isinstance(error, Unreachable):
            _discard(part)
        raise WeightsError(
            f"{spec.name} needs {spec.file}: {error}", remedy=Remedy.GET_WEIGHTS, model=spec.name
        ) from error
    except OSError:
        _discard(part)
        raise


def _missing(spec: ModelSpec, path: Path) -> WeightsError:
    if spec.packaged:
        return WeightsError(
            f"{path} is missing; it is part of the package: install artistindex again"
        )
    if not _is_published(spec):
        return WeightsError(
            f"{spec.name} needs {spec.file}, which is not in {path.parent}",
            remedy=Remedy.ADD_OWN_WEIGHTS if spec.own else Remedy.ADD_WEIGHTS,
            model=spec.name,
        )
    return WeightsError(
        f"{spec.name} needs {spec.file} ({url_of(spec)}), which is not in {path.parent}",
        remedy=Remedy.GET_WEIGHTS,
        model=spec.name,
    )


def _check(spec: ModelSpec, called: Path | str, sha256: str, size: int, known: _Known) -> None:
    """Raise WeightsError unless size and hash are what was published or trusted before."""
    difference = None
    if spec.bytes is not None and size != spec.bytes:
        difference = f"is {size:,} bytes, {spec.file} has {spec.bytes:,}"
    elif spec.about_bytes and abs(size - spec.about_bytes) > ABOUT * spec.about_bytes:
        difference = f"is {size:,} bytes, {spec.file} about {spec.about_bytes:,}"
    elif spec.sha256 is not None and sha256 != spec.sha256:
        difference = f"has sha256 {sha256[:12]}…, {spec.file} has {spec.sha256[:12]}…"
    if difference:
        raise WeightsError(f"{called} {difference}", remedy=Remedy.ADD_UNVERIFIED, model=spec.name)
    if known.trusted is not None and sha256 != known.trusted:
        raise WeightsError(
            f"{called} has sha256 {sha256[:12]}…, but {known.trusted[:12]}… was trusted for "
            f"{spec.name} before; to trust the new one, remove {spec.name} from "
            f"{models_folder() / LOCK_FILE}"
        )


def _install(
    spec: ModelSpec, part: Path, source: str, *, unverified: bool, called: Path | str
) -> Weights:
    """Check `part`, then give it its final name and write down what it is."""
    known = _recall(spec)
    sha256 = _judge(spec, part, known, unverified=unverified, called=called)
    trusted = known.trusted if unverified else sha256
    return _put(spec, part, _Known(trusted, sha256, source=source, unverified=unverified))


def _judge(
    spec: ModelSpec, part: Path, known: _Known, *, unverified: bool, called: Path | str
) -> str:
    """Return the sha256 of `part`; raises WeightsError unless it may be installed."""
    sha256, size = sha256_file(part), part.stat().st_size
    try:
        check_graph_is_safe(part, spec)
        if not unverified:
            _check(spec, called, sha256, size, known)
        if sha256 not in (spec.sha256, known.trusted):
            _try(spec, part, sha256)
    except WeightsError as error:  # the checks name the temporary file
        text = str(error).replace(str(part), str(called))
        raise WeightsError(text, remedy=error.remedy, **error.details) from None
    return sha256


def _try(spec: ModelSpec, part: Path, sha256: str) -> None:
    """Run new weights once; of a described model at least one engine must be able to."""
    refusals = try_weights(spec, part, sha256)
    if refusals and spec.name not in MODELS and all(refusals.values()):
        raise WeightsError(f"{part} is refused: {'; '.join(filter(None, refusals.values()))}")


def _put(spec: ModelSpec, part: Path, known: _Known) -> Weights:
    size = part.stat().st_size
    with _explained(spec):
        replace_file(part, path_of(spec))
    _remember(spec, replace(known, bytes=size))
    return Weights(spec, path_of(spec), known.sha256 or "", size)


# -- weights.json ------------------------------------------------------------------------------


def _recall(spec: ModelSpec) -> _Known:
    row = _lock_rows().get(spec.name, {})
    try:
        return _Known(**row)
    except TypeError:
        raise WeightsError(_unreadable(models_folder() / LOCK_FILE)) from None


def _lock_rows() -> dict[str, Any]:
    path = models_folder() / LOCK_FILE
    try:
        rows = json.loads(path.read_text("utf-8"))["models"]
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, OSError, RecursionError):
        raise WeightsError(_unreadable(path)) from None
    if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
        raise WeightsError(_unreadable(path))
    return rows


def _unreadable(path: Path) -> str:
    return f"{path} cannot be read; delete it to trust anew the weights that lie beside it"


def _remember(spec: ModelSpec, known: _Known) -> None:
    rows = _lock_rows() | {spec.name: asdict(known)}
    if known == _Known():
        del rows[spec.name]
    text = json.dumps({"format": 1, "models": rows}, indent=2, sort_keys=True)
    with _explained(spec):
        atomic_write(models_folder() / LOCK_FILE, f"{text}\n".encode())


# -- files -------------------------------------------------------------------------------------


@contextmanager
def _writing(spec: ModelSpec) -> Iterator[None]:
    """One process at a time changes the folder; the others wait."""
    with _explained(spec):
        models_folder().mkdir(parents=True, exist_ok=True)
        make_folder(path_of(spec).parent, within=models_folder())
        lock = file_lock(models_folder() / ".lock")
        lock.acquire()
        for remains in path_of(spec).parent.glob(f".{spec.file}.*"):  # of a process that was killed
            _discard(remains)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _explained(spec: ModelSpec) -> Iterator[None]:
    """An OSError becomes the one line that names the folder and the reason."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        advice = "make room" if full else "make it writable"
        raise WeightsError(
            f"cannot write the weights of {spec.name} into {models_folder()} "
            f"({error.strerror or error}); {advice}, or name another folder in ARTISTINDEX_MODELS"
        ) from error


@contextmanager
def _temporary(spec: ModelSpec) -> Iterator[Path]:
    """The name of a new file in the folder, which is gone afterwards unless it was renamed."""
    with _explained(spec):
        handle, name = tempfile.mkstemp(prefix=f".{spec.file}.", dir=path_of(spec).parent)
        os.close(handle)
    try:
        yield Path(name)
    finally:
        _discard(Path(name))


def _discard(path: Path) -> None:
    with suppress(OSError):
        discard(path)


def _copy(spec: ModelSpec, file: Path, target: Path) -> None:
    """Copy a regular file, opened without waiting for the other end of a FIFO."""
    try:
        handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise WeightsError(f"{file} cannot be read ({error.strerror})") from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise WeightsError(f"{file} is no regular file; name the weights file itself")
        with _explained(spec), open(handle, "rb", closefd=False) as source, target.open("wb") as to:
            shutil.copyfileobj(source, to, CHUNK)
    finally:
        os.close(handle)
