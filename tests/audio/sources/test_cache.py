"""Fetched audio that is kept: whole, unaltered, within a limit, and nowhere else."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sounds
from artistindex.audio.sources.cache import AudioCache
from artistindex.errors import Remedy, ServiceEnded

KEY = "youtube:dQw4w9WgXcQ"


class Clock:
    """Seconds since 1970, as the test has them."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def fill(cache: AudioCache, key: str, content: bytes = b"sound", name: str = "audio.m4a") -> Path:
    with cache.fetching() as private:
        (private / name).write_bytes(content)
        return cache.put(key, private / name)


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".fetching")]


def test_what_was_put_is_got_as_it_was(folder: Path) -> None:
    cache = AudioCache(folder)
    assert cache.get(KEY) is None
    path = fill(cache, KEY, b"as delivered", "audio.webm")
    assert path.suffix == ".webm"
    assert "dQw4w9WgXcQ" in path.name
    assert cache.get(KEY) == path
    assert AudioCache(folder).get(KEY) == path
    assert path.read_bytes() == b"as delivered"
    assert leftovers(folder) == []


def test_ids_that_differ_by_case_are_two(folder: Path) -> None:
    cache = AudioCache(folder)
    lower, other = fill(cache, "youtube:aaa", b"1"), fill(cache, "youtube:AAA", b"2")
    assert lower.name.casefold() != other.name.casefold()


def test_the_same_id_of_two_sources_is_two(folder: Path) -> None:
    cache = AudioCache(folder)
    fill(cache, "youtube:1", b"1")
    fill(cache, "deezer:1", b"2")
    audio = cache.get("youtube:1")
    assert audio is not None
    assert audio.read_bytes() == b"1"


@pytest.mark.parametrize("damage", [b"", b"sound and more", b"s0und"])
def test_what_has_changed_is_not_used(folder: Path, damage: bytes) -> None:
    cache = AudioCache(folder)
    path = fill(cache, KEY)
    path.write_bytes(damage)
    assert cache.get(KEY) is None
    fill(cache, KEY)
    assert cache.get(KEY) == path


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"audio": "../../secret", "bytes": 5}',
        b'{"audio": ["x"], "bytes": 5}',
        b'{"audio": "..", "bytes": 5}',
        b"\xff\xfe",
    ],
)
def test_a_record_of_the_wrong_shape_is_no_record(folder: Path, record: bytes) -> None:
    cache = AudioCache(folder, limit=1)
    fill(cache, KEY)
    (path,) = folder.glob("*.json")
    path.write_bytes(record)
    assert cache.get(KEY) is None
    fill(cache, "youtube:another")  # evicting passes over it as well
    assert fill(cache, KEY).exists()


def test_a_record_cannot_name_another_keys_audio(folder: Path) -> None:
    cache = AudioCache(folder)
    fill(cache, "youtube:other", b"other")
    fill(cache, KEY, b"own")
    mine, other = (next(folder.glob(f"*{id_}*.json")) for id_ in ("dQw4", "other"))
    mine.write_bytes(other.read_bytes())
    assert cache.get(KEY) is None


def test_audio_without_its_record_is_fetched_again(folder: Path) -> None:
    cache = AudioCache(folder)
    fill(cache, KEY)
    for record in folder.glob("*.json"):
        record.unlink()
    assert cache.get(KEY) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(key=st.text(max_size=80))
def test_no_key_leaves_the_folder(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "inside" / "cache"
    cache = AudioCache(folder)
    path = fill(cache, key)
    assert path.resolve().parent == folder.resolve()
    assert cache.get(key) == path
    assert [p.name for p in (tmp_path / "inside").iterdir()] == ["cache"]
    cache.release(path, useless=True)
    assert cache.get(key) is None


@pytest.mark.parametrize(
    "key", ["youtube:../../x", "youtube:/etc/passwd", "../youtube:x", "x" * 10_000, "", "a:b:c"]
)
def test_a_hostile_key_stays_inside(folder: Path, key: str) -> None:
    assert fill(AudioCache(folder), key).parent == folder


@pytest.mark.parametrize("name", ["audio.M4A", "audio", "audio.thisisnosuffix", "audio.m4a?x"])
def test_any_suffix_is_taken(folder: Path, name: str) -> None:
    cache = AudioCache(folder)
    assert fill(cache, KEY, b"x", name) == cache.get(KEY)


def test_the_least_recently_used_goes_first(folder: Path, clock: Clock) -> None:
    cache = AudioCache(folder, limit=25, now=clock)
    for at in range(2):
        fill(cache, f"youtube:{at}", b"x" * 10)
        clock.now += 1000
    assert cache.get("youtube:0")
    clock.now += 1000
    fill(cache, "youtube:2", b"x" * 10)
    assert [at for at in range(3) if cache.get(f"youtube:{at}")] == [0, 2]
    assert len(list(folder.glob("*.json"))) == 2


def test_what_is_in_use_is_not_evicted(folder: Path, clock: Clock) -> None:
    cache = AudioCache(folder, limit=15, now=clock)
    for at in range(3):
        fill(cache, f"youtube:{at}", b"x" * 10)
        clock.now += 60
    assert all(cache.get(f"youtube:{at}") for at in range(3))


def test_a_file_larger_than_the_limit_is_still_of_use(folder: Path) -> None:
    cache = AudioCache(folder, limit=1)
    assert fill(cache, KEY, b"x" * 100).exists()


def test_partial_downloads_of_dead_processes_are_removed(folder: Path, clock: Clock) -> None:
    cache = AudioCache(folder, now=clock)
    fill(cache, KEY)
    for name, age in (("old", 3 * 3600), ("new", 60)):
        partial = folder / f".fetching-{name}"
        partial.mkdir()
        (partial / "audio.m4a.part").write_bytes(b"x")
        os.utime(partial, (clock.now - age, clock.now - age))
    fill(cache, "youtube:next")
    assert leftovers(folder) == [".fetching-new"]


def test_a_failed_download_leaves_nothing(folder: Path) -> None:
    cache = AudioCache(folder)
    with suppress(ValueError), cache.fetching() as private:
        (private / "audio.m4a.part").write_bytes(b"half")
        raise ValueError
    assert list(folder.iterdir()) == []


def test_nothing_is_kept_where_nothing_is_to_be_kept(folder: Path) -> None:
    cache = AudioCache(folder, keep=False)
    path = fill(cache, KEY)
    assert path.read_bytes() == b"sound"
    assert cache.get(KEY) is None
    cache.release(path)
    assert not path.exists()
    assert list(folder.iterdir()) == []
    fill(cache, KEY)
    cache.close()
    assert list(folder.iterdir()) == []


def test_what_was_cached_before_survives_a_run_without_cache(folder: Path) -> None:
    path = fill(AudioCache(folder), KEY)
    cache = AudioCache(folder, keep=False)
    assert cache.get(KEY) == path
    cache.release(path)
    cache.close()
    assert path.exists()


def test_useless_audio_is_forgotten(folder: Path) -> None:
    cache = AudioCache(folder)
    path = fill(cache, KEY)
    other = fill(cache, "youtube:other")
    cache.release(path)
    assert cache.get(KEY) == path
    cache.release(path, useless=True)
    assert cache.get(KEY) is None
    assert not path.exists()
    assert other.exists()


def test_a_strangers_file_is_never_deleted(folder: Path, tmp_path: Path) -> None:
    cache = AudioCache(folder)
    fill(cache, KEY)
    own = folder / "my own song.mp3"
    own.write_bytes(b"mine")
    elsewhere = tmp_path / "song.mp3"
    elsewhere.write_bytes(b"mine")
    for path in (own, elsewhere):
        cache.release(path, useless=True)
        assert path.exists()


def test_the_experiments_folder_is_read(folder: Path) -> None:
    wav = sounds.write(folder / "dQw4w9WgXcQ.wav", sounds.music(1))
    assert AudioCache(folder).get(KEY) == wav
    assert AudioCache(folder).get("youtube:missing") is None
    assert AudioCache(folder).get("deezer:dQw4w9WgXcQ") is None


def test_a_wav_cut_off_is_fetched_again(folder: Path) -> None:
    wav = sounds.write(folder / "dQw4w9WgXcQ.wav", sounds.music(1))
    sounds.truncate(wav)
    assert AudioCache(folder).get(KEY) is None
    path = fill(AudioCache(folder), KEY)
    assert AudioCache(folder).get(KEY) == path
    assert wav.exists()


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"<html>", b"RIFF\x10\0\0\0AVI LIST" + b"x" * 99]
)
def test_what_is_called_wav_and_is_none_is_not_used(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "dQw4w9WgXcQ.wav").write_bytes(content)
    assert AudioCache(folder).get(KEY) is None


def test_the_experiments_files_are_never_evicted(folder: Path, clock: Clock) -> None:
    wav = sounds.write(folder / "dQw4w9WgXcQ.wav", sounds.music(1))
    os.utime(wav, (0, 0))
    fill(AudioCache(folder, limit=1, now=clock), "youtube:other")
    assert wav.exists()


def test_a_folder_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    blocked = tmp_path / "cache"
    blocked.write_text("a file")
    with (
        pytest.raises(ServiceEnded, match="cannot write audio") as raised,
        AudioCache(blocked).fetching(),
    ):
        pytest.fail("there is no folder to fetch into")
    assert raised.value.remedy is Remedy.CHOOSE_AUDIO_FOLDER


def test_a_full_disk_says_so() -> None:
    error = AudioCache(Path("somewhere")).unwritable(OSError(28, "No space left on device"))
    assert "no space is left for audio in somewhere" in str(error)


SHARING = """
import sys
from pathlib import Path
from artistindex.audio.sources.cache import AudioCache

cache = AudioCache(Path(sys.argv[1]), limit=2000)
for at in range(60):
    key = f"youtube:{at * int(sys.argv[2]) % 20}"
    path = cache.get(key)
    if path is None:
        with cache.fetching() as private:
            (private / "audio.m4a").write_bytes(key.encode() * 10)
            path = cache.put(key, private / "audio.m4a")
    assert path.read_bytes() == key.encode() * 10, key
"""


@pytest.mark.process
def test_two_processes_share_a_folder(folder: Path) -> None:
    commands = [[sys.executable, "-c", SHARING, str(folder), step] for step in ("1", "3")]
    processes = [subprocess.Popen(c, stderr=subprocess.PIPE, text=True) for c in commands]
    assert [process.communicate(timeout=60)[1] for process in processes] == ["", ""]
    for record in folder.glob("*.json"):
        assert AudioCache(folder).get(json.loads(record.read_bytes())["key"])
    assert leftovers(folder) == []
