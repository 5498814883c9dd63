"""Downloads from real servers, good and bad."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from artistindex.embedding.download import CHUNK, Unreachable, download
from artistindex.errors import WeightsError

CONTENT = bytes(range(256)) * 4096  # 1 MiB
MOST = 2 * len(CONTENT)


class FlakyServer:
    """Speaks HTTP by hand: sends at most `lengths[i]` bytes of the body of answer i, then hangs up.

    Honours Range when If-Range names the present tag; `requests` keeps the headers it was sent.
    """

    def __init__(self, lengths: list[int], *, tag: str = '"v1"', ranges: bool = True) -> None:
        self.lengths, self.tag, self.ranges = lengths, tag, ranges
        self.requests: list[dict[str, str]] = []
        self.content = CONTENT

    def handle(self, handler: socketserver.StreamRequestHandler) -> None:
        handler.rfile.readline()
        headers = {}
        while line := handler.rfile.readline().strip().decode("latin-1"):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self.requests.append(headers)
        start = 0
        if self.ranges and headers.get("if-range") == self.tag:
            start = int(headers["range"].removeprefix("bytes=").removesuffix("-"))
        total = len(self.content)
        head = f"HTTP/1.1 {206 if start else 200} OK\r\nContent-Length: {total - start}\r\n"
        head += f"ETag: {self.tag}\r\nConnection: close\r\n"
        if start:
            head += f"Content-Range: bytes {start}-{total - 1}/{total}\r\n"
        handler.wfile.write(head.encode() + b"\r\n")
        length = self.lengths[min(len(self.requests), len(self.lengths)) - 1]
        handler.wfile.write(self.content[start : start + length])

    @contextmanager
    def serving(self) -> Iterator[str]:
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer.handle(self)

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            yield f"http://127.0.0.1:{server.server_address[1]}/weights.pb"
            server.shutdown()


class Progress:
    def __init__(self) -> None:
        self.calls: list[tuple[int, int | None]] = []

    def __call__(self, received: int, total: int | None) -> None:
        self.calls.append((received, total))


def pull(url: str, part: Path, *, expected: int | None = None, most: int = MOST) -> Progress:
    progress = Progress()
    download(url, part, progress=progress, expected=expected, max_bytes=most, pause=0)
    return progress


def test_a_whole_file_arrives_with_progress(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/w.pb").respond_with_data(CONTENT)
    progress = pull(httpserver.url_for("/w.pb"), tmp_path / "w.part", expected=len(CONTENT))
    assert (tmp_path / "w.part").read_bytes() == CONTENT
    assert progress.calls[0] == (0, len(CONTENT))
    assert progress.calls[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["w.part"]


def test_a_cut_download_goes_on_where_it_ended(tmp_path: Path) -> None:
    server = FlakyServer([300_000, 300_000, MOST])
    with server.serving() as url:
        progress = pull(url, tmp_path / "w.part")
    assert (tmp_path / "w.part").read_bytes() == CONTENT
    resumed = 300_000 // CHUNK * CHUNK
    starts = [request.get("range") for request in server.requests]
    assert starts == [None, f"bytes={resumed}-", f"bytes={2 * resumed}-"]
    assert (2 * resumed, len(CONTENT)) in progress.calls


def test_a_server_without_ranges_starts_over(tmp_path: Path) -> None:
    server = FlakyServer([300_000, MOST], ranges=False)
    with server.serving() as url:
        pull(url, tmp_path / "w.part")
    assert (tmp_path / "w.part").read_bytes() == CONTENT


def test_another_run_goes_on_too(tmp_path: Path) -> None:
    server = FlakyServer([200_000] * 5 + [MOST])
    with server.serving() as url:
        with pytest.raises(Unreachable, match=r"ended after|was cut"):
            pull(url, tmp_path / "w.part")
        size = (tmp_path / "w.part").stat().st_size
        assert size == 5 * (200_000 // CHUNK * CHUNK)
        pull(url, tmp_path / "w.part")
    assert server.requests[5]["range"] == f"bytes={size}-"
    assert (tmp_path / "w.part").read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_never_mixed(tmp_path: Path) -> None:
    server = FlakyServer([200_000] * 5 + [MOST])
    with server.serving() as url:
        with pytest.raises(Unreachable):
            pull(url, tmp_path / "w.part")
        server.tag, server.content = '"v2"', CONTENT[::-1]
        pull(url, tmp_path / "w.part")
    assert (tmp_path / "w.part").read_bytes() == CONTENT[::-1]


def test_a_part_that_belongs_to_another_address_is_not_continued(tmp_path: Path) -> None:
    first, second = FlakyServer([200_000] * 5), FlakyServer([MOST])
    with first.serving() as url, pytest.raises(Unreachable):
        pull(url, tmp_path / "w.part")
    with second.serving() as url:
        pull(url, tmp_path / "w.part")
    assert "range" not in second.requests[0]
    assert (tmp_path / "w.part").read_bytes() == CONTENT


def test_a_weak_tag_is_no_proof_that_the_file_is_the_same(tmp_path: Path) -> None:
    server = FlakyServer([200_000, MOST], tag='W/"v1"')
    with server.serving() as url:
        pull(url, tmp_path / "w.part")
    assert "range" not in server.requests[1]


def test_a_part_longer_than_the_file_is_dropped(httpserver: HTTPServer, tmp_path: Path) -> None:
    part = tmp_path / "w.part"
    part.write_bytes(CONTENT * 2)
    url = httpserver.url_for("/w.pb")
    part.with_name("w.part.validator").write_text(f'{url}\n"v1"\n')

    def answer(request: Request) -> Response:
        return Response(status=416) if "Range" in request.headers else Response(CONTENT)

    httpserver.expect_request("/w.pb").respond_with_handler(answer)
    pull(url, part)
    assert part.read_bytes() == CONTENT


def test_nobody_there_is_said_at_once(tmp_path: Path) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as free:
        url = f"http://127.0.0.1:{free.server_address[1]}/w.pb"
    with pytest.raises(Unreachable, match="cannot be reached"):
        pull(url, tmp_path / "w.part")


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_is_not_tried_again(status: int, httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/w.pb").respond_with_data("<html>no</html>", status=status)
    with pytest.raises(WeightsError, match=f"answered {status}"):
        pull(httpserver.url_for("/w.pb"), tmp_path / "w.part")
    assert len(httpserver.log) == 1


def test_a_server_in_trouble_is_asked_again(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_ordered_request("/w.pb").respond_with_data("", status=503)
    httpserver.expect_ordered_request("/w.pb").respond_with_data(CONTENT)
    pull(httpserver.url_for("/w.pb"), tmp_path / "w.part")
    assert (tmp_path / "w.part").read_bytes() == CONTENT


def test_another_size_is_refused_before_the_download(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/w.pb").respond_with_data(CONTENT)
    with pytest.raises(WeightsError, match=r"is 1,048,576 bytes, expected 17"):
        pull(httpserver.url_for("/w.pb"), tmp_path / "w.part", expected=17)
    assert not (tmp_path / "w.part").exists()


def test_an_endless_answer_is_ended(httpserver: HTTPServer, tmp_path: Path) -> None:
    def endless(_: Request) -> Response:
        return Response(CONTENT for _ in range(1_000_000))

    httpserver.expect_request("/w.pb").respond_with_handler(endless)
    with pytest.raises(WeightsError, match="is over"):
        pull(httpserver.url_for("/w.pb"), tmp_path / "w.part")


def test_a_folder_that_vanished_is_an_os_error(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/w.pb").respond_with_data(CONTENT)
    with pytest.raises(FileNotFoundError):
        pull(httpserver.url_for("/w.pb"), tmp_path / "gone" / "w.part")
