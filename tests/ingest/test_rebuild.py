"""An index that is written again is the one that is written from nothing."""

import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artistindex.entities import Artist, AudioMatch, Failure, Track, TrackVector, VectorKey
from artistindex.errors import Misuse
from artistindex.index.manifest import Recipe
from artistindex.index.reader import ArtistIndex
from artistindex.index.writer import write_rows
from artistindex.ingest import rebuild
from artistindex.ingest.aggregate import gather
from artistindex.ingest.rebuild import Indexed, write
from artistindex.library.decisions import FILE_NAME as DECISIONS_FILE
from artistindex.library.decisions import DecisionsFile
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.rows import ImportedArtist, StoredArtist

KEY = VectorKey("vggish", "a" * 64)
NAMES = [f"Artist {number}" for number in range(6)]
PLAIN = Recipe(KEY, tracks=4, outliers="keep")


class World:
    """A library that changes, and its index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.library = Library.open(folder / FILE_NAME)
        self.library._db.run("PRAGMA synchronous = OFF")
        self._draw = np.random.default_rng(0)

    def track(self, name: str, number: int, *, album: str = "", isrc: str | None = None) -> int:
        path = Path(f"/music/{name}/{album}/{number}.flac")
        artists = tuple(Artist(part) for part in name.split(" & "))
        track = Track(artists, f"Title {number}", album or None, path=path, isrc=isrc)
        size = zlib.crc32(str(path).encode())  # else a file of that name seems to have moved
        return self.library.upsert_file(track, size=size, mtime_ns=1)

    def embed(self, track_id: int, *, odd: bool = False) -> None:
        vector = self._draw.normal(size=8) + (0 if odd else 6)
        self.library.add_embedding(
            track_id,
            audio_sha256=f"{self._draw.integers(2**60)}",
            duration=9.0,
            vectors=[TrackVector(KEY, vector.astype(np.float32), 1, "openvino")],
        )

    def pack(self, name: str, *, preferred: bool) -> None:
        vector = self._draw.normal(size=8).astype(np.float32)
        packed = ImportedArtist(
            Artist(name), vector, (("Packed", None),), f"licence of {name}", preferred
        )
        same = [stored.id for stored in self.library._artists.find(name)]
        self.library.put_imported([(same[0] if same else None, KEY, packed)])

    def decide(self) -> DecisionsFile:
        """The decisions, which are read anew."""
        self.library.__dict__.pop("decisions", None)
        return DecisionsFile(self.folder / DECISIONS_FILE)

    def write(
        self,
        recipe: Recipe = PLAIN,
        folder: str = "vggish",
        *,
        kind: str = "auto",
        refit: bool = False,
    ) -> Indexed:
        path = self.folder / folder
        return write(path, self.library, recipe, licence="ours", kind=kind, refit=refit)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    for name in NAMES:
        for number in range(4):
            world.embed(world.track(name, number))
    yield world
    world.library.close()


def gathered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the artists that are gathered from now on."""
    names: list[str] = []

    def spy(library: Library, recipe: Recipe, artists: list[StoredArtist]) -> object:
        names.extend(stored.artist.name for stored in artists)
        return gather(library, recipe, artists)

    monkeypatch.setattr(rebuild, "gather", spy)
    return names


def test_nothing_new_writes_and_gathers_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.write()
    manifest = world.folder / "vggish" / "manifest.json"
    stamp = manifest.stat().st_mtime_ns
    names = gathered(monkeypatch)
    again = world.write()
    assert names == []
    assert manifest.stat().st_mtime_ns == stamp
    assert (again.manifest, again.rows) == (first.manifest, first.rows)


def test_another_kind_is_written_of_the_same_vectors(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.write()
    names = gathered(monkeypatch)
    after = world.write(kind="hnsw")
    assert names == []
    assert after.manifest is not None
    assert after.manifest.kind == "hnsw"
    assert files(after)[:2] == files(before)[:2]


def test_only_what_changed_is_gathered_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write()
    world.embed(world.track(NAMES[2], 1))
    world.embed(world.track("Somebody new", 0))
    names = gathered(monkeypatch)
    world.write()
    assert names == [NAMES[2], "Somebody new"]


@pytest.mark.parametrize(
    "change",
    [
        lambda world: world.embed(1),  # the same track anew
        lambda world: world.track(NAMES[0], 0, isrc="QZ"),
        lambda world: world.library.set_missing([1]),
        lambda world: world.library.forget(world.library.find_artist(NAMES[1])),
        lambda world: world.decide().add_alias(NAMES[1], NAMES[0]),
        lambda world: world.decide().ignore(NAMES[1]),
        lambda world: world.decide().pin(NAMES[1], "deezer", "1"),
        lambda world: world.pack("Packed", preferred=False),
        lambda world: world.pack(NAMES[3], preferred=True),
    ],
)
def test_every_change_is_seen(world: World, change: object) -> None:
    before = world.write()
    world.decide()
    assert callable(change)
    change(world)
    world.decide()
    after = world.write()
    assert after.manifest != before.manifest
    assert files(after) == files(world.write(folder="anew"))


def test_an_artist_changes_with_anothers_recording(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.track(NAMES[5], 0, isrc="QZ")
    world.write()
    world.track(NAMES[1], 0, isrc="QZ")
    names = gathered(monkeypatch)
    after = world.write()
    assert names == [NAMES[1], NAMES[5]]
    assert files(after) == files(world.write(folder="anew"))


def test_another_video_of_a_track_is_a_change(world: World) -> None:
    listed = Track((Artist("Named"),), "Title", catalogue="deezer", catalogue_id="1")
    artist_id = world.library.resolve_request("Named", Artist("Named"), [listed])
    (track,) = world.library.tracks_of(artist_id)
    for video in ("a", "b"):
        world.library.set_match(track.id, AudioMatch("youtube", video, 90, "title"))
        world.embed(track.id)
        after = world.write()
        assert files(after) == files(world.write(folder=video))
    world.library.set_match(track.id, AudioMatch("youtube", "c", 90, "title"))
    assert files(world.write()) == files(world.write(folder="c")) != files(after)


def test_an_index_that_another_hand_replaced_is_made_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write()
    (first, *_) = gather(world.library, PLAIN)
    write_rows(world.folder / "vggish", [first.row], PLAIN)
    names = gathered(monkeypatch)
    assert len(world.write().rows) == len(names) == len(NAMES)


def test_flags_that_were_cleared_come_back(world: World) -> None:
    world.embed(world.track("Odd", 9), odd=True)
    for number in range(3):
        world.embed(world.track("Odd", number))
    assert world.write().outliers == 1
    (flag,) = world.library.failures()
    world.library.clear_failures()
    assert world.write().outliers == 1
    (again,) = world.library.failures()
    assert (again.what, again.reason) == (flag.what, flag.reason)


@pytest.mark.parametrize("transform", ["centre", "whiten-tracks"])
def test_a_transform_stays_until_a_tenth_is_new_or_it_is_asked_for(
    world: World, transform: str
) -> None:
    recipe = Recipe(KEY, tracks=4, outliers="keep", transform=transform)
    for number in range(14):  # twenty artists
        world.embed(world.track(f"More {number}", 0))
    first = fitted(world.write(recipe))
    world.embed(world.track("One more", 0))
    assert np.array_equal(fitted(world.write(recipe)), first)
    assert not np.array_equal(fitted(world.write(recipe, refit=True)), first)
    second = fitted(world.write(recipe))
    for number in range(3):
        world.embed(world.track(f"A tenth {number}", 0))
    assert not np.array_equal(fitted(world.write(recipe)), second)


@pytest.mark.parametrize("transform", ["centre", "whiten", "whiten-tracks"])
def test_in_a_transform_that_stays_all_vectors_are_as_if_all_were_gathered(
    world: World, transform: str
) -> None:
    recipe = Recipe(KEY, tracks=4, outliers="keep", transform=transform)
    for number in range(300):
        world.embed(world.track(f"More {number}", 0))
    world.write(recipe)
    for number in range(0, 300, 7):
        world.embed(world.track(f"More {number}", 1))
    world.library.forget(world.library.find_artist("More 5"))
    again = world.write(recipe)
    assert again.manifest is not None
    with ArtistIndex.open(again.folder) as index:
        rows = (artist.row for artist in gather(world.library, recipe))
        anew = write_rows(
            world.folder / "anew", rows, again.manifest.recipe, fitted=index.transform
        )
    assert anew is not None
    assert [file.sha256 for file in anew.files] == files(again)


def fitted(indexed: Indexed) -> np.ndarray:
    with ArtistIndex.open(indexed.folder) as index:
        return index.transform.arrays["mean"].copy()


def files(indexed: Indexed) -> list[str]:
    assert indexed.manifest is not None
    return [file.sha256 for file in indexed.manifest.files]


artists, numbers = st.sampled_from(NAMES), st.integers(0, 5)
CHANGES = st.one_of(
    st.tuples(st.sampled_from(["add", "odd", "prune", "fail"]), artists, numbers),
    st.tuples(st.sampled_from(["share", "alias", "join"]), artists, artists),
    st.tuples(st.sampled_from(["forget", "ignore", "pack", "prefer"]), artists, st.none()),
)


def apply(world: World, change: tuple[str, str, int | str | None]) -> None:
    """Make a change, where it can be made."""
    kind, name, other = change
    library = world.library
    known = [stored for stored in library._artists.all() if stored.artist.name == name]
    tracks = library.tracks_of(known[0].id) if known else []
    match kind, other:
        case (("add" | "odd"), int(number)):
            world.embed(world.track(name, 10 + number), odd=kind == "odd")
        case "share", str(partner):
            world.embed(world.track(f"{name} & {partner}", 0, album="Shared"), odd=True)
        case "forget", _ if known:
            library.forget(known[0])
        case "alias", str(partner):
            with suppress(Misuse):  # who is that one already
                world.decide().add_alias(name, partner)
        case "ignore", _:
            world.decide().ignore(name)
        case "prune", int(number):
            library.set_missing([track.id for track in tracks[:number]])
        case "join", str(partner):
            for artist in (name, partner):
                world.embed(world.track(artist, 0, isrc="QZ1"))
        case (("pack" | "prefer"), _):
            world.pack(name, preferred=kind == "prefer")
        case "fail", int(number) if tracks:
            track = tracks[number % len(tracks)]
            failure = Failure(track.label(name), "embed", "why", artist=name)
            library.add_failure(failure, track_id=track.id, model=KEY.model)
    world.decide()


@pytest.mark.parametrize("outliers", ["keep", "drop"])
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=st.lists(st.lists(CHANGES, max_size=3), min_size=1, max_size=4))
def test_any_changes_make_the_index_that_is_made_from_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    outliers: str,
    changes: list[list[tuple[str, str, int | str | None]]],
) -> None:
    world = World(tmp_path_factory.mktemp("world"))
    recipe = Recipe(KEY, tracks=4, outliers=outliers)
    with closing(world.library):
        for name in NAMES:
            for number in range(4):
                world.embed(world.track(name, number), odd=number == 3)
        world.write(recipe)
        for at, together in enumerate(changes):
            for change in together:
                apply(world, change)
            again = world.write(recipe)
            flags = told(world)
            world.library.clear_failures(stage="outlier")
            anew = world.write(recipe, folder=f"anew {at}")
            assert (anew.outliers, told(world)) == (again.outliers, flags)
            if anew.manifest is not None:  # else there is nobody, and what was there stays
                assert files(again) == files(anew)
                assert again.rows == anew.rows
                assert again.tracks_behind(again.rows) == anew.tracks_behind(anew.rows)
                assert licence(again) == licence(anew)


def licence(indexed: Indexed) -> str:
    assert indexed.manifest is not None
    return indexed.manifest.licence


def told(world: World) -> list[tuple[str, str, str | None]]:
    """The tracks that were flagged, and why."""
    return sorted(
        (failure.what, failure.reason, failure.artist)
        for failure in world.library.failures()
        if failure.stage == "outlier"
    )
