"""``GET /v1/search?q=``: the same question in an address."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ltrr_cli.feedback.records import LONGEST_QUERY
from ltrr_cli.serving.access import Access
from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.counting import count_page
from ltrr_cli.serving.metrics import Metrics
from ltrr_cli.serving.operations import Operation, Parameter, converted, json_response
from ltrr_cli.serving.problems import RefusedError
from ltrr_cli.serving.records import CONDITION, LARGEST_K, LONGEST_ID, QueryAnswer, QueryBody
from ltrr_cli.serving.tokens import ASK

_FLAG = {"type": "boolean", "default": False}
_CONDITION = {"type": "string", "maxLength": 512, "pattern": CONDITION}
_ID = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}
PARAMETERS = (
    Parameter("q", {"type": "string", "maxLength": LONGEST_QUERY}, "What is sought; empty: recommend."),
    Parameter("k", {"type": "integer", "minimum": 1, "maximum": LARGEST_K, "default": 10}, "Results."),
    Parameter("user", _ID, "Who asks."),
    Parameter("session", _ID, "In which session."),
    Parameter("filter", {"type": "array", "items": _CONDITION, "maxItems": 32},
              "genre=jazz, year>=2000; repeatable."),
    Parameter("like", _ID, "An entity's id: what goes with it."),
    Parameter("explain", _FLAG, "Say how it was answered."),
    Parameter("explore", _FLAG | {"default": True}, "May the allocation try something?"),
    Parameter("hide_seen", _FLAG, "Not what the user acted on."),
)  # fmt: skip
_NAMES = {one.name for one in PARAMETERS}


def operation(backend: Backend, access: Access, metrics: Metrics) -> Operation:
    """Return the route."""

    async def search(request: Request) -> Response:
        access.queries.take(access.client(request, ASK).name)
        answer, draws = await backend.query(asked(request))
        count_page(metrics, answer, draws)
        return json_response(answer)

    return Operation(
        "GET", "/v1/search", "search", "Answer a question in an address", search, scope=ASK, answer=QueryAnswer,
        parameters=PARAMETERS, problems=(404, 503),
    )  # fmt: skip


def asked(request: Request) -> QueryBody:
    """Read the parameters; raises RefusedError 400."""
    given = request.query_params
    for name in given:
        if name not in _NAMES:
            raise RefusedError(400, "usage", f"unknown parameter {name[:40]!r}", hint=", ".join(sorted(_NAMES)))
    found: dict[str, object] = {name: value for name, value in given.items() if name not in ("q", "filter")}
    return converted({**found, "text": given.get("q", ""), "filters": given.getlist("filter")}, QueryBody)
