"""Audio that tests make themselves: honest files in every format, and files that lie.

A signal is float32 of shape (frames,) or (frames, channels), full scale 1. Everything is
deterministic: the same call writes the same bytes.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import mutagen
import numpy as np
from av.audio import AudioStream
from mutagen.id3 import ID3, TALB, TIT2, TPE1, TPE2, TRCK, TXXX
from mutagen.mp4 import MP4
from numpy.typing import NDArray

RATE = 44_100
Signal = NDArray[np.float32]

LOSSLESS = (".wav", ".flac")
FORMATS = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus", ".webm")


@dataclass(frozen=True)
class _Coding:
    container: str
    codec: str
    sample: str = "fltp"
    bit_rate: int | None = None


_CODINGS = {
    ".wav": _Coding("wav", "pcm_s16le", "s16"),
    ".flac": _Coding("flac", "flac", "s16"),
    ".ogg": _Coding("ogg", "vorbis"),
    ".mp3": _Coding("mp3", "libmp3lame", bit_rate=192_000),
    ".m4a": _Coding("ipod", "aac", bit_rate=192_000),
    ".opus": _Coding("ogg", "libopus", "flt", bit_rate=128_000),
    ".webm": _Coding("webm", "libopus", "flt", bit_rate=128_000),
}
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


# --- signals ------------------------------------------------------------------------------------


def tone(hz: float, seconds: float, *, rate: int = RATE, level: float = 0.5) -> Signal:
    """A sine."""
    return (level * np.sin(2 * np.pi * hz * _time(seconds, rate))).astype(np.float32)


def chord(
    roots: Sequence[float], seconds: float, *, rate: int = RATE, level: float = 0.5
) -> Signal:
    """Several tones with four falling harmonics each."""
    partials = [hz * n for hz in roots for n in range(1, 5)]
    weights = np.array([1 / n for _ in roots for n in range(1, 5)])
    waves = np.sin(2 * np.pi * np.outer(partials, _time(seconds, rate)))
    return (level * (weights / weights.sum()) @ waves).astype(np.float32)


def noise(seconds: float, *, seed: int = 0, rate: int = RATE, level: float = 0.1) -> Signal:
    """White noise with a standard deviation of `level`."""
    size = round(seconds * rate)
    samples = np.random.default_rng(seed).standard_normal(size, dtype=np.float32) * level
    return samples.clip(-1, 1)


def impulses(seconds: float, *, every: float = 0.5, rate: int = RATE) -> Signal:
    """Single full-scale samples, one each `every` seconds, from the first sample on."""
    samples = silence(seconds, rate=rate)
    samples[:: round(every * rate)] = 1.0
    return samples


def chirp(
    seconds: float,
    *,
    low: float = 100.0,
    high: float = 6000.0,
    rate: int = RATE,
    level: float = 0.5,
) -> Signal:
    """A sine that rises from `low` to `high` Hz: its pitch tells the position."""
    time = _time(seconds, rate)
    phase = 2 * np.pi * (low * time + (high - low) * time**2 / (2 * seconds))
    return (level * np.sin(phase)).astype(np.float32)


def silence(seconds: float, *, rate: int = RATE) -> Signal:
    """Digital silence."""
    return np.zeros(round(seconds * rate), np.float32)


def music(seconds: float, *, seed: int = 0, rate: int = RATE) -> Signal:
    """Stereo, with a beat, chords and some noise: what a music model has something to say on."""
    rng = np.random.default_rng(seed)
    time = _time(seconds, rate)
    beat = np.exp(-12 * (time % 0.5)) * np.sin(2 * np.pi * 60 * time)
    chords = chord([*110 * 2 ** (rng.integers(0, 24, 3) / 12)], seconds, rate=rate)
    hiss = noise(seconds, seed=seed, rate=rate, level=0.02)
    return np.stack([0.4 * beat + 0.6 * chords, 0.4 * beat + 0.3 * chords + hiss], axis=1).astype(
        np.float32
    )


def _time(seconds: float, rate: int) -> NDArray[np.float64]:
    return np.arange(round(seconds * rate)) / rate


# --- files --------------------------------------------------------------------------------------


def write(path: Path, samples: Signal, *, rate: int = RATE) -> Path:
    """Encode `samples` in the format that the suffix of `path` names; return `path`.

    The folder is made. Opus and WebM files are written at 48 kHz, whatever `rate` is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    coding = _CODINGS[path.suffix.lower()]
    _encode(path, samples, rate, coding)
    return path


def write_coded(path: Path, samples: Signal, codec: str, *, rate: int = RATE) -> Path:
    """A wav file with mono samples in another coding, such as "adpcm_ima_wav"."""
    with av.open(str(path), "w", format="wav", options={"fflags": "+bitexact"}) as out:
        stream = cast(AudioStream, out.add_stream(codec, rate=rate, layout="mono"))
        resampler = av.AudioResampler(
            (stream.codec_context.codec.audio_formats or [])[0],
            "mono",
            rate,
            frame_size=stream.codec_context.frame_size,
        )
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
        frame.sample_rate = rate
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


def write_tagged(path: Path, samples: Signal, container: str, **tags: str) -> Path:
    """A file in a container of FFmpeg's, whatever the suffix of `path`, with tags."""
    codec = {"flv": "aac", "asf": "wmav2"}.get(container, "pcm_s16be")
    with av.open(str(path), "w", format=container) as out:
        out.metadata.update(tags)
        stream = cast(AudioStream, out.add_stream(codec, rate=RATE, layout="mono"))
        stream.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
        frame.sample_rate = RATE
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def write_float(path: Path, samples: Signal, *, rate: int = RATE) -> Path:
    """A 32-bit float wav holding exactly `samples`, NaN and all."""
    data = np.ascontiguousarray(samples, "<f4").tobytes()
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    layout = struct.pack("<HHIIHH", 3, channels, rate, rate * channels * 4, channels * 4, 32)
    body = b"WAVE" + _chunk(b"fmt ", layout) + _chunk(b"data", data)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_chunk(b"RIFF", body))
    return path


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data


def _encode(path: Path, samples: Signal, rate: int, coding: _Coding) -> None:
    frames = np.asarray(samples if samples.ndim == 2 else samples[:, None], np.float32)
    opus = coding.codec == "libopus"
    if coding.codec == "vorbis" and frames.shape[1] == 1:  # FFmpeg's own encoder is stereo only
        frames = np.repeat(frames, 2, axis=1)
    layout = _LAYOUTS[frames.shape[1]]
    with av.open(str(path), "w", format=coding.container, options={"fflags": "+bitexact"}) as out:
        added = out.add_stream(
            coding.codec,
            rate=48_000 if opus else rate,
            layout=layout,
            options={"strict": "experimental", "flags": "+bitexact"},
        )
        stream = cast(AudioStream, added)
        stream.format = av.AudioFormat(coding.sample)
        if coding.bit_rate:
            stream.bit_rate = coding.bit_rate
        block = 1 << 16
        for start in range(0, len(frames), block):
            part = np.ascontiguousarray(frames[start : start + block]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="flt", layout=layout)
            frame.sample_rate = rate
            frame.pts = start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


# --- tags ---------------------------------------------------------------------------------------

MUSICBRAINZ = "MusicBrainz Artist Id"


def tag(
    path: Path,
    *,
    artist: str | Sequence[str] = (),
    albumartist: str | Sequence[str] = (),
    title: str | None = None,
    album: str | None = None,
    track: int | None = None,
    musicbrainz: str | Sequence[str] = (),
) -> Path:
    """Write tags the way taggers do in the format of `path`; several values are several values."""
    values = {
        "artist": _listed(artist),
        "albumartist": _listed(albumartist),
        "title": _listed(title or ()),
        "album": _listed(album or ()),
        "tracknumber": [str(track)] if track is not None else [],
        "musicbrainz_artistid": _listed(musicbrainz),
    }
    write_tags = _TAGGERS.get(path.suffix.lower(), _tag_comments)
    write_tags(path, {name: texts for name, texts in values.items() if texts})
    return path


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _tag_comments(path: Path, values: dict[str, list[str]]) -> None:
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    file.tags.update(values)
    file.save()


def _tag_id3(path: Path, values: dict[str, list[str]]) -> None:
    frames = {"artist": TPE1, "albumartist": TPE2, "title": TIT2, "album": TALB}
    if path.suffix.lower() == ".wav":
        file = mutagen.File(path)
        file.add_tags()
        tags = file.tags
    else:
        file = tags = ID3()
    for name, frame in {**frames, "tracknumber": TRCK}.items():
        if name in values:
            tags.add(frame(encoding=3, text=values[name]))
    if ids := values.get("musicbrainz_artistid"):
        tags.add(TXXX(encoding=3, desc=MUSICBRAINZ, text=ids))
    file.save(path)


def _tag_mp4(path: Path, values: dict[str, list[str]]) -> None:
    keys = {"artist": "\xa9ART", "albumartist": "aART", "title": "\xa9nam", "album": "\xa9alb"}
    file = MP4(path)
    for name, key in keys.items():
        if name in values:
            file[key] = values[name]
    if "tracknumber" in values:
        file["trkn"] = [(int(values["tracknumber"][0]), 0)]
    if ids := values.get("musicbrainz_artistid"):
        file[f"----:com.apple.iTunes:{MUSICBRAINZ}"] = [id_.encode() for id_ in ids]
    file.save()


def _tag_matroska(path: Path, values: dict[str, list[str]]) -> None:
    """Copies the packets, since mutagen knows no Matroska; several values are joined."""
    whole = path.with_name(path.name + ".part")
    with (
        av.open(str(path)) as old,
        av.open(str(whole), "w", format="webm", options={"fflags": "+bitexact"}) as new,
    ):
        new.metadata.update({name.upper(): "; ".join(texts) for name, texts in values.items()})
        stream = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    whole.replace(path)


_TAGGERS: dict[str, Callable[[Path, dict[str, list[str]]], None]] = {
    ".mp3": _tag_id3,
    ".wav": _tag_id3,
    ".m4a": _tag_mp4,
    ".webm": _tag_matroska,
}


# --- files that lie -----------------------------------------------------------------------------


def zero_bytes(path: Path) -> Path:
    """A file with nothing in it."""
    path.write_bytes(b"")
    return path


def text(path: Path) -> Path:
    """Plain text, whatever its name says."""
    path.write_text("This is not the music you are looking for.\n" * 400)
    return path


def truncate(path: Path, *, share: float = 0.5) -> Path:
    """Cut a file off after `share` of its bytes."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


def video(path: Path, *, seconds: float = 2.0) -> Path:
    """A film without sound."""
    container = "webm" if path.suffix == ".webm" else "mp4"
    with av.open(str(path), "w", format=container, options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("libvpx" if container == "webm" else "mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for shade in range(round(seconds * 10)):
            picture = np.full((64, 64, 3), shade * 10 % 255, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    return path


def mp3_without_header(path: Path, samples: Signal, *, rate: int = RATE) -> Path:
    """An MP3 file that declares no duration: the first frame, with the Xing header, is left out."""
    whole = write(path, samples, rate=rate).read_bytes()
    start = whole.index(b"Xing") if b"Xing" in whole else whole.index(b"Info")
    second = next(
        place
        for place in range(start, len(whole))
        if whole[place] == 0xFF and whole[place + 1] & 0xE0 == 0xE0
    )
    path.write_bytes(whole[second:])
    return path


def wav_of_unknown_size(path: Path, samples: Signal, *, size: int = 0xFFFFFFFF) -> Path:
    """A wav file as a program that writes to a pipe leaves it: the sizes are not filled in."""
    whole = bytearray(write(path, samples).read_bytes())
    data = whole.index(b"data")
    struct.pack_into("<I", whole, 4, size)
    struct.pack_into("<I", whole, data + 4, size)
    path.write_bytes(whole)
    return path


def flac_of_unknown_length(path: Path, samples: Signal) -> Path:
    """A FLAC file as an encoder that writes to a pipe leaves it: no count of frames."""
    return flac_that_declares(path, samples, 0)


def corrupt_tags(path: Path, samples: Signal) -> Path:
    """An MP3 file whose ID3 header is followed by frames of nonsense."""
    audio = write(path, samples).read_bytes()
    if audio[:3] == b"ID3":
        size = int.from_bytes(bytes(audio[6:10]), "big")
        audio = audio[10 + (size & 0x7F | (size >> 1) & 0x3F80) :]
    nonsense = b"TPE1\xff\xff\xff\xff\x00\x00\x03\xfe" + bytes(range(256)) * 4
    length = len(nonsense)
    header = b"ID3\x04\x00\x00" + bytes([0, 0, length >> 7, length & 0x7F])
    path.write_bytes(header + nonsense + audio)
    return path


def flac_that_declares(path: Path, samples: Signal, frames: int, *, rate: int = RATE) -> Path:
    """A FLAC file whose header states another number of frames than there are."""
    whole = bytearray(write(path, samples, rate=rate).read_bytes())
    whole[21] = (whole[21] & 0xF0) | (frames >> 32)
    whole[22:26] = struct.pack(">I", frames & 0xFFFFFFFF)
    path.write_bytes(whole)
    return path


def m4a_that_declares(path: Path, samples: Signal, ticks: int) -> Path:
    """An MP4 file whose movie, track and media headers state another (32 bit) duration."""
    whole = bytearray(write(path, samples).read_bytes())
    for name, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        struct.pack_into(">I", whole, whole.index(name) + offset, ticks & 0xFFFFFFFF)
    path.write_bytes(whole)
    return path
