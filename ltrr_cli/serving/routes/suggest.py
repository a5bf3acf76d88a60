"""``GET /v1/suggest?q=``: completions of what is being typed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ltrr_cli.serving.access import Access
from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.operations import Operation, Parameter, json_response
from ltrr_cli.serving.problems import RefusedError
from ltrr_cli.serving.records import Suggestions
from ltrr_cli.serving.tokens import ASK

LONGEST = 256  # characters of what is being typed
MOST = 20
PARAMETERS = (
    Parameter("q", {"type": "string", "maxLength": LONGEST}, "What was typed so far."),
    Parameter("k", {"type": "integer", "minimum": 1, "maximum": MOST, "default": 8}, "Completions."),
)


def operation(backend: Backend, access: Access) -> Operation:
    """Return the route."""

    async def suggest(request: Request) -> Response:
        access.client(request, ASK)
        typed, most = request.query_params.get("q", ""), request.query_params.get("k", "8")
        if len(typed) > LONGEST:
            raise RefusedError(400, "usage", f"q is longer than {LONGEST} characters")
        if not (most.isascii() and most.isdigit() and 1 <= int(most[:4]) <= MOST):
            raise RefusedError(400, "usage", f"k lies between 1 and {MOST}")
        return json_response(Suggestions(typed, backend.suggest(typed, int(most))))

    return Operation(
        "GET", "/v1/suggest", "suggest", "Complete what is being typed", suggest, scope=ASK, answer=Suggestions,
        parameters=PARAMETERS,
    )  # fmt: skip
