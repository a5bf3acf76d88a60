"""``GET /healthz`` (the process lives) and ``GET /readyz`` (it answers)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.operations import Operation, json_response
from ltrr_cli.serving.records import Health


def operations(backend: Backend) -> tuple[Operation, ...]:
    """Return both routes; neither asks for a token."""

    async def alive(request: Request) -> Response:
        return json_response(Health("ok"))

    async def ready(request: Request) -> Response:
        return json_response(backend.ready())

    return (
        Operation("GET", "/healthz", "healthz", "Is the process alive?", alive, answer=Health),
        Operation("GET", "/readyz", "readyz", "Does it answer?", ready, answer=Health, problems=(503,)),
    )
