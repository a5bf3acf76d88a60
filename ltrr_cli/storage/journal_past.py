"""What the journal holds in order of time, from a moment on, and whether what came since belongs before it.

Undated ones come first, as they came; dated events stand in (time, event id) order, impressions in (time, id) order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ltrr_cli.core.types import Event, Impression
from ltrr_cli.storage.journal_counts import changed_before, newest_change
from ltrr_cli.storage.journal_meta import thinned
from ltrr_cli.storage.journal_rows import EVENT, IMPRESSION, impression_of

RECENT = 4_096  # decoded impressions that are at hand while all are read in order
_EVERYTHING = "\U0010ffff"  # no id comes after it


@dataclass(frozen=True, slots=True)
class Position:
    """An event in the order of time: what was learnt ends with it.

    event_id -- None: with all of that moment
    """

    time_ms: int
    event_id: str | None = None

    def values(self) -> tuple[int, str]:
        """Return what SQL compares (time_ms, event_id) with."""
        return self.time_ms, _EVERYTHING if self.event_id is None else self.event_id


BEFORE_ALL = Position(-(2**62))  # before every event that has a time


@dataclass(frozen=True, slots=True)
class JournalGrowth:
    """How far the journal had grown: the newest numbers of each table, and how often something had left it."""

    events: int = 0
    impressions: int = 0
    profiles: int = 0
    thinned: int = 0
    counts: int = 0  # changes to daily counts


class Decoded:
    """Impressions that were lately decoded, the oldest forgotten first: to decode a page is most of what it costs."""

    def __init__(self) -> None:
        self._recent: dict[str, Impression] = {}

    def impression(self, row: tuple[Any, ...]) -> Impression:
        """Return the impression of a row, decoded where it is not at hand."""
        if row[6] is None:  # nothing to decode
            return Impression(*row[:6])
        found = self._recent.pop(row[0], None) or impression_of(row)
        self._recent[row[0]] = found
        if len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]
        return found


def marks(database: sqlite3.Connection) -> JournalGrowth:
    """Return how far the journal has grown."""
    tables = ("events", "impressions", "users")
    newest = [int(database.execute(f"SELECT COALESCE(MAX(seq), 0) FROM {table}").fetchone()[0]) for table in tables]
    return JournalGrowth(newest[0], newest[1], newest[2], thinned(database), newest_change(database))


def reaches_back(database: sqlite3.Connection, since: JournalGrowth, position: Position) -> bool:
    """Say whether anything that came since belongs before a position, so that what was learnt by then would differ.

    That is an event, a page, a profile or daily counts of an earlier moment, or the page of an event that was learnt
    without it.
    """
    if thinned(database) != since.thinned:
        return True
    time_ms, event_id = position.values()
    if changed_before(database, since.counts, (time_ms, event_id), _EVERYTHING):
        return True
    learnt = "(time_ms IS NULL OR (time_ms, event_id) <= (:time, :id))"
    named = "SELECT impression_id FROM impressions WHERE seq > :impressions"
    tests = (
        f"SELECT 1 FROM events WHERE seq > :events AND {learnt}",
        "SELECT 1 FROM impressions WHERE seq > :impressions AND (time_ms IS NULL OR time_ms <= :time)",
        "SELECT 1 FROM users WHERE seq > :profiles AND (time_ms IS NULL OR time_ms <= :time)",
        f"SELECT 1 FROM events WHERE impression_id IN ({named}) AND seq <= :events AND {learnt}",
    )
    values = {
        "time": time_ms, "id": event_id,
        "events": since.events, "impressions": since.impressions, "profiles": since.profiles,
    }  # fmt: skip
    return any(database.execute(f"{test} LIMIT 1", values).fetchone() for test in tests)


_FIELDS = ", ".join(f"e.{name}" for name in EVENT.split(", "))
_PAGE = ", ".join(f"i.{name}" for name in IMPRESSION.split(", "))
_JOINED = "FROM events e LEFT JOIN impressions i USING (impression_id)"


def stream(
    database: sqlite3.Connection, after: Position | None, until_ms: int | None, decoded: Decoded
) -> Iterator[tuple[Event, Impression | None]]:
    """Yield events, each with the impression that it names; ``after`` None: from the beginning, undated ones first."""
    select = f"SELECT {_FIELDS}, {_PAGE} {_JOINED}"
    start, event_id = (after or BEFORE_ALL).values()
    end = 2**62 if until_ms is None else until_ms
    if after is None:
        for row in database.execute(f"{select} WHERE e.time_ms IS NULL ORDER BY e.seq"):
            yield _pair(row, decoded)
    dated = f"{select} WHERE e.time_ms <= ? AND (e.time_ms, e.event_id) > (?, ?) ORDER BY e.time_ms, e.event_id"
    for row in database.execute(dated, (end, start, event_id)):
        yield _pair(row, decoded)


def since(database: sqlite3.Connection, seq: int) -> list[tuple[int, Event, Impression | None]]:
    """Return (number, event, the impression that it names) of the events after a number, as they came."""
    decoded = Decoded()
    rows = database.execute(f"SELECT {_FIELDS}, {_PAGE}, e.seq {_JOINED} WHERE e.seq > ? ORDER BY e.seq", (seq,))
    return [(int(row[-1]), *_pair(row[:-1], decoded)) for row in rows]


def pages_of(
    database: sqlite3.Connection, user: str | None, session: str | None, after_ms: int, until_ms: int
) -> list[Impression]:
    """Return the impressions of a user or a session after a moment and up to another, in (time, id) order."""
    found = f"SELECT {IMPRESSION} FROM impressions WHERE time_ms > ? AND time_ms <= ? AND (user = ? OR session = ?)"
    values = (after_ms, until_ms, user, session)
    return [impression_of(row) for row in database.execute(f"{found} ORDER BY time_ms, impression_id", values)]


def _pair(row: tuple[Any, ...], decoded: Decoded) -> tuple[Event, Impression | None]:
    return Event(*row[:10]), None if row[10] is None else decoded.impression(row[10:])


def impressions(
    database: sqlite3.Connection, after_ms: int | None, until_ms: int | None, decoded: Decoded
) -> Iterator[Impression]:
    """Yield impressions; ``after_ms`` None: from the beginning, undated ones first."""
    if after_ms is None:
        undated = f"SELECT {IMPRESSION} FROM impressions WHERE time_ms IS NULL ORDER BY seq, impression_id"
        yield from map(decoded.impression, database.execute(undated))
    dated = f"SELECT {IMPRESSION} FROM impressions WHERE time_ms > ? AND time_ms <= ? ORDER BY time_ms, impression_id"
    start, end = -(2**62) if after_ms is None else after_ms, 2**62 if until_ms is None else until_ms
    yield from map(decoded.impression, database.execute(dated, (start, end)))


def moment_at(database: sqlite3.Connection, after: Position, events: int) -> int | None:
    """Return the moment of the event that comes so many after a position; None where there are not as many."""
    query = "SELECT time_ms FROM events WHERE time_ms >= ? ORDER BY time_ms LIMIT 1 OFFSET ?"
    row = database.execute(query, (after.time_ms, events)).fetchone()
    return None if row is None else int(row[0])


def newest_impressions(database: sqlite3.Connection, most: int) -> list[Impression]:
    """Return the last impressions in the order of ``impressions``, in that order."""
    dated = f"SELECT {IMPRESSION} FROM impressions WHERE time_ms IS NOT NULL"
    rows = database.execute(f"{dated} ORDER BY time_ms DESC, impression_id DESC LIMIT ?", (most,)).fetchall()
    if len(rows) < most:
        undated = f"SELECT {IMPRESSION} FROM impressions WHERE time_ms IS NULL ORDER BY seq DESC, impression_id DESC"
        rows += database.execute(f"{undated} LIMIT ?", (most - len(rows),)).fetchall()
    return [impression_of(row) for row in reversed(rows)]
