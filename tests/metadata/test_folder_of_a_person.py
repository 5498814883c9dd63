"""Sixty-six files with the tags and names that people really have, and whose each one is."""

from collections.abc import Mapping
from pathlib import Path

import pytest

import sounds
from artistindex.metadata.attribution import decide_artists
from artistindex.metadata.local_files import scan_folder
from artistindex.metadata.tag_reader import TagReaderHere

BONOBO, MURA, NIRVANA_US, NIRVANA_UK = (
    f"{digit * 8}-2222-4222-8222-222222222222" for digit in "1234"
)

# path: (tags, artists)
FILES: Mapping[str, tuple[Mapping[str, object], set[str]]] = {
    # one artist, spelled in many ways
    "Bonobo/Black Sands/01 Prelude.flac": ({"artist": "Bonobo", "musicbrainz": BONOBO}, {"Bonobo"}),
    "Bonobo/Black Sands/02 Kiara.flac": ({"artist": "Bonobo", "musicbrainz": BONOBO}, {"Bonobo"}),
    "Bonobo/Migration/01 Migration.mp3": ({"artist": "bonobo "}, {"Bonobo"}),
    "Bonobo/Migration/02 Break Apart.mp3": ({"artist": "Bonobo feat. Rhye"}, {"Bonobo"}),
    "Bonobo/Migration/03 Outlier.mp3": ({"artist": "BONOBO"}, {"Bonobo"}),
    "Bonobo/Migration/07 Bambro.mp3": ({}, {"Bonobo"}),
    "Beatles/Help/01 Help.mp3": ({"artist": "The Beatles"}, {"The Beatles"}),
    "Beatles/Help/02 The Night Before.mp3": ({"artist": "Beatles, The"}, {"The Beatles"}),
    "Beatles/Help/03 Yesterday.m4a": ({"artist": "the beatles"}, {"The Beatles"}),
    "Björk/Post/01 Army.ogg": ({"artist": "Björk"}, {"Björk"}),
    "Björk/Post/02 Hyper.ogg": ({"artist": "Bjo\u0308rk"}, {"Björk"}),
    "Björk/Post/03 Isobel.mp3": ({"artist": "Bjork"}, {"Björk"}),
    "sigur/01.mp3": ({"artist": "Sigur Rós", "title": "Svefn"}, {"Sigur Rós"}),
    "sigur/02.mp3": ({"artist": "SIGUR RÓS", "title": "Flugu"}, {"Sigur Rós"}),
    # names that must stay whole
    "a/AC.mp3": ({"artist": "AC/DC", "title": "Thunder"}, {"AC/DC"}),
    "a/tyler.mp3": ({"artist": "Tyler, The Creator", "title": "See You"}, {"Tyler, The Creator"}),
    "a/sg.mp3": ({"artist": "Simon & Garfunkel", "title": "Boxer"}, {"Simon & Garfunkel"}),
    "a/ewf.mp3": ({"artist": "Earth, Wind & Fire", "title": "September"}, {"Earth, Wind & Fire"}),
    "a/chk.mp3": ({"artist": "!!!", "title": "Must Be"}, {"!!!"}),
    "a/feat.mp3": ({"artist": "Little Feat", "title": "Dixie"}, {"Little Feat"}),
    "a/fifty.mp3": ({"artist": "50 Cent", "title": "In da Club"}, {"50 Cent"}),
    # joint names of artists who are here, and of some who are not
    "dnb/1.mp3": ({"artist": "Calibre", "title": "Mr Right On"}, {"Calibre"}),
    "dnb/2.mp3": ({"artist": "DRS", "title": "Count"}, {"DRS"}),
    "dnb/3.mp3": ({"artist": "Calibre & DRS", "title": "Sheena"}, {"Calibre", "DRS"}),
    "dnb/4.mp3": ({"artist": "DRS; Calibre", "title": "Rain"}, {"Calibre", "DRS"}),
    "dnb/5.mp3": ({"artist": "Calibre/DRS", "title": "Sun"}, {"Calibre", "DRS"}),
    "dnb/6.mp3": ({"artist": "Calibre x DRS", "title": "Moon"}, {"Calibre", "DRS"}),
    "dnb/7.mp3": ({"artist": "Calibre vs. DRS", "title": "Star"}, {"Calibre", "DRS"}),
    "dnb/8.mp3": ({"artist": "Calibre, DRS", "title": "Sky"}, {"Calibre", "DRS"}),
    "dnb/9.mp3": ({"artist": "Chase & Status", "title": "Time"}, {"Chase & Status"}),
    "dnb/10.flac": ({"artist": ["Calibre", "DRS"], "title": "Sea"}, {"Calibre", "DRS"}),
    # guests
    "hits/1.mp3": ({"artist": "Mura Masa ft. Nao", "title": "Firefly"}, {"Mura Masa"}),
    "hits/2.mp3": ({"artist": "Mura Masa (with Charli)", "title": "1 Night"}, {"Mura Masa"}),
    "hits/3.mp3": ({"artist": "Mura Masa featuring A$AP", "title": "Love$ick"}, {"Mura Masa"}),
    "hits/4.flac": ({"artist": "Mura Masa", "title": "Messy", "musicbrainz": MURA}, {"Mura Masa"}),
    # namesakes
    "nirvana/us.flac": (
        {"artist": "Nirvana", "musicbrainz": NIRVANA_US, "title": "L"},
        {"Nirvana"},
    ),
    "nirvana/uk.flac": (
        {"artist": "Nirvana", "musicbrainz": NIRVANA_UK, "title": "R"},
        {"Nirvana"},
    ),
    # nobody
    "Various Artists/Sampler/01 Rezz - Edge.mp3": ({"artist": "Various Artists"}, {"Rezz"}),
    "Various Artists/Sampler/02 Vril - Torus.mp3": ({"artist": "VA"}, {"Vril"}),
    "Various Artists/Sampler/03 Intro.mp3": ({"artist": "Various"}, set()),
    "Compilations/Ibiza/04 Sunset.mp3": (
        {"artist": "Verschiedene Interpreten", "title": "Nora En Pure - Sunset"},
        {"Nora En Pure"},
    ),
    "Compilations/Ibiza/05 Dawn.mp3": ({"artist": "Varios Artistas", "title": "Dawn"}, set()),
    "Compilations/Ibiza/06 Rezz - Flux.mp3": ({"albumartist": "Various Artists"}, {"Rezz"}),
    "Compilations/Ibiza/07.mp3": ({"artist": "Vril", "albumartist": "V.A."}, {"Vril"}),
    "x/unknown.mp3": ({"artist": "Unknown Artist", "title": "Track 01"}, set()),
    "x/unknown2.mp3": ({"artist": "[unknown]", "title": "Track 02"}, set()),
    "x/unknown3.mp3": ({"artist": "<unknown>", "title": "Track 03"}, set()),
    "x/only an album artist.mp3": ({"albumartist": "Blawan", "title": "Fourth"}, {"Blawan"}),
    # no tags at all
    "Sets/Warmup 2024/Blawan - Toast.wav": ({}, {"Blawan"}),
    "Sets/Peak/03 - Surgeon - Force.wav": ({}, {"Surgeon"}),
    "Techno/Surgeon/Magneze.wav": ({}, {"Surgeon"}),
    "House/Recording 14.wav": ({}, set()),
    "snd/kick/01.wav": ({}, set()),
    "data/export/take 2.wav": ({}, set()),
    "Downloads/Rezz - Relax [dQw4w9WgXcQ].opus": ({}, {"Rezz"}),
    "Downloads/Overmono - So U Kno.webm": ({}, {"Overmono"}),
    "Downloads/voice memo.m4a": ({}, set()),
    "Aphex_Twin-Drukqs-2CD-2001-GRP/101-aphex_twin-jynweythek-grp.mp3": ({}, {"aphex twin"}),
    "Autechre - Amber - 01 - Foil.flac": ({}, {"Autechre"}),
    "vinyl/A1 Objekt - Ganzfeld.flac": ({}, {"Objekt"}),
    "vinyl/A2 Batu - Murmur.flac": ({}, {"Batu"}),
    "vinyl/B1 Ploy - Ramos.flac": ({}, {"Ploy"}),
    "Massive Attack/Mezzanine/01 - Angel.mp3": ({}, {"Massive Attack"}),
    "Massive Attack/Mezzanine/CD 2/02 - Risingson.mp3": ({}, {"Massive Attack"}),
    "Massive Attack/Teardrop.mp3": ({}, {"Massive Attack"}),
    "Portishead - Dummy/01 Mysterons.mp3": ({}, {"Portishead"}),
}


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, in which no sound is longer than it must be to be a file."""
    root = tmp_path_factory.mktemp("person")
    blanks = {
        suffix: sounds.write(root.parent / f"blank{suffix}", sounds.noise(0.1)).read_bytes()
        for suffix in {Path(name).suffix for name in FILES}
    }
    for name, (tags, _) in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blanks[path.suffix])
        if tags:
            sounds.tag(path, **tags)  # type: ignore[arg-type]
    return root


def test_every_file_is_its_artists(music: Path) -> None:
    scanned = scan_folder(music, reader=TagReaderHere())
    assert len(scanned.files) == len(FILES) == 66
    decided = {
        decision.file.relative.as_posix(): {artist.name for artist in decision.artists}
        for decision in decide_artists(scanned.files)
    }
    assert decided == {name: artists for name, (_, artists) in FILES.items()}


def test_there_are_as_many_artists_as_people(music: Path) -> None:
    decisions = decide_artists(scan_folder(music, reader=TagReaderHere()).files)
    artists = {
        (artist.name, artist.ids.get("musicbrainz"))
        for decision in decisions
        for artist in decision.artists
    }
    assert len(artists) == len({name for _, names in FILES.values() for name in names}) + 1
    assert {id_ for name, id_ in artists if name == "Nirvana"} == {NIRVANA_US, NIRVANA_UK}
    assert {id_ for name, id_ in artists if name == "Bonobo"} == {BONOBO}
