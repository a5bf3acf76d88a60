"""Daily counts in the journal: each (day, query, entity, type, channel) once.

A row that comes again changes nothing; one that comes with other numbers replaces what was known, for a warehouse
counts a day again when late events have arrived. Texts stand once, under a hash of 64 bits, so a row is a few integers,
and rows of a day have one order, whatever order they came in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import numpy as np

from ltrr_cli.core.clock import DAY
from ltrr_cli.core.counted import CountRow, end_of
from ltrr_cli.core.types import MomentArray
from ltrr_cli.storage.journal_meta import add, digest_of_rows

COUNTS = """
CREATE TABLE IF NOT EXISTS counts (
    day INTEGER NOT NULL, query INTEGER NOT NULL, entity INTEGER NOT NULL, kind INTEGER NOT NULL,
    channel INTEGER NOT NULL, actions INTEGER NOT NULL, users INTEGER, shown INTEGER, source INTEGER,
    PRIMARY KEY (day, query, entity, kind, channel)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS count_days (day INTEGER PRIMARY KEY, seq INTEGER NOT NULL, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS count_texts (hash INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS count_kinds (hash INTEGER PRIMARY KEY);
"""
_KEY = "day = ? AND query = ? AND entity = ? AND kind = ? AND channel = ?"
_ROW = "day, query, entity, kind, channel, actions, users, shown"
_INSERT = f"INSERT {{}} INTO counts ({_ROW}, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

_Key = tuple[int, int, int, int, int]
_Values = tuple[int, int | None, int | None]


@dataclass(frozen=True, slots=True)
class IngestedCounts:
    """What became of rows: new ones, known ones, and those that replaced other numbers."""

    accepted: int = 0
    duplicates: int = 0
    replaced: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class DayCounts:
    """All rows of one day, parallel arrays (n,) by the hashes of query, entity, type and channel, ascending.

    users, shown -- -1 where nobody counted them
    """

    day: int
    query: MomentArray
    entity: MomentArray
    kind: MomentArray
    channel: MomentArray
    actions: MomentArray
    users: MomentArray
    shown: MomentArray


@lru_cache(maxsize=1 << 18)
def hash_of(text: str) -> int:
    """Return the 64 bits, with a sign, that stand for a text.

    >>> hash_of("jazz") == hash_of("jazz") != hash_of("Jazz")
    True
    """
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


class CountsInJournal:
    """Daily counts of an open journal."""

    _db: sqlite3.Connection

    def _translated(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def _transaction(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def _source(self, name: str) -> int:
        raise NotImplementedError

    def ingest_counts(self, rows: Sequence[CountRow], source: str | None = None) -> IngestedCounts:
        """Take in rows in one transaction, that of ``whole`` where one is open; of equal keys the last row holds.

        source -- the log that they came from; what several logs hold belongs to the first
        """
        with self._transaction():
            return _ingest(self._db, rows, None if source is None else self._source(source))

    def counted_days(self, after_ms: int | None = None, until_ms: int | None = None) -> list[int]:
        """Return the days that have counts, ascending: those that end after a moment, up to another."""
        start = -(2**62) if after_ms is None else after_ms
        end = 2**62 if until_ms is None else until_ms
        with self._translated():
            days = [day for (day,) in self._db.execute("SELECT day FROM count_days ORDER BY day")]
        return [day for day in days if start < end_of(day) <= end]

    def day_counts(self, day: int) -> DayCounts:
        """Return all rows of a day."""
        numbers = "query, entity, kind, channel, actions, COALESCE(users, -1), COALESCE(shown, -1)"
        query = f"SELECT {numbers} FROM counts WHERE day = ? ORDER BY query, entity, kind, channel"
        with self._translated():
            cursor = self._db.execute(query, (day,))
            parts = [np.empty((0, 7), np.int64)]
            while some := cursor.fetchmany(50_000):
                parts.append(np.array(some, np.int64))
        columns = np.concatenate(parts).T
        return DayCounts(day, *(np.ascontiguousarray(column) for column in columns))

    def count_texts(self, hashes: Iterable[int]) -> Iterator[str]:
        """Yield the texts of hashes that rows have."""
        with self._translated():
            for one in hashes:
                yield self._db.execute("SELECT text FROM count_texts WHERE hash = ?", (one,)).fetchone()[0]

    def count_kinds(self) -> list[str]:
        """Return the types of actions that were ever counted, by name."""
        query = "SELECT text FROM count_kinds JOIN count_texts USING (hash) ORDER BY text"
        with self._translated():
            return [text for (text,) in self._db.execute(query)]

    def counted_rows(self) -> int:
        """Return how many rows there are."""
        with self._translated():
            return int(self._db.execute("SELECT COALESCE(SUM(size), 0) FROM count_days").fetchone()[0])

    def counted_moment(self, after_ms: int, rows: int) -> int | None:
        """Return the end of the day that completes so many rows after a moment; None where there are not as many."""
        with self._translated():
            days = self._db.execute("SELECT day, size FROM count_days ORDER BY day").fetchall()
        for day, size in days:
            if end_of(day) > after_ms:
                rows -= size
                if rows <= 0:
                    return end_of(day)
        return None


def _ingest(database: sqlite3.Connection, rows: Sequence[CountRow], source: int | None) -> IngestedCounts:
    arriving: dict[_Key, _Values] = {}
    replaced, texts, kinds = 0, dict[int, str](), set[int]()
    for day, query, entity, kind, actions, users, shown, channel in rows:
        hashes = hash_of(query), hash_of(entity), hash_of(kind), hash_of(channel)
        texts.update(zip(hashes, (query, entity, kind, channel), strict=True))
        kinds.add(hashes[2])
        key, values = (day, *hashes), (actions, users, shown)
        replaced += arriving.get(key, values) != values
        arriving[key] = values
    twice = len(rows) - len(arriving) - replaced
    database.executemany("INSERT OR IGNORE INTO count_texts VALUES (?, ?)", texts.items())
    database.executemany("INSERT OR IGNORE INTO count_kinds VALUES (?)", ((kind,) for kind in kinds))
    new = arriving
    if not _inserted(database, arriving, source):
        new, changed = _apart(database, arriving)
        _inserted(database, new, source)
        _replace(database, changed)
        twice += len(arriving) - len(new) - len(changed)
        replaced += len(changed)
        _note_days(database, {key[0]: 0 for key in changed})
    sizes: dict[int, int] = {}
    for key in new:
        sizes[key[0]] = sizes.get(key[0], 0) + 1
    _note_days(database, sizes)
    if new:
        add(database, digest_of_rows(key + values for key, values in new.items()))
    return IngestedCounts(len(new), twice, replaced)


def _inserted(database: sqlite3.Connection, rows: dict[_Key, _Values], source: int | None) -> bool:
    """Insert rows, all of them or, where one of them is known, none; say which."""
    database.execute("SAVEPOINT counts")
    before = database.total_changes
    ordered = sorted(rows)  # as they lie on the disk
    database.executemany(_INSERT.format("OR IGNORE"), ((*key, *rows[key], source) for key in ordered))
    whole = database.total_changes - before == len(rows)
    if not whole:
        database.execute("ROLLBACK TO counts")
    database.execute("RELEASE counts")
    return whole


def _apart(
    database: sqlite3.Connection, rows: dict[_Key, _Values]
) -> tuple[dict[_Key, _Values], dict[_Key, tuple[_Values, _Values]]]:
    """Return (new rows, known rows with other numbers: before and now)."""
    new: dict[_Key, _Values] = {}
    changed: dict[_Key, tuple[_Values, _Values]] = {}
    for key, values in rows.items():
        known = database.execute(f"SELECT actions, users, shown FROM counts WHERE {_KEY}", key).fetchone()
        if known is None:
            new[key] = values
        elif known != values:
            changed[key] = known, values
    return new, changed


def _replace(database: sqlite3.Connection, changed: dict[_Key, tuple[_Values, _Values]]) -> None:
    update = f"UPDATE counts SET actions = ?, users = ?, shown = ? WHERE {_KEY}"
    database.executemany(update, ((*now, *key) for key, (_, now) in changed.items()))
    before = digest_of_rows(key + values for key, (values, _) in changed.items())
    add(database, digest_of_rows(key + values for key, (_, values) in changed.items()) - before)


def _note_days(database: sqlite3.Connection, sizes: dict[int, int]) -> None:
    """Note that days have grown by so many rows, or changed."""
    newest = newest_change(database) + 1
    add_to = """INSERT INTO count_days VALUES (?, ?, ?)
ON CONFLICT (day) DO UPDATE SET seq = excluded.seq, size = size + excluded.size"""
    database.executemany(add_to, ((day, newest, size) for day, size in sizes.items()))


def newest_change(database: sqlite3.Connection) -> int:
    """Return the number of the newest change to any day's counts, 0 where there are none."""
    return int(database.execute("SELECT COALESCE(MAX(seq), 0) FROM count_days").fetchone()[0])


def changed_before(database: sqlite3.Connection, since: int, position: tuple[int, str], last: str) -> bool:
    """Say whether a day's counts that were learnt by a position changed after the ``since``-th change.

    last -- comes after every event id: counts come after all events of the last moment of their day
    """
    changed = database.execute("SELECT MIN(day) FROM count_days WHERE seq > ?", (since,)).fetchone()[0]
    return changed is not None and (end_of(changed), last) <= position


def forget_counts(database: sqlite3.Connection, condition: str, values: Sequence[str | int]) -> int:
    """Delete rows that meet a condition, inside a transaction; return how many."""
    gone = digest_of_rows(database.execute(f"SELECT {_ROW} FROM counts WHERE {condition}", values))
    rows = database.execute(f"DELETE FROM counts WHERE {condition}", values).rowcount
    if rows:
        add(database, -gone)
        _settle_days(database)
        columns = ("query", "entity", "kind", "channel")
        kept = " UNION ".join(f"SELECT {column} FROM counts" for column in columns)
        database.execute(f"DELETE FROM count_texts WHERE hash NOT IN ({kept})")
        database.execute("DELETE FROM count_kinds WHERE hash NOT IN (SELECT kind FROM counts)")
    return rows


def _settle_days(database: sqlite3.Connection) -> None:
    """Count what is left of each day."""
    left = "SELECT day, COUNT(*) FROM counts GROUP BY day"
    seqs = dict(database.execute("SELECT day, seq FROM count_days"))
    sizes = [(day, seqs[day], size) for day, size in database.execute(left).fetchall()]
    database.execute("DELETE FROM count_days")
    database.executemany("INSERT INTO count_days VALUES (?, ?, ?)", sizes)


def days_within(between: tuple[int, int]) -> tuple[int, int]:
    """Return (first, last) of the days that lie wholly in a span of time; the end is exclusive.

    >>> days_within((1, 3 * 86_400_000))
    (1, 2)
    """
    return -(-between[0] // DAY), between[1] // DAY - 1
