"""mutagen's ID3 frames with a bound on what a compressed one unpacks to.

A tag of 2 MB can hold a frame that unpacks to gigabytes, and mutagen unpacks it whole.
"""

import zlib
from functools import cache
from typing import Any

MAX_FRAME = 1 << 20  # bytes of a text frame, unpacked
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
