"""Daily counts of a warehouse: one row for what was done how often with an entity, for a query, on a day.

``day`` (or ``date``), ``entity_id`` (or ``entity``), ``actions`` and, where they are known, ``query``, ``event`` (or
``type``; without one: clicks), ``users`` (distinct people among the actions), ``shown`` (how often the entity was
shown for the query) and ``channel`` (rows of several channels add up).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ltrr_cli.core.clock import DAY, parse_time
from ltrr_cli.core.counted import CountRow
from ltrr_cli.core.errors import DataError
from ltrr_cli.feedback.records import LONGEST_NAME, Parsed, kind_of, number, required_id, text

MOST = 2**53  # actions that a row can count
_DAYS, _ENTITIES, _KINDS = ("day", "date"), ("entity_id", "entity"), ("event", "type")


class Counts:
    """Reads rows of daily counts."""

    def __init__(self, undated: bool = False) -> None:  # every row has its day
        pass

    def read(self, record: dict[str, Any]) -> Parsed:
        """Read one row; raises DataError."""
        day = _first(record, _DAYS)
        if day is None:
            raise DataError("no day")
        entity, kind = _key(record, _ENTITIES), _key(record, _KINDS)
        actions = whole(record, "actions")
        if actions is None:
            raise DataError("no actions")
        channel = text(record, "channel") or ""
        if len(channel) > LONGEST_NAME:
            raise DataError(f"channel is longer than {LONGEST_NAME} characters")
        row = CountRow(
            day_of(day),
            text(record, "query") or "",
            required_id(record, entity),
            kind_of(record, kind) if record.get(kind) is not None else "click",
            actions,
            whole(record, "users"),
            whole(record, "shown"),
            channel,
        )
        return Parsed(counts=(row,))

    @staticmethod
    def recognises(record: Mapping[str, Any]) -> bool:
        """Say whether a record can only be of this format."""
        has_day = _first(record, _DAYS) is not None and "timestamp" not in record
        return has_day and "actions" in record and _first(record, _ENTITIES) is not None


@lru_cache(maxsize=4_096)
def day_of(value: str | int | float) -> int:
    """Return a day in UTC, from a date, YYYYMMDD, or any moment of it; raises DataError.

    >>> day_of("1970-01-03") == day_of(19700103) == day_of("1970-01-03T23:59:00Z") == 2
    True
    """
    written = str(value)
    if len(written) == 8 and written.isdigit():
        value = f"{written[:4]}-{written[4:6]}-{written[6:]}"
    return parse_time(value) // DAY


def whole(record: Mapping[str, Any], name: str) -> int | None:
    """Return a whole number from 0, or None; raises DataError for anything else."""
    value = record.get(name)
    if type(value) is str and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)  # cells of CSV are texts
    if type(value) is not int:
        found = number(record, name)
        if found is None:
            return None
        if not found.is_integer():
            raise DataError(f"{name} is not a whole number")
        value = int(found)
    if not 0 <= value <= MOST:
        raise DataError(f"{name} is out of range")
    return value


def _key(record: Mapping[str, Any], names: tuple[str, str]) -> str:
    return names[1] if record.get(names[0]) is None and record.get(names[1]) is not None else names[0]


def _first(record: Mapping[str, Any], names: tuple[str, str]) -> Any:
    return record.get(_key(record, names))
