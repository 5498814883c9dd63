"""Who made a file of a package, by its tags and by the package's credits."""

from collections.abc import Callable
from pathlib import Path

import mutagen
import pytest

from collect_music import Credits, collect, people, without_remarks
from sounds import music, write

COPYRIGHT = """Files: *
Copyright: 2001 Somebody
License: GPL-2+

Files: music/first.ogg
       music/mus*.ogg
Copyright: 2016, 2022 Lincoln Domina (http://x.org)
License: CC-BY-SA-3.0
"""
LICENCES = "- Nikola Whallon <n@x.org>:\n   music:\n     - listed.ogg\n   sounds:\n     - no.ogg\n"
TUNE = """<music title="T" composer="Krobonil &amp; OzoneOne"
 file="tune.ogg" fast-filename="tune_fast.ogg"/>"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    share = tmp_path / "package" / "usr/share"
    (share / "doc/package").mkdir(parents=True)
    (share / "doc/package/copyright").write_text(COPYRIGHT)
    (share / "music").mkdir()
    (share / "music/SOUND_LICENSE.yaml").write_text(LICENCES)
    (share / "music/tune.music").write_text(TUNE)
    return tmp_path / "package"


@pytest.fixture
def tune(root: Path) -> Callable[..., Path]:
    """Writes an Ogg file with tags."""
    folder = root / "usr/share/music"
    write(folder / "once.ogg", music(1.0))

    def write_tune(name: str, **tags: str) -> Path:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((folder / "once.ogg").read_bytes())
        opened = mutagen.File(path)
        opened.update({key: [value] for key, value in tags.items()})
        opened.save()
        return path

    return write_tune


def test_credits_name_who_has_no_tag(root: Path, tune: Callable[..., Path]) -> None:
    credits_ = Credits.of(root)
    expected = {
        "first.ogg": ["Lincoln Domina"],
        "mus3.ogg": ["Lincoln Domina"],
        "listed.ogg": ["Nikola Whallon"],
        "tune_fast.ogg": ["Chris Leutwyler", "Max Freeman"],
    }
    for name, artists in expected.items():
        assert credits_.artists_of(tune(name)) == ("credits", artists)
    assert credits_.artists_of(tune("no.ogg")) == ("", [])
    assert credits_.artists_of(tune("first.ogg", artist="B and A")) == ("artist tags", ["A", "B"])
    assert credits_.artists_of(tune("x.ogg", composer="N (saturn)")) == ("composer tags", ["N"])


def test_only_music_that_somebody_is_named_for_is_collected(
    root: Path, tmp_path: Path, tune: Callable[..., Path]
) -> None:
    for name in ("first.ogg", "nobodys.ogg", "win/mus1.ogg"):
        tune(name)
    counts = collect(root, root / "usr/share/music", tmp_path / "out")
    assert counts == {"credits": 1}
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == "package_first.ogg"
    assert mutagen.File(path)["artists"] == ["Lincoln Domina"]


def test_a_sentence_has_to_be_there(root: Path) -> None:
    path = root / "usr/share/games/megaglest/docs/AUTHORS.data.txt"
    path.parent.mkdir(parents=True)
    path.write_text("Somebody for the music")
    with pytest.raises(SystemExit, match="does not say"):
        Credits.of(root)


def test_names_are_one_person_each() -> None:
    assert people("0zone0ne & Krobonil") == ["Chris Leutwyler", "Max Freeman"]
    assert people("Vega Strike") == []
    assert without_remarks("Keith Baylis aka Vim") == "Keith Baylis"
