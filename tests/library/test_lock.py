import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from artistindex.errors import BrokenLibrary, Busy
from artistindex.library.lock import writer_lock

pytestmark = pytest.mark.process

HOLD = """
import sys
from pathlib import Path
from artistindex.library.lock import writer_lock

with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of the folder until it reads a line."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_writer_is_told_who_writes(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(Busy, match=rf"process {holder.pid} on .* since"), writer_lock(tmp_path):
        pass


def test_a_second_writer_waits_if_it_is_asked_to(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    lines = []

    class LetsGo(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())
            holder.communicate("let go\n", timeout=30)

    handler = LetsGo()
    logging.getLogger("artistindex").addHandler(handler)
    try:
        with writer_lock(tmp_path, wait=True):
            assert str(holder.pid) in lines[0]
    finally:
        logging.getLogger("artistindex").removeHandler(handler)


def test_the_lock_goes_with_a_killed_process(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait(30)
    with writer_lock(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BrokenLibrary, match="cannot write to"), writer_lock(tmp_path / "file"):
        pass
