"""Weights are found, added and fetched, and never trusted blindly."""

import json
import multiprocessing
import os
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

import builds
import standins
from artistindex._util.dirs import models_folder
from artistindex._util.files import sha256_file
from artistindex._util.progress import NullReporter
from artistindex.embedding import weights
from artistindex.embedding.registry import BASE_URL, spec_of
from artistindex.embedding.spec import ModelSpec
from artistindex.errors import Misuse, Remedy, WeightsError

EFFNET = spec_of("discogs-effnet")
MUSICNN = spec_of("musicnn")
UNPUBLISHED = replace(EFFNET, bytes=None)  # like VGGish: neither size nor hash, but small enough


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return standins.write_effnet(tmp_path / "mine.pb")


def published(file: Path) -> ModelSpec:
    """EffNet as if `file` were what its publisher states."""
    return replace(EFFNET, bytes=file.stat().st_size, sha256=sha256_file(file))


def names() -> set[str]:
    return {path.name for path in models_folder().iterdir()}


class TestFind:
    def test_missing_names_the_file_its_address_and_three_ways_on(self) -> None:
        with pytest.raises(WeightsError) as raised:
            weights.find_installed(spec_of("vggish"))
        for part in (
            "audioset-vggish-3.pb",
            "https://essentia.upf.edu/models/feature-extractors/vggish/",
            str(models_folder()),
        ):
            assert part in str(raised.value)
        assert "\n" not in str(raised.value)
        assert raised.value.remedy is Remedy.GET_WEIGHTS
        assert raised.value.details == {"model": "vggish"}
        assert not models_folder().exists()

    def test_a_file_put_there_by_hand_is_held_to_what_is_published(self, file: Path) -> None:
        spec = published(file)
        models_folder().mkdir(parents=True)
        shutil.copy(file, weights.path_of(spec))
        assert weights.find_installed(spec).sha256 == spec.sha256
        shutil.copy(standins.write_effnet(file, seed=1), weights.path_of(spec))
        with pytest.raises(WeightsError, match="changed since it was installed"):
            weights.find_installed(spec)

    def test_a_wrong_file_put_there_by_hand_is_refused(self, file: Path) -> None:
        models_folder().mkdir(parents=True)
        shutil.copy(file, weights.path_of(EFFNET))
        with pytest.raises(WeightsError, match=r"is 4[0-9,]+ bytes.* has 18,993,367") as raised:
            weights.find_installed(EFFNET)
        assert raised.value.remedy is Remedy.ADD_UNVERIFIED

    def test_a_folder_that_is_read_only_still_serves(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        models_folder().mkdir(parents=True)
        shutil.copy(file, weights.path_of(EFFNET))

        def refuse(*_: object, **__: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("filelock.FileLock.acquire", refuse)
        assert weights.find_installed(UNPUBLISHED).path.is_file()

    def test_an_altered_file_is_refused_and_named(self, file: Path) -> None:
        installed = weights.install(EFFNET, file, unverified=True)
        content = bytearray(installed.path.read_bytes())
        content[-5] ^= 1
        installed.path.write_bytes(content)
        with pytest.raises(WeightsError, match="changed since it was installed"):
            weights.find_installed(EFFNET)


class TestAdd:
    def test_one_s_own_file_is_copied(self, file: Path) -> None:
        added = weights.install(EFFNET, file, unverified=True)
        file.unlink()
        assert added == weights.find_installed(EFFNET)
        assert added.path == models_folder() / EFFNET.file
        assert added.bytes == added.path.stat().st_size
        assert names() == {EFFNET.file, "weights.json", ".lock"}

    def test_a_published_hash_must_match(self, file: Path, tmp_path: Path) -> None:
        spec = published(file)
        assert weights.install(spec, file).sha256 == spec.sha256
        other = standins.write_effnet(tmp_path / "other.pb", seed=1)
        same_size = replace(spec, bytes=other.stat().st_size)
        with pytest.raises(WeightsError, match=r"other\.pb has sha256 ") as raised:
            weights.install(same_size, other)
        assert raised.value.remedy is Remedy.ADD_UNVERIFIED
        assert weights.find_installed(spec).sha256 == spec.sha256

    def test_the_first_hash_seen_is_trusted_and_another_refused(
        self, file: Path, tmp_path: Path
    ) -> None:
        first = weights.install(UNPUBLISHED, file)
        other = standins.write_effnet(tmp_path / "other.pb", seed=1)
        with pytest.raises(WeightsError, match="was trusted for discogs-effnet before"):
            weights.install(UNPUBLISHED, other)
        assert weights.find_installed(UNPUBLISHED) == first
        own = weights.install(UNPUBLISHED, other, unverified=True)
        assert weights.find_installed(UNPUBLISHED) == own
        third = standins.write_effnet(tmp_path / "third.pb", seed=2)
        with pytest.raises(WeightsError, match="was trusted"):  # a file of one's own earns no trust
            weights.install(UNPUBLISHED, third)
        assert weights.install(UNPUBLISHED, file) == first

    def test_vggish_must_be_of_its_size(self, tmp_path: Path) -> None:
        small = standins.write_vggish(tmp_path / "v.pb")
        with pytest.raises(WeightsError, match="about 288,600,000"):
            weights.install(spec_of("vggish"), small)
        assert (
            weights.install(spec_of("vggish"), small, unverified=True).bytes == small.stat().st_size
        )

    @pytest.mark.parametrize("unverified", [False, True])
    def test_a_harmful_graph_is_refused_whoever_vouches(
        self, unverified: bool, tmp_path: Path
    ) -> None:
        bad = standins.write_with_forbidden_op(tmp_path / "bad.pb")
        with pytest.raises(WeightsError, match=r"bad\.pb is refused: it holds ReadFile"):
            weights.install(EFFNET, bad, unverified=unverified)
        assert names() == {".lock"}

    def test_what_is_no_weights_file_leaves_the_old_one(self, file: Path, tmp_path: Path) -> None:
        before = weights.install(EFFNET, file, unverified=True)
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        empty = tmp_path / "empty.pb"
        empty.touch()
        page = tmp_path / "page.pb"
        page.write_text("<html>Not found</html>")
        loop = tmp_path / "loop"
        loop.symlink_to(loop)
        bad = [
            *(fifo, empty, page, loop, tmp_path, tmp_path / "missing", Path("/dev/zero")),
            standins.write_no_graph(tmp_path / "noise.pb"),
            standins.write_without_output(tmp_path / "other.pb"),
        ]
        for path in bad:
            with pytest.raises(WeightsError) as raised:
                weights.install(EFFNET, path, unverified=True)
            assert str(path) in str(raised.value)
            assert weights.find_installed(EFFNET) == before

    def test_a_link_and_the_installed_file_itself_are_fine(
        self, file: Path, tmp_path: Path
    ) -> None:
        link = tmp_path / "link.pb"
        link.symlink_to(file)
        added = weights.install(EFFNET, link, unverified=True)
        assert not added.path.is_symlink()
        assert weights.install(EFFNET, added.path, unverified=True) == added

    def test_what_a_killed_process_left_is_swept(self, file: Path) -> None:
        models_folder().mkdir(parents=True)
        (models_folder() / f".{EFFNET.file}.abc123").write_bytes(b"half")
        weights.install(EFFNET, file, unverified=True)
        assert names() == {EFFNET.file, "weights.json", ".lock"}

    def test_disk_full_is_one_line_and_keeps_the_old_file(self, file: Path, tmp_path: Path) -> None:
        before = weights.install(EFFNET, file, unverified=True)
        other = standins.write_effnet(tmp_path / "other.pb", seed=1)
        with _files_up_to(100_000), pytest.raises(WeightsError, match=r"File too large.*make room"):
            weights.install(EFFNET, other, unverified=True)
        assert weights.find_installed(EFFNET) == before
        assert names() == {EFFNET.file, "weights.json", ".lock"}

    def test_weights_of_the_package_cannot_be_replaced(self, file: Path) -> None:
        with pytest.raises(Misuse, match="part of the package"):
            weights.install(MUSICNN, file, unverified=True)

    @pytest.mark.parametrize(
        "content", ["", "{", "[]", '{"models": 3}', '{"models": {"discogs-effnet": [1]}}',
                    '{"models": {"discogs-effnet": {"colour": "red"}}}', "[" * 100_000]
    )  # fmt: skip
    def test_an_unreadable_record_says_what_to_do(self, content: str, file: Path) -> None:
        weights.install(EFFNET, file, unverified=True)
        (models_folder() / "weights.json").write_text(content)
        with pytest.raises(WeightsError, match=r"weights\.json cannot be read; delete it"):
            weights.find_installed(EFFNET)

    def test_processes_that_add_at_once_leave_one_whole_file(self, tmp_path: Path) -> None:
        files = [standins.write_effnet(tmp_path / f"{n}.pb", seed=n) for n in range(3)]
        context = multiprocessing.get_context("spawn")
        processes = [
            context.Process(target=builds.install_untried, args=(EFFNET, path)) for path in files
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
        assert [process.exitcode for process in processes] == [0, 0, 0]
        assert weights.find_installed(EFFNET).path.read_bytes() in [
            path.read_bytes() for path in files
        ]


class Recorder(NullReporter):
    """Keeps what it hears of bytes."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int, int | None]] = []

    def downloaded(self, name: str, received: int, total: int | None) -> None:
        self.heard.append((name, received, total))


class TestFetch:
    def test_a_download_is_checked_recorded_and_announced(
        self, file: Path, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        spec = published(file)
        serve(httpserver, spec, file.read_bytes())
        recorder = Recorder()
        fetched = weights.download(spec, base_url=httpserver.url_for("/"), reporter=recorder)
        assert fetched == weights.find_installed(spec)
        assert recorder.heard[-1] == (spec.name, spec.bytes, spec.bytes)
        assert any(spec.licence in line for line in caplog.messages)
        assert names() == {spec.file, "weights.json", ".lock"}
        row = json.loads((models_folder() / "weights.json").read_text())["models"][spec.name]
        assert row["trusted"] == row["sha256"] == spec.sha256
        assert row["source"].startswith(httpserver.url_for("/"))

    def test_what_is_installed_is_not_fetched_again(self, file: Path) -> None:
        added = weights.install(EFFNET, file, unverified=True)
        assert weights.download(EFFNET, base_url="http://127.0.0.1:9/") == added
        assert weights.download(MUSICNN) == weights.find_installed(MUSICNN)

    def test_the_address_may_come_from_the_environment(
        self, file: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serve(httpserver, UNPUBLISHED, file.read_bytes())
        monkeypatch.setenv("ARTISTINDEX_MODELS_URL", httpserver.url_for("").rstrip("/"))
        assert weights.download(UNPUBLISHED).path.read_bytes() == file.read_bytes()

    def test_a_later_different_file_is_refused(self, file: Path, httpserver: HTTPServer) -> None:
        trusted = weights.install(UNPUBLISHED, file)
        trusted.path.unlink()
        serve(httpserver, UNPUBLISHED, standins.write_effnet(file, seed=1).read_bytes())
        with pytest.raises(WeightsError, match="was trusted for discogs-effnet before"):
            weights.download(UNPUBLISHED, base_url=httpserver.url_for("/"))
        assert names() == {"weights.json", ".lock"}

    @pytest.mark.parametrize(
        ("content", "expected"),
        [(b"", "empty"), (b"<html>captive portal</html>", "web page"), (b"\x00" * 99, "damaged")],
    )
    def test_what_is_no_graph_is_not_kept(
        self, content: bytes, expected: str, httpserver: HTTPServer
    ) -> None:
        serve(httpserver, UNPUBLISHED, content)
        with pytest.raises(WeightsError, match=f"http.*no TensorFlow graph.*{expected}"):
            weights.download(UNPUBLISHED, base_url=httpserver.url_for("/"))
        assert names() == {".lock"}

    def test_a_wrong_size_is_refused(self, file: Path, httpserver: HTTPServer) -> None:
        serve(httpserver, EFFNET, file.read_bytes())
        with pytest.raises(WeightsError, match="expected 18,993,367") as raised:
            weights.download(EFFNET, base_url=httpserver.url_for("/"))
        assert raised.value.remedy is Remedy.GET_WEIGHTS
        assert names() == {".lock"}

    def test_offline_names_file_address_and_ways_on(self) -> None:
        with pytest.raises(WeightsError) as raised:
            weights.download(EFFNET, base_url="http://127.0.0.1:9/", pause=0)
        for part in (
            EFFNET.file,
            "http://127.0.0.1:9/discogs-effnet/",
            "cannot be reached",
        ):
            assert part in str(raised.value)
        assert raised.value.remedy is Remedy.GET_WEIGHTS
        assert raised.value.details == {"model": "discogs-effnet"}

    def test_disk_full_is_one_line(self, file: Path, httpserver: HTTPServer) -> None:
        serve(httpserver, UNPUBLISHED, file.read_bytes())
        with _files_up_to(100_000), pytest.raises(WeightsError) as raised:
            weights.download(UNPUBLISHED, base_url=httpserver.url_for("/"))
        assert "make room" in str(raised.value)
        assert "\n" not in str(raised.value)
        assert names() == {".lock"}

    def test_a_folder_that_is_a_file_is_explained(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        blocked = tmp_path / "models"
        blocked.write_text("not a folder")
        monkeypatch.setenv("ARTISTINDEX_MODELS", str(blocked))
        with pytest.raises(WeightsError, match=r"cannot write.*ARTISTINDEX_MODELS"):
            weights.download(EFFNET, base_url="http://127.0.0.1:9/")


class TestPackaged:
    def test_it_is_always_installed(self) -> None:
        installed = weights.find_installed(MUSICNN)
        assert (installed.sha256, installed.bytes) == (MUSICNN.sha256, MUSICNN.bytes)
        assert installed.path.with_name("msd-musicnn-LICENSE.txt").is_file()

    def test_missing_or_altered_is_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        original = weights.path_of(MUSICNN).read_bytes()
        monkeypatch.setattr(weights, "PACKAGED", tmp_path)
        with pytest.raises(WeightsError, match="missing; it is part of the package"):
            weights.find_installed(MUSICNN)
        (tmp_path / MUSICNN.file).write_bytes(original[:-1] + b"\x01")
        with pytest.raises(WeightsError, match="part of the package: install artistindex again"):
            weights.find_installed(MUSICNN)


def serve(server: HTTPServer, spec: ModelSpec, content: bytes) -> None:
    path = weights.url_of(spec).removeprefix(BASE_URL)
    server.expect_request(f"/{path}").respond_with_data(content)


@contextmanager
def _files_up_to(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
