"""What works here is said, each service is asked once, and what lacks has a way round."""

import json
import sys
import time
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from artistindex._util.reachable import answers
from artistindex.cli.doctor import _SERVICES
from artistindex.errors import EngineError, Remedy


@pytest.fixture
def services(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """All services on one local server, which has no pages."""
    for at, (variable, _, _) in enumerate(_SERVICES.values()):
        monkeypatch.setenv(variable, httpserver.url_for(f"/{at}"))
    return httpserver


def findings(run: Any, *options: str, code: int = 0) -> dict[str, dict[str, str | None]]:
    exit_code, out, _ = run("doctor", "--format", "json", *options)
    assert exit_code == code
    return {finding["what"]: finding for finding in json.loads(out)}


def test_each_service_is_asked_once(run: Any, services: HTTPServer) -> None:
    services.expect_request("/robots.txt").respond_with_data("User-agent: *")
    report = findings(run)
    assert {report[name]["state"] for name in _SERVICES} == {"works"}
    requests = [request for request, _ in services.log]
    assert len(requests) == len(_SERVICES)
    assert all(request.user_agent.string.startswith("artistindex/") for request in requests)


def test_a_service_that_refuses_lacks_and_has_a_way_round(run: Any, services: HTTPServer) -> None:
    services.expect_request("/robots.txt").respond_with_data("", status=503)
    report = findings(run)
    for name in _SERVICES:
        assert report[name]["state"] == "lacks"
        assert report[name]["detail"] == "is out of order (HTTP 503)"
        assert report[name]["otherwise"]


def test_offline_asks_nobody(run: Any, services: HTTPServer) -> None:
    report = findings(run, "--offline")
    assert {report[name]["state"] for name in _SERVICES} == {"not asked"}
    assert not services.log


def test_what_is_here(run: Any) -> None:
    report = findings(run, "--offline")
    assert report["model musicnn"]["state"] == "works"
    assert report["model vggish"]["state"] == "lacks"
    assert "models fetch vggish" in str(report["model vggish"]["detail"])
    assert report["Spotify credentials"]["state"] == "lacks"
    assert report["engine openvino"]["state"] == "works"
    assert "processors" in str(report["processor"]["detail"])
    assert report["engine onnxruntime"]["state"] == "works"
    assert "no CUDA" in str(report["engine onnxruntime"]["detail"])
    assert all(finding["otherwise"] for finding in report.values() if finding["state"] == "lacks")


def test_without_any_engine_it_fails(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise EngineError("not usable here", remedy=Remedy.INSTALL_ESSENTIA)

    monkeypatch.setattr("artistindex.embedding.essentia.essentia_standard", fail)
    monkeypatch.setattr("artistindex.embedding.openvino.import_openvino", fail)
    report = findings(run, "--offline", code=1)
    assert report["engine essentia"]["state"] == report["engine openvino"]["state"] == "lacks"
    assert "processor" not in report


def test_without_onnx_runtime_the_extra_is_named(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    finding = findings(run, "--offline")["engine onnxruntime"]
    assert finding["state"] == "lacks"
    assert "pip install 'artistindex[onnx]'" in str(finding["detail"])


def test_who_does_not_answer_is_not_waited_for(httpserver: HTTPServer) -> None:
    def dawdle(_: Request) -> Response:
        time.sleep(1.5)
        return Response("late")

    httpserver.expect_request("/robots.txt").respond_with_handler(dawdle)
    began = time.monotonic()
    assert answers({"slow": httpserver.url_for("/")}, seconds=0.3) == {
        "slow": "no answer within 0 s"
    }
    assert time.monotonic() - began < 1.4
    time.sleep(1.5)  # or the server is gone before it has answered


def test_nobody_there(httpserver: HTTPServer) -> None:
    assert answers({"gone": "http://127.0.0.1:9"}) == {"gone": "cannot be reached"}
