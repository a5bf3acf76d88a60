"""Moments are integer milliseconds since 1970-01-01 UTC; only this module reads and writes other forms."""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime

from ltrr_cli.core.errors import DataError

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EARLIEST = -62_135_596_800_000  # 0001-01-01, the first moment datetime can name
_LATEST = 253_402_300_799_999  # 9999-12-31, the last

# A number says its unit by its size: seconds of any date but the first months of 1970, milliseconds of any date but
# 1966 to 1973, microseconds and nanoseconds of any since. What is smaller is taken for milliseconds: made-up logs.
_FEWEST_SECONDS, _FEWEST_MILLISECONDS = 10_000_000, 100_000_000_000
_YEARS = range(1_000, 3_000)


def now_ms() -> int:
    """Return the wall clock; used to stamp new impressions, never to age old data."""
    return time.time_ns() // 1_000_000


def parse_time(value: str | int | float, *, years: bool = False) -> int:
    """Read a moment in any form that ``read_time`` knows; a time without a zone is UTC.

    Raises DataError for anything else.

    >>> parse_time("2011-10-01T00:00:09.294")
    1317427209294
    >>> parse_time("2011-10-01") == parse_time("2011-10-01T00:00:00Z") == parse_time(1317427200000)
    True
    """
    return read_time(value, years=years)[0]


def read_time(value: str | int | float, *, years: bool = False) -> tuple[int, str]:
    """Return a moment and the form in which it was written, "" for ISO-8601 and for epoch milliseconds.

    The other forms: epoch "seconds", "microseconds" and "nanoseconds", told by their size; "days" (20240501), "years"
    (1959 and "1959"; a bare number only where ``years`` are expected) and "other dates" ("May 5, 2011", RFC 2822,
    2011/5/1, 2011-05).

    >>> read_time(1317427200), read_time(1317427200123456), read_time(1959, years=True)[1], read_time("May 5, 2011")[1]
    ((1317427200000, 'seconds'), (1317427200123, 'microseconds'), 'years', 'other dates')
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DataError(f"not a time: {value!r}")
    if not isinstance(value, str):
        return _of_number(value, years)
    text = value.strip()
    if _NUMBER.fullmatch(text):
        if len(text) == 4:
            return _of_number(int(text), True)
        return _of_number(float(text) if "." in text else int(text), False)
    try:
        return _of_iso(datetime.fromisoformat(text), value), ""
    except ValueError:
        pass
    for read in (_of_marked_zone, _of_parts, _of_words, _of_mail):
        moment = read(text)
        if moment is not None:
            return _of_iso(moment, value), "" if read is _of_marked_zone else "other dates"
    raise DataError(f"not an ISO-8601 time: {value[:60]!r}")


_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_PARTS = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})(?:[-/.]([0-9]{1,2}))?(?:[ T]+(.+))?")
_WORDS = ("%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y", "%B %Y", "%b %Y")
_UNITS = ((1_000, "microseconds"), (1_000_000, "nanoseconds"))


def _of_iso(moment: datetime, value: str) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # whole seconds and the fraction apart: a float of today's seconds rounds the milliseconds
    whole = moment.replace(microsecond=0)
    time_ms = int(whole.timestamp()) * SECOND + moment.microsecond // 1_000
    if not _EARLIEST <= time_ms <= _LATEST:  # a zone can push the first and last days out
        raise DataError(f"time out of range: {value[:60]!r} (the years 1 to 9999 in UTC)")
    return time_ms


def _of_number(value: int | float, years: bool) -> tuple[int, str]:
    whole = int(value) if isinstance(value, int) or (math.isfinite(value) and value.is_integer()) else None
    if years and whole is not None and whole in _YEARS:
        return _of_iso(datetime(whole, 1, 1), ""), "years"
    day = None if whole is None or not 10_000_000 <= whole < 100_000_000 else _of_parts(f"{whole:08d}", _DAY)
    if day is not None and day.year in _YEARS:
        return _of_iso(day, ""), "days"
    size = abs(value)
    if _FEWEST_SECONDS <= size < _FEWEST_MILLISECONDS and value * SECOND >= _EARLIEST:
        return math.floor(value * SECOND), "seconds"
    if _EARLIEST <= value <= _LATEST:
        return int(value), ""
    for factor, name in _UNITS:
        if _EARLIEST * factor <= value <= _LATEST * factor:
            return math.floor(value / factor) if isinstance(value, float) else value // factor, name
    raise DataError(f"time out of range: {value!r:.60} (epoch milliseconds expected)")


_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})()")


def _of_marked_zone(text: str) -> datetime | None:
    """Read ``2011-05-01 10:00:00 UTC``, as warehouses export it."""
    for zone in (" UTC", " GMT", " Z"):
        if text.upper().endswith(zone):
            try:
                return datetime.fromisoformat(text[: -len(zone)]).replace(tzinfo=UTC)
            except ValueError:
                return None
    return None


def _of_parts(text: str, pattern: re.Pattern[str] = _PARTS) -> datetime | None:
    """Read ``2011/5/1``, ``2011-5-1 10:00``, ``2011-05``: the year first, so that day and month cannot be mistaken."""
    found = pattern.fullmatch(text)
    if found is None:
        return None
    try:
        day = f"{found[1]}-{int(found[2]):02d}-{int(found[3] or 1):02d}"
        return datetime.fromisoformat(f"{day}T{found[4]}" if found[4] else day)
    except ValueError:
        return None


def _of_words(text: str) -> datetime | None:
    """Read ``May 5, 2011`` and ``5 May 2011``, in English."""
    for form in _WORDS if len(text) < 40 else ():
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None


def _of_mail(text: str) -> datetime | None:
    """Read ``Sun, 01 May 2011 10:00:00 GMT`` (RFC 2822) and ``Sun May 01 10:00:00 +0000 2011``."""
    if len(text) > 60 or not any(letter.isdigit() for letter in text):
        return None
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def iso(moment: int) -> str:
    """Write a moment as ISO-8601 in UTC.

    >>> iso(1317427209294)
    '2011-10-01T00:00:09.294Z'
    """
    text = datetime.fromtimestamp(moment // SECOND, UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    return f"{text}.{moment % SECOND:03d}Z"


def parse_span(text: str) -> int:
    """Read a span such as ``90s``, ``30m``, ``1h``, ``7d`` as milliseconds; raises DataError.

    >>> parse_span("1h") == HOUR
    True
    """
    units = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
    number = text.strip().rstrip("mshdw")
    unit = text.strip()[len(number) :]
    try:
        return round(float(number) * units[unit])
    except (ValueError, KeyError, OverflowError):
        raise DataError(f"not a span of time: {text!r}", hint="write it as 90s, 30m, 1h or 7d") from None
