"""Parameters of requests: parsed and described by one table, so that the two cannot differ."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.datastructures import QueryParams

from artistindex import naming
from artistindex.server.problems import Problem

MAX_NAME = 400
"""Characters in the name of an artist or a track."""

_MAX_VALUES = 64  # of a parameter that may be repeated
_INTEGER = re.compile(r"-?\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the query of an address.

    `schema` is JSON Schema of one value: an integer with its bounds, or a text with its lengths or
    its `enum`. One that is `repeatable` is a list of such values.
    """

    name: str
    description: str
    schema: Mapping[str, Any] = field(
        default_factory=lambda: {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
    )
    required: bool = False
    repeatable: bool = False

    def parse(self, values: Sequence[str]) -> Any:
        """Return the value of the given texts, or the default; raises Problem."""
        if not values:
            if self.required:
                raise self._problem("is required")
            return () if self.repeatable else self.schema.get("default")
        if len(values) > (_MAX_VALUES if self.repeatable else 1):
            limit = f"at most {_MAX_VALUES} times" if self.repeatable else "once"
            raise self._problem(f"can be given {limit}, not {len(values)} times")
        parsed = tuple(map(self._parse_one, values))
        return parsed if self.repeatable else parsed[0]

    def _parse_one(self, text: str) -> Any:
        if self.schema["type"] == "integer":
            return self._parse_integer(text)
        lowest, highest = self.schema.get("minLength", 0), self.schema.get("maxLength", MAX_NAME)
        if not lowest <= len(text) <= highest:
            raise self._problem(f"must have from {lowest} to {highest} characters, not {len(text)}")
        choices = self.schema.get("enum")
        if choices and text not in choices:
            raise self._problem(f"must be one of {', '.join(choices)}, not {naming.quoted(text)}")
        pattern = self.schema.get("pattern")
        if pattern and not re.fullmatch(pattern, text):
            raise self._problem(f"must match {pattern}, not {naming.quoted(text)}")
        return text

    def _parse_integer(self, text: str) -> int:
        lowest, highest = self.schema["minimum"], self.schema["maximum"]
        if not _INTEGER.fullmatch(text) or not lowest <= int(text) <= highest:
            raise self._problem(
                f"must be a whole number from {lowest} to {highest}, not {naming.quoted(text)}"
            )
        return int(text)

    def _problem(self, reason: str) -> Problem:
        return Problem(
            HTTPStatus.BAD_REQUEST, f"the parameter {self.name} {reason}", parameter=self.name
        )

    def to_openapi(self) -> dict[str, Any]:
        """Return it as a parameter object of OpenAPI."""
        schema: Mapping[str, Any] = self.schema
        if self.repeatable:
            schema = {"type": "array", "items": schema, "maxItems": _MAX_VALUES}
            schema |= {"minItems": 1} if self.required else {}
        return {
            "name": self.name,
            "in": "query",
            "required": self.required,
            "description": self.description,
            "schema": schema,
        }


def parse_query(parameters: Sequence[Parameter], query: QueryParams) -> dict[str, Any]:
    """Return the values of a request by name; raises Problem for one that is unknown or wrong."""
    names = [parameter.name for parameter in parameters]
    for name in query:
        if name not in names:
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                f"there is no parameter {naming.quoted(name)} here; there are"
                f" {', '.join(names) or 'none'}",
                parameter=naming.truncate(name),
            )
    return {
        parameter.name: parameter.parse(query.getlist(parameter.name)) for parameter in parameters
    }


def integer(default: int, lowest: int, highest: int) -> dict[str, Any]:
    """Return the schema of a whole number."""
    return {"type": "integer", "default": default, "minimum": lowest, "maximum": highest}


def choice(*names: str) -> dict[str, Any]:
    """Return the schema of one of `names`, of which the first is the default."""
    return {"type": "string", "enum": list(names), "default": names[0]}
