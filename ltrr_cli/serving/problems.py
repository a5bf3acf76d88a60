"""Failures as RFC 9457 problem documents; ``code`` is the name of an exit code, or of a refusal that only HTTP knows.

usage 400, data 400, not_found 404, damaged 503, locked 503, no_space 507, gate 409, unexpected 500; unauthorized 401,
forged 401, forbidden 403, method 405, timeout 408, conflict 409, replayed 409, not_shown 409, too_large 413,
media_type 415, too_many 429, overloaded 503.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.responses import Response

from ltrr_cli.core.errors import (
    DamagedError,
    DataError,
    GateError,
    LockedError,
    LtrrError,
    NoSpaceError,
    NotFoundError,
    UsageError,
)

MEDIA_TYPE = "application/problem+json"

_OF_ERROR: tuple[tuple[type[LtrrError], str, int], ...] = (
    (UsageError, "usage", 400),
    (DataError, "data", 400),
    (NotFoundError, "not_found", 404),
    (DamagedError, "damaged", 503),
    (LockedError, "locked", 503),
    (NoSpaceError, "no_space", 507),
    (GateError, "gate", 409),
    (LtrrError, "unexpected", 500),
)
_SERVER_WORDS = {  # said in place of the message of a failure that speaks of files and folders of the server
    "damaged": "the state on the server's disk is damaged; its log says more",
    "locked": "another process is writing; try again",
    "no_space": "the server's disk is full",
    "unexpected": "the server failed; its log says more",
}


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One failure as the client reads it (RFC 9457)."""

    title: str  # the status in words
    status: int
    code: str  # what a program tells failures apart by
    type: str = "about:blank"
    detail: str = ""  # what was wrong with this request
    hint: str = ""  # what to do about it
    request_id: str = ""


class RefusedError(Exception):
    """A request that is refused: HTTP status, code, and one sentence for the client."""

    def __init__(
        self, status: int, code: str, detail: str, *, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.hint = status, code, detail, hint
        self.headers: Mapping[str, str] = headers or {}


def refusal_of(error: Exception) -> RefusedError:
    """Return what a client is told of a failure; what is not foreseen is "unexpected" and tells nothing.

    >>> refusal_of(NotFoundError("no entity 'a:9'")).status
    404
    """
    if isinstance(error, RefusedError):
        return error
    for kind, code, status in _OF_ERROR:
        if isinstance(error, kind):
            told = _SERVER_WORDS.get(code)
            again = {"Retry-After": "1"} if code == "locked" else {}
            return RefusedError(status, code, told or str(error), hint="" if told else error.hint or "", headers=again)
    return RefusedError(500, "unexpected", _SERVER_WORDS["unexpected"])


def problem_response(error: RefusedError, request_id: str = "") -> Response:
    """Return the document of a refusal."""
    title = HTTPStatus(error.status).phrase
    problem = Problem(title, error.status, error.code, detail=error.detail, hint=error.hint, request_id=request_id)
    return Response(msgspec.json.encode(problem), error.status, dict(error.headers), MEDIA_TYPE)
