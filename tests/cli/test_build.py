"""`artistindex build` as a user types it: bad input, hostile names, audio that lies."""

import csv
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sounds
import standins
from artistindex.embedding import weights
from artistindex.embedding.registry import spec_of
from artistindex.index.reader import ArtistIndex
from artistindex.ingest.pipeline import build as build_here
from artistindex.library.library import FILE_NAME, Library
from artistindex.naming import clean
from builds import InProcessPool, Place, write_music

pytestmark = pytest.mark.process

SECONDS = 1.2  # a little more than VGGish's patch
CHOSEN = ("--model", "vggish", "--engine", "openvino", "--workers", 1)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.fixture
def build(
    run: Any, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Builds from `music` with a stand-in for VGGish, without worker processes."""
    run.pool = InProcessPool()
    Place(tmp_path / "weights").add_stand_ins(monkeypatch, "vggish")

    def go(*arguments: object) -> tuple[int, str, str]:
        return run("build", "--audio", music, *CHOSEN, *arguments)

    return go


def the_error(outcome: tuple[int, str, str], code: int) -> str:
    """The one line on standard error of a command that printed no data."""
    assert outcome[0] == code, outcome
    assert outcome[1] == ""
    (line,) = outcome[2].splitlines()
    assert line.startswith("Error: ")
    return line


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` that holds data."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): path.read_bytes() for path in files if not path.name.startswith(".")}


# -- what is said --------------------------------------------------------------------------------


def test_a_build_and_another_with_nothing_new(build: Any, music: Path, run: Any) -> None:
    write_music(music, {"Rezz": 2, "Vril": 1}, seconds=SECONDS)
    code, out, err = build()
    assert code == 0
    heading, _, row = out.splitlines()
    assert heading.split() == ["index", "artists", "dimension", "path"]
    assert row.split() == ["vggish", "2", "128", str(run.indexes / "vggish")]
    assert "3 tracks embedded" in err
    assert "2 of 2 artists are in every index" in err
    code, out, err = build("--format", "json")
    assert code == 0
    assert "nothing new to embed" in err
    report = json.loads(out)
    assert report["extracted"] == 0
    assert {"requested", "indexed", "failed", "tracks", "seconds", "indexes"} <= set(report)
    assert (report["requested"], report["indexed"], report["tracks"]) == (2, 2, 3)
    (index,) = report["indexes"]
    assert index["changed"] is False
    assert {"index", "artists", "dimension", "path"} <= set(index)


def test_quiet_prints_data_only(build: Any, music: Path, run: Any) -> None:
    write_music(music, {"Rezz": 1}, seconds=SECONDS)
    code, out, err = run(
        "--quiet", "build", "--audio", music, *CHOSEN, "--format", "csv"
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "index,artists,dimension,path"


def test_some_and_all_artists_failing_have_their_own_codes(build: Any, music: Path) -> None:
    write_music(music, {"Rezz": 1}, seconds=SECONDS)
    silent = sounds.write(music / "silent.flac", sounds.silence(SECONDS))
    sounds.tag(silent, artist="Nobody")
    code, _, err = build()
    assert code == 3
    assert "Nobody: silent" in err
    (music / "000.wav").unlink()
    code, _, err = build("Nobody")
    assert code == 1


# -- bad input -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two artists with a track each, embedded."""
    place = Place(tmp_path_factory.mktemp("good"))
    write_music(place.music, {"Rezz": 1, "Vril": 1}, seconds=SECONDS)
    with pytest.MonkeyPatch.context() as patch:
        place.add_stand_ins(patch, "vggish")
        build_here(
            audio=place.music,
            indexes=place.indexes,
            models=["vggish"],
            engine="openvino",
            pool=InProcessPool(),
        )
    return place


@pytest.fixture
def good_build(good: Place, build: Any, music: Path, run: Any) -> dict[str, bytes]:
    """What a good build left, which nothing below may harm."""
    shutil.copytree(good.music, music, dirs_exist_ok=True)
    shutil.copytree(good.indexes, run.indexes)
    return contents(run.indexes)


def test_folders_that_hold_no_music(good_build: dict[str, bytes], run: Any, tmp_path: Path) -> None:
    empty, text = tmp_path / "empty", tmp_path / "text"
    empty.mkdir()
    text.write_text("hello")
    for folder, code, expected in (
        (empty, 1, "holds no audio file"),
        (tmp_path / "nowhere", 2, "does not exist"),
        (text, 2, "is not a folder"),
    ):
        assert expected in the_error(run("build", "--audio", folder, *CHOSEN), code)
    assert contents(run.indexes) == good_build


def test_a_folder_without_an_artist(good_build: dict[str, bytes], run: Any, tmp_path: Path) -> None:
    nameless = tmp_path / "nameless"
    sounds.write(nameless / "song.wav", sounds.tone(440, SECONDS))
    code, out, err = run("build", "--audio", nameless, *CHOSEN)
    assert (code, out) == (1, "")
    assert err.count("Error:") == 1
    assert "no file in" in err
    code, out, _ = run("failures", "--format", "json")
    (failure,) = json.loads(out)
    assert failure["reason"].startswith("no artist")
    after = contents(run.indexes)
    assert {path: after[path] for path in good_build if FILE_NAME not in path} == {
        path: content for path, content in good_build.items() if FILE_NAME not in path
    }


def test_only_corrupt_files(good_build: dict[str, bytes], run: Any, tmp_path: Path) -> None:
    corrupt = tmp_path / "corrupt"
    corrupt.mkdir()
    for number in range(3):
        sounds.text(corrupt / f"Calibre - {number}.mp3")
    code, _, err = run("build", "--audio", corrupt, *CHOSEN)
    assert code == 1
    assert "0 of 1 artists" in err
    assert "Calibre: " in err
    assert json.loads(run("query", "Rezz", "--format", "json")[1])["neighbours"]
    with ArtistIndex.open(run.indexes / "vggish") as index:
        assert index.artists == ["Rezz", "Vril"]


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("--model", "nonsense"), 2, "unknown model 'nonsense'"),
        (("--tracks", "0"), 2, "--tracks must be at least 1"),
        (("--tracks", "many"), 2, "not a valid integer"),
        (("--workers", "-1"), 2, "--workers must be at least 1"),
        (("--excerpt", "nonsense"), 2, "unknown excerpt"),
        (("--engine", "nonsense"), 2, "nonsense"),
        (("--ids", "ids.json"), 2, "--ids is for names"),
        (("--cookies", "cookies.txt"), 2, "--cookies is for names"),
        (("--dry-run", "--ids", "ids.json"), 2, "--ids is for names"),
        (("--audio-source", "preview"), 2, "--audio-source is for names"),
        (("--nonsense",), 2, "No such option"),
        (("--artists", "nowhere.txt"), 2, "nowhere.txt"),
        (("--model", "discogs-effnet"), 1, "discogs-effnet"),
    ],
)
def test_what_cannot_be_meant(
    good_build: dict[str, bytes],
    build: Any,
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    expected: str,
) -> None:
    monkeypatch.setenv("ARTISTINDEX_MODELS_URL", "http://127.0.0.1:9/")
    code_, out, err = build(*arguments)
    assert (code_, out) == (code, ""), err
    assert err.count("Error:") == 1
    assert expected in err.splitlines()[-1]
    assert contents(run.indexes) == good_build


@pytest.mark.parametrize("write", [standins.write_no_graph, standins.write_without_output])
def test_weights_that_will_not_do(
    good_build: dict[str, bytes], build: Any, run: Any, tmp_path: Path, write: Any
) -> None:
    file = tmp_path / "w.pb"
    write(file)
    the_error(run("models", "add", "discogs-effnet", file, "--unverified"), 1)
    installed = weights.path_of(spec_of("discogs-effnet"))
    installed.write_bytes(file.read_bytes())
    the_error(build("--model", "discogs-effnet"), 1)
    assert contents(run.indexes) == good_build


def test_an_index_of_a_newer_version_is_not_replaced(
    good_build: dict[str, bytes], build: Any, run: Any
) -> None:
    manifest = run.indexes / "vggish" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 3'))
    before = contents(run.indexes)
    assert "upgrade artistindex" in the_error(build(), 1)
    assert contents(run.indexes) == before


def test_a_damaged_index_is_built_again(good_build: dict[str, bytes], build: Any, run: Any) -> None:
    manifest = run.indexes / "vggish" / "manifest.json"
    manifest.write_text("{}")
    assert build()[0] == 0
    assert run("info", "--verify")[0] == 0


def test_a_damaged_library_is_left_as_it_is(build: Any, music: Path, run: Any) -> None:
    write_music(music, {"Rezz": 1}, seconds=SECONDS)
    run.indexes.mkdir()
    library = run.indexes / FILE_NAME
    library.write_bytes(b"not a database" * 1000)
    assert FILE_NAME in the_error(build(), 1)
    assert library.read_bytes() == b"not a database" * 1000


def test_an_indexes_folder_that_is_a_file(build: Any, music: Path, run: Any) -> None:
    write_music(music, {"Rezz": 1}, seconds=SECONDS)
    run.indexes.write_text("a file")
    code, _, err = build()
    assert (code, err.count("Error:")) == (2, 1)


# -- audio that lies -----------------------------------------------------------------------------


def planar(path: Path) -> Path:
    rate = 192_000
    samples = np.stack([sounds.tone(110 * n, SECONDS, rate=rate) for n in range(1, 9)], axis=1)
    return sounds.write(path, samples, rate=rate)


def nan(path: Path) -> Path:
    samples = sounds.tone(440, SECONDS)
    samples[1000] = np.nan
    return sounds.write_float(path, samples)


def three_hours(path: Path) -> Path:
    return sounds.write(path, sounds.noise(3 * 3600, rate=8_000), rate=8_000)


def tagged(path: Path, **tags: str) -> Path:
    return sounds.tag(sounds.write(path, sounds.music(SECONDS)), **tags)  # type: ignore[arg-type]


LIES: dict[str, tuple[str, Callable[[Path], object], str | None]] = {
    # what: the file's suffix, how it is made, and the reason of the failure (None: a vector)
    "zero bytes": (".mp3", sounds.zero_bytes, "decode: "),
    "text": (".mp3", sounds.text, "decode: "),
    "video without audio": (".mp4", sounds.video, "decode: "),
    "truncated mp3": (
        ".mp3",
        lambda path: sounds.truncate(sounds.write(path, sounds.music(6))),
        "decode: cut off",
    ),
    "truncated flac": (
        ".flac",
        lambda path: sounds.truncate(sounds.write(path, sounds.music(6))),
        "decode: cut off",
    ),
    "truncated ogg": (
        ".ogg",
        lambda path: sounds.truncate(sounds.write(path, sounds.music(6))),
        "decode: cut off",
    ),
    "silence": (".flac", lambda path: sounds.write(path, sounds.silence(SECONDS)), "decode: silen"),
    "one sample": (
        ".wav",
        lambda path: sounds.write(path, sounds.tone(440, 1)[50:51]),
        "embed: 0.00 s of audio are too short for vggish",
    ),
    "8 kHz mono": (
        ".wav",
        lambda path: sounds.write(path, sounds.tone(440, SECONDS, rate=8000), rate=8000),
        None,
    ),
    "192 kHz 7.1": (".flac", planar, None),
    "NaN": (".wav", nan, "decode: it holds samples that are not numbers"),
    "DC offset": (
        ".wav",
        lambda path: sounds.write_float(path, sounds.music(SECONDS) * 0.5 + 0.4),
        None,
    ),
    "corrupt tags": (".mp3", lambda path: sounds.corrupt_tags(path, sounds.music(SECONDS)), None),
    "NUL in tags": (".flac", lambda path: tagged(path, title="a\0b", album="\0"), None),
    "10,000 characters in tags": (
        ".mp3",
        lambda path: tagged(path, title="t" * 10_000, album="a" * 10_000),
        None,
    ),
    "pipe": (".mp3", os.mkfifo, "catalogue: not a regular file"),
    "link to nowhere": (
        ".mp3",
        lambda path: path.symlink_to("nowhere"),
        "catalogue: cannot be read: No such file",
    ),
}


def test_audio_that_lies(build: Any, music: Path, run: Any) -> None:
    """Each file is its artist's only one: a vector that is right, or a failure with a reason."""
    for artist, (suffix, make, _) in LIES.items():
        make(music / f"{artist} - song{suffix}")
    code, _, err = build()
    assert code == 3
    assert err.count("Error:") == 0
    with ArtistIndex.open(run.indexes / "vggish") as index:
        indexed = set(index.artists)
        rows = dict(zip(index.artists, index.vectors, strict=True))
    reasons = {
        Path(row["what"]).stem.removesuffix(" - song"): f"{row['stage']}: {row['reason']}"
        for row in json.loads(run("failures", "--format", "json")[1])
    }
    for artist, (_, _, reason) in LIES.items():
        if reason is None:
            assert artist in indexed, (artist, reasons.get(artist))
            assert artist not in reasons
        else:
            assert artist not in indexed, artist
            assert reasons[artist].startswith(reason), (artist, reasons[artist])
    plain = {"corrupt tags", "NUL in tags", "10,000 characters in tags"}
    for artist in plain:  # the same music, whatever its tags
        assert rows[artist] @ rows["corrupt tags"] > 0.99


@pytest.mark.slow
def test_three_hours_become_a_vector(build: Any, music: Path, run: Any) -> None:
    three_hours(music / "Endless - Mix.flac")
    assert build()[0] == 0
    with Library.open(run.indexes / FILE_NAME, read_only=True) as library:
        (track,) = library.tracks_of(1)
    assert track.track.duration == pytest.approx(3 * 3600, abs=1)


# -- names ---------------------------------------------------------------------------------------

NAMES = (
    "../../x",
    "AC/DC",
    "Sigur Rós",
    "sigur ros",
    "🎧🎶👩‍👩‍👧",
    "שלום עולם",
    "Ｆｕｌｌ ｗｉｄｔｈ",
    "ハハ",
    "パパ",
    "Й",
    "И",
    "Robert'); DROP TABLE artists;--",
    '"; DELETE FROM artists; --',
    "100% %s %n {0}",
    "-- -k",
    "--help",
    "=HYPERLINK(1)",
    "+/-",
    "@a",
    "two\nlines",
    "red \x1b[31malarm\x07",
    "\u202egnp.exe",
    "c1 \x9b2J end",
    "[bold]rich[/bold]",
    "x" * 1_000,
)
UNSAFE = [chr(code) for code in (*range(32), *range(0x7F, 0xA0), 0x202E) if chr(code) != "\n"]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """One track of each of `NAMES`, embedded."""
    place = Place(tmp_path_factory.mktemp("hostile"))
    for number, name in enumerate(NAMES):
        path = sounds.write(place.music / f"{number}.flac", sounds.music(SECONDS, seed=number))
        own_id = f"{number:08x}-0000-4000-8000-000000000000"  # two that fold alike stay two
        sounds.tag(path, artist=name, title=name, album=name, musicbrainz=own_id)
    sounds.write(place.music / os.fsdecode(b"caf\xe9 \x1b[31m\n.wav"), sounds.tone(440, 1))
    with pytest.MonkeyPatch.context() as patch:
        place.add_stand_ins(patch, "vggish")
        report = build_here(
            audio=place.music,
            indexes=place.indexes,
            models=["vggish"],
            engine="openvino",
            pool=InProcessPool(),
        )
    assert report.indexed == len(NAMES)
    return place


def spelled(place: Place) -> list[str]:
    with ArtistIndex.open(place.indexes / "vggish") as index:
        return index.artists


def test_names_are_stored_as_they_are_spelled(hostile: Place) -> None:
    stored = set(spelled(hostile))
    assert len(stored) == len(NAMES)
    changed = {"two\nlines", "red \x1b[31malarm\x07", "c1 \x9b2J end"}
    assert set(NAMES) - changed <= stored
    assert {"two lines", "red [31malarm", "c1 2J end"} <= stored
    assert {path.name for path in hostile.indexes.iterdir() if path.suffix or path.is_dir()} == {
        "vggish",
        FILE_NAME,
    }


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_every_name_finds_itself(hostile: Place, run: Any, name: str) -> None:
    run.indexes = hostile.indexes
    for form in ("json", "csv", "table"):
        code, out, err = run("query", "--format", form, "--k", 3, "--", name)
        assert code == 0, err
        assert not any(character in out + err for character in UNSAFE if character != "\r")
    payload = json.loads(run("query", "--format", "json", "--k", 99, "--", name)[1])
    assert payload["query"] == [clean(name)]
    assert {row["artist"] for row in payload["neighbours"]} == set(spelled(hostile)) - {clean(name)}


@pytest.mark.parametrize("command", [("query", "AC/DC", "--k", 99), ("failures",), ("info",)])
def test_no_name_escapes_its_line_or_cell(
    hostile: Place, run: Any, command: tuple[object, ...]
) -> None:
    run.indexes = hostile.indexes
    code, out, err = run(*command, "--format", "csv")
    assert code == 0
    rows = list(csv.reader(io.StringIO(out)))
    assert len({len(row) for row in rows}) == 1
    assert not any(
        cell[:1] in ("=", "+", "-", "@") for row in rows for cell in row if not number(cell)
    )
    table = run(*command)[1]
    assert len(table.splitlines()) == len(rows) + 1
    for text in (out, err, table, run(*command, "--format", "json")[1]):
        assert not any(character in text for character in UNSAFE if character != "\r")


def number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_a_file_name_that_is_not_utf8_is_shown_escaped(hostile: Place, run: Any) -> None:
    run.indexes = hostile.indexes
    (failure,) = json.loads(run("failures", "--format", "json")[1])
    assert failure["what"].endswith("/café \x1b[31m\n.wav")
    assert "café \\x1b[31m\\n.wav" in run("failures")[1]


@pytest.mark.parametrize(
    ("name", "code"),
    [("", 1), ("SIGUR ROS", 1), ("Nobody at all", 1), ("y" * 10_000, 1), ("\udcff", 1), ("\n", 1)],
)
def test_names_that_find_nobody_or_several(hostile: Place, run: Any, name: str, code: int) -> None:
    run.indexes = hostile.indexes
    for command in ("query", "forget"):
        line = the_error(run(command, "--", name), code)
        assert len(line) < 1_000
        assert not any(character in line for character in UNSAFE)
    assert len(spelled(hostile)) == len(NAMES)


@pytest.mark.parametrize("index", ["../elsewhere", "/etc", ".", "", "x\x1b[31m", "a" * 10_000])
def test_no_index_outside_the_folder_is_opened(hostile: Place, run: Any, index: str) -> None:
    (hostile.root / "elsewhere").mkdir(exist_ok=True)
    for path in (hostile.indexes / "vggish").iterdir():
        (hostile.root / "elsewhere" / path.name).write_bytes(path.read_bytes())
    run.indexes = hostile.indexes
    line = the_error(run("query", "AC/DC", "--index", index), 2)
    assert "unknown index" in line
    assert "\x1b" not in line


def test_forgetting_them_all(hostile: Place, run: Any, tmp_path: Path) -> None:
    shutil.copytree(hostile.indexes, run.indexes)
    for name in NAMES:
        code, out, err = run("forget", "--", name)
        assert (code, out) == (0, ""), err
        assert not any(character in err for character in UNSAFE)
    with Library.open(run.indexes / FILE_NAME) as library:
        library.verify()
        assert library.counts()["artists"] == library.counts()["tracks"] == 0


def test_names_without_a_network_are_one_line(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTISTINDEX_DEEZER_URL", "http://127.0.0.1:9")
    code, out, err = run("build", "Rezz", "Justice", "deadmau5", "--model", "musicnn")
    assert (code, out) == (1, "")
    (line,) = [line for line in err.splitlines() if "cannot be reached" in line]
    assert line.startswith("  Rezz, Justice, deadmau5: Deezer: cannot be reached")
