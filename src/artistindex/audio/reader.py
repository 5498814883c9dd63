"""One audio file as blocks of mono samples at its own rate.

FFmpeg (PyAV) decodes, with the choices of Essentia's MonoLoader, so that the samples equal that
loader's: the fixed-point MPEG decoders, and neither AAC's nor Vorbis's padding cut off. Channels
are averaged (FFmpeg's own mono is louder by the square root of two).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from artistindex.audio.checked_file import CheckedFile
from artistindex.audio.headers import declared_duration, lacks_its_end
from artistindex.errors import TrackError

if TYPE_CHECKING:
    from av import AudioCodecContext, AudioFifo, AudioFrame, AudioStream, Packet
    from av.container import InputContainer

# Containers that hold sound themselves. A playlist (HLS, DASH, concat) names other files or hosts,
# which a stranger's file must not make us open.
_CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,iff,m4a,matroska,mlp,mov,mp3,mp4,"
    "mpc,mpc8,mpeg,mpegts,oma,ogg,rm,tak,truehd,tta,voc,w64,wav,webm,wv"
)
_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file", "ignore_editlist": "1"}
_FIXED_POINT = {"mp1float": "mp1", "mp2float": "mp2", "mp3float": "mp3"}
_BLOCK = 1 << 16  # frames
_PREROLL = 1.0  # seconds decoded before a wanted place: a codec leans on what went before
_TOO_MANY_PLANES = 8  # from here on PyAV reads one plane too many, and crashes
_UNREADABLE = "not audio, or damaged, or cut off"
_LOST = 1 << 62  # the place of a block that does not know its own


class Block(NamedTuple):
    """`samples`, float32 of shape (frames,), the first of which is number `at` of the stream."""

    at: int
    samples: NDArray[np.float32]


class Source:
    """The first audio stream of a regular file: its channels' mean, or one `channel` of them.

    `rate` is in Hz; `declared` is the duration in seconds that the header states, None where it
    states none. Raises TrackError for what is not audio, is not a regular file or was cut off, and
    one of stage "read", to be tried again, where the system fails to read the file.
    """

    def __init__(self, path: Path, *, channel: int | None = None) -> None:
        self._path = path.absolute()
        self._channel = channel
        with self._opened() as (container, stream):
            self.rate = int(stream.rate or 0)
            self.channels = int(stream.channels or 1)
            with CheckedFile(self._path) as file:
                self.declared = declared_duration(file, container, stream)
            is_ogg = container.format.name == "ogg"
            self._last_page = (container.duration or 0) / 1_000_000 if is_ogg else 0.0
        if self.rate < 1:
            raise _failed(_UNREADABLE)
        if is_ogg and self._lacks_its_end():
            raise _failed("cut off: its last Ogg page is not the end of a stream")

    def _lacks_its_end(self) -> bool:
        with CheckedFile(self._path) as file:
            return lacks_its_end(file)

    def length(self) -> float | None:
        """The duration in seconds, as well as it can be known without decoding."""
        return self.declared or self._last_page or self.counted()

    def counted(self) -> float | None:
        """The duration in seconds of all packets, whatever the header states; reads the file."""
        with self._opened() as (container, stream):
            ticks = sum(packet.duration or 0 for packet in _packets(container, stream))
            return float(ticks * stream.time_base) if ticks and stream.time_base else None

    def reaches(self, seconds: float) -> bool:
        """Whether the stream goes on to this place; decodes nothing."""
        with self._opened() as (container, stream):
            if stream.time_base is None or not _seek(container, stream, seconds - _PREROLL):
                return True  # nothing is known against it
            place = (stream.start_time or 0) + seconds / stream.time_base
            return any(
                packet.pts is not None and packet.pts + (packet.duration or 0) >= place
                for packet in _packets(container, stream)
            )

    def blocks(self, start: int = 0) -> Iterator[Block]:
        """The stream from its sample number `start` on, in consecutive blocks."""
        preroll = int(_PREROLL * self.rate)
        if start > preroll:
            blocks = self._blocks(start - preroll)
            first = next(blocks, None)
            if first is None:
                return
            if first.at <= start:
                yield from _from(start, chain([first], blocks))
                return
        yield from _from(start, self._blocks(0))

    def _blocks(self, near: int) -> Iterator[Block]:
        with self._opened() as (container, stream):
            if near and not _seek(container, stream, near / self.rate):
                yield Block(_LOST, np.zeros(0, np.float32))
                return
            frames = _frames(container, stream, from_start=not near)
            first = next(frames, None)
            if first is None:
                return
            at = self._place(first, stream) if near else 0
            for samples in _averaged(chain([first], frames), self.rate, self._channel):
                yield Block(at, samples)
                at += len(samples)

    def _place(self, frame: "AudioFrame", stream: "AudioStream") -> int:
        if frame.pts is None or stream.time_base is None:
            return _LOST
        return round((frame.pts - self._origin) * stream.time_base * self.rate)

    @cached_property
    def _origin(self) -> int:
        """The time stamp of sample number 0, in ticks of the stream."""
        with self._opened() as (container, stream):
            if stream.codec_context.name == "vorbis":
                first = next(_frames(container, stream, from_start=True), None)
                return first.pts or 0 if first is not None else 0
            return stream.start_time or 0

    @contextmanager
    def _opened(self) -> "Iterator[tuple[InputContainer, AudioStream]]":
        import av
        import av.logging

        av.logging.set_libav_level(av.logging.PANIC)
        with CheckedFile(self._path) as file:
            try:
                container = av.open(file, "r", options=_OPTIONS, metadata_errors="replace")
            except (av.FFmpegError, ValueError) as error:
                raise _failed(_UNREADABLE) from error
            with container:
                if not container.streams.audio:
                    raise _failed("it holds no audio, only " + _other_streams(container))
                if container.streams.audio[0].codec_context is None:
                    raise _failed("FFmpeg has no decoder for its codec")
                yield container, container.streams.audio[0]


def _other_streams(container: "InputContainer") -> str:
    return ", ".join(sorted({stream.type for stream in container.streams})) or "an empty container"


def _seek(container: "InputContainer", stream: "AudioStream", seconds: float) -> bool:
    import av

    if stream.time_base is None:
        return False
    place = (stream.start_time or 0) + int(max(0.0, seconds) / stream.time_base)
    try:
        container.seek(place, stream=stream)
    except (av.FFmpegError, OverflowError):
        return False
    return True


def _packets(container: "InputContainer", stream: "AudioStream") -> "Iterator[Packet[AudioStream]]":
    """Every packet that can still be read; a file that breaks off midway just ends."""
    import av

    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.FFmpegError):
            return


def _decoder(stream: "AudioStream") -> "AudioCodecContext":
    from av import CodecContext
    from av.codec.context import Flags2

    context = stream.codec_context
    if context.name in _FIXED_POINT:
        return cast("AudioCodecContext", CodecContext.create(_FIXED_POINT[context.name], "r"))
    context.thread_count = 1  # the cores belong to other tracks
    if context.name == "vorbis":
        context.flags2 |= Flags2.skip_manual
    return context


def _frames(
    container: "InputContainer", stream: "AudioStream", *, from_start: bool
) -> "Iterator[AudioFrame]":
    """Every frame that can be decoded; a damaged packet is passed over."""
    import av

    decoder = _decoder(stream)
    # Vorbis's first packet only gives the second something to overlap with
    primed = not (from_start and decoder.name == "vorbis")
    for packet in _packets(container, stream):
        try:
            frames = decoder.decode(packet)
        except av.FFmpegError:
            continue
        yield from frames if primed else frames[1:]
        primed = primed or bool(frames)


def _averaged(
    frames: "Iterable[AudioFrame]", rate: int, channel: int | None
) -> Iterator[NDArray[np.float32]]:
    """The frames as mono float32, joined into blocks worth numpy's while."""
    from av import AudioFifo

    kind, fifo = None, AudioFifo()
    for frame in _at_one_rate(frames, rate):
        before, kind = kind, (frame.format.name, frame.layout.name, frame.time_base)
        if before != kind and fifo.samples_written:
            yield from _rest(fifo, channel)
            fifo = AudioFifo()
        frame.pts = None
        fifo.write(frame)
        if fifo.samples >= _BLOCK:
            yield from _rest(fifo, channel)
    yield from _rest(fifo, channel)


def _at_one_rate(frames: "Iterable[AudioFrame]", rate: int) -> "Iterator[AudioFrame]":
    """The frames, those of another rate (files joined with `cat`) converted to `rate`."""
    from av import AudioResampler

    kind, resampler = None, None
    for frame in frames:
        if resampler and kind != (frame.format.name, frame.layout.name, frame.sample_rate):
            yield from resampler.resample(None)
            resampler = None
        if frame.sample_rate == rate:
            yield frame
            continue
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        frame.pts = None
        resampler = resampler or AudioResampler(frame.format, frame.layout, rate)
        yield from resampler.resample(frame)
    if resampler:
        yield from resampler.resample(None)


def _rest(fifo: "AudioFifo", channel: int | None) -> Iterator[NDArray[np.float32]]:
    frame = fifo.read() if fifo.samples_written else None
    if frame is not None:
        yield _mono(frame, channel)


def _mono(frame: "AudioFrame", channel: int | None) -> NDArray[np.float32]:
    from av import AudioResampler

    channels = frame.layout.nb_channels
    if channels >= _TOO_MANY_PLANES and frame.format.is_planar:
        (frame,) = AudioResampler(format=frame.format.packed.name).resample(frame)
    values = frame.to_ndarray()
    planes = values if frame.format.is_planar else values.reshape(-1, channels).T
    if channel is not None:
        planes = planes[channel : channel + 1] if channel < channels else planes[:1]
    total: NDArray[np.float32] = planes[0].astype(np.float32)
    for plane in planes[1:]:  # several times quicker than a mean over the interleaved axis
        total += plane
    if values.dtype == np.uint8:
        total -= 128 * len(planes)
    if values.dtype.kind in "iu":
        total *= np.float32(2.0 ** (1 - 8 * values.dtype.itemsize))
    total /= np.float32(len(planes))
    return total


def _from(start: int, blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks without what comes before sample number `start`."""
    for at, samples in blocks:
        if at + len(samples) > start:
            early = max(0, start - at)
            yield Block(at + early, samples[early:])


def _failed(reason: str) -> TrackError:
    return TrackError("decode", reason)
