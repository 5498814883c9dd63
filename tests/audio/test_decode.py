import errno
import io
import os
import pickle
import socketserver
import struct
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from re import fullmatch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import sounds
from artistindex.audio.decode import FULL, Audio, Excerpt, decode
from artistindex.audio.reader import Source
from artistindex.audio.resample import SAMPLE_RATE, LinearResampler
from artistindex.embedding.essentia import essentia_standard
from artistindex.errors import Misuse, TrackError
from conftest import OnceForAll

MUSIC = sounds.music(8)
WESNOTH = Path("/usr/share/games/wesnoth/1.16/data/core/music")
# FFmpeg's Vorbis encoder writes what Essentia's old FFmpeg decodes differently in the second
# channel; files of libvorbis decode alike, as the test on real music shows.
MONO_LOADER_READS = (".wav", ".flac", ".mp3", ".m4a")


def whole(audio: Audio) -> NDArray[np.float32]:
    (window,) = audio.windows
    return window


def difference(left: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The relative L2 difference."""
    assert left.shape == other.shape
    return float(np.linalg.norm(left - other) / np.linalg.norm(other))


def mono_loader(path: Path) -> NDArray[np.float32]:
    pytest.importorskip("essentia")
    loader = essentia_standard().MonoLoader(filename=str(path), sampleRate=16000, resampleQuality=4)
    samples: NDArray[np.float32] = loader()
    return samples


def failure(path: Path, *, excerpt: Excerpt = FULL) -> str:
    with pytest.raises(TrackError) as caught:
        decode(path, excerpt=excerpt)
    assert (caught.value.stage, caught.value.retryable) == ("decode", False)
    assert "\n" not in caught.value.reason
    return caught.value.reason


# --- the reference ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", MONO_LOADER_READS)
@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_equals_mono_loader(tmp_path: Path, suffix: str, rate: int, channels: int) -> None:
    samples = sounds.music(3, rate=rate)[:, :channels]
    path = sounds.write(tmp_path / f"a{suffix}", samples, rate=rate)
    assert difference(whole(decode(path)), mono_loader(path)) < 2e-7


@pytest.mark.parametrize("extra", [-1, 0, 1, 2, 3, 159, 160, 161])
def test_equals_mono_loader_at_every_length(tmp_path: Path, extra: int) -> None:
    samples = sounds.music(1.1)[: 44_100 + extra]
    path = sounds.write(tmp_path / "a.wav", samples)
    assert difference(whole(decode(path)), mono_loader(path)) < 2e-7


@pytest.mark.parametrize("name", ["defeat.ogg", "victory.ogg", "revelation.ogg", "sad.ogg"])
def test_equals_mono_loader_on_real_music(name: str) -> None:
    path = WESNOTH / name
    if not path.exists():
        pytest.skip("wesnoth-1.16-music is not installed")
    assert difference(whole(decode(path)), mono_loader(path)) < 2e-7


@pytest.mark.parametrize("suffix", sounds.FORMATS)
def test_every_format_is_decoded(tmp_path: Path, suffix: str) -> None:
    tone = sounds.tone(440, 3)
    audio = decode(sounds.write(tmp_path / f"a{suffix}", tone))
    spectrum = np.abs(np.fft.rfft(whole(audio)[SAMPLE_RATE : 2 * SAMPLE_RATE]))
    assert audio.duration == pytest.approx(3, abs=0.05)
    assert audio.seconds == len(whole(audio)) / SAMPLE_RATE
    assert whole(audio).dtype == np.float32
    assert spectrum.argmax() == 440
    assert spectrum.max() == pytest.approx(0.25 * SAMPLE_RATE, rel=0.05)  # not sqrt(2)


def test_opus_and_webm_hold_the_same_sound(tmp_path: Path) -> None:
    """What MonoLoader cannot read gets the same recipe."""
    opus, webm, wav = (
        whole(decode(sounds.write(tmp_path / f"a{suffix}", sounds.chirp(3))))
        for suffix in (".opus", ".webm", ".wav")
    )
    assert np.array_equal(opus, webm)
    assert difference(opus[: len(wav)], wav[: len(opus)]) < 0.1


@given(
    rate=st.sampled_from([8_000, 11_025, 16_000, 44_100, 192_000]),
    cuts=st.lists(st.integers(1, 9_999), max_size=6, unique=True),
    span=st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)),
)
def test_resampling_in_blocks_and_spans_changes_nothing(
    rate: int, cuts: list[int], span: tuple[int, int]
) -> None:
    signal = sounds.noise(10_000 / rate, rate=rate)
    at_once = LinearResampler(rate).feed(0, signal)
    first, last = min(span), min(max(span), len(at_once))
    blocks = LinearResampler(rate, first=first, last=last)
    edges = [blocks.starts_at, *(cut for cut in sorted(cuts) if cut > blocks.starts_at), 10_000]
    parts = [blocks.feed(a, signal[a:b]) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(parts), at_once[first:last])
    assert blocks.done


# --- excerpts -----------------------------------------------------------------------------------


def test_excerpts_are_read_and_written() -> None:
    assert Excerpt.parse("full") == FULL == Excerpt.parse(" FULL ")
    assert Excerpt.parse("3x30") == Excerpt(3, 30.0)
    assert [str(Excerpt.parse(text)) for text in ("full", "3x30", "3X30.50", "1×2400")] == [
        "full",
        "3x30",
        "3x30.5",
        "1x2400",
    ]


@pytest.mark.parametrize("text", ["", "3", "x", "0x30", "3x0", "-1x30", "3xNaN", "1e9x1", "99x999"])
def test_an_excerpt_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(Misuse, match="expected full, or windows x seconds such as 3x30"):
        Excerpt.parse(text)


@given(st.integers(1, 9), st.floats(0.5, 60), st.floats(0, 5_000))
def test_windows_lie_evenly_inside_the_track(count: int, seconds: float, more: float) -> None:
    length = count * seconds + more
    spans = Excerpt(count, seconds).spans(length)
    edges = [0, *(edge for span in spans for edge in span), round(length * SAMPLE_RATE)]
    gaps = np.diff(edges)
    assert (gaps >= -1).all()  # a sample for rounding
    assert {last - first for first, last in spans} == {round(seconds * SAMPLE_RATE)}
    assert abs(gaps[0] - gaps[-1]) <= 2


# how near to the same place of the whole: MPEG decoders dither and AAC fills in noise
@pytest.mark.parametrize(
    ("suffix", "tolerance"),
    [(".wav", 0), (".flac", 0), (".ogg", 0), (".opus", 0), (".mp3", 1e-3), (".m4a", 0.05)],
)
def test_an_excerpt_equals_its_places_in_the_whole(
    tmp_path: Path, suffix: str, tolerance: float
) -> None:
    path = sounds.write(tmp_path / f"a{suffix}", sounds.music(9, seed=3))
    excerpt = Excerpt(3, 2.0)
    spans = excerpt.spans(Source(path).length() or 0)
    full = whole(decode(path))
    cut = decode(path, excerpt=excerpt)
    assert len(cut.windows) == 3
    assert cut.seconds == 6.0
    assert cut.duration == pytest.approx(9, abs=0.05)
    for window, (first, last) in zip(cut.windows, spans, strict=True):
        assert difference(window, full[first:last]) <= tolerance


def test_an_excerpt_of_webm_lands_within_its_clock(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.webm", sounds.noise(20))
    full = whole(decode(path))
    excerpt = Excerpt(1, 2.0)
    ((first, last),) = excerpt.spans(Source(path).length() or 0)
    (window,) = decode(path, excerpt=excerpt).windows
    shifts = range(-32, 33)
    alike = [float(window @ full[first + shift : last + shift]) for shift in shifts]
    assert abs(shifts[int(np.argmax(alike))]) <= 16  # 1 ms


def test_an_excerpt_of_mp3_without_a_header_lands_right(tmp_path: Path) -> None:
    """Loud and quiet parts, so that the bit rate tells nothing about the place."""
    samples = sounds.noise(20) * np.repeat([1, 0.02], 10 * sounds.RATE).astype(np.float32)
    path = sounds.mp3_without_header(tmp_path / "a.mp3", samples)
    assert Source(path).declared is None
    full = whole(decode(path))
    excerpt = Excerpt(1, 2.0)
    ((first, last),) = excerpt.spans(Source(path).length() or 0)
    assert difference(whole(decode(path, excerpt=excerpt)), full[first:last]) < 1e-2


def test_a_track_shorter_than_its_windows_is_taken_whole(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.flac", MUSIC)
    assert np.array_equal(whole(decode(path, excerpt=Excerpt(3, 3.0))), whole(decode(path)))


# --- long ---------------------------------------------------------------------------------------

THREE_HOURS = 3 * 3600


@pytest.fixture(scope="module")
def three_hours(once_for_all: OnceForAll) -> Path:
    """8 kHz, and each minute has its own pitch: 100 Hz, 115 Hz, 130 Hz, ..."""

    def write(folder: Path) -> None:
        minutes = [
            np.tile(sounds.tone(100 + 15 * minute, 1, rate=8_000), 60)
            for minute in range(THREE_HOURS // 60)
        ]
        sounds.write(folder / "mix.flac", np.concatenate(minutes), rate=8_000)

    return once_for_all("three-hours", write) / "mix.flac"


def pitch(samples: NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(samples[:SAMPLE_RATE]))
    return float(spectrum[50:].argmax() + 50)


def test_of_three_hours_only_the_middle_is_decoded(three_hours: Path) -> None:
    audio = decode(three_hours)
    assert audio.seconds == 1200.0
    assert audio.duration == pytest.approx(THREE_HOURS)
    assert pitch(whole(audio)) == 100 + 15 * 80  # minutes 80 to 100
    assert pitch(whole(audio)[-SAMPLE_RATE:]) == 100 + 15 * 99


def test_three_hours_do_not_fill_memory(three_hours: Path) -> None:
    """The peak of a process of its own, which /proc tells; getrusage would tell its parent's."""
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc")
    program = (
        "import sys; from pathlib import Path; from artistindex.audio.decode import decode\n"
        "decode(Path(sys.argv[1]))\n"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    command = [sys.executable, "-c", program, str(three_hours)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    # 1200 s are 77 MB, twice while they are joined; the whole would be 691 MB
    assert int(result.stdout) * 1024 < 350e6


def test_another_limit_is_an_excerpt(three_hours: Path) -> None:
    audio = decode(three_hours, excerpt=Excerpt.parse("1x60"))
    assert pitch(whole(audio)) == 100 + 15 * 89  # from 89:30 to 90:30
    assert pitch(whole(audio)[-SAMPLE_RATE:]) == 100 + 15 * 90


def test_three_hours_that_declare_a_minute(tmp_path: Path) -> None:
    samples = sounds.chirp(1500, low=100, high=3100, rate=8_000)
    path = sounds.flac_that_declares(tmp_path / "a.flac", samples, 60 * 8_000, rate=8_000)
    audio = decode(path)
    assert audio.seconds == 1200.0
    assert audio.duration == pytest.approx(1500, abs=1)
    assert pitch(whole(audio)) == pytest.approx(100 + 3000 * 150 / 1500, abs=5)


def test_a_minute_that_declares_three_hours(tmp_path: Path) -> None:
    samples = sounds.music(60, rate=8_000)
    path = sounds.flac_that_declares(tmp_path / "a.flac", samples, 8_000 * THREE_HOURS, rate=8_000)
    assert failure(path).startswith("cut off")
    assert failure(path, excerpt=Excerpt(3, 5.0)).startswith("cut off")


@pytest.mark.parametrize("ticks", [0, 1, -1, 0x7FFFFFFF])
def test_absurd_durations_do_no_harm(tmp_path: Path, ticks: int) -> None:
    """MP4 tells the truth in its sample table, too."""
    path = sounds.m4a_that_declares(tmp_path / "a.m4a", MUSIC, ticks)
    assert decode(path).duration == pytest.approx(8, abs=0.05)
    assert decode(path, excerpt=Excerpt(2, 1.0)).seconds == 2.0


def test_an_unbelievable_duration_declares_nothing(tmp_path: Path) -> None:
    path = sounds.flac_that_declares(tmp_path / "a.flac", MUSIC, (1 << 36) - 1)
    assert failure(path).startswith("cut off")  # 18 days: a real file could be that long
    low = sounds.flac_that_declares(
        tmp_path / "b.flac", sounds.music(8, rate=8_000), (1 << 36) - 1, rate=8_000
    )
    assert Source(low).declared is None
    assert decode(low).duration == pytest.approx(8)


# --- audio that lies ----------------------------------------------------------------------------


def test_zero_bytes(tmp_path: Path) -> None:
    assert failure(sounds.zero_bytes(tmp_path / "a.mp3")) == "an empty file (0 bytes)"


@pytest.mark.parametrize("suffix", sounds.FORMATS)
def test_text_named_as_audio(tmp_path: Path, suffix: str) -> None:
    assert failure(sounds.text(tmp_path / f"a{suffix}")) == "not audio, or damaged, or cut off"


@pytest.mark.parametrize("suffix", [".m4a", ".webm"])
def test_video_without_audio(tmp_path: Path, suffix: str) -> None:
    reason = failure(sounds.video(tmp_path / f"a{suffix}"))
    assert reason == "it holds no audio, only video"


@pytest.mark.parametrize(
    ("suffix", "reason"),
    [
        (".wav", r"cut off: 4\.0 of 8\.0 s can be decoded"),
        (".flac", r"cut off: [34]\.\d of 8\.0 s can be decoded"),
        (".ogg", "cut off: its last Ogg page is not the end of a stream"),
        (".opus", "cut off: its last Ogg page is not the end of a stream"),
        (".mp3", r"cut off: [34]\.\d of 8\.0 s can be decoded"),
        (".m4a", "not audio, or damaged, or cut off"),  # its table of contents is at the end
        (".webm", r"cut off: [34]\.\d of 8\.0 s can be decoded"),
    ],
)
def test_truncated_halfway(tmp_path: Path, suffix: str, reason: str) -> None:
    path = sounds.truncate(sounds.write(tmp_path / f"a{suffix}", MUSIC))
    assert fullmatch(reason, failure(path))
    cut = failure(path, excerpt=Excerpt(3, 0.5))
    assert "cut off" in cut


def test_truncated_by_less_than_a_tenth_is_taken(tmp_path: Path) -> None:
    path = sounds.truncate(sounds.write(tmp_path / "a.flac", MUSIC), share=0.95)
    assert 7.2 < decode(path).duration < 8


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_where_nothing_is_declared_nothing_is_missed(tmp_path: Path, share: float) -> None:
    """An MP3 file without a Xing header cannot be told from a shorter one."""
    path = sounds.mp3_without_header(tmp_path / "a.mp3", MUSIC)
    sounds.truncate(path, share=share)
    assert decode(path).duration == pytest.approx(8 * share, abs=0.1)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_of_unknown_size_declares_nothing(tmp_path: Path, size: int) -> None:
    path = sounds.wav_of_unknown_size(tmp_path / "a.wav", MUSIC, size=size)
    assert Source(path).declared is None
    assert decode(path).duration == pytest.approx(8, abs=0.001)


def test_a_flac_of_unknown_length_declares_nothing(tmp_path: Path) -> None:
    path = sounds.flac_of_unknown_length(tmp_path / "a.flac", MUSIC)
    assert Source(path).declared is None
    assert decode(path).duration == pytest.approx(8, abs=0.001)


@pytest.mark.parametrize("suffix", sounds.FORMATS)
def test_silence(tmp_path: Path, suffix: str) -> None:
    path = sounds.write(tmp_path / f"a{suffix}", sounds.silence(2))
    assert failure(path) == "silent (its peak is below -60 dBFS)"


def test_silence_ends_at_60_decibels(tmp_path: Path) -> None:
    loud, quiet = (
        sounds.write_float(tmp_path / f"{level}.wav", sounds.tone(440, 1, level=level))
        for level in (0.00101, 0.00099)
    )
    assert decode(loud).duration == pytest.approx(1, abs=0.001)
    assert "silent" in failure(quiet)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".m4a"])
def test_one_sample_is_decoded_and_left_to_the_models(tmp_path: Path, suffix: str) -> None:
    path = sounds.write(tmp_path / f"a{suffix}", np.full(1, 0.5, np.float32))
    assert 0 < decode(path).duration < 0.1


def test_low_rate_and_many_channels_give_the_same_sound(tmp_path: Path) -> None:
    """8 kHz mono and 192 kHz 7.1, lossless and lossy, hold the tone at its own level."""
    wide = np.repeat(sounds.tone(440, 2, rate=192_000)[:, None], 8, axis=1)
    files = [
        sounds.write(tmp_path / "low.wav", sounds.tone(440, 2, rate=8_000), rate=8_000),
        sounds.write(tmp_path / "wide.wav", wide, rate=192_000),
        sounds.write(tmp_path / "wide.flac", wide, rate=192_000),
    ]
    for path in files:
        spectrum = np.abs(np.fft.rfft(whole(decode(path))[:SAMPLE_RATE]))
        assert spectrum.argmax() == 440
        assert spectrum.max() == pytest.approx(0.25 * SAMPLE_RATE, rel=0.03)


@pytest.mark.parametrize("suffix", [".m4a", ".opus"])
def test_planar_surround_does_not_crash(tmp_path: Path, suffix: str) -> None:
    """PyAV reads one plane too many of eight; in a process of its own, should it crash."""
    wide = np.repeat(sounds.tone(440, 2, rate=48_000)[:, None], 8, axis=1)
    path = sounds.write(tmp_path / f"a{suffix}", wide, rate=48_000)
    program = (
        "import sys; from pathlib import Path; from artistindex.audio.decode import decode\n"
        "print(decode(Path(sys.argv[1])).duration)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert float(result.stdout) == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    samples = sounds.music(1)
    samples[20_001, 1] = value  # a place that the resampler passes over would do as well
    path = sounds.write_float(tmp_path / "a.wav", samples)
    assert "not numbers" in failure(path)


def test_a_dc_offset_is_kept_as_the_reference_keeps_it(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.wav", 0.4 * sounds.music(2) + np.float32(0.5))
    samples = whole(decode(path))
    assert samples.mean() == pytest.approx(0.5, abs=0.05)
    assert difference(samples, mono_loader(path)) < 2e-7


def test_corrupt_tags_do_not_hide_the_music(tmp_path: Path) -> None:
    plain = decode(sounds.write(tmp_path / "a.mp3", MUSIC))
    corrupt = decode(sounds.corrupt_tags(tmp_path / "b.mp3", MUSIC))
    assert corrupt.sha256 == plain.sha256


def test_a_damaged_middle_is_passed_over(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.mp3", MUSIC)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 500] = bytes(500)
    path.write_bytes(data)
    assert decode(path).duration > 7.2


@pytest.mark.parametrize("suffix", sounds.FORMATS)
def test_random_damage_is_a_failure_or_audio(tmp_path: Path, suffix: str) -> None:
    original = sounds.write(tmp_path / f"a{suffix}", sounds.music(1)).read_bytes()
    rng = np.random.default_rng(5)
    path = tmp_path / f"b{suffix}"
    for _ in range(30):
        data = bytearray(original)
        for place in rng.integers(0, min(len(data), 4_000), 8):
            data[place] = rng.integers(256)
        path.write_bytes(data)
        try:
            audio = decode(path)
        except TrackError:
            continue
        assert all(np.isfinite(window).all() for window in audio.windows)


# --- what the system does not read --------------------------------------------------------------


class FailingFile:
    """A file of which the system reads `limit` bytes, and then gives an error."""

    def __init__(self, path: Path, limit: int, number: int) -> None:
        self._file = io.FileIO(path)
        self._limit = limit
        self._number = number
        self.seek, self.tell, self.close = self._file.seek, self._file.tell, self._file.close

    def read(self, size: int) -> bytes:
        if self._file.tell() + max(size, 1) > self._limit:
            raise OSError(self._number, os.strerror(self._number))
        return self._file.read(size)


def reading_error(path: Path, *, excerpt: Excerpt = FULL) -> str:
    with pytest.raises(TrackError) as caught:
        decode(path, excerpt=excerpt)
    assert (caught.value.stage, caught.value.retryable) == ("read", True)
    return caught.value.reason


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, 1234])
@pytest.mark.parametrize("limit", [0, 200_000, 1_000_000])
@pytest.mark.parametrize("excerpt", [FULL, Excerpt(3, 2.0)])
def test_a_reading_error_is_no_end(
    music_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    limit: int,
    excerpt: Excerpt,
) -> None:
    monkeypatch.setattr(Path, "open", lambda path, *_, **__: FailingFile(path, limit, number))
    assert reading_error(music_file, excerpt=excerpt) == f"cannot be read: {os.strerror(number)}"


@pytest.fixture(scope="module", params=[".wav", ".mp3", ".flac", ".m4a", ".opus", ".webm"])
def music_file(request: pytest.FixtureRequest, once_for_all: OnceForAll) -> Path:
    """Noise of more than a megabyte, so that the file goes on behind every limit."""
    suffix = request.param

    def write(folder: Path) -> None:
        sounds.write(folder / f"a{suffix}", sounds.noise(70 if suffix != ".wav" else 15))

    return once_for_all(f"noise{suffix}", write) / f"a{suffix}"


# --- channels, rates and headers ----------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".m4a"])
def test_channels_that_cancel_each_other_out_are_one(tmp_path: Path, suffix: str) -> None:
    left = sounds.music(4)[:, 0]
    inverted = sounds.write(tmp_path / f"a{suffix}", np.stack([left, -left], axis=1))
    plain = sounds.write(tmp_path / f"b{suffix}", left)
    shorter = min(whole(decode(inverted)).size, whole(decode(plain)).size)
    assert shorter > 3.9 * SAMPLE_RATE
    limit = 0.001 if suffix == ".wav" else 0.2
    assert difference(whole(decode(inverted))[:shorter], whole(decode(plain))[:shorter]) < limit


@pytest.mark.parametrize("silent", [0, 1])
def test_one_silent_channel_is_fine(tmp_path: Path, silent: int) -> None:
    samples = sounds.music(4)
    samples[:, silent] = 0
    assert decode(sounds.write(tmp_path / "a.flac", samples)).seconds == pytest.approx(4, abs=0.01)


@pytest.mark.parametrize("rates", [(48_000, 44_100), (44_100, 48_000), (22_050, 44_100)])
def test_joined_files_of_different_rates_are_heard_to_the_end(
    tmp_path: Path, rates: tuple[int, int]
) -> None:
    first = sounds.write(tmp_path / "1.mp3", sounds.noise(2, rate=rates[0]), rate=rates[0])
    second = sounds.mp3_without_header(
        tmp_path / "2.mp3", sounds.tone(440, 20, rate=rates[1]), rate=rates[1]
    )
    joined = tmp_path / "a.mp3"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    audio = decode(joined)
    assert audio.seconds == pytest.approx(22, abs=0.3)
    assert pitch(whole(audio)[-10 * SAMPLE_RATE :]) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("codec", ["adpcm_ima_wav", "adpcm_ms", "pcm_mulaw", "pcm_f64le"])
@pytest.mark.parametrize("byte_rate", [None, 1, 10**9])
def test_a_wav_lasts_what_its_blocks_say(tmp_path: Path, codec: str, byte_rate: int | None) -> None:
    path = sounds.write_coded(tmp_path / "a.wav", sounds.tone(440, 6), codec)
    if byte_rate is not None:
        content = bytearray(path.read_bytes())
        struct.pack_into("<I", content, content.index(b"fmt ") + 16, byte_rate)
        path.write_bytes(content)
    assert decode(path).duration == pytest.approx(6, abs=0.1)
    sounds.truncate(path)
    assert failure(path).startswith("cut off: 3.")


def test_a_flac_file_may_have_its_blocks_in_any_order(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.flac", sounds.music(3))
    straight = whole(decode(path))
    content = path.read_bytes()
    layout, place, others = content[4:42], 42, b""
    while True:
        last, size = content[place] & 0x80, int.from_bytes(content[place + 1 : place + 4], "big")
        others += bytes([content[place] & 0x7F]) + content[place + 1 : place + 4 + size]
        place += 4 + size
        if last:
            break
    path.write_bytes(b"fLaC" + others + bytes([0x80]) + layout[1:] + content[place:])
    assert difference(whole(decode(path)), straight) == 0


def test_an_mp3_whose_header_counts_no_frames_is_heard(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.mp3", sounds.tone(440, 6))
    content = bytearray(path.read_bytes())
    place = max(content.find(b"Xing"), content.find(b"Info"))
    content[place + 8 : place + 12] = bytes(4)
    path.write_bytes(content)
    assert decode(path).duration == pytest.approx(6, abs=0.1)


# --- what is no file of ours --------------------------------------------------------------------


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp3")
    (tmp_path / "b.mp3").mkdir()
    (tmp_path / "c.mp3").symlink_to(tmp_path / "c.mp3")
    assert failure(tmp_path / "a.mp3") == "not a regular file"
    assert failure(tmp_path / "b.mp3") == "not a regular file"
    assert failure(Path("/dev/zero")) == "not a regular file"
    assert reading_error(tmp_path / "c.mp3").startswith("cannot be read: ")
    assert reading_error(tmp_path / "gone.mp3") == "cannot be read: No such file or directory"
    assert failure(tmp_path / "nul\0.mp3").startswith("cannot be read: ")


def test_names_that_ffmpeg_would_take_for_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = decode(sounds.write(tmp_path / "a.flac", sounds.music(1))).sha256
    undecodable = os.fsdecode(b"b\xff\xfe.flac")
    for name in (
        "concat:a|b.flac",
        "-i.flac",
        "pipe:0",
        "%d.flac",
        "\n\x1b[31m🎵.flac",
        undecodable,
    ):
        Path(name).write_bytes(Path("a.flac").read_bytes())
        assert decode(Path(name)).sha256 == expected


@pytest.fixture
def lure() -> Iterator[tuple[str, list[str]]]:
    """A server that a playlist points at, and what was asked of it."""
    requests: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            requests.append(self.rfile.readline().decode())

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/a.mp3", requests
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {url}\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
        "<Period><AdaptationSet><Representation id='1'><BaseURL>{url}</BaseURL>"
        "</Representation></AdaptationSet></Period></MPD>",
    ],
)
@pytest.mark.parametrize("suffix", [".mp3", ".m4a"])
def test_a_playlist_named_as_audio_opens_nothing(
    tmp_path: Path, lure: tuple[str, list[str]], playlist: str, suffix: str
) -> None:
    url, requests = lure
    path = tmp_path / f"a{suffix}"
    path.write_text(playlist.format(url=url))
    assert failure(path) == "not audio, or damaged, or cut off"
    assert requests == []


def test_nothing_is_printed(tmp_path: Path) -> None:
    """FFmpeg writes to the process's own stderr."""
    path = sounds.truncate(sounds.write(tmp_path / "a.mp3", sounds.music(2)), share=0.95)
    data = bytearray(path.read_bytes())
    data[9_000:9_400] = bytes(range(200)) * 2
    path.write_bytes(data)
    program = (
        "import sys; from pathlib import Path; from artistindex.audio.decode import decode\n"
        "decode(Path(sys.argv[1]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


# --- the same audio -----------------------------------------------------------------------------


def test_equal_audio_has_an_equal_sum(tmp_path: Path) -> None:
    wav = sounds.write(tmp_path / "a.wav", MUSIC)
    flac = sounds.write(tmp_path / "Copy of a.flac", MUSIC)
    retagged = sounds.tag(sounds.write(tmp_path / "b.flac", MUSIC), artist="Someone else")
    with wave.open(str(tmp_path / "c.wav"), "wb") as other, wave.open(str(wav)) as reference:
        other.setparams(reference.getparams())
        other.writeframes(reference.readframes(reference.getnframes()))
    sums = {decode(path).sha256 for path in (wav, flac, retagged, tmp_path / "c.wav")}
    assert len(sums) == 1


@pytest.mark.parametrize("suffix", sounds.FORMATS)
def test_tags_do_not_change_the_sum(tmp_path: Path, suffix: str) -> None:
    path = sounds.write(tmp_path / f"a{suffix}", MUSIC)
    before = decode(path).sha256
    sounds.tag(path, artist=["A", "B"], title="T" * 10_000, album="X", track=7)
    assert decode(path).sha256 == before


def test_other_audio_has_another_sum(tmp_path: Path) -> None:
    left, other = sounds.music(2), sounds.music(2)
    other[1_000:1_100] += 0.01
    sums = [
        decode(sounds.write(tmp_path / f"{i}.wav", samples)).sha256
        for i, samples in enumerate((left, other))
    ]
    assert sums[0] != sums[1]


def test_audio_and_failures_travel_between_processes(tmp_path: Path) -> None:
    audio = decode(sounds.write(tmp_path / "a.wav", sounds.music(1)))
    assert pickle.loads(pickle.dumps(audio)).sha256 == audio.sha256
    with pytest.raises(TrackError) as caught:
        decode(sounds.zero_bytes(tmp_path / "b.wav"))
    assert pickle.loads(pickle.dumps(caught.value)).reason == caught.value.reason
