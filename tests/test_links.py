"""Whatever is written inside a folder that was given never goes through a link in its way.

A cloned or unpacked folder may hold links to files of the user's. Each test puts links in the place
of everything that a writer writes, and looks whether what they lead to has changed.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from artistindex._util.http_cache import HttpCache
from artistindex.audio.sources.cache import AudioCache
from artistindex.demo import collection
from artistindex.embedding.download import download
from artistindex.errors import ArtistIndexError, BrokenIndex, BrokenLibrary
from artistindex.index.manifest import Manifest
from artistindex.index.reader import ArtistIndex
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.lock import writer_lock
from artistindex.listeners.truth_files import ListFile
from artistindex.packs.export import export_pack
from artistindex.packs.import_ import import_pack

SOURCE = Path(__file__).parents[1] / "src" / "artistindex"


class Outside:
    """A folder of the user's, with files that links are to lead to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._contents: dict[Path, bytes] = {}
        folder.mkdir()

    def link(self, path: Path, content: bytes = b"precious") -> None:
        """Put a link to a precious file at `path`, in place of what is there."""
        target = self.folder / f"precious-{len(self._contents)}"
        target.write_bytes(content)
        self._contents[target] = content
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    def check(self) -> None:
        present = {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        assert present == self._contents


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    folder = Outside(tmp_path / "outside")
    yield folder
    folder.check()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    return folder


# -- the library ---------------------------------------------------------------------------------


def test_who_writes_is_told_in_a_file_of_its_own(workspace: Path, outside: Outside) -> None:
    outside.link(workspace / ".writer")
    with writer_lock(workspace):
        assert not (workspace / ".writer").is_symlink()
        assert "process" in (workspace / ".writer").read_text()


def test_a_lock_that_is_a_link_is_refused(workspace: Path, outside: Outside) -> None:
    outside.link(workspace / ".lock")
    with pytest.raises(BrokenLibrary, match=r"\.lock is a link"), writer_lock(workspace):
        pass


def test_no_library_is_written_through_a_link(workspace: Path, outside: Outside) -> None:
    with Library.open(workspace / "there.sqlite3"):
        pass
    outside.link(workspace / FILE_NAME, (workspace / "there.sqlite3").read_bytes())
    with pytest.raises(BrokenLibrary, match=r"library\.sqlite3 is a link"):
        Library.open(workspace / FILE_NAME)
    with Library.open(workspace / FILE_NAME, read_only=True) as library:
        assert library.counts()["artists"] == 0


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
def test_what_sqlite_writes_beside_the_library_is_no_link(
    workspace: Path, outside: Outside, suffix: str
) -> None:
    with Library.open(workspace / FILE_NAME):
        pass
    outside.link(workspace / f"{FILE_NAME}{suffix}")
    try:
        with Library.open(workspace / FILE_NAME) as library:
            library.add_request("Rezz")
    except BrokenLibrary:
        pass  # refused is as good


def test_a_library_that_is_to_be_made_is_not_made_elsewhere(
    workspace: Path, outside: Outside
) -> None:
    (workspace / FILE_NAME).symlink_to(outside.folder / "new.sqlite3")
    with pytest.raises(BrokenLibrary, match="is a link"):
        Library.open(workspace / FILE_NAME)


# -- indexes and packs ---------------------------------------------------------------------------


def test_the_files_of_an_index_replace_links(planted, outside: Outside) -> None:
    folder = planted(count=5)
    manifest = Manifest.read(folder)
    for name in ("manifest.json", manifest.index_file.name, manifest.artists_file.name):
        outside.link(folder / name, (folder / name).read_bytes())
    (folder / "manifest.json").unlink()
    planted(count=5)
    assert not any(path.is_symlink() for path in folder.iterdir())
    with ArtistIndex.open(folder) as index:
        assert len(index.artists) == 5


def test_the_folder_of_an_index_is_no_link(planted, workspace: Path, outside: Outside) -> None:
    (workspace / "vggish").symlink_to(outside.folder)
    with pytest.raises(BrokenIndex, match="vggish is a link"):
        planted(folder=workspace)


def test_a_pack_replaces_a_link(planted, tmp_path: Path, outside: Outside) -> None:
    folder = planted(count=3, dimension=128)
    outside.link(tmp_path / "pack.zip")
    export_pack(tmp_path / "pack.zip", folder.parent, overwrite=True)
    assert not (tmp_path / "pack.zip").is_symlink()


def test_an_import_refuses_an_index_that_is_a_link_before_anything(
    planted, tmp_path: Path, workspace: Path, outside: Outside
) -> None:
    export_pack(tmp_path / "pack.zip", planted(count=3, dimension=128).parent)
    (workspace / "vggish").symlink_to(outside.folder)
    with pytest.raises(BrokenIndex, match="vggish is a link"):
        import_pack(tmp_path / "pack.zip", workspace)
    assert not (workspace / FILE_NAME).exists()


# -- caches and downloads ----------------------------------------------------------------------


def test_the_audio_cache_replaces_links(workspace: Path, outside: Outside) -> None:
    def put(cache: AudioCache) -> Path:
        with cache.fetching() as private:
            (private / "audio.m4a").write_bytes(b"sound")
            return cache.put("youtube:abc", private / "audio.m4a")

    audio = put(AudioCache(workspace))
    record = audio.with_suffix(".json")
    outside.link(audio)
    outside.link(record)
    times = [os.stat(path).st_mtime_ns for path in (audio, record)]
    AudioCache(workspace).get("youtube:abc")
    assert times == [os.stat(path).st_mtime_ns for path in (audio, record)]
    assert put(AudioCache(workspace)) == audio
    assert not audio.is_symlink()
    assert not record.is_symlink()


def test_the_audio_cache_takes_no_lock_through_a_link(workspace: Path, outside: Outside) -> None:
    outside.link(workspace / ".lock")
    cache = AudioCache(workspace)
    with cache.fetching() as private:
        (private / "audio.m4a").write_bytes(b"sound")
        with pytest.raises(ArtistIndexError, match=r"\.lock is a link"):
            cache.put("youtube:abc", private / "audio.m4a")


def test_answers_are_not_kept_through_a_link(workspace: Path, outside: Outside) -> None:
    outside.link(workspace / "deezer.sqlite3", b"")
    cache = HttpCache(workspace / "deezer.sqlite3", seconds=60, now=0)
    cache.put("https://x", 200, "{}", now=0)
    assert cache.get("https://x", now=0) is None
    cache.close()


@pytest.mark.parametrize("name", ["weights.pb.part", "weights.pb.part.validator"])
def test_a_download_replaces_links(
    httpserver: HTTPServer, workspace: Path, outside: Outside, name: str
) -> None:
    httpserver.expect_request("/weights").respond_with_data(b"new", headers={"ETag": '"v1"'})
    outside.link(workspace / name)
    part = workspace / "weights.pb.part"
    download(
        httpserver.url_for("/weights"),
        part,
        progress=lambda received, total: None,
        max_bytes=100,
        pause=0,
    )
    assert part.read_bytes() == b"new"
    assert not part.is_symlink()


# -- what else is written ----------------------------------------------------------------------


def test_a_file_of_lists_replaces_a_link(workspace: Path, outside: Outside) -> None:
    outside.link(workspace / "lists.json", b"{}")
    lists = ListFile(workspace / "lists.json")
    lists.put_unknown("Rezz", "no page")
    lists.save()
    assert not (workspace / "lists.json").is_symlink()


@pytest.mark.parametrize("at", [0, 1])
def test_the_demo_plays_into_no_folder_that_is_a_link(
    workspace: Path, outside: Outside, at: int
) -> None:
    recording = collection.missing(workspace / "music")[0]
    place = [workspace / "music", (workspace / "music" / recording.path).parent][at]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside.folder)
    with pytest.raises(ArtistIndexError, match="is a link"):
        collection.record(recording, workspace / "music")


def test_the_demo_replaces_a_link_in_the_place_of_a_recording(
    workspace: Path, outside: Outside
) -> None:
    recording = collection.missing(workspace / "music")[0]
    path = workspace / "music" / recording.path
    path.parent.mkdir(parents=True)
    outside.link(path)
    outside.link(path.with_name(f".{path.name}.part"))
    collection.record(recording, workspace / "music")
    assert path.read_bytes().startswith(b"fLaC")
    assert not path.is_symlink()


# -- and nothing is forgotten ------------------------------------------------------------------

_WRITES = re.compile(
    r"""\.write_(?:text|bytes)\(|\bFileLock\(|sqlite3\.connect\(|open\([^)]*["'][wax]b?\+?["']"""
)
_KNOWN = {
    "_util/files.py": 2,  # a new file of its own; the lock, after the look
    "_util/http_cache.py": 1,  # after refuse_link
    "library/database.py": 3,  # after refuse_link; a copy without a name; in memory
    "library/lock.py": 1,  # "x" follows no link
    "index/sealed_sqlite.py": 2,  # opened to be read only; in memory
    "index/sidecar_writer.py": 1,  # in a new file of its own
    "_util/remote_files.py": 1,  # in a new folder of its own
    "embedding/download.py": 1,  # opener=no_follow
    "ingest/cluster_node.py": 1,  # opener=no_follow
    "embedding/openvino.py": 1,  # in a new folder of its own
    "embedding/weights.py": 1,  # into a new file of its own
    "packs/format.py": 1,  # a member of the zip file
    "packs/vector_export.py": 1,  # in a new file of its own
    "packs/reader.py": 1,  # a file without a name
    "cli/__init__.py": 1,  # os.devnull
}


def test_every_writer_is_known_here() -> None:
    """A new way to write a file needs a look at links: use _util/files.py, or say why not."""
    writers = {}
    for path in SOURCE.rglob("*.py"):
        if count := len(_WRITES.findall(path.read_text())):
            writers[path.relative_to(SOURCE).as_posix()] = count
    assert writers == _KNOWN
