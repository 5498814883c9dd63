"""The catalogue's own 30 s previews as a source of audio: no YouTube, no search, a short excerpt.

Deezer signs a preview's address for a quarter of an hour: it is asked for anew for every fetch, and
neither address nor audio is kept.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from artistindex.audio.sources.cache import AudioCache
from artistindex.entities import AudioMatch, Track
from artistindex.errors import ServiceEnded, ServiceError, TrackError

if TYPE_CHECKING:
    from artistindex.metadata.deezer import Deezer


class Previews:
    """Deezer's previews as a source of audio; see base.AudioSource. For one thread."""

    name = "preview"

    def __init__(self, deezer: "Deezer | None" = None, *, folder: Path | None = None) -> None:
        if deezer is None:
            from artistindex.metadata.deezer import Deezer

            deezer = Deezer()
        logging.getLogger("urllib3").setLevel(logging.INFO)  # below, it quotes signed addresses
        self._deezer = deezer
        self._cache = AudioCache(folder, keep=False)

    def candidates(self, track: Track) -> list[AudioMatch]:
        """Return the preview of `track`: of its Deezer id, or of the recording (ISRC).

        Raises TrackError (stage "match") for a track with neither. Asks nobody.
        """
        if track.catalogue == "deezer" and track.catalogue_id:
            id_, reason = track.catalogue_id, "the catalogue's own preview"
        elif track.isrc:
            id_, reason = f"isrc:{track.isrc}", "the preview of the same recording (ISRC)"
        else:
            raise TrackError("match", "no Deezer id and no ISRC, so no preview can be looked up")
        return [AudioMatch(self.name, f"deezer:{id_}", 100.0, reason, track.title)]

    def fetch(self, match: AudioMatch, *, duration: float | None = None) -> Path:
        """Return the preview's MP3 of about 30 s, fetched now, however long the track is.

        Raises TrackError (stage "fetch") and ServiceEnded.
        """
        try:
            return self._fetch(match)
        except ServiceEnded:
            raise
        except ServiceError as error:
            raise TrackError("fetch", str(error), retryable=True) from None

    def release(self, path: Path, *, useless: bool = False) -> None:
        """Say that a preview has been used: it is deleted, `useless` or not."""
        self._cache.release(path, useless=useless)

    def close(self) -> None:
        """Delete what was fetched, and close the connections."""
        self._cache.close()
        self._deezer.close()

    def _fetch(self, match: AudioMatch) -> Path:
        url = self._deezer.preview_url(_track(match.source_id.removeprefix("deezer:")))
        if url is None:
            raise TrackError("fetch", "Deezer has no preview of it")
        with self._cache.fetching() as folder:
            file = folder / "preview.mp3"
            with self._cache.explaining():
                self._deezer.download(url, file)
            return self._cache.put(match.source_id, file)


def _track(id_: str) -> Track:
    isrc = id_.removeprefix("isrc:")
    if isrc != id_:
        return Track((), "", isrc=isrc)
    return Track((), "", catalogue="deezer", catalogue_id=id_)
