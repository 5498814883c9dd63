"""Odd files of the kinds that tag libraries have met, made here."""

import io
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TALB, TIT2, TPE1, TPE2, TXXX, UFID
from mutagen.mp4 import MP4, MP4FreeForm

import sounds
from artistindex.metadata.tags import MAX_TEXT, Tags, read_tags

SOUND = sounds.noise(0.2)
ALICE, BOB = (f"{digit * 8}-1111-4111-8111-111111111111" for digit in "12")


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The bytes of an untagged file of a format."""
    folder = tmp_path_factory.mktemp("blanks")

    def read(suffix: str) -> bytes:
        path = folder / f"a{suffix}"
        return (path if path.exists() else sounds.write(path, SOUND)).read_bytes()

    return read


def id3(*frames: object, version: int = 4, separator: str | None = "/") -> bytes:
    """An ID3v2 tag."""
    tags, file = ID3(), io.BytesIO()
    for frame in frames:
        tags.add(frame)
    if version == 3:
        tags.update_to_v23()
    tags.save(file, v2_version=version, v23_sep=separator)
    return file.getvalue()


def frame(name: bytes, content: bytes, *, flags: int = 0, version: int = 4) -> bytes:
    size = len(content)
    packed = synchsafe(size) if version == 4 else size.to_bytes(4, "big")
    return name + packed + struct.pack(">H", flags) + content


def synchsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def tag_of(*frames: bytes, version: int = 4, flags: int = 0) -> bytes:
    body = b"".join(frames)
    return b"ID3" + bytes([version, 0, flags]) + synchsafe(len(body)) + body


def vorbis_comments(*comments: str) -> bytes:
    packed = [comment.encode() for comment in ("artistindex", *comments)]
    vendor, *rest = (struct.pack("<I", len(text)) + text for text in packed)
    return vendor + struct.pack("<I", len(rest)) + b"".join(rest)


def flac_blocks(content: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The metadata blocks of a FLAC file, and the sound behind them."""
    blocks, place, last = [], 4, 0
    while not last:
        last, size = content[place] & 0x80, int.from_bytes(content[place + 1 : place + 4], "big")
        blocks.append((content[place] & 0x7F, content[place + 4 : place + 4 + size]))
        place += 4 + size
    return blocks, content[place:]


def flac_of(blocks: list[tuple[int, bytes]], sound: bytes) -> bytes:
    packed = [
        bytes([kind | (0x80 if place == len(blocks) - 1 else 0)])
        + len(block).to_bytes(3, "big")
        + block
        for place, (kind, block) in enumerate(blocks)
    ]
    return b"fLaC" + b"".join(packed) + sound


@contextmanager
def memory_below(limit: int) -> Iterator[None]:
    """Fails where more than `limit` bytes are in use at any moment."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


def read(tmp_path: Path, content: bytes, name: str = "a.mp3") -> Tags:
    path = tmp_path / name
    path.write_bytes(content)
    return read_tags(path)


# --- what a file is, whatever its name says -----------------------------------------------------


@pytest.mark.parametrize("suffix", sounds.FORMATS)
@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.m4a", "a.ogg", "a.wav", "a.webm", "a.xyz"])
def test_tags_are_read_by_what_the_file_is(
    tmp_path: Path, blank: Callable[[str], bytes], suffix: str, name: str
) -> None:
    honest = tmp_path / f"honest{suffix}"
    honest.write_bytes(blank(suffix))
    sounds.tag(honest, artist="Björk", title="Jóga", album="Homogenic")
    tags = read(tmp_path, honest.read_bytes(), name)
    assert (tags.artists, tags.titles, tags.albums) == (("Björk",), ("Jóga",), ("Homogenic",))


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".ogg", ".m4a", ".wav"])
@pytest.mark.parametrize("times", [1, 2])
def test_id3_may_stand_before_anything(
    tmp_path: Path, blank: Callable[[str], bytes], suffix: str, times: int
) -> None:
    tag = id3(TPE1(encoding=3, text="Rezz"), TIT2(encoding=3, text="Edge"))
    tags = read(tmp_path, tag * times + blank(suffix), f"a{suffix}")
    assert (tags.artists, tags.titles) == (("Rezz",), ("Edge",))


def test_tags_of_the_format_come_before_id3(tmp_path: Path, blank: Callable[[str], bytes]) -> None:
    path = tmp_path / "own.flac"
    path.write_bytes(blank(".flac"))
    sounds.tag(path, artist="Own")
    tag = id3(TPE1(encoding=3, text="Foreign"), TIT2(encoding=3, text="Edge"))
    tags = read(tmp_path, tag + path.read_bytes(), "a.flac")
    assert (tags.artists, tags.titles) == (("Own",), ("Edge",))


def test_a_tag_behind_junk(tmp_path: Path, blank: Callable[[str], bytes]) -> None:
    junk = bytes(8) + bytes(range(1, 200)) * 300
    tag = id3(TPE1(encoding=3, text="Junk"))
    assert read(tmp_path, junk + tag + blank(".mp3")).artists == ("Junk",)
    assert read(tmp_path, tag + junk + blank(".mp3")).artists == ("Junk",)


@pytest.mark.parametrize("order", ["ape", "id3 ape", "ape id3v1", "apefirst", "id3v1"])
def test_ape_and_id3_in_any_order(
    tmp_path: Path, blank: Callable[[str], bytes], order: str
) -> None:
    ape = io.BytesIO(b"x" * 200)
    tags = APEv2()
    tags["Artist"], tags["Title"], tags["Album"] = ["Ape", "Man"], "T", "A"
    tags.save(ape)
    packed = ape.getvalue()[200:]
    old = b"TAG" + b"T".ljust(30, b"\0") + b"Old One".ljust(30, b"\0") + bytes(65)
    sound = blank(".mp3")
    content = {
        "ape": sound + packed,
        "id3 ape": id3(TPE2(encoding=3, text="Band")) + sound + packed,
        "ape id3v1": sound + packed + old,
        "apefirst": packed + sound,
        "id3v1": sound + old,
    }[order]
    artists = read(tmp_path, content).artists
    assert artists == {"id3v1": ("Old One",)}.get(order, ("Ape", "Man"))


def test_one_id3_behind_another_says_what_the_first_does_not(
    tmp_path: Path, blank: Callable[[str], bytes]
) -> None:
    first, second = id3(TIT2(encoding=3, text="Edge")), id3(TPE1(encoding=3, text="Rezz"))
    tags = read(tmp_path, first + second + blank(".mp3"))
    assert (tags.artists, tags.titles) == (("Rezz",), ("Edge",))


@pytest.mark.parametrize(
    ("content", "artist"),
    [
        (b"\x00" + "Björk".encode(), "Björk"),
        (b"\x00" + "Сергей".encode(), "Сергей"),
        (b"\x03" + "BjÃ¶rk".encode(), "Björk"),
        (b"\x01" + "Rezz".encode("utf-16-be"), "Rezz"),
        (b"\x01" + "Rezz".encode("utf-16-le"), "Rezz"),
        (b"\x00" + "Björk".encode("latin-1"), "Björk"),
        (b"\x03" + "Ã".encode(), "Ã"),
        (b"\x03" + "一青窈".encode(), "一青窈"),
        (b"\x03" + "一".encode(), "一"),
    ],
)
def test_what_was_written_in_another_charset_than_it_says(
    tmp_path: Path, blank: Callable[[str], bytes], content: bytes, artist: str
) -> None:
    body = frame(b"TPE1", content, version=3)
    tag = b"ID3\x03\0\0" + synchsafe(len(body)) + body
    assert read(tmp_path, tag + blank(".mp3")).artists == (artist,)


# --- FLAC ---------------------------------------------------------------------------------------


def test_two_blocks_of_comments(tmp_path: Path, blank: Callable[[str], bytes]) -> None:
    blocks, sound = flac_blocks(blank(".flac"))
    rest = [block for block in blocks if block[0] != 4]
    first, second = vorbis_comments("TITLE=Song"), vorbis_comments("ARTIST=Two", "TITLE=Other")
    tags = read(tmp_path, flac_of([*rest, (4, first), (4, second)], sound), "a.flac")
    assert (tags.artists, tags.titles) == (("Two",), ("Song",))


def test_streaminfo_need_not_come_first(tmp_path: Path, blank: Callable[[str], bytes]) -> None:
    blocks, sound = flac_blocks(blank(".flac"))
    rest = [block for block in blocks if block[0] != 4]
    tags = read(tmp_path, flac_of([(4, vorbis_comments("artist=Late")), *rest], sound), "a.flac")
    assert tags.artists == ("Late",)


def test_a_block_that_lies_about_its_size_says_nothing(
    tmp_path: Path, blank: Callable[[str], bytes]
) -> None:
    content = b"fLaC" + bytes([0x04]) + b"\xff\xff\xff" + vorbis_comments("artist=X")[:20]
    assert read(tmp_path, content, "a.flac") == Tags()


# --- several values, and ids --------------------------------------------------------------------


def test_picards_list_of_artists_and_ids(tmp_path: Path, blank: Callable[[str], bytes]) -> None:
    mp3 = id3(
        TPE1(encoding=3, text="Alice feat. Bob"),
        TXXX(encoding=3, desc="ARTISTS", text=["Alice", "Bob"]),
        TXXX(encoding=3, desc="MusicBrainz Artist Id", text=[ALICE, BOB.upper()]),
        UFID(owner="http://musicbrainz.org", data=ALICE.encode()),
    )
    flac = tmp_path / "b.flac"
    flac.write_bytes(blank(".flac"))
    comments = FLAC(flac)
    comments["artist"], comments["artists"] = "Alice feat. Bob", ["Alice", "Bob"]
    comments["musicbrainz_artistid"], comments["musicbrainz_trackid"] = [ALICE, BOB], ALICE
    comments.save()
    m4a = tmp_path / "c.m4a"
    m4a.write_bytes(blank(".m4a"))
    atoms = MP4(m4a)
    atoms["\xa9ART"] = ["Alice feat. Bob"]
    for name, values in (
        ("ARTISTS", ["Alice", "Bob"]),
        ("MusicBrainz Artist Id", [ALICE, BOB]),
        ("MusicBrainz Track Id", [ALICE]),
    ):
        atoms[f"----:com.apple.iTunes:{name}"] = [MP4FreeForm(value.encode()) for value in values]
    atoms.save()
    for tags in (read(tmp_path, mp3 + blank(".mp3")), read_tags(flac), read_tags(m4a)):
        assert tags.artists == ("Alice feat. Bob",)
        assert tags.credits == ("Alice", "Bob")
        assert tags.artist_ids == (ALICE, BOB)
        assert tags.recording_ids == (ALICE,)


def test_ids_that_old_id3_joins_are_told_apart(
    tmp_path: Path, blank: Callable[[str], bytes]
) -> None:
    tag = id3(
        TPE1(encoding=1, text=["Alice", "Bob"]),
        TXXX(encoding=1, desc="MusicBrainz Artist Id", text=[ALICE, BOB]),
        version=3,
    )
    tags = read(tmp_path, tag + blank(".mp3"))
    assert (tags.artists, tags.artist_ids) == (("Alice/Bob",), (ALICE, BOB))


@pytest.mark.parametrize("version", [2, 3, 4])
def test_every_version_of_id3(tmp_path: Path, blank: Callable[[str], bytes], version: int) -> None:
    if version == 2:
        body = b"TP1" + len(b"\0Rezz").to_bytes(3, "big") + b"\0Rezz"
        tag = b"ID3\x02\0\0" + synchsafe(len(body)) + body
    else:
        tag = tag_of(frame(b"TPE1", b"\0Rezz", version=version), version=version)
    assert read(tmp_path, tag + blank(".mp3")).artists == ("Rezz",)


@pytest.mark.parametrize("encoding", [0, 1, 2, 3])
def test_every_encoding_of_id3(
    tmp_path: Path, blank: Callable[[str], bytes], encoding: int
) -> None:
    text = "Björk".encode(["latin-1", "utf-16", "utf-16-be", "utf-8"][encoding])
    tag = tag_of(frame(b"TPE1", bytes([encoding]) + text))
    assert read(tmp_path, tag + blank(".mp3")).artists == ("Björk",)


def test_an_empty_frame_and_a_cover_are_passed_over(
    tmp_path: Path, blank: Callable[[str], bytes]
) -> None:
    cover = frame(b"APIC", b"\0image/png\0\3\0" + bytes(3 << 20))
    tag = tag_of(frame(b"TALB", b""), cover, frame(b"TPE1", b"\3Rezz"))
    assert read(tmp_path, tag + blank(".mp3")).artists == ("Rezz",)


def test_info_of_a_wav_without_a_charset(tmp_path: Path, blank: Callable[[str], bytes]) -> None:
    for charset in ("utf-8", "cp1252"):
        name = "Björk".encode(charset) + b"\0"
        name += b"\0" * (len(name) % 2)
        entry = b"INFOIART" + struct.pack("<I", len(name)) + name
        whole = blank(".wav")
        content = whole[:36] + b"LIST" + struct.pack("<I", len(entry)) + entry + whole[36:]
        sized = content[:4] + struct.pack("<I", len(content) - 8) + content[8:]
        assert read(tmp_path, sized, "a.wav").artists == ("Björk",)


@pytest.mark.parametrize("container", ["mov", "caf", "au", "flv", "asf", "matroska"])
def test_tags_of_other_containers(tmp_path: Path, container: str) -> None:
    path = sounds.write_tagged(tmp_path / "a.mp3", SOUND, container, artist="Björk", title="Jóga")
    tags = read_tags(path)
    assert (set(tags.artists), tags.titles) == ({"Björk"}, ("Jóga",))  # ASF says it twice


# --- bounds -------------------------------------------------------------------------------------


@cache
def bomb_content() -> bytes:
    """64 MB of text in 64 kB."""
    return zlib.compress(b"\3" + b"A" * (64 << 20), 9)


@pytest.mark.parametrize("name", [b"TIT2", b"TPE1", b"TXXX"])
@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("escaped", [False, True])
def test_a_frame_that_unpacks_to_too_much_is_left_out(
    tmp_path: Path, blank: Callable[[str], bytes], name: bytes, version: int, escaped: bool
) -> None:
    packed = bomb_content()
    flags = {3: 0x0080, 4: 0x0009 | (0x0002 if escaped else 0)}[version]
    content = packed.replace(b"\xff", b"\xff\x00") if escaped and version == 4 else packed
    bomb = frame(name, synchsafe(100) + content, flags=flags, version=version)
    tag = tag_of(frame(b"TALB", b"\3Album", version=version), bomb, version=version)
    with memory_below(16 << 20):
        tags = read(tmp_path, tag + blank(".mp3"))
    assert tags == Tags(albums=("Album",))


@pytest.mark.parametrize("version", [2, 3, 4])
@pytest.mark.parametrize("flags", [0, 0x40, 0x80])
def test_a_tag_of_countless_frames_is_left_out(
    tmp_path: Path, blank: Callable[[str], bytes], version: int, flags: int
) -> None:
    tiny = b"ZZZ\0\0\1x" if version == 2 else frame(b"ZZZZ", b"x", version=version)
    extended = synchsafe(6) + bytes(2) if version == 4 else (6).to_bytes(4, "big") + bytes(6)
    frames = [extended if flags == 0x40 else b"", tiny * 400_000]
    began = time.process_time()
    assert read(tmp_path, tag_of(*frames, version=version, flags=flags) + blank(".mp3")) == Tags()
    assert time.process_time() - began < 1


def test_a_block_of_countless_comments_is_left_out(
    tmp_path: Path, blank: Callable[[str], bytes]
) -> None:
    blocks, sound = flac_blocks(blank(".flac"))
    countless = vorbis_comments(*["a=b"] * 20_000)
    rest = [block for block in blocks if block[0] != 4]
    assert read(tmp_path, flac_of([*rest, (4, countless)], sound), "a.flac") == Tags()


def test_a_compressed_frame_of_honest_size_is_read(
    tmp_path: Path, blank: Callable[[str], bytes]
) -> None:
    packed = zlib.compress(b"\3Rezz")
    tag = tag_of(frame(b"TPE1", synchsafe(5) + packed, flags=0x0009))
    assert read(tmp_path, tag + blank(".mp3")).artists == ("Rezz",)


def test_long_texts_are_cut_and_many_values_too(
    tmp_path: Path, blank: Callable[[str], bytes]
) -> None:
    many = [f"Artist {number}" for number in range(5_000)]
    tag = id3(
        TPE1(encoding=3, text=many),
        TIT2(encoding=3, text="T" * 5_000),
        TALB(encoding=3, text="é" * 500_000),
    )
    tags = read(tmp_path, tag + blank(".mp3"))
    assert tags.artists == tuple(many[:100])
    assert (tags.titles, tags.albums) == (("T" * MAX_TEXT,), ("é" * MAX_TEXT,))


@pytest.mark.parametrize(
    "content", [b"", b"ID3", b"\0" * 100, b"fLaC", b"OggS" * 50, b"RIFF\0\0\0\0WAVE"]
)
def test_what_has_no_tags(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == Tags()


def test_what_cannot_be_read_is_no_lack_of_tags(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_tags(tmp_path / "gone.mp3")
