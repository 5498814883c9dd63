import json
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from altered_indexes import rewrite
from artistindex.entities import Artist, VectorKey
from artistindex.errors import (
    AmbiguousArtist,
    ArtistIndexError,
    BrokenIndex,
    Misuse,
    Remedy,
    UnknownArtist,
)
from artistindex.index.manifest import Manifest
from artistindex.index.reader import ArtistIndex, all_indexes, find_index, verify
from artistindex.index.writer import write_index

Plant = Callable[..., Path]
GOLDEN = Path(__file__).parents[1] / "data" / "index-format-1"


def brute_force(index: ArtistIndex, queried: list[str]) -> list[tuple[str, float]]:
    """Cosine with the mean of unit vectors, those asked for left out, best first."""
    rows = [index.artists.index(name) for name in queried]
    together = index.vectors[rows].astype(np.float64).sum(axis=0)
    scores = index.vectors.astype(np.float64) @ (together / np.linalg.norm(together))
    order = np.argsort(-scores, kind="stable")
    return [(index.artists[row], scores[row]) for row in order if row not in rows]


@pytest.mark.parametrize("queried", [["Artist 3"], ["Artist 3", "Artist 7"], ["Artist 0"] * 2])
@pytest.mark.parametrize("k", [1, 5, 19, 1000])
def test_neighbours_are_those_of_brute_force(planted: Plant, queried: list[str], k: int) -> None:
    with ArtistIndex.open(planted()) as index:
        neighbours = index.neighbours(queried, k=k)
        expected = brute_force(index, queried)[:k]
    assert [neighbour.artist for neighbour in neighbours] == [name for name, _ in expected]
    assert [neighbour.rank for neighbour in neighbours] == list(range(1, len(expected) + 1))
    np.testing.assert_allclose(
        [neighbour.score for neighbour in neighbours],
        [score for _, score in expected],
        atol=1e-5,
    )


@given(
    rows=st.lists(st.integers(0, 59), max_size=40),
    k=st.integers(1, 12),
    batch=st.integers(1, 50),
)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_many_are_answered_as_one_by_one(
    many: ArtistIndex, rows: list[int], k: int, batch: int
) -> None:
    names = [f"Artist {row}" for row in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("artistindex.index.reader._ASKED_AT_ONCE", batch)
        answers = many.neighbours_many(names, k)
    for name, answer in zip(names, answers, strict=True):
        alone = many.neighbours(name, k)
        assert [neighbour.artist for neighbour in answer] == [other.artist for other in alone]
        for neighbour, other in zip(answer, alone, strict=True):
            assert neighbour.score == pytest.approx(other.score, abs=1e-6)
            assert neighbour.entry_tracks == other.entry_tracks


@pytest.fixture
def many(planted: Plant) -> Iterator[ArtistIndex]:
    with ArtistIndex.open(planted(count=60)) as index:
        yield index


def test_many_names_are_known_ones(many: ArtistIndex) -> None:
    with pytest.raises(UnknownArtist):
        many.neighbours_many(["Artist 1", "Nobody of that name"])
    assert many.neighbours_many(["Artist 1"], entry_tracks=False)[0][0].entry_tracks == ()


def test_one_name_may_be_given_as_text(planted: Plant) -> None:
    with ArtistIndex.open(planted()) as index:
        assert index.neighbours("artist 3", 4) == index.neighbours(["Artist 3"], 4)


def test_a_vector_is_a_unit_float32(planted: Plant) -> None:
    with ArtistIndex.open(planted()) as index:
        vector = index.vector("ARTIST 3")
        assert vector.dtype == np.float32
        assert vector.shape == (8,)
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-6)
        assert len(index) == 20
        assert index.track_counts == [1] * 20


def test_the_percentile_is_the_share_of_less_similar_pairs(planted: Plant) -> None:
    with ArtistIndex.open(planted(count=50)) as index:
        pairs = (index.vectors @ index.vectors.T)[np.triu_indices(50, 1)]
        for neighbour in index.neighbours("Artist 0", 49):
            assert neighbour.percentile == pytest.approx(
                100 * (pairs < neighbour.score).mean(), abs=0.2
            )


def test_a_single_artist_has_no_neighbours(planted: Plant) -> None:
    with ArtistIndex.open(planted(count=1)) as index:
        assert index.neighbours("Artist 0") == []


def test_two_artists_make_one_pair(planted: Plant) -> None:
    with ArtistIndex.open(planted(count=2)) as index:
        assert [neighbour.artist for neighbour in index.neighbours("Artist 0")] == ["Artist 1"]


@pytest.mark.parametrize("k", [0, -3])
def test_k_below_one_is_misuse(planted: Plant, k: int) -> None:
    with ArtistIndex.open(planted()) as index, pytest.raises(Misuse, match="k must be at least 1"):
        index.neighbours("Artist 1", k)


def test_an_unknown_name_lists_the_closest(planted: Plant) -> None:
    vectors = {
        name: np.eye(3, dtype=np.float32)[at] for at, name in enumerate(["Rezz", "Vril", "X"])
    }
    with ArtistIndex.open(planted(vectors)) as index:
        with pytest.raises(UnknownArtist, match="closest names are Rezz") as caught:
            index.neighbours("Rez")
        assert caught.value.closest[0] == "Rezz"
        with pytest.raises(UnknownArtist) as long:
            index.neighbours("x" * 10_000)
        assert len(str(long.value)) < 400


def test_names_that_are_not_near_are_not_listed(planted: Plant) -> None:
    with ArtistIndex.open(planted({"Rezz": np.eye(2)[0], "Vril": np.eye(2)[1]})) as index:
        with pytest.raises(UnknownArtist, match="nor one of a name like it") as caught:
            index.neighbours("Sabrina Carpenter")
        assert caught.value.closest == ()


def test_artists_that_fold_alike_are_kept_apart(tmp_path: Path) -> None:
    artists = [
        Artist("Sigur Rós"),
        Artist("sigur ros"),
        Artist("Nirvana", {"spotify": "us"}),
        Artist("Nirvana", {"spotify": "uk"}),
    ]
    write_index(
        tmp_path, key=VectorKey("vggish", "0" * 64), artists=artists, vectors=np.eye(4, dtype="f4")
    )
    with ArtistIndex.open(tmp_path) as index:
        assert index.row("Sigur Rós") == 0
        assert index.row("sigur ros") == 1
        assert index.namesakes("Sigur Rós") == ["sigur ros"]
        with pytest.raises(AmbiguousArtist, match="Sigur Rós; sigur ros"):
            index.row("SIGUR ROS")
        with pytest.raises(AmbiguousArtist, match="spotify:us"):
            index.row("Nirvana")
        assert index.row("spotify:uk") == 3
        assert index.display_name("spotify:us") == "Nirvana"


@pytest.mark.parametrize("vector", [np.zeros(8), np.full(8, np.nan), np.ones(9), np.ones((1, 8))])
def test_a_vector_that_is_near_nobody_is_misuse(planted: Plant, vector: np.ndarray) -> None:
    with ArtistIndex.open(planted()) as index, pytest.raises(Misuse):
        index.search_vector(vector)


def test_the_golden_index_of_format_1_reads_as_ever() -> None:
    """Written once by the first version of the format; never to be written again."""
    expected = json.loads((GOLDEN / "expected.json").read_text())
    with ArtistIndex.open(GOLDEN / "index") as index:
        assert index.artists == expected["artists"]
        np.testing.assert_allclose(index.vectors, expected["vectors"], atol=1e-6)
        neighbours = index.neighbours(expected["query"], k=3)
    assert [[neighbour.rank, neighbour.artist, neighbour.tracks] for neighbour in neighbours] == [
        [neighbour["rank"], neighbour["artist"], neighbour["tracks"]]
        for neighbour in expected["neighbours"]
    ]
    np.testing.assert_allclose(
        [neighbour.score for neighbour in neighbours],
        [neighbour["score"] for neighbour in expected["neighbours"]],
        atol=1e-6,
    )
    verify(GOLDEN / "index")


# -- which index -------------------------------------------------------------------------------


def test_the_only_index_else_the_preferred_one_is_asked(planted: Plant, tmp_path: Path) -> None:
    only = planted(model="musicnn")
    assert find_index(tmp_path / "indexes") == only
    planted(model="vggish")
    assert find_index(tmp_path / "indexes").name == "vggish"
    planted(model="discogs-effnet")
    assert find_index(tmp_path / "indexes").name == "discogs-effnet"
    assert find_index(tmp_path / "indexes", "musicnn") == only
    assert [path.name for path in all_indexes(tmp_path / "indexes")] == [
        "discogs-effnet",
        "vggish",
        "musicnn",
    ]


def test_no_index_and_an_unknown_one_are_told_apart(planted: Plant, tmp_path: Path) -> None:
    with pytest.raises(BrokenIndex, match="no ") as caught:
        find_index(tmp_path / "nowhere")
    assert caught.value.remedy is Remedy.BUILD_FIRST
    planted()
    with pytest.raises(Misuse, match=r"unknown index 'nonsense'.*holds: vggish"):
        find_index(tmp_path / "indexes", "nonsense")
    with pytest.raises(BrokenIndex, match="no index at"):
        ArtistIndex.open(find_index(tmp_path / "indexes", "musicnn"))


# -- damage --------------------------------------------------------------------------------------


def data_files(folder: Path) -> list[Path]:
    manifest = Manifest.read(folder)
    return [folder / file.name for file in manifest.files]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("keep", [0, 10, 0.5, -1])
def test_a_truncated_data_file_is_named(planted: Plant, which: int, keep: float) -> None:
    folder = planted()
    path = data_files(folder)[which]
    content = path.read_bytes()
    remainder = content[: int(len(content) * keep) if isinstance(keep, float) else keep]
    path.write_bytes(remainder)
    with pytest.raises(BrokenIndex, match=path.name):
        ArtistIndex.open(folder)


@pytest.mark.parametrize("which", [0, 1])
def test_a_missing_data_file_is_named(planted: Plant, which: int) -> None:
    folder = planted()
    path = data_files(folder)[which]
    path.unlink()
    with pytest.raises(BrokenIndex, match=f"lacks its data file {path.name}"):
        ArtistIndex.open(folder)


def test_the_data_file_of_another_index_is_refused(planted: Plant, tmp_path: Path) -> None:
    folder, other = planted(seed=1), planted(seed=2, folder=tmp_path / "other")
    shutil.copy(data_files(other)[0], data_files(folder)[0])
    with pytest.raises(BrokenIndex, match="altered"):
        ArtistIndex.open(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 3.0])
def test_vectors_that_are_not_unit_are_refused(planted: Plant, value: float) -> None:
    folder = planted()
    index = faiss.IndexFlatIP(8)
    index.add(np.full((20, 8), value, np.float32))
    rewrite(folder, "index", bytes(faiss.serialize_index(index)))
    with pytest.raises(BrokenIndex, match="unit length"):
        ArtistIndex.open(folder)


@pytest.mark.parametrize(("count", "dimension"), [(19, 8), (21, 8), (20, 7), (0, 8)])
def test_a_faiss_index_of_another_shape_is_refused(
    planted: Plant, count: int, dimension: int
) -> None:
    folder = planted()
    index = faiss.IndexFlatIP(dimension)
    index.add(np.ones((count, dimension), np.float32))
    rewrite(folder, "index", bytes(faiss.serialize_index(index)))
    with pytest.raises(BrokenIndex, match="not the flat index of 20 vectors of dimension 8"):
        ArtistIndex.open(folder)


def test_a_faiss_index_of_another_kind_is_refused(planted: Plant) -> None:
    folder = planted()
    index = faiss.IndexFlatL2(8)
    index.add(np.ones((20, 8), np.float32))
    rewrite(folder, "index", bytes(faiss.serialize_index(index)))
    with pytest.raises(BrokenIndex, match="not the flat index"):
        ArtistIndex.open(folder)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM artists WHERE row = 3",
        "DELETE FROM artists WHERE row = 19",
        "UPDATE artists SET row = 99 WHERE row = 3",
        "DROP TABLE artists",
    ],
)
def test_a_sidecar_with_other_rows_is_refused(planted: Plant, tmp_path: Path, sql: str) -> None:
    folder = planted()
    copy = tmp_path / "copy.sqlite3"
    shutil.copy(data_files(folder)[1], copy)
    with sqlite3.connect(copy) as connection:
        connection.execute(sql)
    connection.close()
    rewrite(folder, "artists", copy.read_bytes())
    with pytest.raises(BrokenIndex):
        ArtistIndex.open(folder)


@pytest.fixture
def folder(planted: Plant) -> Path:
    return planted()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damage_anywhere_is_an_error_or_no_difference(folder: Path, data: st.DataObject) -> None:
    with ArtistIndex.open(folder) as index:
        before = index.neighbours("Artist 3", 5)
    path = data.draw(st.sampled_from([*data_files(folder), folder / "manifest.json"]))
    whole = path.read_bytes()
    content = bytearray(whole)
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        content = content[:at]
    path.write_bytes(content)
    try:
        with ArtistIndex.open(folder) as index:
            after = index.neighbours("Artist 3", 5)
    except ArtistIndexError as error:
        assert "\n" not in str(error)  # noqa: PT017 - any of several errors
    else:
        assert after == before
    finally:
        path.write_bytes(whole)


def test_an_index_is_readable_where_nothing_can_be_written(planted: Plant) -> None:
    folder = planted()
    for path in (*folder.iterdir(), folder):
        path.chmod(stat.S_IRUSR | (stat.S_IXUSR if path.is_dir() else 0))
    try:
        with ArtistIndex.open(folder) as index:
            assert index.neighbours("Artist 3", 2)
        verify(folder)
        assert len(list(folder.iterdir())) == 3
    finally:
        folder.chmod(0o700)


def test_a_reader_outlives_the_index_it_reads(planted: Plant) -> None:
    folder = planted(seed=1)
    with ArtistIndex.open(folder) as index:
        before = index.neighbours("Artist 3", 5)
        for seed in (2, 3, 4):
            planted(seed=seed)
        assert index.neighbours("Artist 3", 5) == before
