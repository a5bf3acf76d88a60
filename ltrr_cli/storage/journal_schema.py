"""The journal's tables, how old ones become new, and how what must be forgotten leaves them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from ltrr_cli.core.clock import DAY
from ltrr_cli.storage.journal_counts import COUNTS, days_within, forget_counts
from ltrr_cli.storage.journal_frozen import FROZEN, thaw_forgotten
from ltrr_cli.storage.journal_kinds import KINDS, recount_kinds
from ltrr_cli.storage.journal_meta import META, add, count_thinning, digest_of, keep
from ltrr_cli.storage.journal_pages import put_together

FORMAT = 7

READINGS = """
CREATE TABLE IF NOT EXISTS readings (
    digest TEXT NOT NULL, reader TEXT NOT NULL, format TEXT NOT NULL, offset INTEGER NOT NULL, number INTEGER NOT NULL,
    lines INTEGER NOT NULL, known INTEGER NOT NULL, conflicts INTEGER NOT NULL, skipped INTEGER NOT NULL,
    refused INTEGER NOT NULL, from_zero INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (digest, reader)
);
"""

AMENDMENTS = """
CREATE TABLE IF NOT EXISTS amendments (
    impression_id TEXT NOT NULL, record BLOB NOT NULL, time_ms INTEGER, user TEXT, source INTEGER,
    PRIMARY KEY (impression_id, record)
) WITHOUT ROWID;
"""

_INDEXES = """
CREATE INDEX IF NOT EXISTS events_time ON events (time_ms);
CREATE INDEX IF NOT EXISTS impressions_seq ON impressions (seq);
"""

USERS = """
CREATE TABLE users (seq INTEGER PRIMARY KEY, user TEXT NOT NULL, attributes TEXT NOT NULL, time_ms INTEGER);
CREATE UNIQUE INDEX users_said ON users (user, COALESCE(time_ms, -1));
"""

SCHEMA = (
    """
CREATE TABLE impressions (
    impression_id TEXT PRIMARY KEY, time_ms INTEGER, query TEXT NOT NULL, origin TEXT NOT NULL,
    user TEXT, session TEXT, page BLOB, seq INTEGER NOT NULL, source INTEGER
) WITHOUT ROWID;
CREATE INDEX impressions_time ON impressions (time_ms);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, time_ms INTEGER,
    entity_id TEXT NOT NULL, impression_id TEXT, query TEXT, position INTEGER, user TEXT, session TEXT, value REAL,
    source INTEGER
);
CREATE INDEX events_user ON events (user) WHERE user IS NOT NULL;
CREATE INDEX events_impression ON events (impression_id) WHERE impression_id IS NOT NULL;
CREATE TABLE conflicts (event_id TEXT NOT NULL, content TEXT NOT NULL, UNIQUE (event_id, content));
CREATE TABLE sources (
    source INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, from_zero INTEGER NOT NULL DEFAULT 0
);
"""
    + READINGS
    + AMENDMENTS
    + _INDEXES
    + USERS
    + META
    + KINDS
    + COUNTS
    + FROZEN
)

# of one moment the latest line holds; what was said at other moments stays: a search knows what was said by then
PROFILE = """INSERT INTO users (user, attributes, time_ms) VALUES (?, ?, ?)
ON CONFLICT (user, COALESCE(time_ms, -1)) DO UPDATE
SET attributes = excluded.attributes, seq = (SELECT MAX(seq) + 1 FROM users)
WHERE attributes != excluded.attributes"""

_TO_2 = """
ALTER TABLE impressions ADD COLUMN source INTEGER;
ALTER TABLE events ADD COLUMN source INTEGER;
CREATE TABLE sources (source INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
"""
_TO_4 = (  # logs are read whole again, for their lines say more than they did
    "DROP TABLE readings;"
    + READINGS
    + AMENDMENTS
    + "ALTER TABLE sources ADD COLUMN from_zero INTEGER NOT NULL DEFAULT 0;"
)
_TO_5 = f"""
{_INDEXES}
DROP INDEX IF EXISTS users_said;
ALTER TABLE users RENAME TO users_4;
{USERS}
INSERT INTO users (user, attributes, time_ms) SELECT user, attributes, time_ms FROM users_4 ORDER BY user;
DROP TABLE users_4;
{META}
{KINDS}
"""
_TO = {2: _TO_2, 3: READINGS, 4: _TO_4, 5: _TO_5, 6: COUNTS, 7: FROZEN}


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much was deleted from the journal."""

    events: int
    impressions: int
    users: int
    counts: int = 0


@dataclass(frozen=True, slots=True)
class Forget:
    """Which feedback is deleted: all that meets every condition that is set.

    user    -- a person's id; daily counts name nobody, and stay
    source  -- a log as it was named when it was taken in, or the end of its path
    between -- (from, to) in milliseconds, the end exclusive; what has no time stays, and so do the counts of days that
               lie in it in part
    """

    user: str | None = None
    source: str | None = None
    between: tuple[int, int] | None = None


def create(database: sqlite3.Connection) -> None:
    """Make the tables of the newest format, inside a transaction."""
    _run(database, SCHEMA)


def upgrade(database: sqlite3.Connection) -> None:
    """Bring tables of an older format to the newest, one step after another, inside a transaction.

    Where lines of format 1 came from is not known; how far logs were read is not known before format 3; the digest
    and the types were not kept before format 5.
    """
    found = database.execute("PRAGMA user_version").fetchone()[0]
    _run(database, "".join(script for number, script in _TO.items() if number > found))
    if found < 5:
        keep(database, digest_of(database, "1"))
        recount_kinds(database)


def _run(database: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";"):
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {FORMAT}")


def forget(database: sqlite3.Connection, what: Forget) -> Forgotten:
    """Delete, inside a transaction; conflicting copies of deleted events leave with them."""
    condition, values = _condition(database, what)
    events = _forget_events(database, condition, values)
    impressions = _forget_pages(database, condition, values, whole=what.user is not None)
    counts = _forget_counts(database, what)
    _thinned(database, events + impressions + counts)
    database.execute("DELETE FROM readings")  # a log that holds what left is to be read whole, should it come again
    users = 0
    if what.user is not None and what.source is None and what.between is None:
        users = database.execute("SELECT COUNT(DISTINCT user) FROM users WHERE user = ?", (what.user,)).fetchone()[0]
        if users:
            database.execute("DELETE FROM users WHERE user = ?", (what.user,))
            count_thinning(database)
    return Forgotten(events, impressions, users, counts)


def expire(database: sqlite3.Connection, days_ms: int, now_ms: int) -> None:
    """Delete, inside a transaction, the days before ``days_ms`` before the newest event that is not of the future.

    Whole days leave at once, since whatever was learnt has to be learnt anew without them. How far logs were read stays
    known: what was dropped for its age is not to come back with them.
    """
    newest = f"""SELECT MAX(MIN(time_ms, ?)) FROM (
SELECT time_ms FROM events WHERE time_ms IS NOT NULL UNION ALL SELECT (day + 1) * {DAY} - 1 FROM count_days)"""
    found = database.execute(newest, (now_ms,)).fetchone()[0]
    if found is None:
        return
    before: list[str | int] = [(found - days_ms) // DAY * DAY]
    events = _forget_events(database, "time_ms < ?", before)
    pages = database.execute("DELETE FROM impressions WHERE time_ms < ?", before).rowcount
    database.execute("DELETE FROM amendments WHERE impression_id NOT IN (SELECT impression_id FROM impressions)")
    counts = forget_counts(database, "day < ?", [(found - days_ms) // DAY])
    _thinned(database, events + pages + counts)


def _forget_events(database: sqlite3.Connection, condition: str, values: list[str | int]) -> int:
    """Delete events that meet a condition; return how many."""
    chosen = f"SELECT event_id FROM events WHERE {condition}"
    gone = digest_of(database, condition, values)
    database.execute(f"DELETE FROM conflicts WHERE event_id IN ({chosen})", values)
    events = database.execute(f"DELETE FROM events WHERE {condition}", values).rowcount
    add(database, -gone)
    return events


def _forget_counts(database: sqlite3.Connection, what: Forget) -> int:
    """Delete the daily counts that meet all conditions; return how many rows."""
    if what.user is not None:
        return 0
    days = None if what.between is None else days_within(what.between)
    condition, values = _condition(database, Forget(source=what.source)) if what.source is not None else ("1", [])
    if days is not None:
        condition, values = f"{condition} AND day BETWEEN ? AND ?", [*values, *days]
    return forget_counts(database, condition, values) if what.source is not None or days is not None else 0


def _forget_pages(database: sqlite3.Connection, condition: str, values: list[str | int], *, whole: bool) -> int:
    """Delete pages that one record tells, and of those that several tell the records that are meant.

    whole -- with a page all of its records leave: it was one person's
    """
    chosen = f"SELECT impression_id FROM impressions WHERE {condition}"
    database.execute(f"DELETE FROM conflicts WHERE event_id IN ({chosen})", values)
    if whole:
        database.execute(f"DELETE FROM amendments WHERE impression_id IN ({chosen})", values)
    told = "SELECT impression_id FROM amendments"
    gone = database.execute(f"DELETE FROM impressions WHERE {condition} AND impression_id NOT IN ({told})", values)
    touched = [
        key for (key,) in database.execute(f"SELECT DISTINCT impression_id FROM amendments WHERE {condition}", values)
    ]
    database.execute(f"DELETE FROM amendments WHERE {condition}", values)
    return gone.rowcount + sum(put_together(database, key) for key in touched)


def _thinned(database: sqlite3.Connection, rows: int) -> None:
    """Note that so much left."""
    if rows:
        count_thinning(database)
        recount_kinds(database)
        thaw_forgotten(database)


def _condition(database: sqlite3.Connection, what: Forget) -> tuple[str, list[str | int]]:
    conditions: list[str] = []
    values: list[str | int] = []
    if what.user is not None:
        conditions.append("user = ?")
        values.append(what.user)
    if what.source is not None:
        named = [
            number
            for number, name in database.execute("SELECT source, name FROM sources")
            if name == what.source or name.endswith("/" + what.source)
        ]
        conditions.append(f"source IN ({', '.join('?' * len(named))})")
        values += named
    if what.between is not None:
        conditions.append("time_ms >= ? AND time_ms < ?")
        values += what.between
    return " AND ".join(conditions) or "0", values
