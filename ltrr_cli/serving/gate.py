"""What every request passes: its name, who may send it, its size and pace; and what every answer carries.

Failures become problem documents here, requests are counted and logged: method, route, status, time, and the ids that
join logs of several systems, never a query, a person or an address.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import traceback
from collections.abc import Callable
from time import perf_counter

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ltrr_cli.core.errors import LtrrError
from ltrr_cli.serving.access import Origins
from ltrr_cli.serving.problems import RefusedError, problem_response, refusal_of

LOG = logging.getLogger("ltrr.serve")
CONTENT_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")
_TRACE = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_CODES = {404: "not_found", 405: "method", 400: "usage"}
_METHODS = "GET, POST, OPTIONS"
_HEADERS = "Authorization, Content-Type, Traceparent, X-Request-Id"

Counted = Callable[[str, str, int, float], None]


class Gate:
    """ASGI middleware around the whole application.

    most_bytes   -- of a request's body
    slow_seconds -- in which a body must have come whole
    count        -- told (method, route, status, seconds) of every request
    """

    def __init__(self, app: ASGIApp, *, origins: Origins, most_bytes: int, slow_seconds: float, count: Counted) -> None:
        self._app, self._origins, self._count = app, origins, count
        self._most_bytes, self._slow_seconds = most_bytes, slow_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        passage = _Passage(scope, receive, send, self._most_bytes, self._slow_seconds)
        start = perf_counter()
        try:
            passage.foreign = self._origins.admitted(passage.headers)
            if scope["method"] == "OPTIONS" and passage.foreign is not None:
                await _preflight()(scope, receive, passage.send)
            else:
                passage.check_length()
                await self._app(scope, passage.receive, passage.send)
        except Exception as error:
            await self._refuse(passage, error)
        finally:
            seconds, route = perf_counter() - start, passage.route()
            self._count(scope["method"] if scope["method"] in _METHODS else "other", route, passage.status, seconds)
            passage.log(route, seconds)

    async def _refuse(self, passage: _Passage, error: Exception) -> None:
        if isinstance(error, HTTPException):
            code = _CODES.get(error.status_code, "usage")
            error = RefusedError(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))
        elif not isinstance(error, RefusedError | LtrrError):
            # the frames, not the message: that may repeat what somebody typed
            LOG.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
        refusal = refusal_of(error)
        if refusal.status >= 500 and isinstance(error, LtrrError):
            LOG.error("%s: %s", type(error).__name__, error)
        if not passage.status:
            await problem_response(refusal, passage.request_id)(passage.scope, passage.receive, passage.send)


class _Passage:
    """One request on its way."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, most_bytes: int, slow_seconds: float) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self.headers = Headers(scope=scope)
        self._most_bytes, self._left, self._slow_seconds = most_bytes, most_bytes, slow_seconds
        self._until = asyncio.get_running_loop().time() + slow_seconds
        self.foreign: str | None = None
        self.status = 0
        said = self.headers.get("x-request-id", "")
        self.request_id = said if _REQUEST_ID.fullmatch(said) else secrets.token_hex(16)
        trace = _TRACE.fullmatch(self.headers.get("traceparent", ""))
        self.trace = trace[1] if trace else ""
        self._parent = f"00-{trace[1]}-{secrets.token_hex(8)}-{trace[2]}" if trace else ""
        self._whole = False

    def check_length(self) -> None:
        """Refuse a body by what its header says, before any of it is read."""
        said = self.headers.get("content-length", "0")
        if said.isdigit() and int(said) > self._most_bytes:
            raise self._too_large()

    async def receive(self) -> Message:
        """Give the next part of the body, within its time and size."""
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            told = f"the request did not come whole within {self._slow_seconds:g} s"
            raise RefusedError(408, "timeout", told, headers={"Connection": "close"}) from None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._left < 0:
                raise self._too_large()
        return message

    def _too_large(self) -> RefusedError:
        told = f"the body is larger than {self._most_bytes // 1024} KiB"
        return RefusedError(413, "too_large", told, hint="send less per request", headers={"Connection": "close"})

    async def send(self, message: Message) -> None:
        """Send a part of the answer; the first one carries what all answers carry."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.request_id
            if self._parent:
                headers["Traceparent"] = self._parent
            headers["Content-Security-Policy"] = CONTENT_POLICY
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "no-referrer"
            headers.setdefault("Cache-Control", "no-store")
            headers.add_vary_header("Origin")
            if self.foreign is not None:
                headers["Access-Control-Allow-Origin"] = self.foreign
                headers["Access-Control-Expose-Headers"] = "X-Request-Id, Retry-After"
        await self._send(message)

    def route(self) -> str:
        """Return the template of the path; what no route has is one word, whatever was asked."""
        route = self.scope.get("route")
        return str(getattr(route, "path", "")) or "none"

    def log(self, route: str, seconds: float) -> None:
        line = {"request_id": self.request_id, "trace_id": self.trace, "method": self.scope["method"][:16],
                "route": route, "status": self.status, "ms": round(seconds * 1e3, 2)}  # fmt: skip
        LOG.info(msgspec.json.encode(line).decode())


def _preflight() -> Response:
    headers = {
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": _HEADERS,
        "Access-Control-Max-Age": "600",
    }
    return Response(status_code=204, headers=headers)
