"""The OpenAPI 3.1 document of the own API, made of the table that the router is made of."""

from http import HTTPStatus
from typing import Any

from artistindex import __version__
from artistindex.server.operations import OPERATIONS, PREFIX, Operation
from artistindex.server.problems import MEDIA_TYPE
from artistindex.server.schemas import SCHEMAS

_PROBLEMS = {
    HTTPStatus.BAD_REQUEST: "A parameter or a file that cannot be meant.",
    HTTPStatus.UNAUTHORIZED: "The token is missing or wrong.",
    HTTPStatus.NOT_FOUND: "Nobody, or no track, of that name; `closest` has names like it.",
    HTTPStatus.CONFLICT: "The name could be any of `candidates`, or the index has no tracks.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.MISDIRECTED_REQUEST: "The Host header names another server.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests; Retry-After says when.",
}


def document(*, needs_token: bool = False) -> dict[str, Any]:
    """Return the document; with `needs_token`, every request needs one."""
    schemes = {"token": {"type": "http", "scheme": "bearer"}} if needs_token else {}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "artistindex",
            "version": __version__,
            "description": "Who sounds like whom, out of an index of artists' vectors.",
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "paths": {
            f"{PREFIX}{operation.path}": {operation.method.lower(): _operation(operation)}
            for operation in OPERATIONS
        },
        "components": {
            "schemas": SCHEMAS,
            "responses": {_name(status): _problem(text) for status, text in _PROBLEMS.items()},
            "securitySchemes": schemes,
        },
        "security": [{"token": []}] if needs_token else [],
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [parameter.to_openapi() for parameter in operation.parameters],
        "responses": {"200": _answer(operation)}
        | {
            str(int(status)): {"$ref": f"#/components/responses/{_name(status)}"}
            for status in _PROBLEMS
        },
    }
    if operation.files:
        return described | {"requestBody": _form(operation)}
    described["responses"]["304"] = {"description": "As the ETag in If-None-Match has it."}
    return described


def _answer(operation: Operation) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{operation.schema}"}
    return {
        "description": operation.summary,
        "content": {"application/json": {"schema": schema}},
    }


def _form(operation: Operation) -> dict[str, Any]:
    properties = {
        part.name: {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "description": part.description,
            **({"minItems": 1} if part.required else {}),
        }
        for part in operation.files
    }
    required = [part.name for part in operation.files if part.required]
    schema = {"type": "object", "required": required, "properties": properties}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def _name(status: HTTPStatus) -> str:
    return status.phrase.title().replace(" ", "")
