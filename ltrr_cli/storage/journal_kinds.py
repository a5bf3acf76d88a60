"""Which types of events a journal holds: counted as they come, for whoever learns asks what values they have."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

KINDS = """
CREATE TABLE IF NOT EXISTS kinds (
    kind TEXT PRIMARY KEY, events INTEGER NOT NULL, low REAL, high REAL, whole INTEGER NOT NULL
) WITHOUT ROWID;
"""
_COUNTED = """SELECT kind, COUNT(*), MIN(value), MAX(value), COALESCE(MIN(value = CAST(value AS INTEGER)), 1)
FROM events WHERE seq > ? GROUP BY kind"""
_ADD = """INSERT INTO kinds VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind) DO UPDATE SET
events = events + excluded.events, whole = MIN(whole, excluded.whole),
low = COALESCE(MIN(low, excluded.low), low, excluded.low),
high = COALESCE(MAX(high, excluded.high), high, excluded.high)"""


@dataclass(frozen=True, slots=True)
class EventKind:
    """How often events of one type stand in the journal, and what their values are like.

    low, high -- range of the values, None where none has one
    whole     -- all values are whole numbers
    """

    name: str
    count: int
    low: float | None = None
    high: float | None = None
    whole: bool = True


def kinds(database: sqlite3.Connection) -> list[EventKind]:
    """Return all types, the most frequent first."""
    rows = database.execute("SELECT kind, events, low, high, whole FROM kinds ORDER BY events DESC, kind")
    return [EventKind(name, count, low, high, bool(whole)) for name, count, low, high, whole in rows]


def count_kinds(database: sqlite3.Connection, since: int) -> None:
    """Count the events after the ``since``-th, inside a transaction."""
    database.executemany(_ADD, database.execute(_COUNTED, (since,)).fetchall())


def recount_kinds(database: sqlite3.Connection) -> None:
    """Count all events anew, inside a transaction."""
    database.execute("DELETE FROM kinds")
    count_kinds(database, 0)
