"""The journal: every impression and every event, exactly once, in SQLite; all that is learnt is a fold of it.

Write-ahead logging lets many processes append while others read; an acknowledged transaction survives the death of
its process (``synchronous = NORMAL`` may lose the last ones to a power cut, never half of one).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ltrr_cli.core.errors import DamagedError, LockedError
from ltrr_cli.core.types import Event, Impression
from ltrr_cli.storage import disk
from ltrr_cli.storage.heap import trim_heap
from ltrr_cli.storage.journal_kinds import EventKind, kinds
from ltrr_cli.storage.journal_logs_read import LogRead, note_reading, readings
from ltrr_cli.storage.journal_open import connected, faults_of, outdated, patiently, read_only
from ltrr_cli.storage.journal_pages import insert_impressions, shift_positions, told_whole
from ltrr_cli.storage.journal_reads import ServedReads
from ltrr_cli.storage.journal_rows import EVENT, IMPRESSION, EventRow, event_row, impression_of
from ltrr_cli.storage.journal_schema import (
    FORMAT,
    PROFILE,
    Forget,
    Forgotten,
    create,
    expire,
    forget,
    upgrade,
)

BUSY_MS = 30_000
CACHE_KB = 65_536  # ids are random, so every batch touches pages all over their index
SORT_KB = 8_192  # while all events are read once in order: what does not fit is sorted on disk
_NO_ROOM = ("SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_TRUNCATE")  # limits of files and quotas
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


class Journal(ServedReads):
    """An open journal. One object is for one thread; processes and threads each open their own."""

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        self._path = path
        self._seq: int | None = None  # of the newest impression, known inside a transaction
        with self._translated():
            self._db = connected(path, BUSY_MS) if writable else read_only(path)
            if outdated(self._db, path, writable=writable):
                self._create()
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(f"PRAGMA cache_size = -{CACHE_KB}")

    def _create(self) -> None:
        patiently(self._db, "PRAGMA journal_mode = WAL", BUSY_MS)
        with self._transaction():  # two processes may both find it old: the second sees the first one's work
            found = self._db.execute("PRAGMA user_version").fetchone()[0]
            if found < FORMAT:
                (create if found == 0 else upgrade)(self._db)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # ------------------------------------------------------------ writing

    @contextmanager
    def whole(self, keep: bool = True) -> Iterator[None]:
        """Make one transaction of all that is written inside: all of it, or nothing where an error passes through.

        Holds one batch in memory, whatever the number of batches; other writers wait until it ends.
        keep -- False takes everything back in the end: what would happen, counted exactly
        """
        with self._transaction(keep):
            yield

    def append_impression(self, impression: Impression) -> None:
        """Journal one impression; the same id again changes nothing."""
        with self._transaction():
            self._insert_impressions((impression,))

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
            before = self._db.total_changes
            marks = ", ".join("?" * 10) + f", {'NULL' if number is None else number}"
            self._db.executemany(f"INSERT OR IGNORE INTO events ({EVENT}, source) VALUES ({marks})", rows)
            accepted = self._db.total_changes - before
            conflicts = self._conflicts(rows) if accepted < len(rows) else 0
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
            return int(self._db.execute("SELECT COALESCE(MAX(seq), 0) FROM events").fetchone()[0])

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
            self._seq = int(self._db.execute("SELECT COALESCE(MAX(seq), 0) FROM impressions").fetchone()[0])
        conflicts = insert_impressions(self._db, impressions, self._seq, source)
        self._seq += len(impressions)
        return conflicts

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

    def impressions(self, skip: int = 0) -> Iterator[Impression]:
        """Yield all impressions but the first ``skip`` in (time, id) order, undated ones first, as they came."""
        with self._translated():
            yield from map(impression_of, self._db.execute(
                f"SELECT {IMPRESSION} FROM impressions ORDER BY {_ORDER}, impression_id LIMIT -1 OFFSET ?",
                (skip,),
            ))  # fmt: skip

    def stream(self) -> Iterator[tuple[Event, Impression | None]]:
        """Yield all events in (time, event id) order, undated ones first as they came, each with its impression.

        The page of an impression is decoded for live ones only: logs from before ltrr hold no odds.
        """
        fields = ", ".join(f"e.{name}" for name in EVENT.split(", "))
        joined = ", ".join(f"i.{name}" for name in IMPRESSION.split(", "))
        order = _ORDER.replace("time_ms", "e.time_ms").replace("seq", "e.seq")
        query = f"SELECT {fields}, {joined} FROM events e LEFT JOIN impressions i USING (impression_id)"
        with self._sweeping():
            for row in self._db.execute(f"{query} ORDER BY {order}, e.event_id"):
                yield Event(*row[:10]), None if row[10] is None else impression_of(row[10:])

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
        """Yield (user, attributes as JSON, since when) of everybody of whom something was said, by name."""
        with self._translated():
            yield from self._db.execute("SELECT * FROM users ORDER BY user")

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
            tables = ("impressions", "events", "users")
            return JournalCounts(*(self._db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in tables))

    def digest(self) -> str:
        """Return a SHA-256 over the events (ids and content), whatever order they came in."""
        digest = hashlib.sha256()
        with self._sweeping():  # ids are random: sorting the rows is faster than looking each up through the index
            for row in self._db.execute(f"SELECT {EVENT} FROM events NOT INDEXED ORDER BY event_id"):
                digest.update(repr(row).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

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

    # ------------------------------------------------------------ errors

    @contextmanager
    def _transaction(self, keep: bool = True) -> Iterator[None]:
        with self._translated():
            inside = self._db.in_transaction  # that of ``whole``, which ends it
            if inside:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            self._seq = None  # others may have written since
            try:
                yield
                disk.point("commit", self._path)
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT" if keep else "ROLLBACK")

    @contextmanager
    def _sweeping(self) -> Iterator[None]:
        """Read a whole table in order: little of it is worth keeping in memory."""
        with self._translated():
            self._db.execute(f"PRAGMA cache_size = -{SORT_KB}")
            self._db.execute("PRAGMA shrink_memory")
            trim_heap()
            try:
                yield
            finally:
                with suppress(sqlite3.ProgrammingError):  # closed in the meantime
                    self._db.execute(f"PRAGMA cache_size = -{CACHE_KB}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            text = str(error)
            if "full" in text or error.sqlite_errorname in _NO_ROOM:
                raise disk.no_space(self._path) from error
            if "locked" in text or "busy" in text:
                raise LockedError(f"{self._path}: {text} for {BUSY_MS // 1000} s by another process") from error
            raise DamagedError(f"{self._path}: {text}") from error
        except sqlite3.DatabaseError as error:
            raise DamagedError(f"{self._path}: {error}", hint="restore it from a backup") from error
        except OSError as error:
            if disk.is_full(error):
                raise disk.no_space(self._path) from error
            raise
