"""``GET /openapi.json``: the description of all of this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ltrr_cli.serving.openapi import document
from ltrr_cli.serving.operations import JSON, Operation


def operation(described: Sequence[Operation]) -> Operation:
    """Return the route that describes the others, and itself."""
    made: list[bytes] = []

    async def openapi(request: Request) -> Response:
        if not made:
            made.append(msgspec.json.format(msgspec.json.encode(document([*described, itself])), indent=1))
        return Response(made[0], media_type=JSON)

    itself = Operation("GET", "/openapi.json", "openapi", "Describe the interface", openapi, answer=dict[str, Any])
    return itself
