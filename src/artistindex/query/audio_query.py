"""Asking with sound: files and addresses embedded as an index's own tracks were.

Nothing is left behind: what is fetched lies in a folder that goes away, unless the audio cache
holds it already, and nothing is written to a library.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.audio.decode import Excerpt, decode
from artistindex.embedding import weights
from artistindex.embedding.embed import track_vector
from artistindex.embedding.engine import EmbeddingModel, load_model
from artistindex.embedding.registry import spec_of
from artistindex.embedding.weights import Weights
from artistindex.entities import VectorKey
from artistindex.errors import Misuse, Remedy, TrackError, WeightsError
from artistindex.index.manifest import Manifest
from artistindex.index.reader import ArtistIndex

Note = Callable[[str], None]

_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_VIDEO_HOSTS = ("youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com")


def embed(
    index: ArtistIndex,
    sources: Sequence[str],
    *,
    engine: str = "auto",
    cookies: Path | None = None,
    browser: str | None = None,
    allow_private: bool = False,
    note: Note = lambda line: None,
) -> NDArray[np.float32]:
    """The unit vector of `sources`, files or web addresses, in the space of `index`: (dimension,).

    They are taken for the tracks of one artist: embedded with the model, weights, precision and
    excerpt of `index`, averaged, and transformed as its artists were. `cookies` and `browser` are
    for fetching, see `audio.sources.youtube`; what an address leads to must lie in the public
    internet, unless `allow_private`; `note` is told what goes on.

    Raises WeightsError where the weights that made the index are not installed, EngineError,
    Misuse for what is neither a file nor an address, TrackError for what is no usable audio, and
    ServiceEnded without a network.
    """
    for source in sources:
        _check(source)
    key = index.manifest.key
    note(f"loading {key.model}")
    model = load_model(
        weights_of(index.manifest),
        engine=engine,
        precision=key.precision,
        threads=os.cpu_count() or 1,
    )
    open_audio = partial(
        audio_file, cookies=cookies, browser=browser, allow_private=allow_private, note=note
    )
    vectors = []
    for source in sources:
        with open_audio(source) as path:
            note(f"listening to {shown(source)} with {key.model}")
            vectors.append(_embedded(model, path, key, source))
    mean: NDArray[np.float64] = np.stack(vectors).astype(np.float64).mean(axis=0)
    sound: NDArray[np.float32] = index.transform.apply(mean[None, :].astype(np.float32))[0]
    return sound


def weights_of(manifest: Manifest) -> Weights:
    """The installed weights that made the vectors of an index.

    Raises WeightsError where there are none, or where others are installed.
    """
    key = manifest.key
    installed = weights.find_installed(spec_of(key.model))
    if installed.identity != key.weights_sha256:
        raise WeightsError(
            f"the index {key.model} was made with other weights (sha256"
            f" {key.weights_sha256[:12]}…) than the installed {installed.path}"
            f" ({installed.sha256[:12]}…)",
            remedy=Remedy.INSTALL_ITS_WEIGHTS,
            model=key.model,
        )
    return installed


def is_address(source: str) -> bool:
    """Whether `source` is to be fetched; a file of that name comes first."""
    return "://" in source and not os.path.exists(source)  # Path raises where a name is too long


def shown(source: str) -> str:
    """`source` as messages show it: an address without user, password and query."""
    if not is_address(source):
        return source
    parts = urlsplit(source)
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}"


@contextmanager
def audio_file(
    source: str,
    *,
    cookies: Path | None = None,
    browser: str | None = None,
    allow_private: bool = False,
    note: Note = lambda line: None,
) -> Iterator[Path]:
    """The file that `source`, a path or a web address, stands for.

    A YouTube video whose audio is in the cache is taken from there; whatever else an address
    leads to is fetched into a folder that is deleted on leaving. Raises what `YouTube.fetch_url`
    raises.
    """
    if not is_address(source):
        yield Path(source)
        return
    from artistindex.audio.sources.cache import AudioCache
    from artistindex.audio.sources.youtube import Cookies, YouTube

    cached = _from_cache(source)
    if cached is not None:
        yield cached
        return
    with tempfile.TemporaryDirectory(prefix="artistindex-") as folder:
        youtube = YouTube(
            AudioCache(Path(folder) / "audio", keep=False),
            cookies=Cookies(cookies, browser),
        )
        note(f"fetching {shown(source)}")
        into = Path(folder) / "fetched"
        into.mkdir()
        with closing(youtube):
            yield youtube.fetch_url(source, into, allow_private=allow_private)


def _check(source: str) -> None:
    """Raise Misuse for what cannot be meant, before anything is loaded or fetched."""
    try:
        if os.path.exists(source) or urlsplit(source).hostname:
            return
    except ValueError:  # brackets that are no address
        pass
    raise Misuse(f"{naming.quoted(source, 100)} is neither a file nor a web address (https://...)")


def _from_cache(url: str) -> Path | None:
    from artistindex.audio.sources.cache import AudioCache

    video = _video_id(url)
    return AudioCache(keep=False).get(f"youtube:{video}") if video else None


def _video_id(url: str) -> str | None:
    """The id of the YouTube video at `url`, None for any other address."""
    parts = urlsplit(url)
    video = ""
    if parts.hostname in _VIDEO_HOSTS and parts.path == "/watch":
        video = parse_qs(parts.query).get("v", [""])[0]
    elif parts.hostname == "youtu.be":
        video = parts.path.strip("/")
    return video if _VIDEO_ID.fullmatch(video) else None


def _embedded(
    model: EmbeddingModel, path: Path, key: VectorKey, source: str
) -> NDArray[np.float32]:
    """The track vector of one file; an error names what was asked for."""
    try:
        excerpt = Excerpt.parse(key.excerpt)
        audio = decode(path, excerpt=excerpt, samplings=(model.spec.sampling,))
        vector, _ = track_vector(model, audio, layer=key.layer, pooling=key.pooling)
    except TrackError as error:
        raise TrackError(error.stage, f"{shown(source)}: {error.reason}") from error
    return vector
