"""The journal: every impression and every event, exactly once, in SQLite; all that is learnt is a fold of it.

Write-ahead logging lets many processes append while others read; an acknowledged transaction survives the death of
its process (``synchronous = NORMAL`` may lose the last ones to a power cut, never half of one).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ltrr_cli.core.types import Event, Impression
from ltrr_cli.storage import journal_past
from ltrr_cli.storage.journal_connection import Connection
from ltrr_cli.storage.journal_counts import CountsInJournal
from ltrr_cli.storage.journal_frozen import FrozenInJournal, FrozenRow
from ltrr_cli.storage.journal_kinds import EventKind, count_kinds, kinds
from ltrr_cli.storage.journal_logs_read import LogRead, note_reading, readings
from ltrr_cli.storage.journal_meta import add, digest, digest_of, digest_of_rows
from ltrr_cli.storage.journal_open import faults_of
from ltrr_cli.storage.journal_pages import insert_impressions, shift_positions, told_whole
from ltrr_cli.storage.journal_past import Decoded, JournalGrowth, Position
from ltrr_cli.storage.journal_reads import ServedReads
from ltrr_cli.storage.journal_rows import EVENT, IMPRESSION, EventRow, event_row, impression_of
from ltrr_cli.storage.journal_schema import PROFILE, Forget, Forgotten, expire, forget

_ORDER = "time_ms IS NOT NULL, time_ms, CASE WHEN time_ms IS NULL THEN seq END"  # undated first, as they came


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a batch: new events, known ones, and events and pages that contradict what is known."""

    accepted: int
    duplicates: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class JournalCounts:
    """How much the journal holds."""

    impressions: int
    events: int
    users: int


class Journal(Connection, ServedReads, CountsInJournal, FrozenInJournal):
    """An open journal. One object is for one thread; processes and threads each open their own."""

    # ------------------------------------------------------------ writing

    @contextmanager
    def whole(self, keep: bool = True) -> Iterator[None]:
        """Make one transaction of all that is written inside: all of it, or nothing where an error passes through.

        Holds one batch in memory, whatever the number of batches; other writers wait until it ends.
        keep -- False takes everything back in the end: what would happen, counted exactly
        """
        with self._transaction(keep):
            yield

    def append_impression(self, impression: Impression, frozen: FrozenRow | None = None, most: int = 0) -> None:
        """Journal one impression, and what it knew when it was answered; the same id again changes nothing.

        most -- searches of which that is kept
        """
        with self._transaction():
            self._insert_impressions((impression,))
            if frozen is not None:
                self.freeze((frozen,), most)

    def ingest(
        self,
        impressions: Sequence[Impression],
        events: Sequence[Event],
        users: Sequence[tuple[str, str, int | None]] = (),
        source: str | None = None,
    ) -> Ingested:
        """Take in a batch in one transaction, that of ``whole`` where one is open: all of it or nothing.

        users  -- (user, attributes as JSON, moment)
        source -- the log that it came from; what several logs hold belongs to the first
        """
        rows = [event_row(event) for event in events]
        with self._transaction():
            number = None if source is None else self._source(source)
            contradicting = self._insert_impressions(impressions, number)
            before, newest = self._db.total_changes, self._newest("events")
            marks = ", ".join("?" * 10) + f", {'NULL' if number is None else number}"
            self._db.executemany(f"INSERT OR IGNORE INTO events ({EVENT}, source) VALUES ({marks})", rows)
            accepted = self._db.total_changes - before
            conflicts = self._conflicts(rows) if accepted < len(rows) else 0
            if accepted:
                whole = accepted == len(rows)
                add(self._db, digest_of_rows(rows) if whole else digest_of(self._db, "seq > ?", [newest]))
                count_kinds(self._db, newest)
            self._db.executemany(PROFILE, users)
        return Ingested(accepted, len(rows) - accepted - conflicts, conflicts + contradicting)

    def forget(self, what: Forget) -> Forgotten:
        """Let go of events and impressions, overwriting them on disk."""
        with self._translated():
            self._db.execute("PRAGMA secure_delete = ON")
        with self._transaction():
            return forget(self._db, what)

    def expire(self, days_ms: int, now_ms: int) -> None:
        """Drop what is older than so many milliseconds before the newest event that is not of the future."""
        with self._transaction():
            expire(self._db, days_ms, now_ms)

    def newest_event(self) -> int:
        """Return the number of the event that was taken in last, 0 where there is none."""
        with self._translated():
            return self._newest("events")

    def counts_from_zero(self, source: str) -> bool:
        """Say whether positions of a log, by its name, are known to count from 0."""
        with self._translated():
            query = "SELECT 1 FROM sources WHERE name = ? AND from_zero"
            return self._db.execute(query, (source,)).fetchone() is not None

    def count_from_one(self, source: str, since: int) -> None:
        """Raise the positions that came from a log by one, those of events after the ``since``-th: they began at 0."""
        with self._transaction():
            shift_positions(self._db, self._source(source), since)

    def note_reading(self, reading: LogRead, instead: LogRead | None) -> None:
        """Remember how far a log was read, in place of what was remembered of it."""
        with self._transaction():
            note_reading(self._db, reading, instead)

    def _source(self, name: str) -> int:
        self._db.execute("INSERT OR IGNORE INTO sources (name) VALUES (?)", (name,))
        return int(self._db.execute("SELECT source FROM sources WHERE name = ?", (name,)).fetchone()[0])

    def _insert_impressions(self, impressions: Sequence[Impression], source: int | None = None) -> int:
        if self._seq is None:
            self._seq = self._newest("impressions")
        conflicts = insert_impressions(self._db, impressions, self._seq, source)
        self._seq += len(impressions)
        return conflicts

    def _newest(self, table: str) -> int:
        return int(self._db.execute(f"SELECT COALESCE(MAX(seq), 0) FROM {table}").fetchone()[0])

    def _conflicts(self, rows: Sequence[EventRow]) -> int:
        """Keep and count events whose id is taken by other content."""
        count = 0
        for row in rows:
            kept = self._db.execute(f"SELECT {EVENT} FROM events WHERE event_id = ?", row[:1]).fetchone()
            if kept != row:
                self._db.execute("INSERT OR IGNORE INTO conflicts VALUES (?, ?)", (row[0], repr(row)))
                count += 1
        return count

    # ------------------------------------------------------------ reading

    def impression(self, impression_id: str, *, parts: bool = True) -> Impression | None:
        """Return one impression whole, or None; without ``parts`` as it was told at once, not line by line."""
        with self._translated():
            if not parts:
                return told_whole(self._db, impression_id)
            query = f"SELECT {IMPRESSION} FROM impressions WHERE impression_id = ?"
            row = self._db.execute(query, (impression_id,)).fetchone()
        return None if row is None else impression_of(row)

    def impressions(
        self, skip: int = 0, *, after_ms: int | None = None, until_ms: int | None = None, decoded: Decoded | None = None
    ) -> Iterator[Impression]:
        """Yield all impressions but the first ``skip`` in (time, id) order, undated ones first, as they came.

        after_ms, until_ms -- those of later moments, up to the last, alone
        """
        decoded = decoded or Decoded()
        with self._translated():
            yield from islice(journal_past.impressions(self._db, after_ms, until_ms, decoded), skip, None)

    def newest_impressions(self, most: int) -> list[Impression]:
        """Return the last impressions, in the order of ``impressions``."""
        with self._translated():
            return journal_past.newest_impressions(self._db, most)

    def stream(
        self, after: Position | None = None, until_ms: int | None = None, decoded: Decoded | None = None
    ) -> Iterator[tuple[Event, Impression | None]]:
        """Yield all events in (time, event id) order, undated ones first as they came, each with its impression.

        after, until_ms -- those after a position, up to a moment, alone
        decoded         -- shared with ``impressions``, where both are read side by side: a page is then decoded once
        """
        with self._sweeping():
            yield from journal_past.stream(self._db, after, until_ms, decoded or Decoded())

    def marks(self) -> JournalGrowth:
        """Return how far the journal has grown."""
        with self._translated():
            return journal_past.marks(self._db)

    def reaches_back(self, since: JournalGrowth, position: Position) -> bool:
        """Say whether anything that came since belongs before a position."""
        with self._translated():
            return journal_past.reaches_back(self._db, since, position)

    def moment_at(self, after: Position, events: int) -> int | None:
        """Return the moment of the event that comes so many after a position; None where there are not as many."""
        with self._translated():
            return journal_past.moment_at(self._db, after, events)

    def events_of(self, impression_id: str) -> list[Event]:
        """Return what was done on one page, in time order."""
        with self._translated():
            query = f"SELECT {EVENT} FROM events WHERE impression_id = ? ORDER BY {_ORDER}, event_id"
            return [Event(*row) for row in self._db.execute(query, (impression_id,))]

    def events_by(self, user: str) -> list[Event]:
        """Return what a person did, in no order."""
        with self._translated():
            return [Event(*row) for row in self._db.execute(f"SELECT {EVENT} FROM events WHERE user = ?", (user,))]

    def kinds(self) -> list[EventKind]:
        """Return which types of events there are, the most frequent first, and the ranges of their values."""
        with self._translated():
            return kinds(self._db)

    def profiles(self) -> Iterator[tuple[str, str, int | None]]:
        """Yield (user, attributes as JSON, since when) of everybody of whom something was said, by name: the newest."""
        with self._translated():
            columns = "user, attributes, time_ms, MAX(COALESCE(time_ms, -1))"
            query = f"SELECT {columns} FROM users GROUP BY user ORDER BY user"
            yield from (row[:3] for row in self._db.execute(query))

    def said(self, since: int = 0) -> Iterator[tuple[str, str, int | None]]:
        """Yield the same of all that was ever said, as it came, after the first ``since`` of them."""
        with self._translated():
            query = "SELECT user, attributes, time_ms FROM users WHERE seq > ? ORDER BY seq"
            yield from self._db.execute(query, (since,))

    def readings(self, reader: str) -> list[LogRead]:
        """Return how far logs were read that were read in this way, shortest first."""
        with self._translated():
            return readings(self._db, reader)

    def queries(self) -> dict[str, int]:
        """Return how often each query was asked, as it was typed."""
        with self._translated():
            return dict(self._db.execute("SELECT query, COUNT(*) FROM impressions GROUP BY query"))

    def counts(self) -> JournalCounts:
        """Count everything."""
        with self._translated():
            counted = ("COUNT(*) FROM impressions", "COUNT(*) FROM events", "COUNT(DISTINCT user) FROM users")
            return JournalCounts(*(self._db.execute(f"SELECT {what}").fetchone()[0] for what in counted))

    def digest(self) -> str:
        """Return a digest of the events (ids and content), whatever order they came in; it is kept as they come."""
        with self._translated():
            return digest(self._db)

    def check(self) -> list[str]:
        """Return what SQLite finds wrong (nothing, normally)."""
        return faults_of(self._db)

    def copy_to(self, path: Path) -> Journal:
        """Write a consistent copy elsewhere and open it."""
        with self._translated():
            target = sqlite3.connect(path)
            self._db.backup(target)
            target.close()
        return Journal(path)
