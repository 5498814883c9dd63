"""An index in Milvus answers as the one in a folder does that was pushed there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artistindex.entities import Artist, VectorKey
from artistindex.errors import (
    AmbiguousArtist,
    BrokenIndex,
    Misuse,
    Remedy,
    ServiceError,
    UnknownArtist,
)
from artistindex.index import milvus, milvus_store
from artistindex.index.milvus_push import push
from artistindex.index.milvus_store import MilvusAddress, MilvusStore
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index

pytest.importorskip("milvus_lite")

NAMES = ("Rezz", "Sigur Rós", "The \"Quoted\" \\ 'Band'", "ハハ", "Bonobo", "bonobo")
OTHERS = 30
DIMENSION = 16


def write(folder: Path, *, seed: int = 0) -> Path:
    """An index with a transform, ids, namesakes, and two tracks an artist, in `folder`/vggish."""
    random = np.random.default_rng(seed)
    names = [*NAMES, *(f"Artist {number}" for number in range(OTHERS))]
    vectors = random.normal(size=(len(names), DIMENSION)).astype(np.float32)
    artists = [Artist(name, {"spotify": f"id-{at}"}) for at, name in enumerate(names)]
    tracks = [
        [
            UsedTrack(
                f"{name}'s song {number}",
                recording=2 * at + number,
                library_id=100 + 2 * at + number,
                ids={"deezer": str(2 * at + number)},
                path=Path(f"/music/{at}/{number}.flac"),
                vector=vector + random.normal(size=DIMENSION).astype(np.float32),
            )
            for number in range(2)
        ]
        for at, (name, vector) in enumerate(zip(names, vectors, strict=True))
    ]
    write_index(
        folder / "vggish",
        key=VectorKey("vggish", "a" * 64),
        artists=artists,
        vectors=vectors,
        tracks=tracks,
        transform="centre",
        licence="none",
    )
    return folder / "vggish"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("indexes"))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> str:
    """Where the index of `folder` was pushed to; no test may change it."""
    place = f"milvus:{tmp_path_factory.mktemp('milvus')}/music.db"
    with ArtistIndex.open(folder) as index:
        assert str(push(index, place)) == f"{place}#vggish"
    return place


@pytest.fixture
def near(folder: Path) -> Iterator[ArtistIndex]:
    with ArtistIndex.open(folder) as index:
        yield index


@pytest.fixture
def far(address: str) -> Iterator[ArtistIndex]:
    with ArtistIndex.open(address) as index:
        yield index


def without_paths(answer: Any) -> Any:
    """An answer in JSON, none of whose tracks has a path."""
    return json.loads(json.dumps(answer), object_hook=lambda part: part | {"path": None})


def test_it_answers_to_the_bit_as_the_folder_does(near: ArtistIndex, far: ArtistIndex) -> None:
    assert (len(far), far.name, far.artists) == (len(near), near.name, near.artists)
    assert far.entries == near.entries
    assert list(far.library_ids()) == list(near.library_ids()) != []
    np.testing.assert_array_equal(far.vectors, near.vectors)
    for name in near.artists[:4]:
        theirs, ours = near.neighbours(name), far.neighbours(name)
        assert [(row.artist, row.score, row.percentile) for row in ours] == [
            (row.artist, row.score, row.percentile) for row in theirs
        ]
        for one, other in zip(ours, theirs, strict=True):
            assert [(track.title, track.score) for track in one.entry_tracks] == [
                (track.title, track.score) for track in other.entry_tracks
            ]
            assert {track.path for track in one.entry_tracks} == {None}
    assert far.neighbours(["Rezz", "ハハ"], 100)[-1].score == (
        near.neighbours(["Rezz", "ハハ"], 100)[-1].score
    )


def test_who_may_not_answer_does_not(near: ArtistIndex, far: ArtistIndex) -> None:
    asked = near.vector("Rezz")
    for excluded in ((), (0, 5), range(30), range(len(near) - 2)):
        assert far.search_rows(asked, 5, exclude=excluded) == (
            near.search_rows(asked, 5, exclude=excluded)
        )


def test_names_are_found_by_spelling_folded_name_and_id(
    near: ArtistIndex, far: ArtistIndex
) -> None:
    for name in ("rezz", "SIGUR ROS", NAMES[2].upper(), "ハハ", "Bonobo", "bonobo", "spotify:id-3"):
        assert far.row(name) == near.row(name)
    assert far.namesakes("Bonobo") == ["bonobo"]
    assert far.find_rows("nobody") == far.find_rows("title:id-3") == []
    with pytest.raises(AmbiguousArtist):
        far.row("BONOBO")
    with pytest.raises(UnknownArtist, match="Artist 7"):
        far.row("Artist 77")
    assert far.rows_below(2) == []
    assert far.rows_below(3) == list(range(len(near)))


def test_what_needs_everything_says_so(
    far: ArtistIndex, run: Any, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milvus, "MAX_VALUES", 100)
    with pytest.raises(Misuse, match="36 vectors at once, more than an index in Milvus hands out"):
        _ = far.vectors
    code, out, err = run(
        "query", "--track", "Rezz - Rezz's song 1", "--for", "tracks", "--index", address
    )
    assert (code, out) == (2, "")
    assert "needs the vectors of all tracks at once" in err
    code, out, err = run("evaluate", "--artist-retrieval", "--index", address)
    assert (code, out) == (2, "")
    assert "name an index in a folder" in err


def test_reading_all_of_many_is_told_once(
    far: ArtistIndex, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(milvus, "_MANY", 10)
    assert sum(map(len, far.rows.blocks())) == len(far)
    assert len(far.rows[:20]) == 20
    assert [record.getMessage() for record in caplog.records] == [
        "this reads all 36 vectors out of Milvus"
    ]


def test_commands_take_the_address(run: Any, folder: Path, address: str, tmp_path: Path) -> None:
    run.indexes = folder.parent
    lineup, likes = tmp_path / "bill.txt", tmp_path / "likes.txt"
    lineup.write_text("Artist 1\nArtist 2\nbonobo\n")
    likes.write_text("Rezz\n")
    for command in (
        ("query", "Rezz", "--explain", "Artist 3"),
        ("query", "Rezz", "--ranker", "tracks"),
        ("query", "Rezz", "--minus", "ハハ"),
        ("match", lineup, "--likes", likes),
        ("path", "Rezz", "Artist 4"),
    ):
        near, far = (
            run(*command, "--format", "json", "--index", index) for index in ("vggish", address)
        )
        assert near[0] == far[0] == 0, far[2]
        assert without_paths(json.loads(far[1])) == without_paths(json.loads(near[1]))


def test_what_milvus_does_not_hold_in_memory_is_loaded(near: ArtistIndex, address: str) -> None:
    """As it is in every process that opens a file of Milvus Lite."""
    with MilvusStore(MilvusAddress.parse(address)) as store:
        (pair,) = store.pairs()
        for collection in (pair.artists, pair.data):
            store._client.release_collection(collection)
        with pytest.raises(ServiceError, match="released"):
            store.query(pair.artists, "row == 0", ["name"])
    with ArtistIndex.open(address) as again:
        assert again.neighbours("Rezz")[0].artist == near.neighbours("Rezz")[0].artist


def test_reading_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(BrokenIndex, match="no index at") as caught:
        ArtistIndex.open(f"milvus:{tmp_path}/none.db")
    assert caught.value.remedy is Remedy.PUSH_FIRST
    assert list(tmp_path.iterdir()) == []


def test_a_new_push_takes_the_place_of_the_old_one_at_the_end(
    tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, run.indexes = f"milvus:{tmp_path}/music.db", tmp_path / "first"
    write(run.indexes)
    code, out, err = run("push", place, "--paths", "--format", "json")
    assert code == 0, err
    assert json.loads(out) == {
        "index": "vggish",
        "artists": len(NAMES) + OTHERS,
        "tracks": 2 * (len(NAMES) + OTHERS),
        "address": f"{place}#vggish",
    }
    second = write(tmp_path / "second", seed=1)
    with ArtistIndex.open(place) as old, ArtistIndex.open(second) as index:
        before = old.neighbours("Rezz")
        assert before[0].entry_tracks[0].path is not None

        def broken(*_: object, **__: object) -> None:
            raise ServiceError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(MilvusStore, "put_in_use", broken)
            with pytest.raises(ServiceError):
                push(index, place)
        with ArtistIndex.open(place) as same:
            assert same.neighbours("Rezz") == before
        push(index, place)
        assert old.neighbours("Rezz") == before  # who has it open goes on reading it
        with ArtistIndex.open(place) as new:
            assert [row.artist for row in new.neighbours("Rezz")] == [
                row.artist for row in index.neighbours("Rezz")
            ]
        push(index, place)
        with MilvusStore(MilvusAddress.parse(place)) as store:
            assert len(store.pairs()) == 2
        push(index, f"{place}#other")
    with pytest.raises(Misuse, match=r"holds several indexes \(other, vggish\)"):
        ArtistIndex.open(place)
    with ArtistIndex.open(f"{place}#other") as other:
        assert other.name == "vggish"
    with pytest.raises(BrokenIndex, match="no index at"):
        ArtistIndex.open(f"{place}#nothing")


@pytest.mark.parametrize(
    "text", ["milvus:", "milvus:music", "milvus:ftp://host/a.db", "milvus:http://", "music.db"]
)
def test_what_is_no_address_is_misuse(text: str) -> None:
    with pytest.raises(Misuse, match=r"expected milvus:PATH\.db or"):
        MilvusAddress.parse(text)


def test_a_password_is_not_shown() -> None:
    address = MilvusAddress.parse("milvus:https://me:secret@host:19530#vggish")
    assert address.uri == "https://me:secret@host:19530"
    assert str(address) == "milvus:https://host:19530#vggish"
    with pytest.raises(Misuse) as caught:
        MilvusAddress.parse("milvus:ftp://me:secret@host")
    assert "secret" not in str(caught.value)


def test_where_no_milvus_is_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus_store, "_SECONDS_TO_ANSWER", 0.5)
    with pytest.raises(ServiceError, match=r"^milvus:http://127\.0\.0\.1:9: "):
        ArtistIndex.open("milvus:http://127.0.0.1:9")
