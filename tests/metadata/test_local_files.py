import itertools
import json
import os
import random
import sqlite3
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3, TPE1

import sounds
from artistindex.entities import Artist, Failure, Track
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.metadata.filename import from_path
from artistindex.metadata.local_files import AudioFile, scan, spread_over_albums
from artistindex.metadata.tag_reader import TagReaderHere

SOUND = sounds.noise(0.1)
BJORK = "87c5dedd-371d-4a53-9f7f-80522fb7f3cb"
REZZ = "20b0cbbf-6fdc-4d1c-a1be-1a2ab6f3e4c1"


@pytest.fixture(scope="module")
def blanks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """An untagged file of each format."""
    folder = tmp_path_factory.mktemp("blanks")
    return {
        suffix: sounds.write(folder / f"a{suffix}", SOUND).read_bytes() for suffix in sounds.FORMATS
    }


@pytest.fixture
def put(tmp_path: Path, blanks: dict[str, bytes]) -> "Put":
    return Put(tmp_path / "music", blanks)


class Put:
    """Puts audio files below a folder of music: `put("a/b.mp3", artist="X")`."""

    def __init__(self, root: Path, blanks: dict[str, bytes]) -> None:
        self.root = root
        self._blanks = blanks

    def __call__(self, name: str, **tags: str | Sequence[str]) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._blanks[path.suffix.lower()])
        return sounds.tag(path, **tags) if tags else path  # type: ignore[arg-type]


def tracks(root: Path) -> list[Track]:
    outcomes = list(scan(root, reader=TagReaderHere()))
    assert all(isinstance(item, AudioFile) for item in outcomes), outcomes
    return [item.track for item in outcomes if isinstance(item, AudioFile)]


def only(root: Path) -> Track:
    (track,) = tracks(root)
    return track


def artists(track: Track) -> list[str]:
    return [artist.name for artist in track.artists]


def failures(root: Path) -> list[Failure]:
    return [item for item in scan(root, reader=TagReaderHere()) if isinstance(item, Failure)]


# --- tags ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", sounds.FORMATS)
def test_tags_of_every_format(put: Put, suffix: str) -> None:
    path = put(f"x/y/z{suffix}", artist="Sigur Rós", title="Hún jörð", album="Von", track=3)  # type: ignore[arg-type]
    track = only(put.root)
    assert (artists(track), track.title, track.album) == (["Sigur Rós"], "Hún jörð", "Von")
    assert track.path == path.resolve()


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".opus", ".mp3", ".m4a", ".wav"])
def test_several_artists_come_from_several_values(put: Put, suffix: str) -> None:
    put(f"a{suffix}", artist=["Björk", "Rezz"], musicbrainz=[BJORK, REZZ.upper()])
    assert only(put.root).artists == (
        Artist("Björk", {"musicbrainz": BJORK}),
        Artist("Rezz", {"musicbrainz": REZZ}),
    )


@pytest.mark.parametrize(
    "name",
    [
        "Simon & Garfunkel",
        "Tyler, The Creator",
        "AC/DC",
        "Earth; Wind",
        "X vs. Y",
        "+/-",
    ],
)
@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".m4a", ".webm"])
def test_no_name_is_split(put: Put, name: str, suffix: str) -> None:
    put(f"a{suffix}", artist=name)
    assert artists(only(put.root)) == [name]


def test_no_name_of_old_id3_is_split(put: Put) -> None:
    path = put("a.mp3")
    tags = ID3()
    tags.add(TPE1(encoding=1, text="AC/DC"))
    tags.save(path, v2_version=3)
    assert artists(only(put.root)) == ["AC/DC"]


def test_values_of_ape_are_separated_by_nul(put: Put) -> None:
    put.root.mkdir()
    path = put.root / "a.ape"
    layout = struct.pack("<IIIHHI", 1, 1, 1, 16, 2, 44_100)
    path.write_bytes(b"MAC " + struct.pack("<H", 3990) + bytes(50) + layout)
    tags = APEv2()
    tags["Artist"], tags["Title"] = ["Björk", "Rezz"], "Edge"
    tags.save(path)
    assert (artists(only(put.root)), only(put.root).title) == (["Björk", "Rezz"], "Edge")


def test_an_album_artist_counts_only_where_there_is_no_artist(put: Put) -> None:
    put("1.flac", artist="Rezz", albumartist="Someone")
    put("2.flac", artist="  ", albumartist=["Björk", "Arca"])
    assert [artists(track) for track in tracks(put.root)] == [["Rezz"], ["Björk", "Arca"]]


def test_an_album_artist_of_everyone_is_no_artist(put: Put) -> None:
    put("1.flac", albumartist="Various Artists", title="Song")
    put("2 - Rezz - Edge.flac", albumartist="Various Artists")
    outcomes = list(scan(put.root, reader=TagReaderHere()))
    assert isinstance(outcomes[0], Failure)
    assert isinstance(outcomes[1], AudioFile)
    assert artists(outcomes[1].track) == ["Rezz"]


@pytest.mark.parametrize("ids", [[BJORK], [BJORK, BJORK, REZZ], [BJORK, "nonsense"], [BJORK, ""]])
def test_ids_that_do_not_match_their_artists_are_left_out(put: Put, ids: list[str]) -> None:
    put("a.flac", artist=["Björk", "Rezz"], musicbrainz=ids)
    assert only(put.root).artists == (Artist("Björk"), Artist("Rezz"))


def test_a_name_given_twice_counts_once(put: Put) -> None:
    put("a.flac", artist=["Rezz", "REZZ", "Björk", "Rezz"])
    assert artists(only(put.root)) == ["Rezz", "Björk"]


def test_nul_bytes_and_ten_thousand_characters(put: Put) -> None:
    put("a.flac", artist="Re\0zz", title="T" * 10_000)
    put("b.mp3", artist="\u202eRezz " + "z" * 10_000, title="a\0\0b\x1b[31m")
    first, second = tracks(put.root)
    assert artists(first) == ["Re", "zz"]  # what a NUL stands for wherever it may stand
    assert first.title == "T" * 1_000  # more is no title
    assert artists(second)[0] == ("\u202eRezz " + "z" * 10_000)[:1_000]
    assert second.title == "a"


def test_corrupt_tags_leave_the_path(put: Put) -> None:
    sounds.corrupt_tags(put.root / "Rezz - Edge.mp3", SOUND)
    track = only(put.root)
    assert (artists(track), track.title) == (["Rezz"], "Edge")


@pytest.mark.parametrize("suffix", sounds.FORMATS)
def test_damage_anywhere_in_the_tags_does_no_harm(put: Put, suffix: str) -> None:
    path = put(f"Rezz - Edge{suffix}", artist=["Björk", "Arca"], title="T", musicbrainz=[BJORK])
    original = path.read_bytes()
    draw = random.Random(7)
    for _ in range(60):
        data = bytearray(original)
        for _ in range(draw.randint(1, 12)):
            data[draw.randrange(min(len(data), 1_500))] = draw.randrange(256)
        path.write_bytes(data[: draw.randint(1, len(data))])
        assert artists(only(put.root))


def test_a_playlist_named_as_audio_is_not_followed(put: Put, tmp_path: Path) -> None:
    secret = put("secret/a.flac", artist="Secret")
    (put.root / "Rezz - Edge.mp3").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n"
    )
    assert sorted(itertools.chain(*map(artists, tracks(put.root)))) == ["Rezz", "Secret"]


# --- paths --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "artist", "title", "album"),
    [
        ("Rezz/Spiral/Chemical Bond.mp3", "Rezz", "Chemical Bond", "Spiral"),
        ("Rezz/Spiral/01 - Chemical Bond.mp3", "Rezz", "Chemical Bond", "Spiral"),
        ("Rezz/Spiral/1-04. Chemical Bond.mp3", "Rezz", "Chemical Bond", "Spiral"),
        ("Rezz/Spiral/04_Chemical_Bond.mp3", "Rezz", "Chemical Bond", "Spiral"),
        ("Rezz/Spiral/Rezz - Chemical Bond.mp3", "Rezz", "Chemical Bond", "Spiral"),
        ("Rezz/Spiral/Chemical Bond - Live.mp3", "Rezz", "Chemical Bond - Live", "Spiral"),
        ("Rezz/Spiral/CD 2/07 Chemical Bond.mp3", "Rezz", "Chemical Bond", "Spiral"),
        ("x/Rezz/Spiral/Chemical Bond.mp3", "Rezz", "Chemical Bond", "Spiral"),
        ("Rezz - Chemical Bond.mp3", "Rezz", "Chemical Bond", None),
        ("01. Rezz - Chemical Bond.mp3", "Rezz", "Chemical Bond", None),
        ("01 - Rezz - Chemical Bond.mp3", "Rezz", "Chemical Bond", None),
        ("01 Rezz – Chemical Bond.mp3", "Rezz", "Chemical Bond", None),
        ("Rezz_-_Chemical_Bond.mp3", "Rezz", "Chemical Bond", None),
        ("Rezz - 03 - Chemical Bond.mp3", "Rezz", "Chemical Bond", None),
        ("Mix/Rezz - Chemical Bond.mp3", "Rezz", "Chemical Bond", "Mix"),
        ("Rezz - Spiral/03 Chemical Bond.mp3", "Rezz", "Chemical Bond", "Rezz - Spiral"),
        ("Various Artists/Hits/03 Rezz - Chemical Bond.mp3", "Rezz", "Chemical Bond", "Hits"),
        ("50 Cent - In da Club.mp3", "50 Cent", "In da Club", None),
        ("2Pac - Changes.mp3", "2Pac", "Changes", None),
        ("a-ha - Take on Me.mp3", "a-ha", "Take on Me", None),
        ("Nena/99/99 Luftballons.mp3", "Nena", "99 Luftballons", "99"),
        ("Ladytron/604/1999.mp3", "Ladytron", "1999", "604"),
    ],
)
def test_paths(path: str, artist: str, title: str, album: str | None) -> None:
    track = from_path(Path(path))
    assert ([a.name for a in track.artists], track.title, track.album) == ([artist], title, album)


@pytest.mark.parametrize("path", ["Edge.mp3", "01 - Edge.mp3", "Spiral/Edge.mp3", "a/ - .mp3"])
def test_paths_without_an_artist(path: str) -> None:
    assert from_path(Path(path)).artists == ()


def test_a_file_without_an_artist_is_a_failure(put: Put) -> None:
    path = put("01 - Edge.mp3", title="Edge")
    (failure,) = failures(put.root)
    assert (failure.what, failure.stage) == (str(path.resolve()), "catalogue")
    assert failure.reason.startswith("no artist: neither a tag nor a path such as Artist/Album")


def test_titles_come_from_the_path_where_tags_have_none(put: Put) -> None:
    put("Rezz/Spiral/04 Edge.mp3", artist="REZZ")
    track = only(put.root)
    assert (artists(track), track.title, track.album) == (["REZZ"], "Edge", "Spiral")


# --- the folder ---------------------------------------------------------------------------------


def test_size_and_time_belong_to_each_file(put: Put) -> None:
    path = put("a.flac", artist="Rezz")
    os.utime(path, ns=(1, 1_234_567_891))
    (outcomes,) = scan(put.root, reader=TagReaderHere())
    assert isinstance(outcomes, AudioFile)
    assert (outcomes.size, outcomes.mtime_ns) == (path.stat().st_size, 1_234_567_891)


def test_known_files_are_not_opened(put: Put) -> None:
    path = put("Someone - Something.flac", artist="Rezz")
    remembered = Track((Artist("Remembered"),), "x", path=path)
    lookups: list[tuple[Path, int, int]] = []

    def known(*file: object) -> Track | None:
        lookups.append(file)  # type: ignore[arg-type]
        return remembered

    before = path.stat()
    path.write_bytes(b"?" * before.st_size)
    (outcomes,) = scan(put.root, known=known, reader=TagReaderHere())
    assert isinstance(outcomes, AudioFile)
    assert outcomes.track is remembered
    assert lookups == [(path.resolve(), before.st_size, path.stat().st_mtime_ns)]


def test_a_guess_is_made_anew_once_more_is_known(put: Put) -> None:
    put("Bob/Crate/Rezz - Edge.flac")
    (first,) = tracks(put.root)
    assert (artists(first), first.guessed) == (["Bob"], True)
    put("Bob/Crate/Vril - Torus.flac")
    put("Bob/Crate/Blawan - Toast.flac")
    remembered = {first.path: first}
    outcomes = scan(put.root, known=lambda path, *_: remembered.get(path), reader=TagReaderHere())
    names = [artists(item.track) for item in outcomes if isinstance(item, AudioFile)]
    assert names == [["Blawan"], ["Rezz"], ["Vril"]]


def test_the_order_is_that_of_the_names(put: Put) -> None:
    names = ["b/2.flac", "b/10.flac", "a/z.flac", "c.flac", "Ä.flac", "a/b/c.flac"]
    for name in random.Random(3).sample(names, len(names)):
        put(name, artist="Rezz")
    outcomes = [
        os.fspath((track.path or Path()).relative_to(put.root)) for track in tracks(put.root)
    ]
    assert outcomes == ["c.flac", "Ä.flac", "a/z.flac", "a/b/c.flac", "b/10.flac", "b/2.flac"]


def test_what_is_not_music_is_passed_over(put: Put) -> None:
    put("a.flac", artist="Rezz")
    put(".hidden.flac", artist="Hidden")
    put("._a.flac", artist="AppleDouble")
    put(".folder/a.flac", artist="Hidden")
    for name in ("cover.jpg", "list.m3u", "a.cue", "notes.txt", "a.mp3.part", "mp3"):
        (put.root / name).write_bytes(b"x")
    assert artists(only(put.root)) == ["Rezz"]


def test_what_is_no_regular_file_is_not_opened(put: Put) -> None:
    put("a.flac", artist="Rezz")
    os.mkfifo(put.root / "Pipe - Endless.mp3")
    (put.root / "Gone - Away.mp3").symlink_to(put.root / "nowhere.mp3")
    (put.root / "Folder - Named.mp3").mkdir()
    reasons = {Path(item.what).name: item.reason for item in failures(put.root)}
    assert reasons == {
        "Pipe - Endless.mp3": "not a regular file",
        "Gone - Away.mp3": "cannot be read: No such file or directory",
    }


def test_links_are_followed_and_loops_are_not(put: Put, tmp_path: Path) -> None:
    put("a/1.flac", artist="Rezz")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (put.root / "a/1.flac").rename(elsewhere / "2.flac")
    (put.root / "a/up").symlink_to(put.root)
    (put.root / "a/self").symlink_to(".")
    (put.root / "b").symlink_to(elsewhere)
    (put.root / "c").symlink_to(elsewhere)
    assert artists(only(put.root)) == ["Rezz"]


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """Gives up root's power to read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_an_unreadable_folder_is_a_failure(blanks: dict[str, bytes], as_nobody: None) -> None:
    with tempfile.TemporaryDirectory() as place:
        put = Put(Path(place), blanks)
        put("open/a.flac", artist="Rezz")
        put("shut/a.flac", artist="Hidden")
        (put.root / "shut").chmod(0)
        try:
            outcomes = list(scan(put.root, reader=TagReaderHere()))
        finally:
            (put.root / "shut").chmod(0o700)
    file, failure = outcomes
    assert isinstance(file, AudioFile)
    assert isinstance(failure, Failure)
    assert failure.retryable
    assert failure.reason == "the folder cannot be read: Permission denied"


def test_what_is_no_folder_of_music(put: Put, tmp_path: Path) -> None:
    file = put("a.flac", artist="Rezz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Misuse, match=r"a\.flac is not a folder; expected a folder of music"):
        list(scan(file))
    with pytest.raises(Misuse, match="gone does not exist; expected a folder of music"):
        list(scan(tmp_path / "gone"))
    with pytest.raises(ArtistIndexError, match=r"empty holds no audio file; looked for .*mp3, "):
        list(scan(tmp_path / "empty"))


HOSTILE = [
    "..%2f..%2fx",
    "' OR 1=1; DROP TABLE tracks; --",
    "%s%n%d",
    "-- -k",
    "🎵🎶",
    "שלום עולם",
    "\u202egnp.exe",
    "a\nb",
    "\x1b[2Jx",
    "ハハ",
    "Ｗｉｄｅ",
    "=cmd()",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_in_paths_and_tags(put: Put, name: str) -> None:
    put(f"{name} - {name}.flac")
    put(f"x{name}.flac", artist=name, title=name)
    for track in tracks(put.root):
        printed = "".join(c for c in name.replace("\n", " ") if c != "\x1b")
        assert artists(track) == [printed]
        assert track.title == printed


@pytest.mark.parametrize("name", ["../../x", "AC/DC", "/etc/passwd", "a" * 1_000])
def test_names_that_no_file_can_have_stay_names(put: Put, name: str) -> None:
    put("a.flac", artist=name)
    assert artists(only(put.root)) == [name]


@pytest.mark.process
def test_names_that_are_not_utf8(put: Put) -> None:
    """An old Windows name; what comes out can be stored, sent and printed anywhere."""
    put.root.mkdir()
    for name in (b"Bj\xf6rk - J\xf3ga.flac", b"\xff\xfe.flac"):
        Path(os.fsdecode(os.fsencode(put.root) + b"/" + name)).write_bytes(put._blanks[".flac"])
    file, failure = sorted(scan(put.root), key=lambda item: isinstance(item, Failure))
    assert isinstance(file, AudioFile)
    assert isinstance(failure, Failure)
    assert (artists(file.track), file.track.title) == (["Björk"], "Jóga")
    texts = [*artists(file.track), file.track.title, failure.what, failure.reason]
    assert json.dumps(texts).encode()
    with sqlite3.connect(":memory:") as database:
        assert database.execute("SELECT ?, ?, ?, ?", texts).fetchone() == tuple(texts)
    database.close()
    assert file.track.path is not None
    assert file.track.path.exists()


# --- which tracks stand for an artist -----------------------------------------------------------


def track(album: str | None, name: str) -> Track:
    return Track((Artist("Rezz"),), name, album=album, path=Path(f"/music/{album}/{name}.mp3"))


def test_albums_take_turns() -> None:
    mine = [track(album, f"{n}") for album in ("B", "A", None) for n in (2, 1, 3)]
    spread = spread_over_albums(mine, lambda item: item)
    assert [(item.album, item.title) for item in spread[:4]] == [
        (None, "1"),
        ("A", "1"),
        ("B", "1"),
        (None, "2"),
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from([None, "A", "a", "B", "ハハ"]), st.integers(0, 9)), unique=True
    ),
    st.randoms(),
)
def test_the_order_stands_whatever_the_order_of_finding(
    places: list[tuple[str | None, int]], draw: random.Random
) -> None:
    mine = [track(album, str(n)) for album, n in places]
    shuffled = draw.sample(mine, len(mine))
    first, other = (spread_over_albums(item, lambda track: track) for item in (mine, shuffled))
    assert first == other
    assert sorted(map(repr, first)) == sorted(map(repr, mine))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6))
def test_no_album_is_two_tracks_ahead(sizes: list[int]) -> None:
    mine = [track(f"album {i}", str(n)) for i, size in enumerate(sizes) for n in range(size)]
    spread = spread_over_albums(mine, lambda item: item)
    for taken in range(1, len(mine)):
        counts = {
            f"album {i}": sum(item.album == f"album {i}" for item in spread[:taken])
            for i in range(len(sizes))
        }
        left = [
            count
            for i, size in enumerate(sizes)
            if (count := counts[f"album {i}"]) < size  # still has tracks to give
        ]
        assert not left or max(counts.values()) - min(left) <= 1


NO_LEAVE_TO_READ = """
import os, sys
from pathlib import Path
from artistindex.audio.decode import decode
from artistindex.metadata.local_files import scan
from artistindex.errors import TrackError

root = Path(sys.argv[1])
(path,) = [outcomes.track.path for outcomes in scan(root)]
decode(path)  # what is imported now need not be read later
path.chmod(0)
if os.getuid() == 0:
    os.setuid(65534)
print(*[(outcomes.reason, outcomes.retryable) for outcomes in scan(root)])
try:
    decode(path)
except TrackError as error:
    print((error.reason, error.retryable))
"""


def test_a_file_that_may_not_be_read_says_so() -> None:
    with tempfile.TemporaryDirectory() as root:  # pytest's own folder is closed to other users
        os.chmod(root, 0o755)
        sounds.write(Path(root) / "Rezz - Edge.wav", sounds.tone(440, 1))
        result = subprocess.run(
            [sys.executable, "-c", NO_LEAVE_TO_READ, root],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    reason = "('cannot be read: Permission denied', True)"
    assert result.stdout.splitlines() == [reason, reason], result.stderr
