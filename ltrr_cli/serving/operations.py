"""What a route is: a handler, and what the description of the interface says of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ltrr_cli.serving.problems import RefusedError

JSON = "application/json"
JSON_LINES = "application/x-ndjson"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a path or query string, with its JSON schema."""

    name: str
    schema: Mapping[str, Any]
    about: str
    where: str = "query"  # or "path"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    scope    -- what a token must allow; None: nobody is asked
    body     -- the type of the request's body; None: there is none
    lines    -- the body may be JSON lines, too
    answer   -- the type of a 200; None: ``media`` that no schema describes
    problems -- statuses of refusals beside those that any request may meet
    """

    method: str
    path: str
    name: str
    summary: str
    handler: Callable[[Request], Awaitable[Response]]
    scope: str | None = None
    body: Any = None
    lines: bool = False
    answer: Any = None
    media: str = JSON
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[int, ...] = ()


def json_response(answer: object, status: int = 200) -> Response:
    """Return a record as JSON (NaN is null)."""
    return Response(msgspec.json.encode(answer), status, media_type=JSON)


async def body_of(request: Request, kind: type[T]) -> T:
    """Read a JSON body; raises RefusedError 400 naming the field, 415 for another media type."""
    check_media_type(request, (JSON,))
    return decoded(await request.body(), kind)


def check_media_type(request: Request, known: tuple[str, ...]) -> str:
    """Return the media type of a body; raises RefusedError 415 for one that is not known."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said not in known:
        raise RefusedError(415, "media_type", f"the body is {said[:80] or 'of no type'!r}", hint=" or ".join(known))
    return said


def decoded(data: bytes, kind: type[T]) -> T:
    """Read JSON; raises RefusedError 400."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, "data", f"the body: {error or 'nested too deeply'}"[:500]) from None


def converted(given: Mapping[str, Any], kind: type[T]) -> T:
    """Read parameters of a query string; raises RefusedError 400."""
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise RefusedError(400, "usage", str(error)[:500]) from None
