"""What a line of a log becomes, and how its fields are read: every refusal is a DataError that names the field."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import msgspec

from ltrr_cli.core.clock import parse_time, read_time
from ltrr_cli.core.counted import CountRow
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import AttributeValue, Event, Impression, Shown

LONGEST_ID = 512  # bytes
LONGEST_NAME = 64  # characters of an event type
LONGEST_QUERY = 8_192  # characters
LAST_POSITION = 2**31 - 1
NO_POSITION = -1  # of a line of a page, until it is known whether positions count from 0


_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{0,30})?")


@dataclass(frozen=True, slots=True)
class UserRecord:
    """What a log says of a person, apart from what they did.

    time_ms -- since when this holds, or None
    """

    user: str
    attributes: Mapping[str, AttributeValue]
    time_ms: int | None = None


class Parsed(NamedTuple):
    """What one line holds (a tuple, because a log has millions of them).

    skipped -- why a well-formed line has nothing to teach (catalog data, a page view), or ""
    time    -- (form, as it was written) of a moment that is neither ISO-8601 nor epoch milliseconds
    """

    impressions: tuple[Impression, ...] = ()
    events: tuple[Event, ...] = ()
    users: tuple[UserRecord, ...] = ()
    skipped: str = ""
    time: tuple[str, str] | None = None
    counts: tuple[CountRow, ...] = ()  # where lines are no single events


class Format(Protocol):
    """A log format. Lines are read one by one and keep no state, so that they can be read in parallel."""

    def __init__(self, undated: bool = False) -> None:
        """undated -- accept records without a time; their moment is then unknown (None)."""  # noqa: D403

    def read(self, record: dict[str, Any]) -> Parsed:
        """Read one JSON object; raises DataError."""
        ...

    @staticmethod
    def recognises(record: Mapping[str, Any]) -> bool:
        """Say whether a record can only be of this format."""
        ...


# ---------------------------------------------------------------- fields


def optional_id(record: Mapping[str, Any], name: str) -> str | None:
    """Return an id as text; integers are ids too, null and "" are none.

    >>> optional_id({"user_id": 7}, "user_id")
    '7'
    """
    value = record.get(name)
    if type(value) is str:
        if len(value) > LONGEST_ID // 4 and len(value.encode()) > LONGEST_ID:
            raise DataError(f"{name} is longer than {LONGEST_ID} bytes")
        if "\0" in value:
            raise DataError(f"{name} holds a NUL")
        return value or None
    if value is None:
        return None
    if type(value) is float and value.is_integer() and abs(value) < 2**53:  # tables write whole numbers so
        value = int(value)
    if type(value) is not int:
        raise DataError(f"{name} is neither text nor an integer")
    return optional_id({name: str(value)}, name)


def required_id(record: Mapping[str, Any], name: str) -> str:
    """Return an id as text; raises DataError where there is none."""
    value = optional_id(record, name)
    if value is None:
        raise DataError(f"no {name}")
    return value


def id_list(record: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of ids; raises DataError for anything else."""
    values = record.get(name)
    if type(values) is not list:
        raise DataError(f"{name} is not a list of ids")
    return [required_id({name: value}, name) for value in values]


def text(record: Mapping[str, Any], name: str) -> str | None:
    """Return a query's text or None."""
    value = record.get(name)
    if value is None:
        return None
    if type(value) is not str:
        raise DataError(f"{name} is not text")
    if len(value) > LONGEST_QUERY:
        raise DataError(f"{name} is longer than {LONGEST_QUERY} characters")
    return value


def kind_of(record: Mapping[str, Any], name: str) -> str:
    """Return the type of an event: a printable name ("click", "Product Clicked")."""
    value = record.get(name)
    if type(value) is not str or not value:
        raise DataError(f"no {name}")
    if len(value) > LONGEST_NAME or not value.isprintable() or value.isspace():
        raise DataError(f"{name} is not the name of an event type: {value[:LONGEST_NAME]!r}")
    return value.strip()


def moment(record: Mapping[str, Any], name: str, undated: bool) -> int | None:
    """Return epoch milliseconds; None only where ``undated`` allows it."""
    value = record.get(name)
    if value is None:
        if undated:
            return None
        raise DataError(f"no {name}", hint="--undated reads records without a time")
    return parse_time(value)


def position(record: Mapping[str, Any], name: str = "position") -> int | None:
    """Return a position as it was logged, or None; 3.0 is 3 (tables write whole numbers so where some are missing).

    Whether the first is 0 or 1 is told by the log as a whole (``PositionBase``).
    """
    value = record.get(name)
    if value is None:
        return None
    if type(value) is float and value.is_integer():
        value = int(value)
    elif type(value) is str and value.isascii() and value.isdigit():  # tables that were exported as texts
        value = int(value[:12])
    if type(value) is not int or not 0 <= value <= LAST_POSITION:
        raise DataError(f"{name} is not a whole number from 1, nor from 0")
    return value


def number(record: Mapping[str, Any], name: str, low: float = -math.inf, high: float = math.inf) -> float | None:
    """Return a finite number in low..high, or None; "4.5" is one, for some exports hold texts only."""
    value = record.get(name)
    if value is None or value == "":
        return None
    if type(value) is str and _NUMBER.fullmatch(value):
        value = float(value)
    if type(value) not in (int, float):
        raise DataError(f"{name} is not a number")
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value) or not low <= value <= high:
        raise DataError(f"{name} is out of range")
    return float(value)


def odds(record: Mapping[str, Any], name: str) -> float | None:
    """Return a chance, above 0 and at most 1, or None."""
    value = number(record, name, 0.0, 1.0)
    if value == 0.0:
        raise DataError(f"{name} is 0: what was shown had a chance to be")
    return value


def member(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an inner object, empty where it is null or missing."""
    value = record.get(name)
    if value is None:
        return {}
    if type(value) is not dict:
        raise DataError(f"{name} is not an object")
    return value


def context_of(record: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return free context keys as text; what nests and what is null is left out."""
    values = member(record, name)
    return {key: _plain(value) for key, value in values.items() if type(value) in (str, int, float, bool)}


def attributes_of(record: Mapping[str, Any], name: str) -> dict[str, AttributeValue]:
    """Return a person's attributes: texts, numbers, lists of texts; null is left out, what nests is refused."""
    values = member(record, name)
    found: dict[str, AttributeValue] = {}
    for key, value in values.items():
        if type(value) in (int, float):
            found[key] = number(values, key) or 0.0
        elif type(value) is list and all(type(part) in (str, int, float, bool) for part in value):
            found[key] = tuple(map(_plain, value))
        elif type(value) in (str, bool):
            found[key] = _plain(value)
        elif value is not None:
            raise DataError(f"{name}: {key[:60]!r} is neither text, number nor a list of them")
    return found


def _plain(value: str | int | float | bool) -> str:
    if type(value) is bool:
        return "true" if value else "false"
    return str(value)


def time_form(record: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return (form, as it was written) of a record's time where that has to be said aloud; None where it has not."""
    value = record.get("timestamp")
    if value is None and type(record.get("_source")) is dict:
        value = record["_source"].get("timestamp")
    if not isinstance(value, str | int | float) or (isinstance(value, str) and value[4:5] == "-"):
        return None
    try:
        form = read_time(value)[1]
    except DataError:
        return None
    return (form, str(value)) if form else None


# ---------------------------------------------------------------- derived


def derived_id(*fields: object) -> str:
    """Return 32 hex digits that depend on every field and on nothing else: the id of what has none.

    >>> derived_id("click", None, "a") == derived_id("click", None, "a") != derived_id("click", "None", "a")
    True
    """
    return hashlib.blake2b(msgspec.json.encode(fields), digest_size=16).hexdigest()


def page(ids: list[str]) -> tuple[Shown, ...]:
    """Return entities as they stood, from position 1."""
    return tuple(Shown(entity_id, place) for place, entity_id in enumerate(ids, 1))


def line_of_page(seen: Event) -> Impression:
    """Return what an event that says of one entity that it came into view tells of its page: one line.

    Its position is as it was logged, ``NO_POSITION`` where there is none.
    """
    place = NO_POSITION if seen.position is None else seen.position
    return Impression(
        seen.impression_id or "",
        seen.time_ms,
        seen.query or "",
        "imported",
        seen.user,
        seen.session,
        shown=(Shown(seen.entity_id, place),),
        part=True,
    )


def event(
    kind: str,
    time_ms: int | None,
    entity_id: str,
    *,
    event_id: str | None,
    impression_id: str | None = None,
    query: str | None = None,
    position: int | None = None,
    user: str | None = None,
    session: str | None = None,
    value: float | None = None,
) -> Event:
    """Return an event; without an id of its own, all that it says is its id, so that reading twice changes nothing."""
    return Event(
        event_id or derived_id(kind, time_ms, entity_id, impression_id, query, position, user, session, value),
        kind,
        time_ms,
        entity_id,
        impression_id,
        query,
        position,
        user,
        session,
        value,
    )
