"""Lay out the music of Debian packages as collections, labelled by tags and by the credits.

    python benchmarks/collect_music.py FOLDER

Packages of COLLECTIONS that are not yet in FOLDER/unpacked are downloaded and unpacked there with
apt-get and dpkg-deb. Every Ogg file of theirs that somebody is named for is copied to
FOLDER/collections/NAME, the package's name before its own, and its artist tag filled where there
is none. Prints how many files are named by their tags, how many by which credits.
"""

import argparse
import html
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import mutagen
import yaml

COLLECTIONS: Mapping[str, Mapping[str, str]] = {
    "wesnoth": {"wesnoth-1.16-music": "games/wesnoth/1.16/data/core/music"},
    "naev": {"naev-data": "naev/dat/snd/music"},
    "supertux": {"supertux-data": "games/supertux2/music"},
    "supertuxkart": {"supertuxkart-data": "games/supertuxkart/data/music"},
    "widelands": {"widelands-data": "games/widelands/data/music"},
    "strategy": {
        "flare-game": "games/flare/mods/fantasycore/music",
        "megaglest-data": "games/megaglest",
        "unknown-horizons": "unknown-horizons/content/audio/music",
    },
    "mixed": {
        "hyperrogue-music": "hyperrogue/music",
        "colobot-common-sounds": "games/colobot/music",
        "marsshooter-data": "games/marsshooter/audio/music",
        "openclonk-data": "games/openclonk/Music.ocg",
        "singularity-music": "games/singularity/music",
        "lordsawar-data": "games/lordsawar/music",
        "zaz-data": "games/zaz",
        "freedroidrpg-data": "freedroidrpg/data/sound/music",
        "starfighter-data": "starfighter/music",
    },
}
"""Collections by name: their packages, and where in /usr/share the music of each lies."""

ALIASES = {
    "0zone0ne": "Max Freeman",  # supertuxkart names 0zone0ne for a file whose tag says Max Freeman
    "ozoneone": "Max Freeman",
    "krobonil": "Chris Leutwyler",  # "Chris Leutwyler (Krobonil)" in supertuxkart
    "http://zhaymusic.com/": "Joseph G. Toscano (Zhaytee)",
    "klaus halfmann aka hasi50": "Klaus Halfmann",
}
"""Names, in lower case, under which somebody stands in tags or credits who has another there."""

NO_MUSIC = {"win", "lose", "sounds"}
"""Folders of jingles and effects."""
NO_PERSON = {"Vega Strike", "http://opengameart.org, from bart"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a credits file says in words: whom of, for files called so."""

    words: str
    artist: str
    files: tuple[str, ...]


SENTENCES: Mapping[str, Sequence[Sentence]] = {
    "games/megaglest/docs/AUTHORS.data.txt": (
        Sentence(
            "Aminos for the indians and persian background music",
            "Aminos",
            ("music_indian.ogg", "aminos-together_together.ogg"),
        ),
        Sentence("Margaras for the egypt background music", "Margaras", ("asak-jadeflange.ogg",)),
        Sentence(
            "manolo camp for the background music (norsemen)",
            "manolo camp",
            ("manolo_camp-medieval.ogg",),
        ),
        Sentence(
            "The Romans faction uses music tracks from Mattias Westlund's album",
            "Mattias Westlund",  # the tag names who made the faction
            ("romans.ogg",),
        ),
    )
}


def main() -> None:
    """Download, unpack, label, count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for name, packages in COLLECTIONS.items():
        counts: Counter[str] = Counter()
        for package, music in packages.items():
            root = unpacked(package, folder / "unpacked")
            counts += collect(root, root / "usr/share" / music, folder / "collections" / name)
        print(f"{name}: {', '.join(f'{count} by {source}' for source, count in counts.items())}")


def unpacked(package: str, folder: Path) -> Path:
    """Return where `package` lies unpacked, which is brought there if it is not."""
    root = folder / package
    if not root.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True)
        for archive in folder.glob(f"{package}_*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive.name, package], cwd=folder, check=True)
            archive.unlink()
    return root


def collect(root: Path, music: Path, target: Path) -> Counter[str]:
    """Copy the files below `music` that somebody is named for; count what names them."""
    target.mkdir(parents=True, exist_ok=True)
    credits_ = Credits.of(root)
    counts: Counter[str] = Counter()
    for path in sorted(music.rglob("*.ogg")):
        if NO_MUSIC & set(path.relative_to(music).parts):
            continue
        source, artists = credits_.artists_of(path)
        if artists:
            label(shutil.copyfile(path, target / f"{root.name}_{path.name}"), artists)
            counts[source] += 1
    return counts


def label(path: Path, artists: Sequence[str]) -> None:
    """Write who made the file into its tags."""
    opened = mutagen.File(path)
    opened["artist"] = " & ".join(artists)
    opened["artists"] = list(artists)
    opened.save()


# --- who made a file ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Credits:
    """Who is named for the files of a package: by name of file, or by a pattern of names."""

    sentences: Mapping[str, str]
    credits: Mapping[str, str]

    @classmethod
    def of(cls, root: Path) -> "Credits":
        """Read all credits of the package that is unpacked in `root`."""
        share = root / "usr/share"
        credits_: dict[str, str] = {}
        for file, who in (*_of_music_files(share), *_of_lists(share), *_of_copyright(share)):
            credits_.setdefault(file, who)
        return cls(dict(_of_sentences(share)), credits_)

    def artists_of(self, path: Path) -> tuple[str, list[str]]:
        """Return what names the artists of a file, and them; an empty list where nothing does.

        A sentence that names one file goes over the artist tag, and that over all other credits.
        """
        tags = mutagen.File(path).tags or {}
        artist, composer = (" & ".join(tags.get(key, ())).strip() for key in ("artist", "composer"))
        pattern = next((each for each in self.credits if fnmatch(path.name, each)), "")
        sources = {
            "sentences": self.sentences.get(path.name, ""),
            "artist tags": artist,
            "composer tags": composer,
            "credits": self.credits.get(pattern, ""),
        }
        for source, text in sources.items():
            if text:
                is_tag = source == "artist tags"
                return source, people(text if is_tag else without_remarks(text))
        return "", []


def people(text: str) -> list[str]:
    """Return who is named, everybody once and by one name, in the order of the alphabet."""
    names = (name.strip() for name in re.split(r" (?:&|and) ", text))
    known = {ALIASES.get(name.lower(), name) for name in names}
    return sorted(name for name in known if name and name not in NO_PERSON)


def without_remarks(text: str) -> str:
    """Return the names of a credit without years, addresses, brackets and second names."""
    return re.sub(r"\s*(<[^>]*>|\([^)]*\)|\baka\b.*|\b\d{4},?)", "", html.unescape(text)).strip()


def _of_sentences(share: Path) -> Iterator[tuple[str, str]]:
    for name, sentences in SENTENCES.items():
        path = share / name
        words = " ".join(path.read_text("utf-8").split()) if path.is_file() else ""
        for sentence in sentences:
            if words and sentence.words not in words:
                raise SystemExit(f"{path} does not say {sentence.words!r} any more")
            yield from ((file, sentence.artist) for file in sentence.files if words)


def _of_copyright(share: Path) -> Iterator[tuple[str, str]]:
    """The holders in Debian's machine-readable copyright files, of stanzas that name Ogg files."""
    for path in share.glob("doc/*/copyright"):
        text = path.read_text("utf-8")
        for files, holder in re.findall(r"^Files:((?:.*\n)+?)Copyright: *(.*)$", text, re.M):
            patterns = [pattern for pattern in files.split() if pattern.endswith(".ogg")]
            yield from ((Path(pattern).name, holder) for pattern in patterns)


def _of_lists(share: Path) -> Iterator[tuple[str, str]]:
    """The lists of works by author that naev keeps beside its music."""
    for path in share.rglob("SOUND_LICENSE.yaml"):
        for entry in yaml.safe_load(path.read_text("utf-8")):
            for author, works in entry.items():
                yield from ((file, author) for file in works.get("music", ()))


def _of_music_files(share: Path) -> Iterator[tuple[str, str]]:
    """The composers in supertuxkart's descriptions of tunes, and of their faster versions."""
    for path in share.rglob("*.music"):
        fields = dict(re.findall(r'([\w-]+)\s*=\s*"([^"]*)"', path.read_text("utf-8")))
        for key in ("file", "fast-filename"):
            if key in fields and "composer" in fields:
                yield fields[key], fields["composer"]


if __name__ == "__main__":
    main()
