"""`query --audio`, `--minus` and `--weight`, as they are typed."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytest_httpserver import HTTPServer

import sounds
import standins
from artistindex.audio.decode import decode
from artistindex.embedding import weights
from artistindex.embedding.embed import track_vector
from artistindex.embedding.engine import load_model
from artistindex.embedding.registry import spec_of
from artistindex.entities import Artist, VectorKey
from artistindex.index.reader import ArtistIndex
from artistindex.index.writer import write_index
from video_site import GONE, VideoSite

Run = Callable[..., tuple[int, str, str]]
SONGS = {"Bass": 1, "Chord": 2, "Hiss": 3, "Pulse": 4}


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("songs")
    return {
        name: sounds.write(folder / f"{name}.wav", sounds.music(4, seed=seed))
        for name, seed in SONGS.items()
    }


@pytest.fixture
def index(run: Run, songs: dict[str, Path], tmp_path: Path) -> Path:
    """An index of one song an artist, made with a stand-in of VGGish, and centred."""
    spec = spec_of("vggish")
    installed = weights.install(spec, standins.write_vggish(tmp_path / "v.pb"), unverified=True)
    model = load_model(installed, engine="essentia")
    vectors = [track_vector(model, decode(path))[0] for path in songs.values()]
    folder = tmp_path / "indexes" / "vggish"
    write_index(
        folder,
        key=VectorKey("vggish", installed.sha256),
        artists=[Artist(name) for name in songs],
        vectors=np.stack(vectors),
        transform="centre",
    )
    return folder


def all_files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_a_song_finds_its_artist(run: Run, index: Path, songs: dict[str, Path]) -> None:
    before = all_files(index.parent)
    code, out, err = run("query", "--audio", songs["Hiss"], "--k", 2, "--format", "json")
    assert code == 0
    answer = json.loads(out)
    assert answer["index"] == "vggish"
    assert answer["query"] == answer["audio"] == [str(songs["Hiss"])]
    assert "minus" not in answer
    assert answer["neighbours"][0]["artist"] == "Hiss"
    assert answer["neighbours"][0]["score"] == pytest.approx(1.0, abs=2e-3)
    assert f"listening to {songs['Hiss']} with vggish" in err
    assert all_files(index.parent) == before, "a query by sound leaves nothing behind"


def test_several_files_are_averaged_as_one_artists_tracks(
    run: Run, index: Path, songs: dict[str, Path]
) -> None:
    code, out, _ = run(
        "--quiet", "query", "--audio", songs["Hiss"], "--audio", songs["Bass"], "--format", "json"
    )
    assert code == 0
    spec = spec_of("vggish")
    model = load_model(weights.find_installed(spec), engine="essentia")
    tracks = [track_vector(model, decode(songs[name]))[0] for name in ("Hiss", "Bass")]
    with ArtistIndex.open(index) as opened:
        query = opened.transform.apply(np.mean(tracks, axis=0, dtype=np.float64, keepdims=True))[0]
        expected = dict(zip(opened.artists, opened.vectors @ query, strict=True))
    for neighbour in json.loads(out)["neighbours"]:
        assert neighbour["score"] == pytest.approx(expected[neighbour["artist"]], abs=2e-3)


def test_names_and_sound_go_together(run: Run, index: Path, songs: dict[str, Path]) -> None:
    code, out, err = run(
        "--quiet", "query", "Pulse", "--audio", songs["Hiss"], "--minus", "chord",
        "--weight", "pulse=3", "--format", "json",
    )  # fmt: skip
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["query"] == ["Pulse", str(songs["Hiss"])]
    assert answer["minus"] == ["Chord"]
    assert answer["weights"] == {"Pulse": 3.0}
    assert {neighbour["artist"] for neighbour in answer["neighbours"]} == {"Bass", "Hiss"}
    with ArtistIndex.open(index) as opened:
        query = 3 * opened.vector("Pulse") + opened.vector("Hiss") - opened.vector("Chord")
        query /= np.linalg.norm(query)
        for row in answer["neighbours"]:
            expected = float(opened.vector(row["artist"]) @ query)
            assert row["score"] == pytest.approx(expected, abs=5e-3)


def test_weights_that_are_missing_or_others_are_an_error(
    run: Run, index: Path, songs: dict[str, Path], tmp_path: Path
) -> None:
    other = standins.write_vggish(tmp_path / "other.pb", seed=9)
    weights.install(spec_of("vggish"), other, unverified=True)
    code, out, err = run("query", "--audio", songs["Hiss"])
    assert (code, out) == (1, "")
    assert "was made with other weights" in err
    assert "artistindex models add vggish FILE" in err
    weights.path_of(spec_of("vggish")).unlink()
    code, out, err = run("query", "--audio", songs["Hiss"])
    assert (code, out) == (1, "")
    assert "models fetch vggish" in err


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        ([], 2, "ask with at least one ARTIST"),
        (["--minus", "Bass"], 2, "ask with at least one ARTIST"),
        (["Bass", "--minus", "bass"], 2, "Bass is both asked for and subtracted"),
        (["Bass", "--weight", "Bass"], 2, "expected NAME=NUMBER"),
        (["Bass", "--weight", "Bass=much"], 2, "expected NAME=NUMBER"),
        (["Bass", "--weight", "Bass=nan"], 2, "must be a positive number"),
        (["Bass", "--weight", "Bass=0"], 2, "must be a positive number"),
        (["Bass", "--weight", "Bass=1e155"], 2, "must be a positive number from 1e-06 to 1e+06"),
        (["Bass", "--weight", "Bass=1e-300"], 2, "must be a positive number"),
        (["Bass", "--weight", "Hiss=2"], 2, "--weight names Hiss, who is not asked about"),
        (["Bass", "--minus", "Basss"], 1, "the closest names are Bass"),
        (["Bass", "--cookies", "c.txt"], 2, "cookies are for fetching: give --audio the URL"),
        (["--audio", "a.wav", "--cookies-from-browser", "x"], 2, "cookies are for fetching"),
        (["--audio", "no-such.wav"], 2, "'no-such.wav' is neither a file nor a web address"),
        (["Bass", "--allow-private"], 2, "--allow-private is for fetching"),
        (["--audio", "http://["], 2, "is neither a file nor a web address"),
        (["--audio", "x" * 5000], 2, "is neither a file nor a web address"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    run: Run, planted: Callable[..., Path], arguments: list[str], code: int, line: str
) -> None:
    planted({"Bass": [1, 0, 0], "Hiss": [0, 1, 0], "Chord": [0, 0, 1]})
    exit_code, out, err = run("query", *arguments)
    assert (exit_code, out) == (code, "")
    assert line in err
    assert err.count("\n") == 1


def test_a_file_that_is_no_audio_is_named(run: Run, index: Path, tmp_path: Path) -> None:
    code, out, err = run("--quiet", "query", "--audio", sounds.text(tmp_path / "letter.mp3"))
    assert (code, out) == (1, "")
    assert err.startswith("Error: ")
    assert "letter.mp3: " in err


def test_silence_and_a_folder_are_no_sound(run: Run, index: Path, tmp_path: Path) -> None:
    silent = sounds.write(tmp_path / "silent.wav", sounds.silence(3))
    assert "silent.wav: silent" in run("query", "--audio", silent)[2]
    assert "not a regular file" in run("query", "--audio", tmp_path)[2]


# -- addresses ---------------------------------------------------------------------------------


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.mark.parametrize("times", [1, 600])  # signed addresses are longer than a path may be
def test_a_sound_is_fetched_and_deleted(
    run: Run,
    index: Path,
    songs: dict[str, Path],
    httpserver: HTTPServer,
    temporary: Path,
    times: int,
) -> None:
    site = VideoSite(httpserver).add("abc", "A song", songs["Chord"])
    address = site.video_url.replace("{id}", "abc") + "&token=" + "sentinel" * times
    cache = Path(os.environ["ARTISTINDEX_CACHE"])
    arguments = ("query", "--audio", address, "--k", 1, "--format", "json")
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert "127.0.0.1, which is no address of the public internet: --allow-private" in err
    assert not httpserver.log
    code, out, err = run(*arguments, "--allow-private")
    assert code == 0, err
    assert json.loads(out)["neighbours"][0]["artist"] == "Chord"
    assert f"fetching http://127.0.0.1:{httpserver.port}/media" in err
    assert "sentinel" not in err
    assert not list(temporary.iterdir())
    folders = {path.relative_to(cache).parts[0] for path in all_files(cache)}
    assert folders <= {"checks", "converted"}, "of the model, not of the sound"


def test_an_address_that_gives_nothing_is_one_line(
    run: Run, index: Path, httpserver: HTTPServer, temporary: Path
) -> None:
    site = VideoSite(httpserver)
    site.fail("abc", GONE)
    code, out, err = run(
        "--quiet", "query", "--allow-private", "--audio", site.video_url.replace("{id}", "abc")
    )
    assert (code, out) == (1, "")
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert not list(temporary.iterdir())
