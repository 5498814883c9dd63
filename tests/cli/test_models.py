"""`artistindex models`, as a user types it."""

import csv
import io
import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

import standins
from artistindex.embedding import weights
from artistindex.embedding.registry import BASE_URL, MODELS, names, spec_of
from conftest import Run


@pytest.fixture
def effnet(tmp_path: Path) -> Path:
    return standins.write_effnet(tmp_path / "effnet.pb")


def test_list_shows_every_model_and_what_is_installed(run: Run, effnet: Path) -> None:
    assert run("models", "add", "discogs-effnet", effnet, "--unverified")[0] == 0
    code, out, _ = run("models", "list", "--format", "json")
    assert code == 0
    rows = {row["model"]: row for row in json.loads(out)}
    assert list(rows) == names()
    installed = weights.find_installed(spec_of("discogs-effnet"))
    assert rows["discogs-effnet"] == {
        "model": "discogs-effnet",
        "installed": True,
        "path": str(installed.path),
        "sha256": installed.sha256,
        "bytes": installed.bytes,
        "licence": installed.spec.licence,
        "dimension": 1280,
        "verified": False,
        "own": False,
    }
    assert rows["musicnn"]["installed"]
    assert rows["vggish"]["installed"] is False
    assert rows["vggish"]["path"] is None


def test_list_as_table_and_csv(run: Run) -> None:
    code, out, _ = run("models", "list")
    assert code == 0
    (line,) = [line for line in out.splitlines() if line.lstrip().startswith("musicnn")]
    assert "yes" in line
    assert "ISC" in line
    code, out, _ = run("models", "list", "--format", "csv")
    assert code == 0
    assert [row["model"] for row in csv.DictReader(io.StringIO(out))] == names()


def test_list_names_what_is_spoilt_and_goes_on(run: Run, effnet: Path) -> None:
    run("models", "add", "discogs-effnet", effnet, "--unverified")
    weights.path_of(spec_of("discogs-effnet")).write_bytes(b"overwritten")
    code, out, err = run("models", "list", "--format", "json")
    assert code == 0
    assert not json.loads(out)[0]["installed"]
    assert "changed since it was installed" in err


def test_add_says_what_was_installed(run: Run, effnet: Path) -> None:
    code, out, err = run("models", "add", "discogs-effnet", effnet, "--unverified")
    assert (code, out) == (0, "")
    assert "discogs-effnet: installed" in err
    assert "CC BY-NC-SA" in err
    assert run("--quiet", "models", "add", "discogs-effnet", effnet, "--unverified")[2] == ""


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("add", "no-such-model", "x.pb"), 2, "unknown model 'no-such-model'; the known ones are"),
        (("add", "musicnn", "x.pb"), 2, "part of the package"),
        (("add", "vggish", "missing.pb"), 1, "missing.pb cannot be read"),
        (("add", "vggish"), 2, "Missing argument 'FILE'"),
        (("fetch", "../../etc/passwd"), 2, "unknown model '../../etc/passwd'"),
        (("check", "vggish"), 1, "`artistindex models fetch vggish`"),
        (("list", "--format", "xml"), 2, "xml"),
    ],
)
def test_misuse_is_one_line(run: Run, arguments: tuple[str, ...], code: int, expected: str) -> None:
    exit_code, out, err = run("models", *arguments)
    assert (exit_code, out) == (code, "")
    assert expected in err
    assert len(err.strip().splitlines()) == 1


def test_a_refused_file_leaves_the_old_one(run: Run, effnet: Path, tmp_path: Path) -> None:
    run("models", "add", "discogs-effnet", effnet, "--unverified")
    before = weights.find_installed(spec_of("discogs-effnet"))
    bad = standins.write_with_forbidden_op(tmp_path / "bad.pb", "WriteFile")
    code, _, err = run("models", "add", "discogs-effnet", bad, "--unverified")
    assert code == 1
    assert "WriteFile" in err
    assert weights.find_installed(spec_of("discogs-effnet")) == before


def test_fetch_downloads_once_and_shows_the_licence(
    run: Run, effnet: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = effnet.read_bytes()
    spec = spec_of("discogs-effnet")
    assert spec.url is not None
    path = "/" + spec.url.removeprefix(BASE_URL)
    httpserver.expect_request(path).respond_with_data(content)
    code, _, err = run("models", "fetch", spec.name, "--base-url", httpserver.url_for("/"))
    assert code == 1
    assert f"is {len(content):,} bytes, expected 18,993,367" in err
    _publish(monkeypatch, spec.name, len(content))
    code, out, err = run("models", "fetch", spec.name, "--base-url", httpserver.url_for("/"))
    assert (code, out) == (0, "")
    assert f"licence {spec.licence}" in err
    requests = len(httpserver.log)
    assert run("models", "fetch", spec.name, "--base-url", httpserver.url_for("/"))[0] == 0
    assert len(httpserver.log) == requests


def _publish(monkeypatch: pytest.MonkeyPatch, name: str, size: int) -> None:
    """As if the publisher stated this size."""
    from dataclasses import replace

    monkeypatch.setitem(MODELS, name, replace(MODELS[name], bytes=size))


def test_fetch_offline_shows_the_ways_on(run: Run) -> None:
    code, _, err = run("models", "fetch", "vggish", "--base-url", "http://127.0.0.1:9/")
    assert code == 1
    last = err.strip().splitlines()[-1]
    for part in ("audioset-vggish-3.pb", "http://127.0.0.1:9/vggish/", "models add vggish FILE"):
        assert part in last


def test_fetch_of_the_packaged_model_needs_no_network(run: Run) -> None:
    code, _, err = run("models", "fetch", "musicnn")
    assert code == 0
    assert "installed" in err


@pytest.mark.skipif(find_spec("essentia") is None, reason="needs Essentia")
def test_check_compares_both_engines(run: Run, tmp_path: Path) -> None:
    graph = standins.write_effnet(tmp_path / "library.pb", function_library=True)
    run("models", "add", "discogs-effnet", graph, "--unverified")
    code, out, err = run("models", "check", "discogs-effnet", "--format", "json")
    assert code == 0
    assert "engine auto takes" not in err  # said only where it is not a checked openvino
    payload = json.loads(out)
    assert payload["choice"] == "openvino"
    assert payload["difference"] < payload["limit"] == 1e-3
    theirs, ours = payload["runs"]
    assert (theirs["engine"], ours["engine"]) == ("essentia", "openvino")
    assert theirs["patches"] == ours["patches"] == 39
    code, out, _ = run("models", "check", "discogs-effnet")
    assert code == 0
    assert "essentia" in out
    assert "auto" in out


def test_a_group_without_a_command_shows_its_help(run: Run) -> None:
    code, out, err = run("models")
    assert (code, out) == (2, "")
    assert err.startswith("Usage: artistindex models")
    assert len(err.splitlines()) > 5


def test_check_says_why_there_is_nothing_to_compare(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("models", "add", "vggish", standins.write_vggish(tmp_path / "v.pb"), "--unverified")
    monkeypatch.setitem(sys.modules, "essentia", None)
    code, out, err = run("models", "check", "vggish", "--format", "json")
    assert code == 0
    assert json.loads(out)["choice"] == "openvino"
    assert "nothing to compare it with" in err
