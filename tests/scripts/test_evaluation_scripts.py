"""The scripts that compare indexes, run as a person runs them."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import quote_plus

import numpy as np
import pytest
from pytest_httpserver import HTTPServer

import online as places
import sounds
import standins
from artistindex.embedding import weights
from artistindex.embedding.registry import spec_of
from artistindex.evaluation.spaces import read_similarities
from artistindex.index.reader import ArtistIndex
from artistindex.listeners.truth_files import read_truth
from truths import write_truth

SCRIPTS = Path(__file__).parents[2] / "scripts"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- compare_indexes ----------------------------------------------------------------------------

LISTS = {f"Artist {at}": [f"Artist {(at + step) % 20}" for step in (1, 2, 3)] for at in range(20)}


def test_the_example_of_the_python_api(planted, tmp_path, capsys):
    folders = [str(planted()), str(planted(model="musicnn", seed=1))]
    truth, out = write_truth(tmp_path / "truth.json", LISTS), tmp_path / "out.json"
    code = script("compare_indexes").main([*folders, "--truth", str(truth), "--out", str(out)])
    output = capsys.readouterr().out
    assert code == 0
    assert "vggish: 20 artists; nearest to Artist 0: " in output
    assert "musicnn: recall@10" in output
    assert "chance 52.6%" in output
    assert "How sure" in output
    assert json.loads(out.read_text())["indexes"] == ["vggish", "musicnn"]


def test_its_errors_are_one_line(tmp_path, capsys):
    code = script("compare_indexes").main([str(tmp_path)])
    assert code == 1
    assert capsys.readouterr().err.startswith("Error: no index at")


# --- reproduce_experiment ----------------------------------------------------------------------

EIGHT = script("reproduce_experiment").ARTISTS


@pytest.fixture
def models(tmp_path):
    """Stand-ins for both models, installed."""
    for name in ("discogs-effnet", "vggish"):
        file = standins.write_model(name, tmp_path / f"{name}.pb")
        weights.install(spec_of(name), file, unverified=True)


@pytest.fixture
def music(tmp_path):
    """Two short tracks of each of the eight, and a third of one that is broken."""
    folder = tmp_path / "music"
    folder.mkdir()
    for at, artist in enumerate(EIGHT):
        for track in range(2):
            path = folder / f"{at}-{track}.wav"
            sounds.write(path, sounds.music(3, seed=10 * at + track, rate=16_000), rate=16_000)
            sounds.tag(path, artist=artist, title=f"Song {track}", album=f"Album {track}")
    broken = folder / "broken.flac"
    sounds.write(broken, sounds.music(3, seed=99, rate=16_000), rate=16_000)
    sounds.tag(broken, artist=EIGHT[0], title="Broken", album="Album 3")
    sounds.truncate(broken)
    return folder


@pytest.fixture
def earlier(tmp_path):
    """An earlier run's similarities."""
    listed = [
        {"artist1": name, "artist2": other, "cosine_similarity": 0.9 - len(name + other) / 100}
        for at, name in enumerate(EIGHT)
        for other in EIGHT[:at]
    ]
    path = tmp_path / "earlier.json"
    path.write_text(json.dumps({"pairwise_similarities": listed}), "utf-8")
    return path


@pytest.fixture
def truth(tmp_path):
    lists = {
        artist: ["Somebody else", EIGHT[(at + 1) % 8], "Nobody", EIGHT[(at + 2) % 8]]
        for at, artist in enumerate(EIGHT)
    }
    return write_truth(tmp_path / "truth.json", lists)


def test_lists_that_name_none_of_the_artists_end_in_a_comparison_without_them(
    planted, tmp_path, capsys
):
    truth = write_truth(tmp_path / "truth.json", {"Artist 1": ["Somebody else"]})
    folders = [planted(), planted(model="musicnn", seed=1)]
    comparison = script("reproduce_experiment")._compared(folders, {}, truth, None)
    assert not comparison.evaluations
    assert "compared without music-map" in capsys.readouterr().err


@pytest.mark.process
def test_the_whole_experiment_from_a_folder(models, music, earlier, truth, tmp_path, capsys):
    out = tmp_path / "out"
    code = script("reproduce_experiment").main(
        [
            *("--audio", str(music), "--truth", str(truth), "--earlier", f"MERT={earlier}"),
            *("--out", str(out), "--engine", "essentia", "--workers", "1"),
        ]
    )
    assert code == 0, capsys.readouterr().err
    for model, folder in (("discogs-effnet", out), ("vggish", out / "vggish")):
        check_originals(folder, out / "indexes" / model, truth)
    text = (out / "SPIKE_5_RESULTS.md").read_text("utf-8")
    for part in ("MERT", "Success criteria", "16 of 17 tracks", "Vril and Sabrina Carpenter"):
        assert part in text, part
    assert (out / "report" / "report.html").is_file()


def check_originals(folder: Path, index_folder: Path, truth: Path) -> None:
    embeddings = json.loads((folder / "spike_5_embeddings.json").read_text("utf-8"))
    validated = json.loads((folder / "spike_5_validation.json").read_text("utf-8"))
    space = read_similarities(folder / "spike_5_similarities.json", "again")
    with ArtistIndex.open(index_folder) as index:
        assert sorted(embeddings) == sorted(index.artists) == sorted(EIGHT)
        for name, entry in embeddings.items():
            assert list(entry) == [
                "artist_name",
                "embedding",
                "tracks_used",
                "spotify_ids",
                "computed_at",
                "model",
            ]
            assert np.allclose(entry["embedding"], index.vector(name), atol=1e-6)
            assert (entry["artist_name"], entry["model"]) == (name, index.name)
            assert (entry["tracks_used"], entry["spotify_ids"]) == (2, [])
        assert set(space.artists) == set(EIGHT)
        cosines = index.vectors @ index.vectors.T
        rows = [index.row(name) for name in space.artists]
        similarities = space.similarities(np.arange(8))
        assert np.allclose(similarities, cosines[np.ix_(rows, rows)], atol=1e-5)
        results = validated["per_artist_results"]
        for name, result in results.items():
            nearest = [neighbour.artist for neighbour in index.neighbours(name, 5)]
            listed = [similar.name for similar in read_truth(truth).lists[name]]
            assert result == {
                "music_map_top5": listed,
                "embedding_top5": nearest,
                "overlap": len(set(listed) & set(nearest)),
                "overlap_pct": 20 * len(set(listed) & set(nearest)),
            }
    mean = np.mean([result["overlap_pct"] for result in results.values()])
    assert validated["metrics"]["top5_overlap_avg"] == pytest.approx(mean)


def test_lists_are_fetched_where_none_are_given(
    httpserver: HTTPServer, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("ARTISTINDEX_MUSICMAP_URL", httpserver.url_for("/"))
    page = "<a id=s0>Rezz</a><a id=s1>deadmau5</a>"
    httpserver.expect_request("/rezz").respond_with_data(page)
    httpserver.expect_request("/vril").respond_with_data("", status=404)
    path = script("reproduce_experiment").fetched_truth(
        ["Rezz", "Vril"], tmp_path / "musicmap.json"
    )
    assert list(read_truth(path).lists) == ["Rezz"]
    assert "has no page for 'Vril'" in capsys.readouterr().err


def test_the_plan_says_what_would_be_fetched_and_fetches_nothing(models, tmp_path, capsys):
    out = tmp_path / "out"
    assert script("reproduce_experiment").main(["--out", str(out), "--plan", "--tracks", "3"]) == 0
    told = capsys.readouterr().err
    assert "Vril, Calibre" in told
    assert "3 tracks each, 0 of all embedded" in told
    assert "up to 24 tracks from YouTube, some 96 MB" in told
    assert "8 lists from music-map.com" in told
    assert "weights" not in told, "they are installed"
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.process
def test_the_whole_experiment_from_the_names_alone_and_again(models, tmp_path):
    videos: list[str] = []
    with places.serving() as online:
        for at, name in enumerate(EIGHT):
            songs = [tmp_path / f"{at}-{number}.m4a" for number in range(2)]
            for number, song in enumerate(songs):
                sounds.write(song, sounds.music(4, seed=2 * at + number))
            performer = online.add(name, ["One", "Two"], songs)
            videos += [places.video_id(performer, number) for number in range(2)]
            others = (name, *(other for other in EIGHT if other != name))
            page = "".join(f"<a id=s{place}>{other}</a>" for place, other in enumerate(others))
            path = "/map/" + quote_plus(name.lower())
            online.server.expect_request(path).respond_with_data(page)
        environment = online.environment | {
            "ARTISTINDEX_MUSICMAP_URL": online.server.url_for("/map/")
        }
        first = run_experiment(tmp_path, environment)
        fetched = [online.asked[video] for video in videos]
        again = run_experiment(tmp_path, environment)
    assert "0 of all embedded" in first
    assert "up to 16 tracks from YouTube" in first
    assert "16 of all embedded" in again
    assert "up to 0 tracks from YouTube" in again
    assert all(fetched)
    assert [online.asked[video] for video in videos] == fetched
    assert (tmp_path / "out" / "report" / "report.html").is_file()
    assert len(json.loads((tmp_path / "out" / "spike_5_embeddings.json").read_text("utf-8"))) == 8


def run_experiment(folder: Path, environment: dict[str, str]) -> str:
    """Run the script in a process of its own; returns what it told."""
    program = Path(__file__).parents[2] / "scripts" / "reproduce_experiment.py"
    options = ["--out", "out", "--tracks", "2", "--engine", "openvino", "--workers", "1"]
    done = subprocess.run(
        [sys.executable, program, *options],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "vggish"], "nothing to compare"),
        (["--earlier", "MERT"], "takes NAME=FILE"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_built(
    tmp_path, capsys, arguments, message
):
    code = script("reproduce_experiment").main(["--out", str(tmp_path / "out"), *arguments])
    assert code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
