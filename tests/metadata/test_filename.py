"""What paths say once all of a folder are known."""

from pathlib import Path

import pytest

from artistindex.metadata.filename import artist_and_title, from_path, path_habits
from artistindex.metadata.nobody import is_nobodys_folder

FOLDERS: dict[str, dict[str, tuple[str | None, ...]]] = {
    "a crate of one who is not the artist": {
        "DJ Bob/Crate 1/Rezz - Edge.wav": ("Rezz", "Edge", "Crate 1"),
        "DJ Bob/Crate 1/Surgeon - Force.wav": ("Surgeon", "Force", "Crate 1"),
        "DJ Bob/Crate 2/Vril - Torus.wav": ("Vril", "Torus", "Crate 2"),
    },
    "sets": {
        "Sets/Warmup 2024/Rezz - Edge.wav": ("Rezz", "Edge", "Warmup 2024"),
        "Sets/Peak/03 - Surgeon - Force.wav": ("Surgeon", "Force", "Peak"),
        "Sets/Peak/Recording.wav": (None, "Recording", "Peak"),
    },
    "versions are no titles": {
        "Rezz/Spiral/Edge - Remix.mp3": ("Rezz", "Edge - Remix", "Spiral"),
        "Rezz/Spiral/Flux - Live.mp3": ("Rezz", "Flux - Live", "Spiral"),
        "Rezz/Spiral/Hell - Remastered 2011.mp3": ("Rezz", "Hell - Remastered 2011", "Spiral"),
    },
    "two titles with dashes are no habit": {
        "Prodigy/Album/Breathe - Smack.mp3": ("Prodigy", "Breathe - Smack", "Album"),
        "Prodigy/Album/Up - Down.mp3": ("Prodigy", "Up - Down", "Album"),
    },
    "the sides of a record": {
        "LP/A1. Rezz - Edge.flac": ("Rezz", "Edge", "LP"),
        "LP/A2. Vril - Flux.flac": ("Vril", "Flux", "LP"),
        "LP/B1 Blawan - Hell.flac": ("Blawan", "Hell", "LP"),
        "Rezz/Spiral/A1 Edge.flac": ("Rezz", "Edge", "Spiral"),
        "Rezz/Spiral/B2 - Flux.flac": ("Rezz", "Flux", "Spiral"),
    },
    "no side of a record": {
        "A1 Bassline - Tune.mp3": ("A1 Bassline", "Tune", None),
        "B2 - Edge.mp3": ("B2", "Edge", None),
        "Rezz - Edge.mp3": ("Rezz", "Edge", None),
    },
    "a side alone, before an artist": {
        "A1 - Rezz - Edge.mp3": ("Rezz", "Edge", None),
        "B2. Vril - Torus.mp3": ("Vril", "Torus", None),
        "Blawan - Why.mp3": ("Blawan", "Why", None),
        "D4 - Edge - Remix.mp3": ("D4", "Edge - Remix", None),
    },
    "the two sides of a single": {
        "Single/A - Rezz - Edge.flac": ("Rezz", "Edge", "Single"),
        "Single/AA - Vril - Torus.flac": ("Vril", "Torus", "Single"),
        "Blawan - EP/A - Hell.flac": ("Blawan", "Hell", "Blawan - EP"),
        "Blawan - EP/B - Why.flac": ("Blawan", "Why", "Blawan - EP"),
    },
    "keys and beats of DJs' programs": {
        "8A - 128 - Rezz - Edge.mp3": ("Rezz", "Edge", None),
        "Am - 128 - Vril - Torus.mp3": ("Vril", "Torus", None),
        "124 - 12B - Blawan - Why.mp3": ("Blawan", "Why", None),
    },
    "a label before it": {
        "[TRUST 01] Rezz - Edge.mp3": ("Rezz", "Edge", None),
        "[:SITD:] - Snuff.mp3": ("[:SITD:]", "Snuff", None),
    },
    "every dash there is": {
        "Rezz ‒ Edge.mp3": ("Rezz", "Edge", None),
        "Vril ― Torus.mp3": ("Vril", "Torus", None),
        "Blawan − Why.mp3": ("Blawan", "Why", None),
    },
    "what programs call a track": {
        "Track 01 - Edge.mp3": (None, "Track 01 - Edge", None),
        "Recording - 2024-01-01.wav": (None, "Recording - 2024-01-01", None),
        "DJ Set - Berlin.wav": (None, "DJ Set - Berlin", None),
    },
    "movements": {
        "Rezz/Quartet/01 First - Allegro.mp3": ("Rezz", "First - Allegro", "Quartet"),
        "Rezz/Quartet/02 Second - Allegro.mp3": ("Rezz", "Second - Allegro", "Quartet"),
        "Rezz/Quartet/03 Third - Allegro.mp3": ("Rezz", "Third - Allegro", "Quartet"),
    },
    "singles beside albums": {
        "Rezz/Spiral/Edge.mp3": ("Rezz", "Edge", "Spiral"),
        "Rezz/Single.mp3": ("Rezz", "Single", None),
        "Vril/Torus.mp3": (None, "Torus", "Vril"),
    },
    "compilations": {
        "Various Artists/Hits/01 - Rezz - Edge.mp3": ("Rezz", "Edge", "Hits"),
        "VA/Other/Song.mp3": (None, "Song", "Other"),
        "Soundtracks/Film/01 - Vangelis - Main.mp3": ("Vangelis", "Main", "Film"),
    },
    "the scene": {
        "Aphex_Example-Ambient-CD-1992-GRP/01-aphex_example-xtal-grp.mp3": (
            "aphex example",
            "xtal",
            "Ambient",
        ),
        "VA-Some_Comp-2003-GRP/a1-rezz-edge_one.mp3": ("rezz", "edge one", "Some Comp"),
        "VA-Some_Comp-2003-GRP/02-va-edge_two-grp.mp3": (None, None, "VA-Some_Comp-2003-GRP"),
    },
    "what yt-dlp appends": {
        "Rezz - Edge [dQw4w9WgXcQ].opus": ("Rezz", "Edge", None),
        "Vril - Torus [123456789].mp3": ("Vril", "Torus", None),
        "Title Only [dQw4w9WgXcQ].opus": (None, "Title Only", None),
        "Björk - Jóga [Live].mp3": ("Björk", "Jóga [Live]", None),
    },
    "four parts": {
        "Aphex Example - Ambient - 01 - Xtal.wav": ("Aphex Example", "Xtal", "Ambient"),
        "Rezz/Rezz - Spiral - 02 - Flux.mp3": ("Rezz", "Flux", "Spiral"),
        "Autechre Example - NTS/NTS-001-Autechre Example-elyc9.wav": (
            "Autechre Example",
            "elyc9",
            "Autechre Example - NTS",
        ),
        "Sigur Rós/Takk/Sigur Rós - 01 - Glósóli.mp3": ("Sigur Rós", "Glósóli", "Takk"),
    },
    "years and discs": {
        "Pink Floyd/1973 - The Dark Side/CD1/01 - Time.mp3": (
            "Pink Floyd",
            "Time",
            "1973 - The Dark Side",
        ),
        "2019/Album/x.mp3": (None, "x", "Album"),
    },
    "shelves": {
        "Techno/Surgeon/Force.wav": ("Surgeon", "Force", None),
        "Techno/Rezz/Spiral/Edge.wav": ("Rezz", "Edge", "Spiral"),
        "music/Vril/Torus.mp3": ("Vril", "Torus", None),
    },
    "heaps": {
        "snd/a/b.wav": (None, "b", "a"),
        "data/x/y.wav": (None, "y", "x"),
        "Downloads/Spiral/Edge.mp3": (None, "Edge", "Spiral"),
    },
}


@pytest.mark.parametrize("name", FOLDERS)
def test_paths_are_read_by_the_habits_of_the_folder(name: str) -> None:
    folder = FOLDERS[name]
    habits = path_habits(map(Path, folder))
    for path, (artist, title, album) in folder.items():
        track = from_path(Path(path), habits)
        assert [item.name for item in track.artists] == ([artist] if artist else []), path
        assert track.album == album, path
        if title is not None:
            assert track.title == title


NOBODYS = (
    "House|Sets|snd|data|music|Downloads|Drum & Bass|2019|1990-1999|90s|Various Artists|VA|iTunes"
    "|Unknown Artist|MP3|Warm_Up|DJ Sets|Jazz"
)


@pytest.mark.parametrize("folder", NOBODYS.split("|"))
def test_folders_that_are_nobodys(folder: str) -> None:
    assert is_nobodys_folder(folder)
    track = from_path(Path(folder, "Spiral 1", "Edge.mp3"))
    assert folder not in [artist.name for artist in track.artists]


@pytest.mark.parametrize("folder", ["Rezz", "The House", "Datach'i", "The 1975", "Musiq", "MU"])
def test_folders_that_are_somebodys(folder: str) -> None:
    assert not is_nobodys_folder(folder)
    track = from_path(Path(folder, "Spiral 1", "Edge.mp3"))
    assert [artist.name for artist in track.artists] == [folder]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Rezz - Edge", ("Rezz", "Edge")),
        ("Rezz – Edge (Original Mix)", ("Rezz", "Edge (Original Mix)")),
        ("Edge - Original Mix", None),
        ("Edge", None),
        ("VA - Edge", None),
        (" - Edge", None),
        ("Rezz - 03 - Edge", ("Rezz", "Edge")),
    ],
)
def test_artist_and_title(text: str, parts: tuple[str, str] | None) -> None:
    assert artist_and_title(text) == parts
