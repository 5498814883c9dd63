"""Files of any program and any kind, read as text or refused in one line."""

import os
import threading
from pathlib import Path

import pytest

from artistindex.errors import Misuse
from artistindex.listeners.user_files import read_text

TEXT = "Björk\nBeyoncé’s\nSigur Rós"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT.encode(encoding))
    assert read_text(path) == TEXT


def test_utf_16_of_either_order(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xfe\xff" + TEXT.encode("utf-16-be"))
    assert read_text(path) == TEXT


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\x00", b"\xff\xd8\xff\xe0\x10JFIF", b"\x81"]
)
def test_what_is_no_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(Misuse, match=r"not (a )?text"):
        read_text(path)


def test_a_pipe_that_nobody_writes_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(Misuse, match="a pipe that nobody writes into"):
        read_text(pipe)


def test_a_pipe_with_a_writer_who_takes_his_time() -> None:
    reader, writer = os.pipe()

    def write() -> None:
        with os.fdopen(writer, "w", encoding="utf-8") as file:
            file.write(TEXT)

    timer = threading.Timer(0.1, write)
    timer.start()
    assert read_text(Path(f"/dev/fd/{reader}")) == TEXT
    timer.join()
    os.close(reader)
