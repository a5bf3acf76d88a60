"""What the journal knows of itself: a digest of its events that is kept as they come, and how often it was thinned.

The digest is a sum of one hash per event, so it depends on no order, and what comes or leaves is added or taken off
(a multiset hash: Clarke et al., ASIACRYPT 2003). It tells journals apart; it is no proof against forgery.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence

from ltrr_cli.storage.journal_rows import EVENT

META = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
_BYTES = 64
_SIZE = 1 << (8 * _BYTES)


def digest_of_rows(rows: Iterable[tuple[object, ...]]) -> int:
    """Return the sum of the hashes of events, given as rows of ``EVENT``."""
    total, hashed, number = 0, hashlib.blake2b, int.from_bytes
    for row in rows:
        total += number(hashed(repr(row).encode("utf-8", "surrogatepass")).digest(), "little")
    return total


def digest_of(database: sqlite3.Connection, condition: str, values: Sequence[str | int] = ()) -> int:
    """Return the same for the events that meet a condition."""
    return digest_of_rows(database.execute(f"SELECT {EVENT} FROM events WHERE {condition}", values))


def add(database: sqlite3.Connection, change: int) -> None:
    """Add to the digest of all events, inside a transaction."""
    keep(database, int.from_bytes(_value(database, "digest"), "little") + change)


def keep(database: sqlite3.Connection, total: int) -> None:
    """Set the digest of all events, inside a transaction."""
    _set(database, "digest", (total % _SIZE).to_bytes(_BYTES, "little"))


def digest(database: sqlite3.Connection) -> str:
    """Return the digest of all events in hex."""
    return hashlib.sha256(_value(database, "digest").ljust(_BYTES, b"\0")).hexdigest()


def count_thinning(database: sqlite3.Connection) -> None:
    """Note that something left the journal, inside a transaction."""
    _set(database, "thinned", (thinned(database) + 1).to_bytes(8, "little"))


def thinned(database: sqlite3.Connection) -> int:
    """Return how often something left the journal."""
    return int.from_bytes(_value(database, "thinned"), "little")


def _value(database: sqlite3.Connection, name: str) -> bytes:
    row = database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return b"" if row is None else bytes(row[0])


def _set(database: sqlite3.Connection, name: str, value: bytes) -> None:
    database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
