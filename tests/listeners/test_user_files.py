"""Files of any program and any kind, read as text or refused in one line."""

import os
import threading
from pathlib import Path

import pytest

from artistindex.errors import Misuse
from artistindex.listeners.favourites import read_favourites
from artistindex.listeners.lineups import read_lineup
from artistindex.listeners.user_files import Upload, read_text

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


def test_a_file_that_was_sent_is_read_like_one_on_disk_and_its_name_is_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here.txt").write_text("Rezz\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert read_favourites(Upload("here.txt", "Sigur Rós\nAC/DC".encode())).names == [
        "Sigur Rós",
        "AC/DC",
    ]
    sent = [Upload("-", b"artist,day\nRezz,Fri\n"), Upload("/etc/passwd", b'["TroyBoi"]')]
    assert [billing.name for billing in read_lineup(sent)] == ["Rezz", "TroyBoi"]
    with pytest.raises(Misuse, match=r"^x\\u202ey\.json: not JSON"):
        read_favourites(Upload("x\u202ey.json", b'{"artists": ['))
