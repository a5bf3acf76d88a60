"""One open database: its transactions, its patience with other processes, and its errors as ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ltrr_cli.core.errors import DamagedError, LockedError
from ltrr_cli.storage import disk
from ltrr_cli.storage.heap import trim_heap
from ltrr_cli.storage.journal_open import connected, outdated, patiently, read_only
from ltrr_cli.storage.journal_schema import FORMAT, create, upgrade

BUSY_MS = 30_000
CACHE_KB = 65_536  # ids are random, so every batch touches pages all over their index
SORT_KB = 8_192  # while all events are read once in order: what does not fit is sorted on disk
_NO_ROOM = ("SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_TRUNCATE")  # limits of files and quotas


class Connection:
    """A connection to the journal. One object is for one thread; processes and threads each open their own."""

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

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See the journal as it is now, whatever others write meanwhile; nothing can be written inside."""
        with self._translated():
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("COMMIT")

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
