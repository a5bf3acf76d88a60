"""What people did, counted by day: rows of a warehouse in place of single events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ltrr_cli.core.clock import DAY
from ltrr_cli.core.types import DoubleArray, IntArray, MomentArray


class CountRow(NamedTuple):
    """How often people did one thing with one entity for one query on one day.

    day     -- days since 1970-01-01 UTC
    query   -- as it was typed; "" for actions without a search
    users   -- distinct people among those who did it; None where nobody counted them
    shown   -- how often the entity was shown for the query on that day; None where that is not known
    channel -- rows of several channels ("web", "app") add up; of one channel a row replaces what was known
    """

    day: int
    query: str
    entity_id: str
    kind: str
    actions: int
    users: int | None = None
    shown: int | None = None
    channel: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class CountedDay:
    """What one day's counts prove: parallel arrays (n,), one line per query and entity.

    time_ms  -- the last moment of the day: nothing that happened on it could know of them
    queries  -- distinct texts; ``query`` (n,) are places among them
    entities -- distinct ids; ``entity`` (n,) are places among them
    worth    -- what speaks for the entity: rewards, each as often as people could have given it
    against  -- what speaks against it, above 0
    users    -- distinct people of the day, at least 1 where anybody acted
    shown    -- how often it was shown; 0 where that is not known
    rows     -- how many rows of the journal these are
    """

    time_ms: int
    queries: Sequence[str]
    query: IntArray
    entities: Sequence[str]
    entity: IntArray
    worth: DoubleArray
    against: DoubleArray
    users: IntArray
    shown: MomentArray
    rows: int


def end_of(day: int) -> int:
    """Return the last millisecond of a day.

    >>> end_of(0)
    86399999
    """
    return (day + 1) * DAY - 1
