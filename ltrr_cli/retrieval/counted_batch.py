"""One day's counts with what every strategy asks of them, looked up once for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from ltrr_cli.core.counted import CountedDay
from ltrr_cli.core.types import DoubleArray, IntArray, MomentArray

HELD = 1_000_000  # texts whose look-ups are at hand

Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class CountedBatch:
    """Parallel arrays (n,), one line per query and entity of the catalog; all happened by one moment.

    queries -- distinct texts as they are asked; ``query`` (n,) are places among them
    worth, against, users, shown -- as in ``CountedDay``
    """

    time_ms: int
    queries: Sequence[str]
    query: IntArray
    rows: IntArray
    worth: DoubleArray
    against: DoubleArray
    users: IntArray
    shown: MomentArray

    @cached_property
    def wanted(self) -> IntArray:
        """The places of lines that speak for an entity."""
        return np.flatnonzero(self.worth > 0).astype(np.int32)

    @cached_property
    def by_entity(self) -> tuple[IntArray, MomentArray, DoubleArray]:
        """(Distinct rows ascending, the moment of each, what speaks for each whatever the query)."""
        rows, of = np.unique(self.rows[self.wanted], return_inverse=True)
        worth: DoubleArray = np.bincount(of, self.worth[self.wanted], len(rows)).astype(np.float64)
        return rows, self.moments(len(rows)), worth

    def moments(self, count: int) -> MomentArray:
        """Return (count,): the moment, over and over."""
        return np.full(count, self.time_ms, np.int64)


class CountLookups:
    """What was looked up for one day, at hand for the next: most of it comes again."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._asked: dict[str, str] = {}

    def batch(self, day: CountedDay, row_of: Callable[[str], int], asked: Callable[[str], str]) -> CountedBatch:
        """Look everything up; lines of entities that the catalog does not have are left out.

        asked -- from a query as it was typed to what is searched for
        """
        found = np.array(_looked_up(self._rows, day.entities, row_of), np.int32)
        rows = found[day.entity]
        known = np.flatnonzero(rows >= 0)
        return CountedBatch(
            day.time_ms,
            _looked_up(self._asked, day.queries, asked),
            day.query[known],
            rows[known],
            day.worth[known],
            day.against[known],
            day.users[known],
            day.shown[known],
        )


def _looked_up(known: dict[str, Found], texts: Sequence[str], look_up: Callable[[str], Found]) -> list[Found]:
    if len(known) > HELD:
        known.clear()
    for text in texts:
        if text not in known:
            known[text] = look_up(text)
    return [known[text] for text in texts]


def expanded(members: Sequence[Sequence[int]], of: IntArray) -> tuple[MomentArray, IntArray]:
    """Return (members of the groups ``of``, one group after another; the place in ``of`` that each belongs to).

    >>> expanded([[7, 8], [], [9]], np.array([2, 0, 1], np.int32))
    (array([9, 7, 8]), array([0, 1, 1], dtype=int32))
    """
    sizes = np.fromiter(map(len, members), np.int64, len(members))
    flat = np.fromiter((one for group in members for one in group), np.int64, int(sizes.sum()))
    starts = np.cumsum(sizes) - sizes
    counts = sizes[of]
    place: IntArray = np.repeat(np.arange(len(of), dtype=np.int32), counts)
    ends = np.cumsum(counts)
    within = np.arange(len(place)) - np.repeat(ends - counts, counts)
    return flat[np.repeat(starts[of], counts) + within], place
