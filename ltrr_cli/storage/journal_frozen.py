"""Searches as they were answered, kept for training: the newest ones, in the journal beside their impressions.

All of this can be made again from the journal (those that were served, a little otherwise), so no digest counts it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

FROZEN = """
CREATE TABLE IF NOT EXISTS frozen (
    seq INTEGER PRIMARY KEY, impression_id TEXT NOT NULL UNIQUE, made_by TEXT NOT NULL, search BLOB NOT NULL
);
"""
_KEEP = """INSERT INTO frozen (impression_id, made_by, search) VALUES (?, ?, ?)
ON CONFLICT (impression_id) DO UPDATE SET made_by = excluded.made_by, search = excluded.search"""
SERVED = ""  # ``made_by`` of a search that was kept when it was answered


@dataclass(frozen=True, slots=True)
class FrozenRow:
    """One search.

    made_by -- what it was answered by, where that was done as of a past time; ``SERVED``: it was served
    """

    impression_id: str
    made_by: str
    search: bytes


class FrozenInJournal:
    """Frozen searches of an open journal."""

    _db: sqlite3.Connection

    def _translated(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def _transaction(self, keep: bool = True) -> AbstractContextManager[None]:
        raise NotImplementedError

    def freeze(self, rows: Sequence[FrozenRow], most: int) -> None:
        """Keep searches, and of all no more than the last ``most``.

        A search that is kept already is written over where it stands, so that answering old searches again pushes out
        none that were served.
        """
        with self._transaction():
            self._db.executemany(
                _KEEP,
                ((row.impression_id, row.made_by, row.search) for row in rows),
            )
            self._db.execute("DELETE FROM frozen WHERE seq <= (SELECT MAX(seq) FROM frozen) - ?", (most,))

    def frozen(self) -> Iterator[FrozenRow]:
        """Yield what is kept, as it came."""
        with self._translated():
            for row in self._db.execute("SELECT impression_id, made_by, search FROM frozen ORDER BY seq"):
                yield FrozenRow(*row)

    def thaw(self) -> None:
        """Drop what was not kept when it was served: it can be made again."""
        with self._transaction():
            self._db.execute("DELETE FROM frozen WHERE made_by != ?", (SERVED,))


def thaw_forgotten(database: sqlite3.Connection) -> None:
    """Drop, inside a transaction, searches whose impressions left."""
    database.execute("DELETE FROM frozen WHERE impression_id NOT IN (SELECT impression_id FROM impressions)")
