"""Files elsewhere: URLs as paths, what is listed of them, and copies that go away."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from artistindex._util.remote_files import list_files, local_copy, url_of
from artistindex.errors import Misuse


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("s3://bucket/music/a song.flac", "s3://bucket/music/a song.flac"),
        ("http://127.0.0.1:80/music", "http://127.0.0.1:80/music"),
        ("file:///srv/music", "file:///srv/music"),
        ("/srv/music", None),
        ("music", None),
        ("c:/music", None),
        ("a:b/c", None),
        ("AC:/DC", None),
    ],
)
def test_a_url_survives_being_a_path(given: str, url: str | None) -> None:
    assert url_of(Path(given)) == url


def test_a_folder_is_listed_with_sizes_and_times(tmp_path: Path) -> None:
    for name, content in (("b/2.wav", b"22"), ("a 1.wav", b"1")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    folder = Path(f"file://{tmp_path}")
    files = list_files(folder)
    assert [(file.path, file.size) for file in files] == [
        (folder / "a 1.wav", 1),
        (folder / "b" / "2.wav", 2),
    ]
    modified = os.stat(tmp_path / "a 1.wav").st_mtime_ns
    assert files[0].mtime_ns == pytest.approx(modified, abs=1_000)


def test_a_copy_is_here_as_long_as_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "song.flac").write_bytes(b"sound")
    with local_copy(tmp_path / "song.flac") as path:
        assert path == tmp_path / "song.flac"  # is here already
    with local_copy(Path(f"file://{tmp_path}/song.flac")) as copy:
        assert (copy.suffix, copy.read_bytes()) == (".flac", b"sound")
        assert copy.parent != tmp_path
    assert not copy.exists()
    with pytest.raises(FileNotFoundError), local_copy(Path(f"file://{tmp_path}/none.flac")):
        pass


def test_what_a_web_server_refuses_is_an_error_of_reading(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/there.wav").respond_with_data(b"sound")
    httpserver.expect_request("/locked.wav").respond_with_data(b"", status=403)
    with local_copy(Path(httpserver.url_for("/there.wav"))) as copy:
        assert copy.read_bytes() == b"sound"
    with (
        pytest.raises(OSError, match="locked"),
        local_copy(Path(httpserver.url_for("/locked.wav"))),
    ):
        pass


@pytest.mark.parametrize("url", ["nonsense://a/b", "s3://bucket/music"])
def test_a_scheme_that_nobody_can_read_is_misuse(url: str) -> None:
    if url.startswith("s3") and find_spec("s3fs"):
        pytest.skip("s3fs is installed")
    with pytest.raises(Misuse, match=url.partition(":")[0]):
        list_files(Path(url))
