"""Which types of events a journal holds."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

_WHOLE = "COALESCE(MIN(value = CAST(value AS INTEGER)), 1)"
_QUERY = f"SELECT kind, COUNT(*) AS n, MIN(value), MAX(value), {_WHOLE} FROM events GROUP BY kind ORDER BY n DESC, kind"


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
    """Return all types, the most frequent first (reads every event)."""
    rows = database.execute(_QUERY)
    return [EventKind(name, count, low, high, bool(whole)) for name, count, low, high, whole in rows]
