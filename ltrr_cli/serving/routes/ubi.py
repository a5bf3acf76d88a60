"""``POST /ubi_events`` and ``POST /ubi_queries``: what the public UBI JavaScript collector sends, as it sends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ltrr_cli.serving.access import Access
from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.feedback import ubi
from ltrr_cli.serving.metrics import Metrics
from ltrr_cli.serving.operations import Operation, json_response
from ltrr_cli.serving.records import FeedbackReport
from ltrr_cli.serving.routes.feedback import taken
from ltrr_cli.serving.tokens import FEED


def operations(backend: Backend, access: Access, metrics: Metrics) -> tuple[Operation, ...]:
    """Return both routes; a query is acknowledged, for its page was journalled when it was served."""
    taking = _taking(backend, access, metrics)
    told = (
        ("/ubi_events", "ubi_events", "Take UBI events"),
        ("/ubi_queries", "ubi_queries", "Acknowledge UBI queries"),
    )
    return tuple(
        Operation(
            "POST",
            path,
            name,
            summary,
            taking,
            scope=FEED,
            body=dict[str, Any] | list[dict[str, Any]],
            lines=True,
            answer=FeedbackReport,
            problems=(503,),
        )  # fmt: skip
        for path, name, summary in told
    )


def _taking(backend: Backend, access: Access, metrics: Metrics) -> Callable[[Request], Awaitable[Response]]:
    async def take(request: Request) -> Response:
        report, _ = await taken(request, backend, access, metrics, ubi)
        return json_response(report)

    return take
