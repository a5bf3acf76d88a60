"""Who may do what: bearer tokens with scopes, from a file.

One token a line: scopes separated by commas, white space, the token or ``sha256:`` and the hex digest of it. Empty
lines and lines that begin with ``#`` say nothing. Scopes: ``ask`` (queries), ``feed`` (feedback), ``operate`` (metrics,
the dashboard, who asked); ``all`` is all three.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from ltrr_cli.core.errors import DataError, NotFoundError
from ltrr_cli.serving.problems import RefusedError

ASK, FEED, OPERATE = "ask", "feed", "operate"
SCOPES = frozenset((ASK, FEED, OPERATE))
LEAST = 16  # characters of a token: shorter ones can be guessed
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750, b64token


class Tokens:
    """The tokens of one server, kept as digests; without any, everybody may do everything."""

    def __init__(self, scopes: Mapping[bytes, frozenset[str]]) -> None:
        self._scopes = dict(scopes)

    @property
    def open(self) -> bool:
        """Say whether no token is needed."""
        return not self._scopes

    @classmethod
    def none(cls) -> Self:
        """Return the tokens of a server that asks for none."""
        return cls({})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file; raises NotFoundError, and DataError that names the line and never a token."""
        try:
            lines = path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            raise NotFoundError(f"no token file {path}", hint="one line a token: ask,feed TOKEN") from None
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: {error}") from None
        found: dict[bytes, frozenset[str]] = {}
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.lstrip().startswith("#"):
                digest, scopes = _parsed(line, f"{path}, line {number}")
                found[digest] = scopes
        if not found:
            raise DataError(f"{path} holds no token", hint="one line a token: ask,feed TOKEN")
        return cls(found)

    def client(self, authorization: str | None, scope: str) -> tuple[str, frozenset[str]]:
        """Return (name of the client, its scopes); the name is "" where no token is needed.

        The name is a part of the token's digest, fit for counting and never for logging in.
        Raises RefusedError 401 without a known token, 403 without the scope.
        """
        if self.open:
            return "", SCOPES
        kind, _, token = (authorization or "").partition(" ")
        scopes = self._of(token.strip()) if kind.lower() == "bearer" else None
        if scopes is None:
            asked = 'Bearer realm="ltrr"' + (', error="invalid_token"' if authorization else "")
            detail = "the token is not known" if authorization else "a token is needed"
            raise RefusedError(
                401, "unauthorized", detail, hint="Authorization: Bearer TOKEN", headers={"WWW-Authenticate": asked}
            )
        if scope not in scopes:
            asked = f'Bearer realm="ltrr", error="insufficient_scope", scope="{scope}"'
            headers = {"WWW-Authenticate": asked}
            raise RefusedError(403, "forbidden", f"the token has not the scope {scope}", headers=headers)
        return _digest(token.strip()).hex()[:16], scopes

    def _of(self, token: str) -> frozenset[str] | None:
        digest, found = _digest(token), None
        for known, scopes in self._scopes.items():  # all are looked at: the time taken tells nothing
            if hmac.compare_digest(known, digest):
                found = scopes
        return found


def _parsed(line: str, where: str) -> tuple[bytes, frozenset[str]]:
    parts = line.split()
    if len(parts) != 2:
        raise DataError(f"{where}: neither scopes and a token nor a comment", hint="write it as ask,feed TOKEN")
    scopes = frozenset(parts[0].split(","))
    scopes = SCOPES if scopes == {"all"} else scopes
    if not scopes <= SCOPES:
        raise DataError(f"{where}: unknown scope", hint=f"scopes: {', '.join(sorted(SCOPES))}, all")
    if (digest := _DIGEST.fullmatch(parts[1])) is not None:
        return bytes.fromhex(digest[1]), scopes
    if _TOKEN.fullmatch(parts[1]) is None:
        raise DataError(f"{where}: a token has letters, digits and -._~+/ only")
    if len(parts[1]) < LEAST:
        raise DataError(f"{where}: a token has at least {LEAST} characters", hint="`openssl rand -hex 24` makes one")
    return _digest(parts[1]), scopes


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
