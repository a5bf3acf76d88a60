"""``GET /dashboard``: how the server and its learning do, for those who operate it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ltrr_cli.charts.html import STYLE, Hosted, render_html
from ltrr_cli.serving.access import Access
from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.metrics import Metrics
from ltrr_cli.serving.tokens import OPERATE

STYLESHEET = "/static/report.css"


def routes(backend: Backend, access: Access, metrics: Metrics) -> list[Route]:
    """Return the page and its stylesheet."""
    hosted = Hosted(STYLESHEET, "/static/icon.svg", (("/", "Back to the search page"),))

    async def dashboard(request: Request) -> Response:
        access.browsing(request, OPERATE)
        made = await backend.dashboard(metrics.latencies())
        return Response(render_html(made, hosted).encode("utf-8", "backslashreplace"), media_type="text/html")

    async def stylesheet(request: Request) -> Response:
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "no-cache"})

    return [
        Route("/dashboard", dashboard, methods=["GET"], name="dashboard"),
        Route(STYLESHEET, stylesheet, methods=["GET"], name="report.css"),
    ]
