"""``GET /v1/entities/{id}``: one entity of the catalog."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ltrr_cli.serving.access import Access
from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.operations import Operation, Parameter, json_response
from ltrr_cli.serving.records import EntityAnswer
from ltrr_cli.serving.tokens import ASK

PARAMETERS = (Parameter("id", {"type": "string"}, "The entity's id; it may hold slashes.", "path"),)


def operation(backend: Backend, access: Access) -> Operation:
    """Return the route."""

    async def entity(request: Request) -> Response:
        access.client(request, ASK)
        return json_response(await backend.entity(request.path_params["id"]))

    return Operation(
        "GET", "/v1/entities/{id:path}", "entity", "Show an entity", entity, scope=ASK, answer=EntityAnswer,
        parameters=PARAMETERS, problems=(404, 503),
    )  # fmt: skip
