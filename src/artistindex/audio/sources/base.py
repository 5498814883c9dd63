"""What every source of a catalogue track's audio can do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from artistindex.entities import AudioMatch, Track


class AudioSource(Protocol):
    """A place to get a catalogue track's audio from: youtube.YouTube, deezer_preview.Previews."""

    @property
    def name(self) -> str:
        """What the library records as the source: "youtube" or "preview"."""

    def candidates(self, track: Track) -> Sequence[AudioMatch]:
        """Return acceptable audio for `track`, best first.

        Raises TrackError (stage "match") where there is none, naming the nearest ones that were
        turned down, and ServiceEnded where the service must not be asked again in this run.
        """

    def fetch(self, match: AudioMatch, *, duration: float | None = None) -> Path:
        """Return the audio file of `match`, from the cache or downloaded.

        `duration` is that of the wanted track in seconds: whole tracks are held against it, an
        excerpt is not. Raises TrackError (stage "fetch") and ServiceEnded.
        """

    def release(self, path: Path, *, useless: bool = False) -> None:
        """Say that the file has been used; deletes it if nothing is cached or it is `useless`."""

    def close(self) -> None:
        """Let go of connections and of what is not to be kept."""
