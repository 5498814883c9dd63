"""Packs: what goes out comes in, merges keep what is here, and hostile files get one line."""

import errno
import hashlib
import io
import json
import shutil
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artistindex import naming
from artistindex.cli import exit_codes
from artistindex.entities import Artist, Track, TrackVector, VectorKey
from artistindex.errors import ArtistIndexError, PackError, Remedy
from artistindex.index.reader import ArtistIndex, verify
from artistindex.index.sidecar import UsedTrack
from artistindex.index.transforms import TRANSFORMS, unit
from artistindex.index.writer import write_index
from artistindex.ingest.pipeline import build
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.rows import ImportedArtist
from artistindex.packs.export import export_pack
from artistindex.packs.format import PackedIndex, write_pack
from artistindex.packs.import_ import Collision, import_pack
from artistindex.packs.reader import open_pack

KEY = VectorKey("own-model", "a" * 64)
Plant = Callable[..., Path]


def packed(
    artists: Sequence[Artist | str],
    vectors: Any = None,
    *,
    key: VectorKey = KEY,
    transform: str = "none",
    licence: str = "CC BY-NC-SA 4.0",
    seed: int = 0,
    dimension: int = 6,
) -> PackedIndex:
    known = [Artist(name) if isinstance(name, str) else name for name in artists]
    if vectors is None:
        vectors = np.random.default_rng(seed).normal(size=(len(known), dimension))
    tracks = [(("One", "An album"), ("Two", None)) for _ in known]
    return PackedIndex(key, licence, transform, known, tracks, unit(np.asarray(vectors)))


def read_pack(path: Path) -> list[PackedIndex]:
    """All that is in a pack, in memory, once all of it was checked."""
    with open_pack(path) as pack:
        pack.check()
        return [
            PackedIndex(
                entry.key,
                entry.licence,
                entry.transform,
                [packed.artist for packed in pack.artists(entry)],
                [packed.tracks for packed in pack.artists(entry)],
                np.stack([packed.vector for packed in pack.artists(entry)]),
            )
            for entry in pack.entries
        ]


def here(folder: Path, content: PackedIndex) -> Path:
    """An index that is here already, without a library."""
    target = folder / content.key.model
    write_index(
        target,
        key=content.key,
        artists=content.artists,
        vectors=content.vectors,
        tracks=[[UsedTrack(*track) for track in tracks] for tracks in content.tracks],
        licence=content.licence,
        transform=content.transform,
    )
    return target


def everything(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "pack.zip"
    write_pack(path, [packed(["Rezz", Artist("Vril", {"spotify": "sp1"}), "東京", "AC/DC"])])
    return path


# -- out and in --------------------------------------------------------------------------------


def test_a_pack_comes_back_as_it_went(pack: Path) -> None:
    [index] = read_pack(pack)
    expected = packed(["Rezz", Artist("Vril", {"spotify": "sp1"}), "東京", "AC/DC"])
    assert index.key == expected.key
    assert index.licence == "CC BY-NC-SA 4.0"
    assert index.artists == expected.artists
    assert index.tracks == expected.tracks
    np.testing.assert_array_equal(index.vectors, expected.vectors)


NAMES = st.text(min_size=1, max_size=30).filter(naming.clean)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)
@given(st.lists(st.tuples(NAMES, st.lists(NAMES, max_size=3)), min_size=1, max_size=5))
def test_any_names_survive_the_journey(
    tmp_path: Path, content: list[tuple[str, list[str]]]
) -> None:
    content = list({naming.clean(name): (name, titles) for name, titles in content}.values())
    artists = [Artist(naming.clean(name)) for name, _ in content]
    tracks = [tuple((naming.clean(title), None) for title in titles) for _, titles in content]
    vectors = packed(artists).vectors
    path = tmp_path / "any.zip"
    write_pack(path, [PackedIndex(KEY, "", "none", artists, tracks, vectors)], overwrite=True)
    [index] = read_pack(path)
    assert index.artists == artists
    assert index.tracks == tracks


def test_an_index_goes_out_and_comes_in_elsewhere(planted: Plant, tmp_path: Path) -> None:
    folder = planted(count=30, model=KEY.model)
    planted(count=5, model="other-model", dimension=4)
    pack = tmp_path / "both.zip"
    assert [index.key.model for index in export_pack(pack, folder.parent)] == [
        "other-model",
        "own-model",
    ]
    elsewhere = tmp_path / "elsewhere"
    imported = import_pack(pack, elsewhere)
    assert [(index.model, index.added, index.artists) for index in imported] == [
        ("other-model", 5, 5),
        ("own-model", 30, 30),
    ]
    verify(elsewhere / "own-model")
    with ArtistIndex.open(folder) as ours, ArtistIndex.open(elsewhere / "own-model") as other:
        assert other.artists == ours.artists
        assert other.manifest.key == ours.manifest.key
        assert other.manifest.licence == ours.manifest.licence
        assert other.tracks("Artist 3") == [UsedTrack("Artist 3's song")]
        np.testing.assert_allclose(other.vectors, ours.vectors, atol=1e-6)
        assert [hit.artist for hit in other.neighbours("Artist 3")] == [
            hit.artist for hit in ours.neighbours("Artist 3")
        ]


def test_only_the_indexes_asked_for_go_out(planted: Plant, tmp_path: Path) -> None:
    folder = planted(model=KEY.model)
    planted(model="other-model")
    pack = tmp_path / "one.zip"
    export_pack(pack, folder.parent, models=["other-model"])
    assert [index.key.model for index in read_pack(pack)] == ["other-model"]
    with pytest.raises(ArtistIndexError, match="unknown index 'nonsense'"):
        export_pack(tmp_path / "no.zip", folder.parent, models=["nonsense"])
    with pytest.raises(ArtistIndexError, match="no index"):
        export_pack(tmp_path / "no.zip", tmp_path / "empty")
    assert not (tmp_path / "no.zip").exists()


def test_a_file_that_is_there_is_not_overwritten_unasked(planted: Plant, tmp_path: Path) -> None:
    folder = planted(model=KEY.model)
    target = tmp_path / "letter.zip"
    target.write_text("mine")
    with pytest.raises(PackError, match="is there already"):
        export_pack(target, folder.parent)
    assert target.read_text() == "mine"
    export_pack(target, folder.parent, overwrite=True)
    assert read_pack(target)
    with pytest.raises(PackError, match="cannot write"):
        export_pack(tmp_path / "no" / "such" / "folder.zip", folder.parent)


def test_a_pack_holds_one_index_of_a_model(planted: Plant, tmp_path: Path) -> None:
    folder = planted(model=KEY.model)
    shutil.copytree(folder, folder.with_name("own-model-old"))
    with pytest.raises(PackError, match="one index of own-model") as caught:
        export_pack(tmp_path / "p.zip", folder.parent)
    assert caught.value.remedy is Remedy.CHOOSE_INDEX
    export_pack(tmp_path / "p.zip", folder.parent, models=["own-model-old"])
    assert len(read_pack(tmp_path / "p.zip")) == 1


def test_no_path_and_no_library_id_goes_out(tmp_path: Path, pack: Path) -> None:
    with zipfile.ZipFile(pack) as archive:
        lines = archive.read("own-model/artists.jsonl").decode().splitlines()
    assert json.loads(lines[1]) == {
        "name": "Vril",
        "spotify_id": "sp1",
        "tracks": [{"title": "One", "album": "An album"}, {"title": "Two"}],
    }


# -- with a library, and builds afterwards -----------------------------------------------------


@pytest.fixture
def library_of(tmp_path: Path) -> Callable[..., Path]:
    """A folder with a library of two tracks an artist, and the index built of it."""

    def make(name: str, vectors: dict[str, Any], *, transform: str = "none") -> Path:
        folder = tmp_path / name
        with Library.open(folder / FILE_NAME) as library:
            for at, (artist, vector) in enumerate(vectors.items()):
                for number in (1, -1):
                    track = Track(
                        (Artist(artist),), f"{artist} {number}", path=Path(f"/{at}{number}")
                    )
                    track_id = library.upsert_file(track, size=1, mtime_ns=1)
                    moved = np.asarray(vector, np.float32) + 0.01 * number
                    library.add_embedding(
                        track_id,
                        audio_sha256=f"{at}{number}",
                        duration=1.0,
                        vectors=[TrackVector(musicnn_key(), moved, 1, "test")],
                    )
        rebuild(folder, transform)
        return folder

    return make


def musicnn_key() -> VectorKey:
    from artistindex.embedding import weights
    from artistindex.embedding.registry import spec_of

    return VectorKey("musicnn", weights.find_installed(spec_of("musicnn")).identity)


def rebuild(folder: Path, transform: str = "none", monkeypatch: Any = None) -> None:
    """What `artistindex build` does once there is nothing to extract."""
    build(indexes=folder, models=["musicnn"], engine="openvino", transform=transform)


def random_rows(*artists: str, seed: int = 0) -> dict[str, Any]:
    rows = np.random.default_rng(seed).normal(size=(len(artists), 200)) + 1
    return dict(zip(artists, rows, strict=True))


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_transformed_index_is_the_same_elsewhere(
    library_of: Callable[..., Path], tmp_path: Path, transform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_by_tracks = transform == "whiten-tracks"  # which stay: it is fitted on the artists there
    # whose weight is by the number of tracks, which a pack does not tell
    monkeypatch.setattr("artistindex.index.writer.background_of", lambda *_: None)
    folder = library_of("one", random_rows(*"ABCDEFGHIJKL"), transform=transform)
    export_pack(tmp_path / "p.zip", folder)
    import_pack(tmp_path / "p.zip", tmp_path / "other")
    with (
        ArtistIndex.open(folder / "musicnn") as ours,
        ArtistIndex.open(tmp_path / "other" / "musicnn") as other,
    ):
        assert other.manifest.transform == transform
        difference = 1e-2 if is_by_tracks else 1e-4
        np.testing.assert_allclose(other.vectors, ours.vectors, atol=difference)


def test_a_transformed_index_without_its_library_stays_where_it_is(
    library_of: Callable[..., Path], tmp_path: Path
) -> None:
    folder = library_of("one", random_rows(*"ABCDEF"), transform="centre")
    (folder / FILE_NAME).unlink()
    with pytest.raises(PackError, match="no longer holds all that it was made of"):
        export_pack(tmp_path / "p.zip", folder)


def test_later_builds_keep_what_was_imported(
    library_of: Callable[..., Path], tmp_path: Path
) -> None:
    theirs = library_of("theirs", random_rows("A", "B", "Far", seed=1))
    export_pack(tmp_path / "p.zip", theirs)
    mine = library_of("mine", random_rows("A", "C", seed=2))
    [imported] = import_pack(tmp_path / "p.zip", mine)
    assert (imported.added, imported.kept, imported.artists) == (2, 1, 4)
    with ArtistIndex.open(mine / "musicnn") as index:
        merged = {name: index.vector(name) for name in index.artists}
    rebuild(mine)
    with ArtistIndex.open(mine / "musicnn") as index:
        assert sorted(index.artists) == ["A", "B", "C", "Far"]
        for name in index.artists:
            np.testing.assert_allclose(index.vector(name), merged[name], atol=1e-6)
        assert sorted(track.title for track in index.tracks("B")) == ["B -1", "B 1"]
    export_pack(tmp_path / "again.zip", mine)
    [again] = read_pack(tmp_path / "again.zip")
    assert sorted(artist.name for artist in again.artists) == ["A", "B", "C", "Far"]


def test_merging_into_a_transformed_index_fits_the_transform_anew(
    library_of: Callable[..., Path], tmp_path: Path
) -> None:
    export_pack(tmp_path / "p.zip", library_of("theirs", random_rows(*"ABC", seed=1)))
    mine = library_of("mine", random_rows(*"CDEFG", seed=2), transform="centre")
    [imported] = import_pack(tmp_path / "p.zip", mine)
    assert (imported.added, imported.kept) == (2, 1)
    with ArtistIndex.open(mine / "musicnn") as index:
        merged = index.vectors
        assert index.manifest.transform == "centre"
    rebuild(mine, "centre")
    with ArtistIndex.open(mine / "musicnn") as index:
        np.testing.assert_allclose(index.vectors, merged, atol=1e-5)


def test_merging_into_a_whitened_index_of_fewer_dimensions(
    library_of: Callable[..., Path], tmp_path: Path
) -> None:
    export_pack(tmp_path / "p.zip", library_of("theirs", random_rows(*"ABC", seed=1)))
    mine = library_of("mine", random_rows(*"CDEFG", seed=2), transform="whiten")
    with ArtistIndex.open(mine / "musicnn") as index:
        assert index.manifest.dimension < 200
    [imported] = import_pack(tmp_path / "p.zip", mine)
    assert (imported.added, imported.kept, imported.artists) == (2, 1, 7)


def test_the_users_own_tracks_win_once_there_are_some_unless_told_otherwise(
    library_of: Callable[..., Path], tmp_path: Path
) -> None:
    theirs = library_of("theirs", random_rows("A", seed=1))
    export_pack(tmp_path / "p.zip", theirs)
    with ArtistIndex.open(theirs / "musicnn") as index:
        vector = index.vector("A")
    mine = library_of("mine", random_rows("A", "C", seed=2))
    [imported] = import_pack(tmp_path / "p.zip", mine, replace=True)
    assert (imported.added, imported.replaced) == (0, 1)
    for again in (False, True):
        if again:
            rebuild(mine)
        with ArtistIndex.open(mine / "musicnn") as index:
            np.testing.assert_allclose(index.vector("A"), vector, atol=1e-6)


def test_imported_artists_nobody_asked_for_are_no_failures(
    library_of: Callable[..., Path], tmp_path: Path
) -> None:
    mine = library_of("mine", random_rows("A", seed=2))
    write_pack(tmp_path / "p.zip", [packed(["Only in VGGish"])])
    import_pack(tmp_path / "p.zip", mine)
    report = build(indexes=mine, models=["musicnn"], engine="openvino")
    assert (report.requested, report.indexed, exit_codes.for_build(report)) == (1, 1, 0)


def test_a_build_of_another_excerpt_says_who_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = replace(musicnn_key(), excerpt="3x30")
    write_pack(tmp_path / "p.zip", [packed(["A", "B"], key=key, dimension=200)])
    import_pack(tmp_path / "p.zip", tmp_path / "mine")
    build(indexes=tmp_path / "mine", excerpt="full", models=["musicnn"], engine="openvino")
    assert any("2 imported artists are left out" in line for line in caplog.messages)
    with Library.open(tmp_path / "mine" / FILE_NAME) as library:
        assert len(library.imported(key)) == 2


def test_forgetting_an_imported_artist_is_for_good(pack: Path, tmp_path: Path) -> None:
    import_pack(pack, tmp_path / "here")
    with Library.open(tmp_path / "here" / FILE_NAME) as library:
        library.forget(library.find_artist("Rezz"))
        imported = library.imported(KEY)
    assert [entry.artist.name for entry in imported.values()] == ["Vril", "東京", "AC/DC"]


# -- merging -----------------------------------------------------------------------------------


def test_importing_twice_changes_nothing(pack: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    import_pack(pack, folder)
    manifest = (folder / "own-model" / "manifest.json").read_bytes()
    [imported] = import_pack(pack, folder)
    assert (imported.added, imported.unchanged, imported.kept, imported.collisions) == (0, 4, 0, [])
    assert (folder / "own-model" / "manifest.json").read_bytes() == manifest


def test_an_interrupted_import_is_finished_by_the_next(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    with monkeypatch.context() as patch:
        patch.setattr(
            "artistindex.packs.import_.write_index",
            lambda *_, **__: exec("raise KeyboardInterrupt"),
        )
        with pytest.raises(KeyboardInterrupt):
            import_pack(pack, folder)
    assert not (folder / "own-model").exists()
    import_pack(pack, folder)
    with ArtistIndex.open(folder / "own-model") as index:
        assert len(index) == 4


def test_artists_are_matched_by_id_and_then_by_spelling(tmp_path: Path) -> None:
    mine = [
        Artist("Vril", {"spotify": "sp1"}),
        Artist("Calibre", {"deezer": "1"}),
        Artist("REZZ"),
        Artist("Boards"),
    ]
    folder = tmp_path / "here"
    here(folder, packed(mine, np.eye(6)[:4]))
    theirs = [
        Artist("Vril (DE)", {"spotify": "sp1"}),  # the same by id, another spelling
        Artist("Calibre", {"deezer": "2"}),  # a namesake
        Artist("Rezz"),  # folds alike, but is spelled otherwise: another artist
        Artist("Boards", {"spotify": "sp9"}),  # the same by spelling; its id is not taken over
    ]
    write_pack(tmp_path / "p.zip", [packed(theirs, np.eye(6)[[4, 4, 5, 3]])])
    [imported] = import_pack(tmp_path / "p.zip", folder)
    assert (imported.added, imported.unchanged, imported.kept, imported.artists) == (2, 1, 1, 6)
    assert imported.collisions == [
        Collision("Vril (DE)", "Vril", "spotify_id", "local", 0.0),
        Collision("Calibre", "Calibre", "name", "both", None),
    ]
    with ArtistIndex.open(folder / "own-model") as index:
        assert index.artists == ["Vril", "Calibre", "REZZ", "Boards", "Calibre", "Rezz"]
        assert index.records[3] == Artist("Boards")
        np.testing.assert_array_equal(index.vectors, np.eye(6)[[0, 1, 2, 3, 4, 5]])


def test_replace_takes_the_packs_vectors(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    here(folder, packed([Artist("A", {"spotify": "1"}), "B"], np.eye(6)[:2]))
    write_pack(tmp_path / "p.zip", [packed([Artist("a!", {"spotify": "1"})], np.eye(6)[[5]])])
    [imported] = import_pack(tmp_path / "p.zip", folder, replace=True)
    assert (imported.replaced, imported.artists) == (1, 2)
    assert imported.collisions == [Collision("a!", "A", "spotify_id", "pack", 0.0)]
    with ArtistIndex.open(folder / "own-model") as index:
        assert index.artists == ["A", "B"]
        np.testing.assert_array_equal(index.vectors, np.eye(6)[[5, 1]])


def test_a_new_artist_in_two_indexes_is_one_artist(tmp_path: Path) -> None:
    other = VectorKey("other-model", "c" * 64)
    both = [packed(["New"]), packed([Artist("New", {"spotify": "s"})], key=other)]
    write_pack(tmp_path / "p.zip", both)
    import_pack(tmp_path / "p.zip", tmp_path / "here")
    with Library.open(tmp_path / "here" / FILE_NAME) as library:
        assert [stored.artist.name for stored in library.artists()] == ["New"]


def test_two_of_a_pack_who_are_one_here_do_not_both_come_in(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    here(folder, packed([Artist("L", {"spotify": "1", "deezer": "2"})], np.eye(6)[[0]]))
    theirs = [Artist("P", {"spotify": "1"}), Artist("Q", {"deezer": "2"})]
    write_pack(tmp_path / "p.zip", [packed(theirs, np.eye(6)[[1, 2]])])
    [imported] = import_pack(tmp_path / "p.zip", folder, replace=True)
    assert (imported.replaced, imported.kept, imported.artists) == (1, 1, 1)


def test_licences_travel_along_and_add_up(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    here(folder, packed(["A"], licence="MIT"))
    write_pack(tmp_path / "p.zip", [packed(["B"], licence="CC BY-NC-SA 4.0")])
    for _ in range(2):
        import_pack(tmp_path / "p.zip", folder)
        with ArtistIndex.open(folder / "own-model") as index:
            assert index.manifest.licence == "MIT; CC BY-NC-SA 4.0"


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (VectorKey("own-model", "b" * 64), "weights_sha256 bbbb"),
        (VectorKey("own-model", "a" * 64, precision="bf16"), "precision bf16 instead of f32"),
        (VectorKey("own-model", "a" * 64, excerpt="3x30"), "excerpt 3x30 instead of full"),
    ],
)
def test_what_cannot_be_compared_is_not_merged(
    tmp_path: Path, other: VectorKey, difference: str
) -> None:
    folder = tmp_path / "here"
    here(folder, packed(["A"]))
    before = everything(folder)
    fine = packed(["New"], key=VectorKey("other-model", "d" * 64))
    write_pack(tmp_path / "p.zip", [fine, packed(["B"], key=other)])
    with pytest.raises(PackError, match=difference) as raised:
        import_pack(tmp_path / "p.zip", folder)
    assert "nothing was imported" in str(raised.value)
    assert everything(folder) == before


def test_another_dimension_is_not_merged(tmp_path: Path) -> None:
    here(tmp_path / "here", packed(["A"]))
    write_pack(tmp_path / "p.zip", [packed(["B"], dimension=7)])
    with pytest.raises(PackError, match="dimension 7 instead of 6"):
        import_pack(tmp_path / "p.zip", tmp_path / "here")


# -- hostile packs -----------------------------------------------------------------------------


def forged(
    path: Path,
    *,
    manifest: dict[str, Any] | None = None,
    entry: dict[str, Any] | None = None,
    artists: bytes | None = None,
    vectors: bytes | None = None,
    hashes: bool = True,
) -> Path:
    """A pack of one index with parts replaced; its hashes are right unless told otherwise."""
    write_pack(path, [packed(["A", "B"])], overwrite=True)
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read("manifest.json"))
        content = {
            "artists.jsonl": archive.read("own-model/artists.jsonl")
            if artists is None
            else artists,
            "vectors.npy": archive.read("own-model/vectors.npy") if vectors is None else vectors,
        }
    document["indexes"][0] |= entry or {}
    if hashes:
        document["indexes"][0]["sha256"] = {
            name: hashlib.sha256(data).hexdigest() for name, data in content.items()
        }
    document |= manifest or {}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("own-model/vectors.npy", content["vectors.npy"])
        archive.writestr("own-model/artists.jsonl", content["artists.jsonl"], zipfile.ZIP_DEFLATED)
        archive.writestr("manifest.json", json.dumps(document))
    return path


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def lines(*entries: Any) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


EYE = np.eye(2, 6, dtype=np.float32)
A = {"name": "A", "tracks": []}
B = {"name": "B", "tracks": []}
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "no vector of the claimed million": (
        {"entry": {"artists": 1_000_000}},
        "does not have the size of 1000000 vectors",
    ),
    "a claim beyond memory": ({"entry": {"artists": 10**30}}, "'artists' must be from 1 to"),
    "a dimension of none": ({"entry": {"dimension": 0}}, "'dimension' must be from 1"),
    "a dimension of truth": ({"entry": {"dimension": True}}, "must be a whole number"),
    "another dimension": ({"entry": {"dimension": 5}}, r"has the shape \(2, 6\), not that of 2"),
    "a path for a model": ({"entry": {"model": "../../x"}}, "its model '../../x' is none of"),
    "an absolute model": ({"entry": {"model": "/etc/passwd"}}, "is none of"),
    "no weights": ({"entry": {"weights_sha256": "../x"}}, "named by no sha256"),
    "odd precision": ({"entry": {"precision": "f64"}}, "unknown precision 'f64'"),
    "odd excerpt": ({"entry": {"excerpt": "9x9999999"}}, "unknown excerpt"),
    "odd transform": ({"entry": {"transform": "eval"}}, "unknown transform 'eval'"),
    "licence of no text": ({"entry": {"licence": ["MIT"]}}, "'licence' must be a text"),
    "endless licence": ({"entry": {"licence": "x" * 200_000}}, "is too long|would unpack"),
    "no hashes": ({"entry": {"sha256": "none"}, "hashes": False}, "no hashes"),
    "wrong hash": (
        {"vectors": npy(EYE), "hashes": False},
        "vectors.npy has another sha256 than stated",
    ),
    "wrong hash of artists": (
        {"artists": lines(A, B), "hashes": False},
        "artists.jsonl has another sha256 than stated",
    ),
    "newer format": ({"manifest": {"format": 3}}, "format 3, newer than 2: upgrade"),
    "no format": ({"manifest": {"format": "1"}}, "gives no format"),
    "no indexes": ({"manifest": {"indexes": []}}, "lists no index"),
    "indexes of another shape": ({"manifest": {"indexes": {"a": 1}}}, "lists no index"),
    "an index of another shape": ({"manifest": {"indexes": [7]}}, "by no object"),
    "NaN": ({"vectors": npy(np.full((2, 6), np.nan, np.float32))}, "not finite"),
    "infinity": ({"vectors": npy(np.full((2, 6), np.inf, np.float32))}, "not finite"),
    "zero vectors": ({"vectors": npy(EYE * 0)}, "no unit vectors"),
    "long vectors": ({"vectors": npy(EYE * 3)}, "no unit vectors"),
    "doubles": ({"vectors": npy(EYE[:, :3].astype(float))}, "holds 'float64', not float32"),
    "big endian": ({"vectors": npy(EYE.astype(">f4"))}, "not float32"),
    "Fortran order": ({"vectors": npy(np.asfortranarray(EYE))}, "Fortran order"),
    "another shape": ({"vectors": npy(EYE.reshape(3, 4))}, r"has the shape \(3, 4\)"),
    "one axis": ({"vectors": npy(EYE.ravel())}, "has the shape"),
    "no .npy": ({"vectors": b"\x00" * 100}, "is no .npy file"),
    "pickled objects": (
        {"vectors": npy(np.array([[None] * 6] * 2, dtype=object))},
        "does not have the size|not float32",
    ),
    "a header of code": (
        {
            "vectors": b"\x93NUMPY\x01\x00\x40\x00"
            + b"__import__('os')".ljust(63)
            + b"\n"
            + bytes(48)
        },
        "is no .npy file",
    ),
    "a later version of .npy": (
        {"vectors": npy(EYE).replace(b"NUMPY\x01", b"NUMPY\x03")},
        "is of .npy version",
    ),
    "a name missing": ({"artists": lines(A)}, "fewer lines than there are vectors"),
    "a name too many": ({"artists": lines(A, B, {"name": "C", "tracks": []})}, "more lines than"),
    "an artist twice": ({"artists": lines(A, A)}, "'A' comes twice"),
    "an artist twice, by id": (
        {"artists": lines(A | {"spotify_id": "1"}, B | {"spotify_id": "1"})},
        "'B' comes twice",
    ),
    "an artist twice, after tidying": ({"artists": lines(A, A | {"name": " A\0"})}, "comes twice"),
    "a nameless artist": ({"artists": lines(A, A | {"name": " \0 "})}, "without a name"),
    "a name of no text": ({"artists": lines(A, A | {"name": 7})}, "'name' must be a text"),
    "no name": ({"artists": lines(A, {"tracks": []})}, "'name' must be a text"),
    "no object": ({"artists": lines(A, ["B"])}, "no JSON object"),
    "no JSON": ({"artists": lines(A) + b"{nonsense\n"}, "line 2 of .* is not JSON"),
    "a number beyond measure": (
        {"artists": lines(A) + b'{"name": "B", "tracks": [], "x": ' + b"9" * 5000 + b"}\n"},
        "is not JSON",
    ),
    "deep nesting": ({"artists": lines(A) + b"[" * 50_000 + b"\n"}, "not JSON|would unpack"),
    "no text": ({"artists": lines(A) + b"\xff\xfe\xfd\n"}, "is not JSON"),
    "a title of nothing": (
        {"artists": lines(A, B | {"tracks": [{"title": " \0"}]})},
        "a track without a title",
    ),
    "a title of no text": ({"artists": lines(A, B | {"tracks": [{"title": 7}]})}, "'title' must"),
    "a constant that is not JSON": (
        {"artists": lines(A) + b'{"name": "B", "tracks": [], "x": NaN}\n'},
        "is not JSON",
    ),
    "no tracks": ({"artists": lines(A, {"name": "B"})}, "tracks must be a list"),
    "a track of no object": ({"artists": lines(A, B | {"tracks": ["x"]})}, "must be an object"),
    "a track of no title": ({"artists": lines(A, B | {"tracks": [{}]})}, "'title' must be a text"),
    "an id of no text": ({"artists": lines(A, B | {"spotify_id": 7})}, "spotify_id is no id"),
    "SQL for an id": ({"artists": lines(A, B | {"deezer_id": "1'; --"})}, "deezer_id is no id"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_content_is_one_line_and_nothing_is_imported(tmp_path: Path, case: str) -> None:
    parts, line = HOSTILE[case]
    path = forged(tmp_path / "p.zip", **parts)
    folder = tmp_path / "here"
    here(folder, packed(["Mine"]))
    before = everything(folder)
    with pytest.raises(PackError, match=line) as raised:
        import_pack(path, folder)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500
    assert everything(folder) == before


HASH = "b" * 64
CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "another dimension than VGGish's": (
        {"model": "vggish", "dimension": 6},
        "vggish has vectors of dimension 128, not 6",
    ),
    "other weights than the packaged ones": (
        {"model": "musicnn", "dimension": 200, "weights_sha256": HASH},
        "said to be musicnn's.* but were made with bbbbbbbbbbbb",
    ),
    "other weights than the published ones": (
        {"model": "discogs-effnet-style", "dimension": 1280, "weights_sha256": HASH},
        "said to be discogs-effnet-style's.* sha256 3ed9af50d536",
    ),
    "a hash of zeros": ({"weights_sha256": "0" * 64}, "named by no sha256"),
    "a hash of capitals": ({"weights_sha256": "A" * 64}, "named by no sha256"),
    "one dimension": ({"dimension": 1}, "cannot have the dimension 1: expected 2 to 65,536"),
    "a known name in other letters": ({"model": "VGGish"}, "is spelled vggish everywhere else"),
    "a hidden folder": ({"model": ".cache"}, "no name for another"),
    "the library": ({"model": "library.sqlite3"}, "no name for another"),
    "a device": ({"model": "Con"}, "no name for another"),
    "control characters": ({"model": "own\u202emodel"}, "no name for another"),
    "no name": ({"model": ""}, "no name for another"),
    "a long name": ({"model": "x" * 65}, "no name for another"),
    "a number": ({"model": 7}, "'model' must be a text"),
    "a half dimension": ({"dimension": 6.0}, "must be a whole number"),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_what_a_pack_says_of_its_model_is_held_against_what_is_known(
    tmp_path: Path, case: str
) -> None:
    entry, line = CLAIMS[case]
    with pytest.raises(PackError, match=line) as raised:
        import_pack(forged(tmp_path / "p.zip", entry=entry), tmp_path / "here")
    assert "\n" not in str(raised.value)
    assert {path.name for path in tmp_path.iterdir()} == {"p.zip"}


def test_nothing_is_packed_that_no_import_would_take(tmp_path: Path) -> None:
    key = VectorKey("musicnn", "b" * 64)
    with pytest.raises(PackError, match="whose weights have sha256"):
        write_pack(tmp_path / "p.zip", [packed(["A"], key=key, dimension=200)])
    assert not (tmp_path / "p.zip").exists()


def test_an_unknown_model_does_not_take_the_place_of_something_else(
    pack: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "here" / "own-model"
    folder.mkdir(parents=True)
    (folder / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(PackError, match="is in the way of the pack's own-model"):
        import_pack(pack, tmp_path / "here")
    assert [path.name for path in folder.iterdir()] == ["holiday.jpg"]
    (folder / "holiday.jpg").unlink()
    (folder / ".index-0123456789abcdef.faiss.x.part").write_bytes(b"of a killed import")
    import_pack(pack, tmp_path / "here")
    verify(folder)


def titles(count: int) -> list[dict[str, str]]:
    return [{"title": f"{number}"} for number in range(count)]


def test_an_artist_has_a_sane_number_of_tracks(tmp_path: Path) -> None:
    many = forged(tmp_path / "p.zip", artists=lines(A, B | {"tracks": titles(1001)}))
    with pytest.raises(PackError, match="1,001 tracks are too many"):
        import_pack(many, tmp_path / "here")


def test_tracks_cost_the_pack_room(tmp_path: Path) -> None:
    """Well-deflating titles by the thousand, none of which breaks a rule by itself."""
    rows = np.tile(EYE, (10, 1))
    listed = [{"name": f"{at}", "tracks": titles(1) * 900} for at in range(20)]
    path = forged(
        tmp_path / "p.zip", artists=lines(*listed), vectors=npy(rows), entry={"artists": 20}
    )
    with pytest.raises(PackError, match=r"more tracks than the file has room for|would unpack"):
        import_pack(path, tmp_path / "here")


def test_namesakes_have_an_end(tmp_path: Path) -> None:
    """Each is held against the others, which would take for ever."""
    listed = [A | {"deezer_id": f"{number}"} for number in range(101)]
    rows = np.tile(EYE, (51, 1))[:101]
    path = forged(
        tmp_path / "p.zip", artists=lines(*listed), vectors=npy(rows), entry={"artists": 101}
    )
    with pytest.raises(PackError, match=r"line 101 of .*'A' has too many namesakes"):
        import_pack(path, tmp_path / "here")


def test_what_an_artist_has_too_many_of_stays_out_of_a_pack(tmp_path: Path) -> None:
    small = packed(["A", "B", "C"])
    many = [(f"Song {number}", None) for number in range(1500)]
    long = [("x" * 1000, "y" * 1000) for _ in range(400)]
    content = PackedIndex(
        small.key,
        "",
        "none",
        small.artists,
        [many, long, [("", "Nameless"), ("T", "")]],
        small.vectors,
    )
    write_pack(tmp_path / "p.zip", [content])
    [unpacked] = read_pack(tmp_path / "p.zip")
    assert list(unpacked.tracks[0]) == many[:1000]
    assert list(unpacked.tracks[1]) == long[:25]
    assert list(unpacked.tracks[2]) == [("T", None)]


def test_a_pack_of_many_namesakes_and_tracks_is_taken_in_little_memory(tmp_path: Path) -> None:
    """Nothing but the vectors is held for all artists at once while a pack is checked."""
    count, dimension = 3000, 64
    rows = unit(np.random.default_rng(0).normal(size=(count, dimension)))
    artists = [Artist(f"Artist {number}") for number in range(count)]
    many = [[(f"Song {row} {number}", None) for number in range(50)] for row in range(count)]
    write_pack(tmp_path / "p.zip", [PackedIndex(KEY, "", "none", artists, many, rows)])
    del rows, artists, many
    tracemalloc.start()
    with open_pack(tmp_path / "p.zip") as pack:
        pack.check()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * count * dimension + 4_000_000


def test_names_are_taken_as_data(tmp_path: Path) -> None:
    odd = ["../../x", "Robert'); DROP TABLE artists;--", "=1+1", "<script>", "😀", "x" * 10_000]
    written = lines(*({"name": name, "tracks": [{"title": "\ud800x"}]} for name in odd))
    rows = np.eye(6, dtype=np.float32)
    path = forged(tmp_path / "p.zip", artists=written, vectors=npy(rows), entry={"artists": 6})
    import_pack(path, tmp_path / "here")
    with ArtistIndex.open(tmp_path / "here" / "own-model") as index:
        assert index.artists == odd
    assert {path.name for path in tmp_path.iterdir()} == {"p.zip", "here"}


def rewritten(
    pack: Path, change: Callable[[zipfile.ZipFile, zipfile.ZipInfo, bytes], None]
) -> Path:
    """The same members, each written by `change`."""
    target = pack.with_name("changed.zip")
    with zipfile.ZipFile(pack) as source, zipfile.ZipFile(target, "w") as archive:
        for info in source.infolist():
            change(archive, info, source.read(info))
    return target


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/evil",
        "own-model/../../evil",
        "C:\\evil",
        "extra.txt",
        "own-model/",
        "x" * 9999,
    ],
)
def test_files_that_belong_in_no_pack(pack: Path, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(pack, "a") as archive:
        archive.writestr(name, "evil")
    with pytest.raises(PackError, match=r"belongs in no pack|is a link, a folder") as raised:
        import_pack(pack, tmp_path / "here")
    assert len(str(raised.value)) < 500
    assert {path.name for path in tmp_path.iterdir()} == {"pack.zip"}


def test_links_are_not_followed(pack: Path) -> None:
    def change(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
        if info.filename == "own-model/vectors.npy":
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            data = b"/etc/passwd"
        archive.writestr(info, data)

    with pytest.raises(PackError, match="is a link, a folder or a device"):
        read_pack(rewritten(pack, change))


def test_members_that_come_twice(pack: Path) -> None:
    with zipfile.ZipFile(pack, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("manifest.json", "{}")
    with pytest.raises(PackError, match="twice"):
        read_pack(pack)


def test_a_member_that_is_lacking(pack: Path) -> None:
    def change(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
        if info.filename != "own-model/vectors.npy":
            archive.writestr(info, data)

    with pytest.raises(PackError, match="it lacks own-model/vectors"):
        read_pack(rewritten(pack, change))


def test_vectors_must_be_stored(pack: Path) -> None:
    def change(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, data)

    with pytest.raises(PackError, match="is deflated; it must be stored"):
        read_pack(rewritten(pack, change))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_to_compress_are_refused(pack: Path, method: int) -> None:
    def change(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
        info.compress_type = method
        archive.writestr(info, data)

    with pytest.raises(PackError, match="packed oddly"):
        read_pack(rewritten(pack, change))


def test_a_zip_bomb_is_not_unpacked(pack: Path) -> None:
    def change(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
        if info.filename == "own-model/artists.jsonl":
            data = b" " * 50_000_000
        archive.writestr(info, data)

    bomb = rewritten(pack, change)
    assert bomb.stat().st_size < 100_000
    with pytest.raises(PackError, match="would unpack to"):
        read_pack(bomb)


def test_few_artists_cannot_bring_much_text(pack: Path) -> None:
    """Deflated no better than real text, and yet far more than four artists have tracks for."""

    def change(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
        if info.filename == "own-model/artists.jsonl":
            data = np.random.default_rng(0).integers(32, 96, 2_000_000, np.uint8).tobytes()
        archive.writestr(info, data)

    with pytest.raises(PackError, match="too large for 4 artists"):
        read_pack(rewritten(pack, change))


def patched(pack: Path, member: str, *, size: int | None = None, flags: int | None = None) -> Path:
    """The same file with a lie in the directory: another size, or other flags, of one member."""
    data = bytearray(pack.read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(member.encode()))
    if flags is not None:
        struct.pack_into("<H", data, at + 8, flags)
    if size is not None:
        struct.pack_into("<I", data, at + 24, size)
    pack.write_bytes(data)
    return pack


def test_a_size_that_is_a_lie(pack: Path) -> None:
    with pytest.raises(PackError, match="two sizes"):
        read_pack(patched(pack, "own-model/vectors.npy", size=10))


def test_a_deflated_size_that_is_a_lie(pack: Path) -> None:
    with pytest.raises(PackError, match=r"damaged|sha256|lines"):
        read_pack(patched(pack, "own-model/artists.jsonl", size=20))


def test_encrypted_members_are_refused(pack: Path) -> None:
    with pytest.raises(PackError, match="is encrypted"):
        read_pack(patched(pack, "own-model/artists.jsonl", flags=1))


def test_a_directory_of_a_million_entries_is_not_read(pack: Path) -> None:
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    directory = (entry + b"x") * 60_000
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 60_000, 60_000, len(directory), 0, 0)
    pack.write_bytes(directory + end)
    with pytest.raises(PackError, match="directory is too large"):
        read_pack(pack)


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for number in range(100):
            archive.writestr(f"{number}", "")
    with pytest.raises(PackError, match="it holds 100 files"):
        read_pack(tmp_path / "p.zip")


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all", b"PK\5\6" + bytes(18)])
def test_what_is_no_pack(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.zip"
    path.write_bytes(content)
    with pytest.raises(PackError, match=r"is no pack|no manifest"):
        read_pack(path)
    with pytest.raises(PackError, match="cannot read"):
        read_pack(tmp_path)
    with pytest.raises(PackError, match="cannot read"):
        read_pack(tmp_path / "none.zip")


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)
@given(at=st.floats(0, 0.999999), value=st.binary(min_size=1, max_size=8), cut=st.booleans())
def test_damage_anywhere_is_one_line_or_no_difference(
    tmp_path: Path, at: float, value: bytes, cut: bool
) -> None:
    path = tmp_path / "damaged.zip"
    write_pack(path, [packed(["A", "B"])], overwrite=True)
    [expected] = read_pack(path)
    data = bytearray(path.read_bytes())
    place = int(at * len(data))
    data[place : len(data) if cut else place + len(value)] = value
    path.write_bytes(data)
    try:
        [index] = read_pack(path)
    except PackError:
        return
    assert index.artists == expected.artists
    np.testing.assert_array_equal(index.vectors, expected.vectors)


def test_a_vector_that_is_not_finite_never_gets_into_the_library(tmp_path: Path) -> None:
    good, bad = (np.full(3, value, np.float32) for value in (1, np.nan))
    with Library.open(tmp_path / FILE_NAME) as library:
        entries = [(None, KEY, ImportedArtist(Artist(n), v)) for n, v in (("A", good), ("B", bad))]
        with pytest.raises(ValueError, match="not finite"):
            library.put_imported(entries)
        assert library.artists() == []


def test_a_full_disk_leaves_no_half_pack(
    planted: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    folder = planted(model=KEY.model)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(PackError, match=r"cannot write .*: No space left on device"):
        export_pack(target / "p.zip", folder.parent)
    assert not list(target.iterdir())
