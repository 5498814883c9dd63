"""A folder of music becomes indexes: held to plain Essentia and to brute force."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import sounds
from artistindex.audio.decode import decode
from artistindex.embedding import weights
from artistindex.embedding.essentia import essentia_standard
from artistindex.embedding.registry import MODELS
from artistindex.index.reader import ArtistIndex
from artistindex.library.library import FILE_NAME, Library
from builds import Place

MODELS_BUILT = ("discogs-effnet", "vggish", "musicnn")
# MonoLoader reads neither Opus nor WebM. Ogg files are compared as real music below: those that
# tests make are of an experimental encoder, which Essentia's older FFmpeg decodes otherwise.
BEYOND_MONO_LOADER = (".opus", ".webm", ".ogg")
WESNOTH = Path("/usr/share/games/wesnoth/1.16/data/core/music")


def reference(model: str, path: Path) -> np.ndarray:
    """The track vector as Essentia's documentation has it computed."""
    standard = essentia_standard()
    spec = MODELS[model]
    if path.suffix in BEYOND_MONO_LOADER:
        samples = decode(path).windows[0]
    else:
        samples = standard.MonoLoader(filename=str(path), sampleRate=16000, resampleQuality=4)()
    assert spec.algorithm is not None
    algorithm = getattr(standard, spec.algorithm)
    graph = str(weights.path_of(spec))
    return np.mean(algorithm(graphFilename=graph, output=spec.output)(samples), axis=0)


def relative_difference(vector: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(vector - expected) / np.linalg.norm(expected))


@pytest.fixture
def library(built: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    for name, value in built.environment.items():
        monkeypatch.setenv(name, value)
    with Library.open(built.indexes / FILE_NAME, read_only=True) as opened:
        yield opened


def vectors_of(library: Library, model: str) -> dict[int, np.ndarray]:
    keys = library.keys()
    (key,) = [key for key, _ in keys if key.model == model]
    return library.vectors(key)


@pytest.mark.parametrize("model", MODELS_BUILT)
def test_track_vectors_equal_plain_essentia(library: Library, model: str) -> None:
    vectors = vectors_of(library, model)
    tracks = [track for artist in library.artists() for track in library.tracks_of(artist.id)]
    paths = {track.id: track.track.path for track in tracks}
    assert {path.suffix for path in paths.values() if path} == set(sounds.FORMATS)
    assert len(vectors) == len(tracks) == 8
    for track in tracks:
        path = paths[track.id]
        assert path is not None
        expected = reference(model, path)
        assert relative_difference(vectors[track.id], expected) < 1e-5, track.track.path


@pytest.mark.parametrize("model", MODELS_BUILT)
def test_queries_equal_brute_force(built: Place, library: Library, model: str) -> None:
    vectors = vectors_of(library, model)
    means = {}
    for stored in library.artists():
        tracks = [vectors[track.id] for track in library.tracks_of(stored.id)]
        mean = np.mean(np.stack(tracks).astype(np.float64), axis=0)
        means[stored.artist.name] = mean / np.linalg.norm(mean)
    with ArtistIndex.open(built.indexes / model) as index:
        for name, unit in means.items():
            expected = sorted(
                ((float(unit @ other), them) for them, other in means.items() if them != name),
                reverse=True,
            )
            neighbours = index.neighbours(name, k=10)
            assert [neighbour.artist for neighbour in neighbours] == [them for _, them in expected]
            scores = [neighbour.score for neighbour in neighbours]
            np.testing.assert_allclose(scores, [score for score, _ in expected], atol=1e-5)


def test_the_manifest_says_what_was_built(built: Place, library: Library) -> None:
    for model in MODELS_BUILT:
        with ArtistIndex.open(built.indexes / model) as index:
            assert index.manifest.key.model == index.name == model
            assert (
                index.manifest.key.weights_sha256 == weights.find_installed(MODELS[model]).identity
            )
            assert index.manifest.licence == MODELS[model].licence
            assert index.manifest.dimension == vectors_of(library, model)[1].size
            assert index.manifest.tracks == 8
            assert index.track_counts == [2] * 4


@pytest.mark.slow
@pytest.mark.skipif(not WESNOTH.is_dir(), reason="needs Debian's wesnoth-1.16-music")
def test_real_music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path)
    place.add_stand_ins(monkeypatch, "discogs-effnet", "vggish")
    place.music.symlink_to(WESNOTH)
    report = place.build("--engine", "essentia", "--tracks", 2)
    code, out, _ = place.run("query", "Mattias Westlund", "--k", 5, "--format", "json")
    assert code == 0
    assert json.loads(out)["query"] == ["Mattias Westlund"]
    with Library.open(place.indexes / FILE_NAME, read_only=True) as library:
        for model in ("discogs-effnet", "vggish"):
            vectors = vectors_of(library, model)
            assert len(vectors) == report["tracks"] >= 15
            tracks = [track for row in library.artists() for track in library.tracks_of(row.id)]
            for track in {track.id: track for track in tracks if track.id in vectors}.values():
                assert track.track.path is not None
                expected = reference(model, track.track.path)
                assert relative_difference(vectors[track.id], expected) < 1e-5
