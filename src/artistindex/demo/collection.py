"""The demo's nine artists, who do not exist, and their records as tagged files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artistindex._util.files import atomic_path, atomic_write, make_folder
from artistindex.demo import styles
from artistindex.demo.styles import Style
from artistindex.demo.synth import RATE, Sound
from artistindex.errors import ArtistIndexError, Misuse

SECONDS = 20.0
SEED = 2
README = "README.txt"
_FIRST_LINE = "This folder was made by `artistindex demo`."
_ABOUT = """{first_line}

music/    {artists} artists who do not exist, {tracks} tracks: all of it synthesised, free to use
indexes/  what `artistindex build --audio music` made of them

Delete the folder whenever you like; `artistindex demo` makes it again.
"""


@dataclass(frozen=True, slots=True)
class Act:
    """An artist of the demo."""

    name: str
    style: Style
    album: str
    titles: tuple[str, ...]


ACTS = (
    Act("Pressure Ward", styles.techno, "Ward Rounds", ("Valve Nine", "Steam Law", "Night Gauge")),
    Act("Brakelight Cartel", styles.breaks, "Hard Shoulder", ("Tailback", "Kerb", "Amber Only")),
    Act("Ninefold Haze", styles.ambient, "Slow Glass", ("Lichen", "Before Snow", "Low Cloud")),
    Act("Young Plinth", styles.trap, "Marble Money", ("Cold Marble", "Pigeons", "Pedestal")),
    Act(
        "Cartridge Orchard", styles.chiptune, "Save Point", ("Pixel Pip", "1-UP Tree", "Continue?")
    ),
    Act("The Paper Ferry", styles.folk, "Folded Tide", ("Harbour Song", "Ink", "Across by Nine")),
    Act("Sable Fifths", styles.strings, "Horsehair", ("Rosin", "Long Bow", "Open String")),
    Act(
        "Blue Ledger Trio",
        styles.swing,
        "Balance Due",
        ("Carried Over", "Petty Cash", "Audit Walk"),
    ),
    Act("Iron Turnstile", styles.techno, "Platform Two", ("Mind It", "Last Train", "Third Rail")),
)
TWINS = ("Pressure Ward", "Iron Turnstile")


@dataclass(frozen=True, slots=True)
class Recording:
    """A track that is still to be played: its place among its artist's, counted from 0."""

    act: Act
    number: int

    @property
    def title(self) -> str:
        return self.act.titles[self.number]

    @property
    def path(self) -> Path:
        """Relative to the folder of music."""
        name = f"{self.number + 1:02} - {self.title.replace('?', '')}.flac"
        return Path(self.act.name, self.act.album, name)

    def play(self, *, seed: int = SEED, seconds: float = SECONDS) -> Sound:
        """Float32 of shape (samples, 2) at `synth.RATE`; the same for the same seed."""
        index = ACTS.index(self.act)
        own = np.random.default_rng([seed, index])
        draw = np.random.default_rng([seed, index, self.number])
        return self.act.style(own, draw, seconds)


def recordings() -> Iterator[Recording]:
    """All tracks, artist by artist."""
    for act in ACTS:
        yield from (Recording(act, number) for number in range(len(act.titles)))


def prepare(folder: Path) -> bool:
    """Make `folder`, or recognise it as made by an earlier demo; True where it is new.

    Raises Misuse for a folder that holds anything else, and ArtistIndexError where it cannot be
    written.
    """
    tracks = len(list(recordings()))
    about = _ABOUT.format(first_line=_FIRST_LINE, artists=len(ACTS), tracks=tracks)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if _is_ours(folder / README):
            return False
        if any(folder.iterdir()):
            raise Misuse(
                f"{folder} holds other files; the demo wants an empty folder or one of its own: "
                "choose another with --out"
            )
        atomic_write(folder / README, about.encode())
    except (FileExistsError, NotADirectoryError) as error:
        raise Misuse(f"{folder} is not a folder; choose another with --out") from error
    except OSError as error:
        raise ArtistIndexError(
            f"{folder} cannot be written ({error.strerror}); choose another with --out"
        ) from error
    return True


def _is_ours(readme: Path) -> bool:
    return readme.is_file() and readme.read_text("utf-8", "replace").startswith(_FIRST_LINE)


def missing(music: Path) -> list[Recording]:
    """The recordings that are not yet below `music`."""
    return [recording for recording in recordings() if not (music / recording.path).is_file()]


def record(recording: Recording, music: Path) -> None:
    """Play a recording into its tagged FLAC file below `music`; the file appears when complete.

    Raises ArtistIndexError where it cannot be written.
    """
    path = music / recording.path
    try:
        make_folder(path.parent, within=music.parent)
        with atomic_path(path) as part:
            _encode(recording.play(), part)
            _tag(recording, part)
    except OSError as error:
        raise ArtistIndexError(
            f"{path} cannot be written ({error.strerror}); choose another folder with --out"
        ) from error


def _encode(sound: Sound, path: Path) -> None:
    import av

    whole = (sound * 32767).astype(np.int16).reshape(1, -1)
    with av.open(str(path), "w", format="flac", options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream("flac", rate=RATE, layout="stereo")
        frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="stereo")
        frame.sample_rate = RATE
        frame.pts = 0
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _tag(recording: Recording, path: Path) -> None:
    from mutagen.flac import FLAC

    file = FLAC(path)  # type: ignore[no-untyped-call]  # mutagen
    file["artist"] = recording.act.name
    file["album"] = recording.act.album
    file["title"] = recording.title
    file["tracknumber"] = str(recording.number + 1)
    file["comment"] = "synthesised by artistindex demo"
    file.save()
