"""What a server asks of the journal beside single pages: what many ask, how much happens, what waits to be learnt."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ltrr_cli.core.types import Event, Impression
from ltrr_cli.storage import journal_past


@dataclass(frozen=True, slots=True)
class JournalWindow:
    """What happened in a span of time; trials at the terminal and half-typed queries aside.

    acted_on -- searches with an event; people -- who are named by user or session
    queries  -- (query, searches), the most asked first
    """

    searches: int
    acted_on: int
    events: int
    people: int
    queries: tuple[tuple[str, int], ...]


class ServedReads:
    """Reads of an open journal."""

    _db: sqlite3.Connection

    def _translated(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def shared_queries(self, people: int, most: int) -> list[tuple[str, int]]:
        """Return (query, people) of queries that so many different people asked, the most asked first.

        Who has no name counts by session, else by search. Trials, such as what was half typed, do not count.
        """
        who = "COALESCE('u' || user, 's' || session, 'i' || impression_id)"
        with self._translated():
            return self._db.execute(
                f"SELECT query, COUNT(DISTINCT {who}) AS people FROM impressions "
                "WHERE query != '' AND origin != 'trial' GROUP BY query "
                "HAVING people >= ? ORDER BY people DESC, query LIMIT ?", (people, most),
            ).fetchall()  # fmt: skip

    def acted_on(self, entities: Iterable[str]) -> dict[str, int]:
        """Return entity -> events, of those of some entities that have any."""
        wanted = set(entities)
        with self._translated():
            counted = self._db.execute("SELECT entity_id, COUNT(*) FROM events GROUP BY entity_id")
            return {entity: count for entity, count in counted if entity in wanted}

    def since(self, seq: int) -> list[tuple[int, Event, Impression | None]]:
        """Return (number, event, the page that it names) of what came after the event of a number, as it came."""
        with self._translated():
            return journal_past.since(self._db, seq)

    def pages_of(self, user: str | None, session: str | None, after_ms: int, until_ms: int) -> list[Impression]:
        """Return the pages of a user or a session after a moment and up to another, in time order."""
        with self._translated():
            return journal_past.pages_of(self._db, user, session, after_ms, until_ms)

    def first_event_after(self, moment: int) -> int | None:
        """Return the earliest moment of an event after ``moment``; None where there is none."""
        with self._translated():
            query = "SELECT MIN(time_ms) FROM events WHERE time_ms > ?"
            found: int | None = self._db.execute(query, (moment,)).fetchone()[0]
        return found

    def window(self, start: int, end: int, most: int) -> JournalWindow:
        """Return what happened from ``start`` to ``end`` (milliseconds, the end exclusive), with ``most`` queries."""
        span = (start, end)
        searches = "FROM impressions WHERE time_ms >= ? AND time_ms < ? AND origin != 'trial'"
        acted = "AND EXISTS (SELECT 1 FROM events e WHERE e.impression_id = impressions.impression_id)"
        with self._translated():
            counted, people = self._db.execute(
                f"SELECT COUNT(*), COUNT(DISTINCT COALESCE('u' || user, 's' || session)) {searches}", span
            ).fetchone()
            asked = self._db.execute(
                f"SELECT query, COUNT(*) AS searches {searches} AND query != '' "
                "GROUP BY query ORDER BY searches DESC, query LIMIT ?", (*span, most),
            ).fetchall()  # fmt: skip
            chosen = self._db.execute(f"SELECT COUNT(*) {searches} {acted}", span).fetchone()[0]
            events = self._db.execute("SELECT COUNT(*) FROM events WHERE time_ms >= ? AND time_ms < ?", span)
            return JournalWindow(counted, chosen, events.fetchone()[0], people, tuple(asked))
