"""mutagen's ID3 frames with a bound on what a compressed one unpacks to, and on how many there are.

A tag of 2 MB can hold a frame that unpacks to gigabytes, which mutagen unpacks whole, or so many
tiny frames that it takes minutes, since mutagen copies what is left of a tag for each.
"""

import zlib
from functools import cache
from typing import Any

MAX_FRAME = 1 << 20  # bytes of a text frame, unpacked
MAX_FRAMES = 2_000  # of a tag; honest ones have a few dozen
_READ = ("TPE1", "TPE2", "TIT2", "TALB", "TXXX", "TSRC", "UFID")
_READ_OF_V22 = ("TP1", "TP2", "TT2", "TAL", "TXX", "TRC", "UFI")


@cache
def bounded_frames() -> dict[str, type[Any]]:
    """Return the frames that are read, for mutagen's `known_frames`; it skips all others."""
    from mutagen import id3

    class Bounded:
        """Unpacks a frame itself, within bounds, and lets mutagen read the rest."""

        @classmethod
        def _fromData(cls, header: Any, flags: int, data: bytes) -> Any:  # noqa: N802  mutagen's name
            compressed = (
                id3.Frame.FLAG24_COMPRESS if header.version >= header._V24
                else id3.Frame.FLAG23_COMPRESS
            )  # fmt: skip
            if len(data) > MAX_FRAME:
                raise id3.ID3JunkFrameError("longer than a text is")
            if flags & compressed:
                _demand_bounded(data)
            return super()._fromData(header, flags, data)  # type: ignore[misc]

    frames = {name: type(name, (Bounded, id3.Frames[name]), {}) for name in _READ}
    return frames | {name: id3.Frames_2_2[name] for name in _READ_OF_V22}


def has_too_many_frames(tag: bytes) -> bool:
    """Tell whether a whole ID3v2 tag has more frames than are read, in any way to read it."""
    version, body = tag[3], tag[10:]
    bodies = [body, body.replace(b"\xff\x00", b"\xff")] if tag[5] & 0x80 else [body]
    return any(
        _frames(content, start, version, bits) > MAX_FRAMES
        for content in bodies
        for bits in (7, 8)
        for start in {0, _size(content[:4], bits), _size(content[:4], bits) + 4}
    )


def _frames(content: bytes, place: int, version: int, bits: int) -> int:
    """How many frames follow from `place` on, at most one more than are read."""
    name, head, width = (3, 6, 3) if version < 3 else (4, 10, 4)
    count = 0
    while count <= MAX_FRAMES and content[place : place + name].strip(b"\0"):
        place += head + _size(content[place + name : place + name + width], bits)
        count += 1
    return count


def _size(digits: bytes, bits: int) -> int:
    """A big-endian number whose bytes have 7 or 8 bits."""
    size = 0
    for digit in digits:
        size = size << bits | digit & (1 << bits) - 1
    return size


def _demand_bounded(data: bytes) -> None:
    """Raise where zlib data unpacks to too much: behind its 4 bytes of length or without, and
    escaped ("unsynchronised") or not."""
    from mutagen.id3 import ID3JunkFrameError

    for packed in (data[4:], data):
        for plain in (packed, packed.replace(b"\xff\x00", b"\xff")):
            unpacker = zlib.decompressobj()
            try:
                unpacker.decompress(plain, MAX_FRAME)
            except zlib.error:
                continue
            if unpacker.unconsumed_tail:
                raise ID3JunkFrameError("unpacks to more than a text is")
