"""Vectors made elsewhere: every file that brings them, what is refused, and the way back."""

import csv
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from artistindex import ArtistIndex, Library, build, compare, evaluate, naming
from artistindex.entities import Artist, Track, VectorKey
from artistindex.errors import Misuse, PackError, Remedy
from artistindex.evaluation.artist_retrieval import artist_retrieval
from artistindex.index.transforms import unit
from artistindex.library.library import FILE_NAME
from artistindex.packs.npy_file import npy_table
from artistindex.packs.own_vectors import ImportedVectors, import_vectors
from artistindex.packs.vector_export import export_arrays, export_parquet
from planted_library import plant_tracks

NAMES = ["Rezz", "deadmau5", "A_B & C%", "Ítaca", "東京"]
GENERATOR = np.random.default_rng(5)
VECTORS = GENERATOR.normal(size=(len(NAMES), 7)).astype(np.float32)
TITLES = [("Rezz", "One"), ("Rezz", "Two"), ("deadmau5", "Strobe"), ("deadmau5", "Four")]


def npy(folder: Path, vectors: object = VECTORS) -> Path:
    path = folder / "vectors.npy"
    np.save(path, np.asarray(vectors))
    return path


def text(folder: Path, lines: list[str], name: str = "names.txt") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def take(path: Path, indexes: Path, **settings: Any) -> ImportedVectors:
    given: dict[str, Any] = {"model": "mert-v1-95m", "licence": "CC BY-NC 4.0"}
    (imported,) = import_vectors(path, indexes, **{**given, **settings})
    return imported


def take_npy(folder: Path, vectors: object = VECTORS, **settings: Any) -> ImportedVectors:
    names = settings.pop("names", None) or text(folder, NAMES)
    return take(npy(folder, vectors), folder / "indexes", names=names, **settings)


# --- artists ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["<f2", "<f4", ">f8"])
def test_arrays_of_any_float_make_an_index(tmp_path, kind):
    imported = take_npy(tmp_path, VECTORS.astype(kind))
    assert imported.to_json()["added"] == len(NAMES)
    with ArtistIndex.open(tmp_path / "indexes" / "mert-v1-95m") as index:
        assert index.artists == NAMES
        np.testing.assert_allclose(index.vectors, unit(VECTORS.astype(kind)), atol=1e-6)
        assert index.manifest.licence == "CC BY-NC 4.0"
        assert index.manifest.key == VectorKey.made_elsewhere("mert-v1-95m")
        assert index.neighbours("rezz", k=2)[0].artist in NAMES


def test_fortran_order_and_a_table_with_ids(tmp_path):
    rows = ["artist,spotify_id,mbid"] + [f'"{name}",id{at},' for at, name in enumerate(NAMES)]
    names = text(tmp_path, rows, "names.csv")
    take_npy(tmp_path, np.asfortranarray(VECTORS), names=names)
    with ArtistIndex.open(tmp_path / "indexes" / "mert-v1-95m") as index:
        assert index.records[1] == Artist("deadmau5", {"spotify": "id1"})
        np.testing.assert_allclose(index.vectors, unit(VECTORS), atol=1e-6)


def test_the_experiments_embeddings(tmp_path):
    path = tmp_path / "spike.json"
    entries = {
        name: {"artist_name": name, "embedding": vector.tolist(), "tracks_used": 3, "model": "mert"}
        for name, vector in zip(NAMES, VECTORS, strict=True)
    }
    path.write_text(json.dumps(entries))
    assert take(path, tmp_path, model=None).index.model == "mert"
    with ArtistIndex.open(tmp_path / "mert") as index:
        np.testing.assert_allclose(index.vectors, unit(VECTORS), atol=1e-6)


def test_a_parquet_file_of_pandas(tmp_path):
    table = pa.table({"name": NAMES, "embedding": [list(map(float, row)) for row in VECTORS]})
    pq.write_table(table, tmp_path / "own.parquet")
    take(tmp_path / "own.parquet", tmp_path)
    with ArtistIndex.open(tmp_path / "mert-v1-95m") as index:
        np.testing.assert_allclose(index.vectors, unit(VECTORS), atol=1e-6)


def test_who_is_here_is_kept_unless_replaced(tmp_path):
    take_npy(tmp_path)
    again = take_npy(tmp_path)
    assert (again.index.unchanged, again.index.kept) == (len(NAMES), 0)
    other = take_npy(tmp_path, -VECTORS)
    assert (other.index.kept, other.index.replaced) == (len(NAMES), 0)
    other = take_npy(tmp_path, -VECTORS, replace=True)
    assert other.index.replaced == len(NAMES)
    with ArtistIndex.open(tmp_path / "indexes" / "mert-v1-95m") as index:
        np.testing.assert_allclose(index.vectors, unit(-VECTORS), atol=1e-6)


def test_more_artists_join_those_of_the_same_dimension(tmp_path):
    take_npy(tmp_path)
    more = text(tmp_path, ["Calibre", "Vril"])
    take_npy(tmp_path, VECTORS[:2], names=more)
    with ArtistIndex.open(tmp_path / "indexes" / "mert-v1-95m") as index:
        assert index.artists == [*NAMES, "Calibre", "Vril"]
    with pytest.raises(PackError, match="dimension 3 instead of 7"):
        take_npy(tmp_path, VECTORS[:2, :3], names=more)


def broken(vectors: np.ndarray, row: int, value: float) -> np.ndarray:
    copy = vectors.astype(np.float64)
    copy[row] = value
    return copy


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (broken(VECTORS, 2, np.nan), r"A_B & C%' \(row 3\) is not finite"),
        (broken(VECTORS, 2, np.inf), "is not finite"),
        (broken(VECTORS, 2, 1e300), "is not finite"),
        (broken(VECTORS, 1, 0.0), r"'deadmau5' \(row 2\) is zero"),
        (VECTORS[:3], "holds 3 vectors, but .* names 5"),
        (VECTORS[0], "has the shape"),
        (VECTORS[:, :1], "the dimension 1: expected 2 to"),
        (VECTORS.astype(np.int32), "'int32'; expected float16"),
        (np.empty((0, 7), np.float32), "has the shape"),
        (np.zeros((5, 0), np.float32), "has the shape"),
    ],
)
def test_arrays_that_cannot_be_meant(tmp_path, vectors, message):
    with pytest.raises(Misuse, match=message) as raised:
        take_npy(tmp_path, vectors)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "indexes" / "mert-v1-95m").exists()


def test_nothing_is_unpickled(tmp_path):
    path = tmp_path / "vectors.npy"
    np.save(path, np.array([print, print], object), allow_pickle=True)
    with pytest.raises(Misuse, match="objects of Python"):
        take(path, tmp_path, names=text(tmp_path, ["A", "B"]))


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 7), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-5, -7), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (5, 7)" + b"," * 50_000 + b"}",
        b"{'descr': '<f4'" + b"(" * 3000,
        b"__import__('os').abort()",
    ],
)
def test_headers_that_lie(tmp_path, header):
    path = tmp_path / "vectors.npy"
    start = b"\x93NUMPY\x02\x00" + len(header + b"\n").to_bytes(4, "little") + header + b"\n"
    path.write_bytes(start + VECTORS.tobytes())
    with pytest.raises(Misuse, match=r"vectors\.npy"):
        take(path, tmp_path, names=text(tmp_path, NAMES))


@pytest.mark.parametrize(
    ("lines", "name", "message"),
    [
        (["Rezz", "", "A", "B", "C"], "names.txt", "line 2 names no artist"),
        (["Rezz", "A", "B", "C", "Rezz"], "names.txt", "rows 1 and 5 are both of 'Rezz'"),
        (["Rezz", "A", "B", "C", "D"], "names.csv", "no header with a column artist"),
        (["genre,year", *"ABCDE"], "names.csv", "no header with a column artist"),
    ],
)
def test_names_that_cannot_be_meant(tmp_path, lines, name, message):
    with pytest.raises(Misuse, match=message):
        take_npy(tmp_path, names=text(tmp_path, lines, name))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "musicnn"}, "call the model otherwise"),
        ({"model": "../up"}, "no name for another"),
        ({"model": None}, "which model"),
        ({"licence": None}, "under which licence"),
        ({"licence": " "}, "under which licence"),
    ],
)
def test_a_model_and_a_licence_are_asked_for(tmp_path, settings, message):
    with pytest.raises(Misuse, match=message):
        take_npy(tmp_path, **settings)


def test_an_own_index_works_as_any_other(tmp_path):
    indexes = tmp_path / "indexes"
    for model, seed in (("one", 1), ("two", 2)):
        vectors = np.random.default_rng(seed).normal(size=(len(NAMES), 4))
        take_npy(tmp_path, vectors, model=model)
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({"Rezz": ["deadmau5", "Ítaca"], "deadmau5": ["Rezz"]}))
    evaluation = evaluate([indexes / "one"], truth, ks=[1], resamples=20)
    assert len(evaluation.indexes[0].protocol.queries) == 2
    assert len(compare([indexes / "one", indexes / "two"], resamples=20).artists) == len(NAMES)


# --- tracks -------------------------------------------------------------------------------------


def test_tracks_make_artists_and_stay_with_them(tmp_path):
    vectors = GENERATOR.normal(size=(4, 5)).astype(np.float32)
    names = text(tmp_path, [f"{artist} - {title}" for artist, title in TITLES])
    imported = take_npy(tmp_path, vectors, names=names, is_tracks=True)
    assert (imported.tracks, imported.index.artists) == (4, 2)
    with ArtistIndex.open(tmp_path / "indexes" / "mert-v1-95m") as index:
        np.testing.assert_allclose(
            index.vectors, unit(np.stack([vectors[:2].mean(0), vectors[2:].mean(0)])), atol=1e-6
        )
        assert [track.title for track in index.tracks("deadmau5")] == ["Strobe", "Four"]
        frame = index.to_dataframe(tracks=True)
        assert frame["title"].tolist() == [title for _, title in TITLES]
        assert index.to_dataframe()["artist"].tolist() == ["Rezz", "deadmau5"]
    again = take_npy(tmp_path, vectors, names=names, is_tracks=True)
    assert (again.index.added, again.index.kept) == (0, 4)


def test_vectors_of_the_tracks_that_are_here(tmp_path):
    """One library, a second model: the tracks are found by artist and title."""
    tracks = {"A": [[1, 0, 0], [1, 1, 0]], "B": [[0, 1, 0], [0, 1, 1]], "C": [[0, 0, 1], [1, 0, 1]]}
    plant_tracks(tmp_path, tracks)
    names = text(
        tmp_path,
        ["artist;title", *(f"{name};{name} {at}" for name in "ABC" for at in (1, 2))],
        "names.csv",
    )
    vectors = np.concatenate([np.array(rows, np.float32) for rows in tracks.values()])
    take(npy(tmp_path, vectors), tmp_path, names=names, is_tracks=True, model="own")
    with Library.open(tmp_path / FILE_NAME) as library:
        assert library.counts()["tracks"] == 6
    with ArtistIndex.open(tmp_path / "own") as own, ArtistIndex.open(tmp_path / "musicnn") as first:
        np.testing.assert_allclose(own.vectors, first.vectors, atol=1e-6)
    comparison = artist_retrieval([tmp_path / "musicnn", tmp_path / "own"], resamples=20)
    first_values, own_values = (retrieval.values for retrieval in comparison.retrievals)
    np.testing.assert_array_equal(first_values, own_values)


def test_a_track_of_two_artists_is_one(tmp_path):
    rows = ["artist,title,track", "A,Solo,1", "A,Duet,2", "B,Duet,2", "B,Solo,3"]
    vectors = np.array([[1, 0], [0, 1], [0, 1], [1, 1]], np.float32)
    take(
        npy(tmp_path, vectors),
        tmp_path,
        names=text(tmp_path, rows, "n.csv"),
        is_tracks=True,
        model="own",
    )
    with Library.open(tmp_path / FILE_NAME) as library:
        assert library.counts()["tracks"] == 3
    with ArtistIndex.open(tmp_path / "own") as index:
        assert [track.title for track in index.tracks("B")] == ["Duet", "Solo"]


@pytest.mark.parametrize("model", ["own", "mert-v1-95m"])
def test_a_build_of_all_that_is_there_leaves_it_alone(tmp_path, model):
    """Whether or not artistindex knows a model of that name: these vectors are not its own."""
    take_npy(tmp_path, model=model)
    folder = tmp_path / "indexes" / model
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(Misuse, match="came from elsewhere") as raised:
        build(indexes=tmp_path / "indexes")
    assert raised.value.remedy is Remedy.NAME_ARTISTS_TO_BUILD
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_from_python(tmp_path):
    with ArtistIndex.write(
        tmp_path / "own", model="own", artists=NAMES, vectors=VECTORS, licence="mine"
    ) as index:
        np.testing.assert_allclose(index.vectors, unit(VECTORS), atol=1e-6)
    with pytest.raises(ValueError, match="no direction"):
        ArtistIndex.write(
            tmp_path / "own", model="own", artists=["A"], vectors=np.zeros((1, 3)), licence=""
        )
    key = VectorKey.made_elsewhere("own")
    with Library.open(tmp_path / FILE_NAME) as library:
        tracks = [Track((Artist(artist),), title) for artist, title in TITLES]
        added = library.add_vectors(key, zip(tracks, VECTORS, strict=False))
        assert (added.added, added.kept) == (4, 0)
        assert library.embedded_track_ids(key) == set(added.track_ids)
        with pytest.raises(ValueError, match="dimension 2 does not go"):
            library.add_vectors(key, [(tracks[0], np.ones(2, np.float32))])


# --- and back -----------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_goes_in_comes_out(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("round")
    names = data.draw(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]))
            .map(str.strip)
            .filter(bool),
            min_size=1,
            max_size=6,
            unique_by=naming.clean,
        ).filter(lambda names: all(map(naming.clean, names)))
    )
    shape = (len(names), data.draw(st.integers(2, 5)))
    numbers = st.floats(0.125, 8, width=32) | st.floats(-8, -0.125, width=32)
    vectors = data.draw(numpy_strategies.arrays(np.float32, shape, elements=numbers))
    table = io.StringIO()
    csv.writer(table).writerows([["artist", "isrc"], *([name, ""] for name in names)])
    listed = folder / "names.csv"
    listed.write_text(table.getvalue(), "utf-8")
    take(npy(folder, vectors), folder / "in", names=listed, model="own")
    for kind, export in (("npy", export_arrays), ("parquet", export_parquet)):
        out = folder / kind
        (written,) = export(out, folder / "in")
        if kind == "npy":
            back = np.load(out / "own.npy", allow_pickle=False)
            np.testing.assert_allclose(back, unit(vectors), atol=1e-6)
            take(written.path, out, names=out / "own.csv", model="own")
        else:
            take(written.path, out, model=None, licence=None)
        with ArtistIndex.open(folder / "in/own") as first, ArtistIndex.open(out / "own") as second:
            assert second.records == first.records
            np.testing.assert_allclose(second.vectors, first.vectors, atol=1e-6)


def test_tracks_of_a_transformed_index_come_back_through_parquet(tmp_path):
    tracks = {name: GENERATOR.normal(size=(3, 6)).tolist() for name in "ABCDE"}
    plant_tracks(tmp_path / "first", tracks, transform="whiten-tracks")
    files = export_parquet(tmp_path / "out", tmp_path / "first")
    assert [file.path.name for file in files] == [
        "musicnn.artists.parquet",
        "musicnn.tracks.parquet",
    ]
    frame = pq.read_table(files[1].path).to_pandas()
    assert list(frame.columns)[:1] == ["artist"]
    assert len(frame) == 15
    tables = [pq.read_table(file.path) for file in files]
    assert {"vector", "raw_vector"} <= set(tables[0].column_names)


def test_tracks_come_back_through_arrays(tmp_path):
    names = text(tmp_path, [f"{artist}\t{title}" for artist, title in TITLES])
    vectors = GENERATOR.normal(size=(4, 5)).astype(np.float32)
    take_npy(tmp_path, vectors, names=names, is_tracks=True, model="own")
    export_arrays(tmp_path / "out", tmp_path / "indexes", is_tracks=True)
    back = np.load(tmp_path / "out/own.tracks.npy", allow_pickle=False)
    np.testing.assert_array_equal(back, vectors)
    export_parquet(tmp_path / "parquet", tmp_path / "indexes")
    imported = import_vectors(tmp_path / "parquet", tmp_path / "again")
    assert [vectors_.tracks for vectors_ in imported] == [None, 4]
    with (
        ArtistIndex.open(tmp_path / "indexes/own") as first,
        ArtistIndex.open(tmp_path / "again/own") as second,
    ):
        np.testing.assert_allclose(second.vectors, first.vectors, atol=1e-6)
        np.testing.assert_array_equal(second.track_vectors, first.track_vectors)
        assert second.manifest.licence == first.manifest.licence
        assert second.manifest.key == first.manifest.key


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"vector": [[1.0, 2.0]]}, "no column artist"),
        ({"artist": ["A"]}, "no column vector"),
        ({"artist": ["A"], "vector": [3.0]}, "no lists of floats"),
        ({"artist": ["A", "B"], "vector": [[1.0, 2.0], [1.0]]}, "differ in length"),
        ({"artist": ["A", "B"], "vector": [[1.0, 2.0], None]}, "differ in length"),
        ({"artist": ["A"], "vector": [[1.0, None]]}, "not finite"),
        ({"artist": [None], "vector": [[1.0, 2.0]]}, "names no artist"),
    ],
)
def test_parquet_that_cannot_be_meant(tmp_path, columns, message):
    pq.write_table(pa.table(columns), tmp_path / "own.parquet")
    with pytest.raises(Misuse, match=message):
        take(tmp_path / "own.parquet", tmp_path)


def test_a_parquet_file_cut_short(tmp_path):
    path = tmp_path / "own.parquet"
    path.write_bytes(b"PAR1" + b"\0" * 40)
    with pytest.raises(Misuse, match="no Parquet file"):
        take(path, tmp_path)


def test_vectors_are_read_in_blocks(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(4000, 1024))  # 32 MB
    names = text(tmp_path, [f"Artist {at}" for at in range(len(vectors))])
    path = npy(tmp_path, vectors)
    tracemalloc.start()
    npy_table(path, names, is_tracks=False).check()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.8 * vectors.nbytes
