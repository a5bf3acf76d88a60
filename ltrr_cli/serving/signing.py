"""Ids of impressions that only this workspace can have given out: time, chance, and an HMAC over both.

An id is 48 hex digits: 6 bytes of milliseconds since 1970, 8 random bytes, and the first 10 bytes of HMAC-SHA256 over
them. The key lies in the workspace's folder, readable by its owner alone.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path
from typing import Self

from ltrr_cli.core.clock import now_ms
from ltrr_cli.core.errors import DamagedError

KEY_FILE = "serving.key"
KEY_BYTES = 32
_TIME, _CHANCE, _MAC = 6, 8, 10


class Signer:
    """Gives out ids and knows its own again; safe to use from many threads."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def open(cls, home: Path) -> Self:
        """Read the workspace's key, made where there is none; raises DamagedError for what is no key."""
        path = home / KEY_FILE
        _create(path)
        try:
            key = bytes.fromhex(path.read_text("ascii").strip())
        except ValueError:
            key = b""
        if len(key) < KEY_BYTES:
            hint = f"remove {path}: the next start makes a new one, and feedback for older pages is refused"
            raise DamagedError(f"{path} holds no key", hint=hint)
        return cls(key)

    def new_id(self, moment: int | None = None) -> str:
        """Return a new id; ``moment`` is in milliseconds since 1970, by default now."""
        said = (now_ms() if moment is None else moment).to_bytes(_TIME, "big") + secrets.token_bytes(_CHANCE)
        return (said + self._mac(said)).hex()

    def moment_of(self, impression_id: str) -> int | None:
        """Return when an id was given out (milliseconds since 1970); None for an id that was not given out here.

        >>> signer = Signer(b"k" * 32)
        >>> signer.moment_of(signer.new_id(moment=7)), signer.moment_of("00" * 24)
        (7, None)
        """
        if len(impression_id) != 2 * (_TIME + _CHANCE + _MAC):
            return None
        try:
            whole = bytes.fromhex(impression_id)
        except ValueError:
            return None
        said = whole[: _TIME + _CHANCE]
        # compared as text, too: "AB" and "ab" are the same bytes but not the same id
        if not hmac.compare_digest(whole[_TIME + _CHANCE :], self._mac(said)) or whole.hex() != impression_id:
            return None
        return int.from_bytes(said[:_TIME], "big")

    def _mac(self, said: bytes) -> bytes:
        return hmac.digest(self._key, b"impression" + said, "sha256")[:_MAC]


def _create(path: Path) -> None:
    """Write a new key where there is none; of several processes that do so at once, one wins."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails where another process was first, and is never half written
    except FileExistsError:
        pass
    finally:
        draft.unlink()
