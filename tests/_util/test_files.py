import os
import stat
from pathlib import Path

import pytest

from artistindex._util import files

PRECIOUS = b"precious"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file of the user's, outside the folder that was given."""
    path = tmp_path / "outside" / "precious"
    path.parent.mkdir()
    path.write_bytes(PRECIOUS)
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = tmp_path / "given"
    path.mkdir()
    return path


@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_is_replaced_and_its_target_stays(
    workspace: Path, target: Path, dangling: bool
) -> None:
    path = workspace / "file"
    path.symlink_to(target.with_name("nowhere") if dangling else target)
    files.atomic_write(path, b"new")
    assert not path.is_symlink()
    assert path.read_bytes() == b"new"
    assert target.read_bytes() == PRECIOUS
    assert [entry.name for entry in target.parent.iterdir()] == ["precious"]


def test_a_name_to_write_to_becomes_the_file(workspace: Path) -> None:
    path = workspace / "file"
    with files.atomic_path(path) as part:
        part.write_bytes(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~files._umask()
    assert list(workspace.iterdir()) == [path]


def test_what_fails_halfway_leaves_the_old_file_alone(workspace: Path) -> None:
    path = workspace / "file"
    path.write_bytes(b"old")

    def write_half() -> None:
        with files.atomic_writer(path) as file:
            file.write(b"ne")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(workspace.iterdir()) == [path]


@pytest.mark.parametrize("mode", ["wb", "ab", "rb"])
def test_no_file_is_opened_through_a_link(workspace: Path, target: Path, mode: str) -> None:
    path = workspace / "file"
    path.symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        open(path, mode, opener=files.no_follow)  # noqa: SIM115 - it does not open
    assert target.read_bytes() == PRECIOUS


def test_a_file_that_is_none_is_made(workspace: Path) -> None:
    with open(workspace / "file", "ab", opener=files.no_follow) as file:
        file.write(b"new")
    assert (workspace / "file").read_bytes() == b"new"


def test_no_lock_is_taken_through_a_link(workspace: Path, target: Path) -> None:
    path = workspace / ".lock"
    path.symlink_to(target)
    with pytest.raises(OSError, match=r"\.lock is a link"):
        files.file_lock(path)
    path.unlink()
    lock = files.file_lock(path)
    path.symlink_to(target)  # between the look and the lock
    with pytest.raises(OSError, match="symbolic links"):
        lock.acquire(timeout=0)
    assert target.read_bytes() == PRECIOUS


def test_a_folder_that_is_a_link_is_refused(workspace: Path, target: Path) -> None:
    (workspace / "folder").symlink_to(target.parent)
    with pytest.raises(OSError, match="folder is a link"):
        files.make_folder(workspace / "folder")
    with pytest.raises(OSError, match="folder is a link"):
        files.make_folder(workspace / "folder" / "below", within=workspace)
    assert os.listdir(target.parent) == ["precious"]


def test_the_folder_that_a_person_named_may_be_a_link(tmp_path: Path, workspace: Path) -> None:
    (tmp_path / "named").symlink_to(workspace)
    files.make_folder(tmp_path / "named" / "a" / "b", within=tmp_path / "named")
    assert (workspace / "a" / "b").is_dir()
