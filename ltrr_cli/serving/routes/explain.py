"""``GET /v1/explain/{id}``: how a page came to be, and what people did with it."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from ltrr_cli.serving.access import Access
from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.operations import Operation, Parameter, json_response
from ltrr_cli.serving.tokens import ASK
from ltrr_cli.workspace.explain import Explanation

PARAMETERS = (Parameter("id", {"type": "string"}, "The query_id of an answer.", "path"),)


def operation(backend: Backend, access: Access) -> Operation:
    """Return the route; who asked is told to those who operate the server alone."""

    async def explain(request: Request) -> Response:
        client = access.client(request, ASK)
        found = await backend.explain(request.path_params["id"])
        return json_response(found if client.operates else replace(found, user=None, session=None))

    return Operation(
        "GET", "/v1/explain/{id}", "explain", "Tell how a page came to be", explain, scope=ASK, answer=Explanation,
        parameters=PARAMETERS, problems=(404, 503),
    )  # fmt: skip
