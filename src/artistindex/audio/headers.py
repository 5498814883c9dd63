"""What the header of an audio file declares about its length, and whether its end is there."""

import os
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from artistindex.audio.checked_file import CheckedFile

if TYPE_CHECKING:
    from av import AudioStream
    from av.container import InputContainer

# In these, FFmpeg takes the duration from a header. In others it estimates from the bit rate where
# none is stated, and an estimate declares nothing.
_STATED = ("aiff", "ape", "asf", "caf", "dsf", "mov", "tak", "tta", "w64", "wv")
_MAX_DURATION = 30 * 24 * 3600.0  # seconds; no file is believed that declares more
_OGG_PAGE = 65_307  # bytes of the largest page (RFC 3533, section 6)
_WAV_LAYOUT = 40  # bytes of a fmt chunk that are of use
_PLAIN_WAV = (1, 3, 6, 7, 0xFFFE)  # integers, floats, A-law, mu-law, and those with a channel mask
_ADPCM_WAV = (2, 0x11)  # Microsoft's and IMA's, whose fmt chunk says how many samples a block has
_UNKNOWN_SIZE = 0x7FFF_0000  # bytes; writers to a pipe put this much or more for "until the end"


def declared_duration(
    file: CheckedFile, container: "InputContainer", stream: "AudioStream"
) -> float | None:
    """The duration in seconds that the header states, None where it states none.

    An Ogg stream states none (see `lacks_its_end`), nor does MP3 without a Xing or VBRI header, a
    wav or FLAC file written to a pipe, or a bare AAC stream.
    """
    names = container.format.name.split(",")
    ask = next((_READERS[name] for name in names if name in _READERS), None)
    if ask is not None:
        seconds = ask(file)
    elif "matroska" in names:
        # stated for the whole file; FFmpeg puts an estimate of its own on the stream
        seconds = (
            container.duration / 1_000_000 if container.duration and not stream.duration else 0
        )
    elif any(name in _STATED for name in names) and stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    else:
        return None
    return seconds if seconds and 0 < seconds < _MAX_DURATION else None


def lacks_its_end(file: CheckedFile) -> bool:
    """Whether the last page of an Ogg file is incomplete or does not say end-of-stream."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - 2 * _OGG_PAGE))
    tail = file.read()
    page = tail.rfind(b"OggS\0")
    if page < 0:
        return False  # something else is appended, and nothing can be said
    lacing = tail[page + 27 : page + 27 + (tail[page + 26] if len(tail) > page + 26 else 255)]
    complete = len(tail) >= page + 27 + len(lacing) + sum(lacing)
    return not (complete and tail[page + 5] & 4)


def _mp3_duration(file: CheckedFile) -> float | None:
    from mutagen.mp3 import BitrateMode, HeaderNotFoundError, MPEGInfo

    try:
        info = MPEGInfo(file)
    except (HeaderNotFoundError, OSError, struct.error):
        return None
    return float(info.length) if info.bitrate_mode != BitrateMode.UNKNOWN else None


def _flac_duration(file: CheckedFile) -> float | None:
    from mutagen.flac import FLAC, FLACNoHeaderError, error

    try:
        info = FLAC(file).info  # type: ignore[no-untyped-call]  # mutagen
    except (FLACNoHeaderError, error, OSError, struct.error):
        return None
    return float(info.total_samples / info.sample_rate) if info.sample_rate else None


def _wav_duration(file: CheckedFile) -> float | None:
    """From the chunks of a RIFF file; RF64 keeps its sizes elsewhere and is taken at its length."""
    riff, _, wave = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    layout, samples = b"", 0
    while riff == b"RIFF" and wave == b"WAVE":
        head = file.read(8)
        if len(head) < 8:
            break
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            return _wav_seconds(layout, samples, size) if 0 < size < _UNKNOWN_SIZE else None
        body = file.read(min(size, _WAV_LAYOUT)) if name in (b"fmt ", b"fact") else b""
        if name == b"fmt ":
            layout = body
        elif len(body) >= 4:
            samples = struct.unpack_from("<I", body)[0]
        file.seek(size + size % 2 - len(body), os.SEEK_CUR)
    return None


def _wav_seconds(layout: bytes, samples: int, size: int) -> float | None:
    """The seconds of `size` bytes in the `layout` of a fmt chunk, whose fact chunk says `samples`.

    The bytes a second that a fmt chunk states are exact for plain samples alone; for compressed
    ones they are what the encoder thinks, so its blocks count, else the fact chunk.
    """
    if len(layout) < 16:
        return None
    kind: int
    rate: int
    block: int
    kind, _, rate, _, block = struct.unpack_from("<HHIIH", layout)
    if not rate:
        return None
    if kind in _PLAIN_WAV and block:
        return size / block / rate
    if kind in _ADPCM_WAV and block and len(layout) >= 20:
        return size / block * int.from_bytes(layout[18:20], "little") / rate
    return samples / rate if 0 < samples < _UNKNOWN_SIZE else None


_READERS: dict[str, Callable[[CheckedFile], float | None]] = {
    "mp3": _mp3_duration,
    "flac": _flac_duration,
    "wav": _wav_duration,
}
