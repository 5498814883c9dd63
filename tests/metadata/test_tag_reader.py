"""The process that reads tags: what one file does to it costs that file alone."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import sounds
from artistindex.errors import TrackError
from artistindex.metadata.tag_reader import TagReader, TagReaderHere
from artistindex.metadata.tags import Tags
from odd_tag_worker import odd_work

pytestmark = pytest.mark.process


def outcomes(names: list[str], *, timeout: float = 60) -> list[str]:
    """The artist of each file, or why it has none."""
    with TagReader(timeout=timeout, work=odd_work) as reader:
        results = list(reader.read([Path(name) for name in names]))
    return [item.reason if isinstance(item, TrackError) else item.artists[0] for item in results]


def test_a_file_that_ends_the_process_costs_itself_alone() -> None:
    assert outcomes(["a", "kill", "b", "exit", "exit 2", "c"]) == [
        "a",
        "reading its tags ended badly: its worker process was killed by signal 9 (SIGKILL; out of"
        " memory?)",
        "b",
        *["reading its tags ended badly: its worker process ended with exit code 3"] * 2,
        "c",
    ]


def test_a_file_that_never_ends_costs_itself_alone() -> None:
    assert outcomes(["a", "hang", "b"], timeout=1) == [
        "a",
        "its tags took longer than 1 s to read",
        "b",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="no such limit is kept there")
def test_memory_is_limited() -> None:
    assert outcomes(["a", "memory", "b"]) == ["a", "no memory", "b"]


def test_more_files_than_a_batch_come_out_in_their_order() -> None:
    names = [f"{number:04}" for number in range(1_000)]
    names[700] = "kill"
    results = outcomes(names)
    assert [name for name in results if name.isdigit()] == names[:700] + names[701:]
    assert results[700].startswith("reading its tags ended badly")


def test_no_process_is_left() -> None:
    before = set(psutil.Process().children(recursive=True))
    outcomes(["a", "hang"], timeout=0.5)
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [item for item in left if "spawn_main" in " ".join(item.cmdline())]


def test_no_process_is_started_for_no_file() -> None:
    with TagReader() as reader:
        assert list(reader.read([])) == []
        assert reader._worker is None


def test_the_process_reads_what_this_one_reads(tmp_path: Path) -> None:
    song = sounds.tag(sounds.write(tmp_path / "a.mp3", sounds.tone(440, 0.2)), artist="Rezz")
    paths = [song, tmp_path / "gone.mp3"]
    with TagReader() as reader:
        there = list(reader.read(paths))
    here = list(TagReaderHere().read(paths))
    assert there[0] == here[0] == Tags(artists=("Rezz",))
    for outcome in (there[1], here[1]):
        assert isinstance(outcome, TrackError)
        assert (outcome.reason, outcome.retryable) == (
            "cannot be read: No such file or directory",
            True,
        )


def test_the_process_loads_nothing_heavy() -> None:
    program = (
        "import sys, artistindex.metadata.tag_worker;"
        "print({'numpy', 'av', 'mutagen', 'requests'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout == "set()\n"
