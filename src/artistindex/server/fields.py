"""Fields of a request to a door of others: in the address, or in a form that was posted."""

from http import HTTPStatus

from starlette.requests import Request

from artistindex.server.parameters import MAX_NAME
from artistindex.server.problems import Problem

_MAX_FIELDS = 64
_FORM = "application/x-www-form-urlencoded"


async def read_fields(request: Request) -> dict[str, str]:
    """Return the fields by name, those of the form over those of the address; raises Problem."""
    fields = dict(request.query_params)
    if request.method == "POST" and request.headers.get("content-type", "").startswith(_FORM):
        async with request.form(max_fields=_MAX_FIELDS) as form:
            fields |= {name: value for name, value in form.items() if isinstance(value, str)}
    if len(fields) > _MAX_FIELDS or any(len(value) > 4 * MAX_NAME for value in fields.values()):
        raise Problem(HTTPStatus.BAD_REQUEST, "too many fields, or a field that is too long")
    return fields
