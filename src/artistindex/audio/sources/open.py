"""The choice between the places that a catalogue's audio comes from."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from artistindex.audio.sources.base import AudioSource
from artistindex.errors import Misuse

SOURCES = ("youtube", "preview")


@contextmanager
def open_source(
    choice: str = SOURCES[0],
    *,
    cache: Path | None = None,
    keep: bool = True,
    cookies: Path | None = None,
    browser: str | None = None,
) -> Iterator[AudioSource]:
    """Open the source called `choice`, with its audio cache in `cache`; closed afterwards.

    Without `keep` a file is deleted once it has been used, as a preview always is. `cookies` is a
    cookie file and `browser` a browser to take them from; pauses are logged. Raises Misuse for
    cookies that cannot be read, or that the source has no use for.
    """
    from artistindex.audio.sources.cache import AudioCache
    from artistindex.audio.sources.deezer_preview import Previews
    from artistindex.audio.sources.youtube import Cookies, YouTube

    if choice not in SOURCES:
        raise Misuse(f"unknown audio source {choice!r}; there are {', '.join(SOURCES)}")
    if choice == "preview" and (cookies or browser):
        raise Misuse("cookies are for YouTube; previews need none")
    if choice == "preview" and cache is not None:
        raise Misuse("previews may not be kept, so an audio cache is not for them")
    source: AudioSource
    if choice == "preview":
        source = Previews()
    else:
        source = YouTube(AudioCache(cache, keep=keep), cookies=Cookies(cookies, browser))
    with closing(source):
        yield source
