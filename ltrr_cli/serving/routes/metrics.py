"""``GET /metrics``: counts and durations for Prometheus."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ltrr_cli.serving.access import Access
from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.metrics import MEDIA_TYPE, Metrics
from ltrr_cli.serving.operations import Operation
from ltrr_cli.serving.tokens import OPERATE


def operation(backend: Backend, access: Access, metrics: Metrics) -> Operation:
    """Return the route."""

    async def exposition(request: Request) -> Response:
        access.client(request, OPERATE)
        return Response(metrics.exposition(await backend.gauges()), media_type=MEDIA_TYPE)

    return Operation(
        "GET", "/metrics", "metrics", "Metrics for Prometheus", exposition, scope=OPERATE, media="text/plain"
    )
