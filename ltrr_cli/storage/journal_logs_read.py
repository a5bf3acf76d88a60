"""How far logs were read, in the journal: written in the very transaction that takes in their lines."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple, dataclass, replace

_COLUMNS = "digest, reader, format, offset, number, lines, known, conflicts, skipped, refused, from_zero"


@dataclass(frozen=True, slots=True)
class LogRead:
    """The beginning of a log, and what it came to.

    digest  -- of its first ``offset`` bytes, all of them whole lines
    reader  -- how it was asked to be read; ``format`` is what it was read in
    number  -- of the line that begins at ``offset``
    lines   -- that were not empty; ``known`` events of them are in the journal, ``conflicts`` as conflicts,
               ``skipped`` are no feedback and ``refused`` are bad
    from_zero -- its positions count from 0
    """

    digest: str
    reader: str
    format: str
    offset: int
    number: int
    lines: int
    known: int
    conflicts: int
    skipped: int
    refused: int
    from_zero: bool = False


def readings(database: sqlite3.Connection, reader: str) -> list[LogRead]:
    """Return all that were asked to be read in one way, shortest first."""
    query = f"SELECT {_COLUMNS} FROM readings WHERE reader = ? ORDER BY offset, digest"
    rows = (LogRead(*row) for row in database.execute(query, (reader,)))
    return [replace(row, from_zero=bool(row.from_zero)) for row in rows]


def note_reading(database: sqlite3.Connection, reading: LogRead, instead: LogRead | None) -> None:
    """Remember one, in place of another; inside a transaction."""
    if instead is not None:
        database.execute("DELETE FROM readings WHERE digest = ? AND reader = ?", (instead.digest, instead.reader))
    marks = ", ".join("?" * len(astuple(reading)))
    database.execute(f"INSERT OR REPLACE INTO readings ({_COLUMNS}) VALUES ({marks})", astuple(reading))
