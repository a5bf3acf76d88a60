"""Impressions in the journal: each id once, and what several records say of one page put together.

Most pages are told by one record: a row of ``impressions``. Where there are more, or only parts, every record stands
in ``amendments`` as well, and the row is what they say together, whatever the order in which they came.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ltrr_cli.core.types import Impression
from ltrr_cli.storage.amendments import RecordVerdict, judge, merged, pack, unpack
from ltrr_cli.storage.journal_meta import add, count_thinning, digest_of
from ltrr_cli.storage.journal_rows import IMPRESSION, impression_of
from ltrr_cli.storage.page_codec import encode_page

_ROW = "INSERT OR IGNORE INTO impressions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SET = """UPDATE impressions SET time_ms = ?, query = ?, origin = ?, user = ?, session = ?, page = ?
WHERE impression_id = ?"""
_NUMBER = "UPDATE impressions SET seq = ? WHERE impression_id = ?"  # a page that says more than it did is a new one
_AMEND = "INSERT OR IGNORE INTO amendments VALUES (?, ?, ?, ?, ?)"


def insert_impressions(
    database: sqlite3.Connection, impressions: Sequence[Impression], seq: int, source: int | None
) -> int:
    """Take in records of pages, inside a transaction; return how many contradict what is known and were set aside.

    seq -- of the newest impression; those that come are numbered on, one number a record
    """
    firsts: dict[str, tuple[Impression, int]] = {}
    more: dict[str, list[Impression]] = {}
    for number, record in enumerate(impressions, seq + 1):
        if record.part or record.impression_id in firsts:
            more.setdefault(record.impression_id, []).append(record)
        else:
            firsts[record.impression_id] = record, number
    before = database.total_changes
    database.executemany(_ROW, (_row(record, number, source) for record, number in firsts.values()))
    if database.total_changes - before < len(firsts):
        for key, (record, number) in firsts.items():
            if database.execute("SELECT seq FROM impressions WHERE impression_id = ?", (key,)).fetchone()[0] != number:
                more[key] = [record, *more.get(key, ())]
    last = seq + len(impressions)
    return sum(_amend(database, key, records, last, source) for key, records in more.items())


def _row(record: Impression, seq: int, source: int | None) -> tuple[object, ...]:
    return (record.impression_id, *_content(record), seq, source)


def _content(record: Impression) -> tuple[object, ...]:
    return record.time_ms, record.query, record.origin, record.user, record.session, encode_page(record)


def _amend(database: sqlite3.Connection, key: str, records: Iterable[Impression], seq: int, source: int | None) -> int:
    """Add records to what is known under one id; return how many contradict it."""
    found = database.execute(f"SELECT {IMPRESSION}, source FROM impressions WHERE impression_id = ?", (key,)).fetchone()
    known, alone = _records(database, key), None
    if found is not None and not known:
        alone = impression_of(found[:-1])
        known = {pack(alone): alone}
    fresh: list[Impression] = []
    conflicts = 0
    for record in records:
        packed = pack(record)
        verdict = judge(record, packed, known)
        if verdict is RecordVerdict.CONTRADICTS:
            conflicts += _conflict(database, record)
        elif verdict is RecordVerdict.REPLACES:
            known, fresh, alone = {packed: record}, [], None
            database.execute("DELETE FROM amendments WHERE impression_id = ?", (key,))
            _put(database, record, seq, source)
        elif verdict is RecordVerdict.NEW:
            known[packed] = record
            fresh.append(record)
    if fresh:
        if alone is not None:
            _keep(database, alone, found[-1])
        for record in fresh:
            _keep(database, record, source)
        _put(database, merged(list(known.values())), seq, source)
    return conflicts


def _put(database: sqlite3.Connection, page: Impression, seq: int, source: int | None) -> None:
    database.execute(_ROW, _row(page, seq, source))
    database.execute(_SET, (*_content(page), page.impression_id))
    database.execute(_NUMBER, (seq, page.impression_id))


def _records(database: sqlite3.Connection, key: str) -> dict[bytes, Impression]:
    rows = database.execute("SELECT record FROM amendments WHERE impression_id = ?", (key,))
    return {packed: unpack(key, packed) for (packed,) in rows}


def _keep(database: sqlite3.Connection, record: Impression, source: int | None) -> None:
    database.execute(_AMEND, (record.impression_id, pack(record), record.time_ms, record.user, source))


def _conflict(database: sqlite3.Connection, record: Impression) -> int:
    row = (record.impression_id, repr((*_content(record)[:5], record.shown)))
    database.execute("INSERT OR IGNORE INTO conflicts VALUES (?, ?)", row)
    return 1


def told_whole(database: sqlite3.Connection, key: str) -> Impression | None:
    """Return what those records tell of a page that are no parts of it."""
    found = _records(database, key)
    if found:
        whole = [record for record in found.values() if not record.part]
        return merged(whole) if whole else None
    row = database.execute(f"SELECT {IMPRESSION} FROM impressions WHERE impression_id = ?", (key,)).fetchone()
    return None if row is None else impression_of(row)


def shift_positions(database: sqlite3.Connection, source: int, since: int) -> None:
    """Let positions that came from a log count from 1, for by now it is known that they count from 0.

    since -- seq of the last event that is not meant
    """
    database.execute("UPDATE sources SET from_zero = 1 WHERE source = ?", (source,))
    meant = "source = ? AND seq > ? AND position IS NOT NULL"
    before = digest_of(database, meant, (source, since))
    database.execute(f"UPDATE events SET position = position + 1 WHERE {meant}", (source, since))
    add(database, digest_of(database, meant, (source, since)) - before)
    count_thinning(database)
    touched: set[str] = set()
    rows = database.execute("SELECT impression_id, record, time_ms, user FROM amendments WHERE source = ?", (source,))
    for key, packed, time_ms, user in rows.fetchall():
        record = unpack(key, packed)
        if record.part and record.shown and record.shown[0].position:
            lines = tuple(replace(line, position=line.position + 1) for line in record.shown)
            database.execute("DELETE FROM amendments WHERE impression_id = ? AND record = ?", (key, packed))
            database.execute(_AMEND, (key, pack(replace(record, shown=lines)), time_ms, user, source))
            touched.add(key)
    for key in touched:
        put_together(database, key)


def put_together(database: sqlite3.Connection, key: str) -> int:
    """Say anew what the records of one id tell, after some have left; where all have, return 1: the page left too."""
    records = _records(database, key)
    if records:
        database.execute(_SET, (*_content(merged(list(records.values()))), key))
        return 0
    return database.execute("DELETE FROM impressions WHERE impression_id = ?", (key,)).rowcount
