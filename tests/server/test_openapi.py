"""The OpenAPI document: valid, and what is answered conforms to it, whatever is asked."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from artistindex.server.app import create_app
from artistindex.server.openapi import document
from artistindex.server.operations import OPERATIONS, PREFIX, Operation
from artistindex.server.schemas import SCHEMAS
from artistindex.server.settings import Settings


@pytest.fixture
def described(served_index: Path) -> Any:
    app = create_app(Settings(served_index, host_names=frozenset({"testserver", "localhost"})))
    return schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", app)


@pytest.mark.parametrize(
    ("mode", "operation"),
    [
        pytest.param(mode, operation, id=f"{mode.value}-{operation.name}")
        for mode in GenerationMode
        for operation in OPERATIONS
        if mode is GenerationMode.POSITIVE or operation.parameters
    ],
)
def test_whatever_is_asked_is_answered_as_described(
    described: Any, operation: Operation, mode: GenerationMode
) -> None:
    """Answers of requests as described, and of others, conform; none is a server error."""
    strategy = described[f"{PREFIX}{operation.path}"][operation.method].as_strategy(
        generation_mode=mode
    )

    @given(strategy)
    @settings(max_examples=20, derandomize=True, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        # what is formed as described may still be about nobody, or about the same artist twice
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    check()


def test_the_schemas_are_schemas() -> None:
    for content in SCHEMAS.values():
        assert jsonschema_rs.meta.is_valid(content)


def test_the_document_has_every_operation_and_says_who_may_ask(client: Any, serving: Any) -> None:
    served = client.get(f"{PREFIX}/openapi.json").json()
    assert served == document()
    assert set(served["paths"]) == {f"{PREFIX}{operation.path}" for operation in OPERATIONS}
    assert served["security"] == []
    guarded = serving(token="x" * 16).get(f"{PREFIX}/openapi.json").json()
    assert guarded["security"] == [{"token": []}]
    assert guarded["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
