"""``POST /v1/query``: a question with all its options."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ltrr_cli.serving.access import Access
from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.counting import count_page
from ltrr_cli.serving.metrics import Metrics
from ltrr_cli.serving.operations import Operation, body_of, json_response
from ltrr_cli.serving.records import QueryAnswer, QueryBody
from ltrr_cli.serving.tokens import ASK


def operation(backend: Backend, access: Access, metrics: Metrics) -> Operation:
    """Return the route."""

    async def query(request: Request) -> Response:
        access.queries.take(access.client(request, ASK).name)
        answer, draws = await backend.query(await body_of(request, QueryBody))
        count_page(metrics, answer, draws)
        return json_response(answer)

    return Operation(
        "POST", "/v1/query", "query", "Answer a question", query, scope=ASK, body=QueryBody, answer=QueryAnswer,
        problems=(404, 503),
    )  # fmt: skip
