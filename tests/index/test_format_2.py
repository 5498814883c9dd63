"""What format 2 carries: ids, guesses, tracks with vectors and paths; blocks; forgetting."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from altered_indexes import run_sql
from artistindex.entities import Artist, VectorKey
from artistindex.errors import BrokenIndex
from artistindex.index import manifest, reader, writer
from artistindex.index.manifest import BLOCK_BYTES, FittedOn, Manifest
from artistindex.index.reader import ArtistIndex, verify
from artistindex.index.removal import remove_artists
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index

Plant = Callable[..., Path]
GOLDEN = Path(__file__).parents[1] / "data" / "index-format-2"
KEY = VectorKey("vggish", "a" * 64)
ARTISTS = [
    Artist("Rezz", {"spotify": "sp", "musicbrainz": "mb"}),
    Artist("Vril"),
    Artist("Calibre", {"deezer": "dz"}),
    Artist("Out of a pack"),
]


def tracks() -> list[list[UsedTrack]]:
    draw = np.random.default_rng(7)

    def track(number: int, path: str | None, **ids: str) -> UsedTrack:
        return UsedTrack(
            f"T{number}",
            f"Album {number}" if number else None,
            library_id=100 + number,
            recording=number // 2,
            ids=ids,
            path=Path(path) if path else None,
            vector=draw.normal(size=6).astype(np.float32),
        )

    shared = track(0, "/music/a/0.ogg", isrc="QZ")
    return [
        [shared, track(1, "/music/b/c/\udcff1.ogg")],
        [shared],
        [track(2, None, youtube="yt", spotify="st")],
        [UsedTrack("Elsewhere", "Pack")],
    ]


def write(folder: Path, transform: str = "centre") -> Manifest:
    vectors = np.random.default_rng(3).normal(size=(4, 6)).astype(np.float32)
    return write_index(
        folder,
        key=KEY,
        artists=ARTISTS,
        vectors=vectors,
        tracks=tracks(),
        guessed=[False, True, False, False],
        licence="of the weights",
        transform=transform,
        max_tracks=2,
        outliers="drop",
    )


def test_everything_comes_back(tmp_path: Path) -> None:
    manifest = write(tmp_path / "v")
    with ArtistIndex.open(tmp_path / "v") as index:
        assert index.manifest == manifest
        assert index.records == ARTISTS
        assert [entry.guessed for entry in index.entries] == [False, True, False, False]
        assert index.row("musicbrainz:mb") == 0
        for row, expected in enumerate(tracks()):
            used = index.tracks_of_row(row)
            assert used == expected
            for track, other in zip(used, expected, strict=True):
                np.testing.assert_array_equal(track.vector, other.vector)
        assert index.track_vectors.shape == (3, 6)  # a track of two artists is there once
        assert isinstance(index.track_vectors, np.memmap)
    assert (manifest.tracks, manifest.recipe.tracks, manifest.recipe.outliers) == (4, 2, "drop")
    assert (manifest.recipe.fitted_on, manifest.recipe.fitted_count) == (FittedOn.ARTISTS, 4)
    verify(tmp_path / "v")


def test_many_rows_are_the_same_as_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    with ArtistIndex.open(tmp_path) as index:
        scored = [(0.5, 2), (0.4, 0)]
        few = index.to_neighbours(scored)
        monkeypatch.setattr("artistindex.index.sidecar._MANY", 1)
        assert index.to_neighbours(scored) == few


def test_an_index_of_transformed_vectors_says_so_to_queries(tmp_path: Path) -> None:
    write(tmp_path)
    with ArtistIndex.open(tmp_path) as index:
        assert index.transform.name == "centre"
        assert (index.vector("Rezz") @ index.vectors.T).argmax() == 0


# -- damage --------------------------------------------------------------------------------------


def test_opening_checks_some_blocks_and_verifying_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block_bytes = BLOCK_BYTES // 64
    for module in (manifest, reader, writer):
        monkeypatch.setattr(module, "BLOCK_BYTES", block_bytes)
    count, dimension = 2_525, 64  # ten blocks
    vectors = np.random.default_rng(0).normal(size=(count, dimension)).astype(np.float32)
    artists = [Artist(f"A{row}") for row in range(count)]
    index_file = write_index(tmp_path, key=KEY, artists=artists, vectors=vectors).index_file
    assert len(index_file.blocks) == 10
    path = tmp_path / index_file.name
    caught = []
    for block in range(10):
        flip(path, block * block_bytes + 101)
        try:
            ArtistIndex.open(tmp_path).close()
        except BrokenIndex:
            caught.append(block)
        with pytest.raises(BrokenIndex, match="altered"):
            verify(tmp_path)
        flip(path, block * block_bytes + 101)
    assert len(caught) == 4
    assert {0, 9} <= set(caught)
    verify(tmp_path)


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("CREATE VIEW v AS SELECT 1", "has other tables than the format"),
        ("CREATE VIRTUAL TABLE w USING fts5(text)", "has other tables than the format"),
        ("CREATE TRIGGER t AFTER INSERT ON tracks BEGIN SELECT 1; END", "has other tables"),
    ],
)
def test_a_sidecar_of_other_tables_is_not_opened(tmp_path: Path, sql: str, message: str) -> None:
    write(tmp_path)
    run_sql(tmp_path, sql)
    with pytest.raises(BrokenIndex, match=message):
        ArtistIndex.open(tmp_path)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("UPDATE artists SET tracks = 9 WHERE row = 0", "other tracks than it says"),
        ("UPDATE tracks SET vector = 77 WHERE id = 0", "no track for some track vectors"),
        ("UPDATE tracks SET vector = NULL WHERE id = 0", "no track for some track vectors"),
        ("INSERT INTO artist_ids VALUES (99, 'spotify', 'x')", "refers to nothing"),
        ("UPDATE artist_tracks SET track = 99 WHERE row = 0 AND position = 0", "refers to nothing"),
    ],
)
def test_a_sidecar_that_contradicts_itself_is_found(tmp_path: Path, sql: str, message: str) -> None:
    write(tmp_path)
    run_sql(tmp_path, sql)
    with pytest.raises(BrokenIndex, match=message):
        verify(tmp_path)


def test_a_track_vector_that_is_not_there_is_an_error_not_another(tmp_path: Path) -> None:
    write(tmp_path)
    run_sql(tmp_path, "UPDATE tracks SET vector = 3 WHERE id = 0")
    with (
        ArtistIndex.open(tmp_path) as index,
        pytest.raises(BrokenIndex, match="no track vector 3"),
    ):
        index.tracks("Rezz")


# -- without an artist ---------------------------------------------------------------------------


def test_an_artist_is_removed_and_all_else_stays(tmp_path: Path) -> None:
    write(tmp_path)
    with ArtistIndex.open(tmp_path) as index:
        before = {name: index.vector(name) for name in index.artists}
        transform = index.transform.arrays["mean"]
        used = {name: index.tracks(name) for name in index.artists}
    manifest = remove_artists(tmp_path, [0])
    assert manifest is not None
    with ArtistIndex.open(tmp_path) as index:
        assert index.artists == ["Vril", "Calibre", "Out of a pack"]
        for name in index.artists:
            np.testing.assert_array_equal(index.vector(name), before[name])
            assert index.tracks(name) == used[name]
        np.testing.assert_array_equal(index.transform.arrays["mean"], transform)
        assert index.track_vectors.shape == (2, 6)
        assert [entry.guessed for entry in index.entries] == [True, False, False]
        assert index.manifest.recipe.fitted_count == 4
    assert {path.name for path in tmp_path.iterdir()} == {
        "manifest.json",
        *(file.name for file in manifest.files),
    }
    assert not any(b"Rezz" in path.read_bytes() for path in tmp_path.iterdir())
    verify(tmp_path)


def test_without_anybody_left_there_is_no_index(tmp_path: Path) -> None:
    write(tmp_path / "v")
    assert remove_artists(tmp_path / "v", range(4)) is None
    assert not (tmp_path / "v").exists()


def test_an_index_of_format_1_is_read_and_written_as_2_when_an_artist_goes(tmp_path: Path) -> None:
    golden = GOLDEN.parent / "index-format-1" / "index"
    shutil.copytree(golden, tmp_path / "v")
    with ArtistIndex.open(golden) as index:
        assert index.manifest.format == 1
        artists, first = index.artists, index.vectors[1]
    manifest = remove_artists(tmp_path / "v", [0])
    assert manifest is not None
    assert manifest.format == 2
    with ArtistIndex.open(tmp_path / "v") as index:
        assert index.artists == artists[1:]
        np.testing.assert_array_equal(index.vectors[0], first)


# -- golden --------------------------------------------------------------------------------------


def test_the_golden_index_of_format_2_reads_as_ever() -> None:
    """Written once by `write` above, with `transform="centre"`; never to be written again."""
    expected = json.loads((GOLDEN / "expected.json").read_text())
    with ArtistIndex.open(GOLDEN / "index") as index:
        assert index.artists == expected["artists"] == [artist.name for artist in ARTISTS]
        assert index.records == ARTISTS
        np.testing.assert_allclose(index.vectors, expected["vectors"], atol=1e-6)
        np.testing.assert_allclose(index.track_vectors, expected["track_vectors"], atol=1e-6)
        assert [index.tracks_of_row(row) for row in range(4)] == tracks()
        assert index.manifest.recipe.to_json() == expected["recipe"]
        for name, answer in expected["neighbours"].items():
            neighbours = index.neighbours(name)
            assert [neighbour.artist for neighbour in neighbours] == [line[0] for line in answer]
            for neighbour, (_, score, percentile) in zip(neighbours, answer, strict=True):
                assert neighbour.score == pytest.approx(score, abs=1e-6)
                assert neighbour.percentile == pytest.approx(percentile, abs=1e-3)
    verify(GOLDEN / "index")
