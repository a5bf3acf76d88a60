"""Who asks, and whether they may: tokens, rates, and the origins of web pages."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request

from ltrr_cli.serving.limits import RateLimit
from ltrr_cli.serving.problems import RefusedError
from ltrr_cli.serving.tokens import OPERATE, Tokens


@dataclass(frozen=True, slots=True)
class Client:
    """Whoever sent a request; ``name`` counts towards limits: the token's, else the address."""

    name: str
    scopes: frozenset[str]

    @property
    def operates(self) -> bool:
        """Say whether it may see who asked."""
        return OPERATE in self.scopes


class Access:
    """Tokens and rates of one worker."""

    def __init__(self, tokens: Tokens, *, queries: float, events: float) -> None:
        self._tokens = tokens
        self.queries, self.events = RateLimit(queries), RateLimit(events)

    def client(self, request: Request, scope: str) -> Client:
        """Return who asks; raises RefusedError 401, 403."""
        return self._client(request, request.headers.get("authorization"), scope)

    def browsing(self, request: Request, scope: str) -> Client:
        """Return who opens a page: a browser asks for a name and a password, which is the token."""
        given = request.headers.get("authorization", "")
        if given[:6].lower() == "basic ":
            given = f"Bearer {_password(given[6:])}"
        try:
            return self._client(request, given, scope)
        except RefusedError as refused:
            headers = {"WWW-Authenticate": 'Basic realm="ltrr: any name, and a token as the password"'}
            raise RefusedError(401, "unauthorized", str(refused), hint=refused.hint, headers=headers) from None

    def _client(self, request: Request, authorization: str | None, scope: str) -> Client:
        name, scopes = self._tokens.client(authorization, scope)
        address = request.client.host if request.client is not None else ""
        return Client(name or address, scopes)


class Origins:
    """Which web pages may call: those of this server, and those of origins that are named.

    local -- only names of this machine are believed in ``Host``: a foreign name that leads here belongs to a page that
             wants to be taken for this server's (DNS rebinding)
    """

    def __init__(self, allowed: Sequence[str], *, local: bool) -> None:
        self._allowed, self._local = frozenset(one.rstrip("/").lower() for one in allowed), local

    def admitted(self, headers: Headers) -> str | None:
        """Return the foreign origin that may read the answer, None where there is none; raises RefusedError 403."""
        host = headers.get("host", "")
        if self._local and not _is_local(host):
            raise RefusedError(403, "forbidden", "this server answers to names of this machine only")
        origin = headers.get("origin")
        if origin is None:
            return None
        if origin.lower() in self._allowed:
            return origin
        # behind a proxy that ends TLS the scheme differs, so names and ports are compared alone
        if origin != "null" and _authority(origin) == host.lower():
            return None
        hint = "name it in serve.origins (ltrr.toml) or with --origin"
        raise RefusedError(403, "forbidden", "pages of this origin may not call", hint=hint)


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Say whether an address or name can be reached from this machine only.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_local(host: str) -> bool:
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
