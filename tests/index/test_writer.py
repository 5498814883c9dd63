import hashlib
import json
import resource
import sqlite3
from contextlib import closing
from itertools import combinations
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from artistindex.entities import Artist, VectorKey
from artistindex.errors import BrokenIndex, Misuse
from artistindex.index import manifest
from artistindex.index.calibration import background
from artistindex.index.manifest import Manifest, Recipe
from artistindex.index.reader import ArtistIndex
from artistindex.index.rows import IndexRow, VectorFile
from artistindex.index.sidecar import UsedTrack
from artistindex.index.sidecar_writer import SidecarWriter
from artistindex.index.writer import write_index, write_rows

KEY = VectorKey("vggish", "a" * 64, "f32", "3x30")


def rows(count: int, dimension: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def used_track(number: int, vector: np.ndarray) -> UsedTrack:
    return UsedTrack(
        f"T{number}",
        "Album",
        library_id=number,
        recording=10 * number,
        ids={"youtube": f"y{number}"},
        path=Path(f"/music/A/T{number}.ogg"),
        vector=vector,
    )


def written(folder: Path, count: int = 5, seed: int = 0, **options: Any) -> Manifest:
    return write_index(
        folder,
        key=KEY,
        artists=[Artist(f"A{at}", {"spotify": f"s{at}"}) for at in range(count)],
        vectors=rows(count, seed=seed),
        tracks=[[used_track(at, vector)] for at, vector in enumerate(rows(count, seed=1))],
        licence="of the weights",
        **options,
    )


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_files_are_what_the_format_says(tmp_path: Path) -> None:
    folder = written(tmp_path, max_tracks=7, outliers="keep")
    document = json.loads((tmp_path / "manifest.json").read_text())
    assert (document["format"], document["kind"], document["parameters"]) == (2, "flat", {})
    assert document["recipe"] == {
        "model": "vggish",
        "weights_sha256": "a" * 64,
        "precision": "f32",
        "excerpt": "3x30",
        "layer": "",
        "pooling": "mean",
        "tracks": 7,
        "outliers": "keep",
        "transform": "none",
        "fitted_on": None,
        "fitted_count": 0,
        "transform_parameters": {},
    }
    assert (document["dimension"], document["metric"], document["artists"]) == (
        6,
        "inner_product",
        5,
    )
    assert document["licence"] == "of the weights"
    assert set(document["files"]) == {"index", "artists", "tracks"}
    for entry in document["files"].values():
        content = (tmp_path / entry["name"]).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        assert (entry["bytes"], entry["sha256"]) == (len(content), sha256)
        assert entry["blocks"] == [sha256]  # smaller than a block
        assert sha256[:16] in entry["name"]
    index = faiss.read_index(str(tmp_path / folder.index_file.name))
    assert (index.ntotal, index.d, index.metric_type) == (5, 6, faiss.METRIC_INNER_PRODUCT)
    vectors = rows(5)
    expected = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(index.reconstruct_n(0, 5), expected, atol=1e-6)
    tracks = np.fromfile(tmp_path / document["files"]["tracks"]["name"], "<f4").reshape(5, 6)
    np.testing.assert_array_equal(tracks, rows(5, seed=1))
    with sqlite3.connect(tmp_path / folder.artists_file.name) as sidecar:
        assert sidecar.execute("SELECT * FROM artist_ids WHERE row = 3").fetchall() == [
            (3, "spotify", "s3")
        ]
        assert sidecar.execute("SELECT * FROM tracks WHERE id = 3").fetchall() == [
            (3, "T3", "Album", 30, 0, b"T3.ogg", 3, 3)
        ]
        assert sidecar.execute("SELECT * FROM folders").fetchall() == [(0, b"/music/A")]
        assert sidecar.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    sidecar.close()


def test_nothing_is_written_where_nothing_has_changed(tmp_path: Path) -> None:
    folder = written(tmp_path)
    stamp = (tmp_path / "manifest.json").stat().st_mtime_ns
    assert written(tmp_path) == folder
    assert (tmp_path / "manifest.json").stat().st_mtime_ns == stamp


def test_a_damaged_data_file_is_written_again(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (tmp_path / folder.index_file.name).write_bytes(b"damaged")
    written(tmp_path)
    assert (tmp_path / folder.index_file.name).stat().st_size == folder.index_file.bytes


def test_the_generation_before_stays_for_readers_and_older_ones_go(tmp_path: Path) -> None:
    first, second, third = (written(tmp_path, seed=seed) for seed in range(3))
    assert first.index_file.name not in files(tmp_path)
    assert {second.index_file.name, third.index_file.name} <= files(tmp_path)


@pytest.mark.parametrize("limit", [100, 400, 20_000])
def test_a_full_disk_leaves_the_old_index_in_place(tmp_path: Path, limit: int) -> None:
    before = written(tmp_path)
    old_files = files(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(BrokenIndex, match="still in place") as caught:
            written(tmp_path, count=2000, seed=9)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert Manifest.read(tmp_path) == before
    assert old_files <= files(tmp_path)
    assert not [name for name in files(tmp_path) if name.endswith(".part")]


@pytest.mark.parametrize(
    "vectors",
    [np.full((2, 3), np.nan), np.full((2, 3), np.inf), np.zeros((3, 3)), np.zeros((0, 3))],
)
def test_vectors_that_cannot_be_are_refused(tmp_path: Path, vectors: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"finite|do not go with"):
        write_index(
            tmp_path, key=KEY, artists=[Artist("A"), Artist("B")], vectors=vectors.astype("f4")
        )
    assert files(tmp_path) == set()


def test_a_track_list_too_few_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shorter"):
        write_index(
            tmp_path, key=KEY, artists=[Artist("A"), Artist("B")], vectors=rows(2), tracks=[[]]
        )
    assert files(tmp_path) == set()


@pytest.mark.parametrize("transform", ["none", "centre", "all-but-the-top", "whiten"])
def test_rows_out_of_an_index_and_new_ones_make_the_same_index(
    tmp_path: Path, transform: str
) -> None:
    count, dimension = 600, 48  # more than are transformed together
    vectors, of_tracks = rows(count, dimension), rows(count, dimension, seed=1)

    def raw(at: int) -> IndexRow:
        artist = Artist(f"A{at}", {"spotify": f"s{at}"})
        return IndexRow(artist, vectors[at], [used_track(at, of_tracks[at])], guessed=at % 3 == 0)

    recipe = Recipe(KEY, transform=transform)
    whole = write_rows(tmp_path / "whole", map(raw, range(count)), recipe)
    assert whole is not None
    with ArtistIndex.open(tmp_path / "whole") as index:
        mixed = (
            raw(at) if at % 7 == 0 or at > 590 else row
            for at, row in enumerate(index.placed_rows(range(count)))
        )
        assert write_rows(tmp_path / "mixed", mixed, whole.recipe, fitted=index.transform)
    assert files(tmp_path / "mixed") == files(tmp_path / "whole")


def test_an_unknown_transform_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"there are|known ones"):
        written(tmp_path, transform="nonsense")


def test_background_quantiles_are_those_of_all_pairs() -> None:
    vectors = rows(40)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = (vectors @ vectors.T)[np.triu_indices(40, 1)]
    mean = background(vectors)
    assert len(mean) == 1001
    assert mean[0] == pytest.approx(pairs.min(), abs=1e-6)
    assert mean[500] == pytest.approx(np.median(pairs), abs=1e-6)
    assert background(vectors[:1]) == ()


def test_background_of_many_artists_is_sampled_alike_every_time() -> None:
    vectors = rows(1200, 4)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = (vectors @ vectors.T)[np.triu_indices(1200, 1)]
    mean = background(vectors)
    assert mean == background(vectors)
    assert mean[500] == pytest.approx(np.median(pairs), abs=0.01)


def test_pairs_who_share_a_recording_are_no_background() -> None:
    sharing = set(combinations(range(10), 2))
    for count in (40, 1200):
        vectors = rows(count, 4)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[:10] = vectors[0]
        everybody, others = background(vectors), background(vectors, sharing=sharing)
        assert everybody[-1] == pytest.approx(1)
        similarities = vectors @ vectors.T
        similarities[:10, :10] = -1
        highest = similarities[np.triu_indices(count, 1)].max()
        assert others[-1] == pytest.approx(highest, abs=1e-3)
        assert others[0] > -1
    assert background(rows(2), sharing={(0, 1)}) == ()


def test_rows_share_the_recordings_of_their_tracks(tmp_path: Path) -> None:
    song, remaster, other, unknown = (
        UsedTrack("S", recording=1),
        UsedTrack("S (Remastered)", recording=1),
        UsedTrack("O", recording=2),
        UsedTrack("U"),
    )
    used = [[song, other], [other, unknown], [unknown], [remaster], [song, remaster]]
    (tmp_path / "vectors").touch()
    with (
        closing(VectorFile(tmp_path / "vectors")) as vectors,
        closing(SidecarWriter(tmp_path / "sidecar", vectors)) as sidecar,
    ):
        for row, tracks in enumerate(used):
            sidecar.add(IndexRow(Artist(f"A{row}"), rows(1)[0], tracks))
        assert sidecar.rows_sharing_recordings() == {(0, 1), (0, 3), (0, 4), (3, 4)}


def test_an_index_is_calibrated_on_artists_of_no_common_recording(tmp_path: Path) -> None:
    vectors = rows(4)
    tracks = [[used_track(number, vectors[number])] for number in (0, 0, 2, 3)]
    manifest = write_index(
        tmp_path,
        key=KEY,
        artists=[Artist(name) for name in "ABCD"],
        vectors=vectors[[0, 0, 2, 3]],
        tracks=tracks,
    )
    assert manifest.background[-1] < 0.999
    assert manifest.percentile(1.0) == 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 3}, "newer than the 2"),
        ({"format": 1}, "not a manifest of format 1"),
        ({"format": 0}, "not a manifest of format 2"),
        ({"format": True}, "not a manifest of format 2"),
        ({"format": "2"}, "not a manifest of format 2"),
        ({"kind": "quantum"}, "of a kind 'quantum' that this version does not know"),
        ({"kind": 1}, "not a manifest"),
        ({"recipe": {}}, "not a manifest"),
        ({"background": [0.1, 0.3, 0.2]}, "not a manifest"),
        ({"track_vectors": 6}, "not a manifest"),
        ({"track_dimension": 10**12}, "not a manifest"),
        ({"block_bytes": 1}, "not a manifest"),
        ({"metric": "l2"}, "not a manifest"),
        ({"dimension": -1}, "not a manifest"),
        ({"dimension": "6"}, "not a manifest"),
        ({"artists": True}, "not a manifest"),
        ({"background": ["x"]}, "not a manifest"),
        ({"background": [float("nan")]}, "not a manifest"),
        ({"files": {}}, "not a manifest"),
        ({"files": None}, "not a manifest"),
    ],
)
def test_a_manifest_of_the_wrong_shape_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    written(tmp_path)
    path = tmp_path / manifest.FILE_NAME
    content = json.loads(path.read_text()) | change
    path.write_text(json.dumps(content | {"sha256": manifest.seal(content)}))
    with pytest.raises(BrokenIndex, match=message):
        Manifest.read(tmp_path)


def test_a_manifest_that_was_edited_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    path = tmp_path / manifest.FILE_NAME
    path.write_text(path.read_text().replace("3x30", "3x31"))
    with pytest.raises(BrokenIndex, match="not a manifest"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("name", ["../elsewhere", "/etc/passwd", "..", "", "a/b"])
def test_a_manifest_cannot_point_outside_its_folder(tmp_path: Path, name: str) -> None:
    written(tmp_path)
    path = tmp_path / manifest.FILE_NAME
    content = json.loads(path.read_text())
    content["files"]["index"]["name"] = name
    path.write_text(json.dumps(content | {"sha256": manifest.seal(content)}))
    with pytest.raises(BrokenIndex, match="not a manifest"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_manifest_that_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / manifest.FILE_NAME).write_bytes(content)
    with pytest.raises(BrokenIndex, match="damaged"):
        Manifest.read(tmp_path)
