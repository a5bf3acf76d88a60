"""Moments are integer milliseconds since 1970-01-01 UTC; only this module reads and writes other forms."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from ltrr_cli.core.errors import DataError

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EARLIEST = -62_135_596_800_000  # 0001-01-01, the first moment datetime can name
_LATEST = 253_402_300_799_999  # 9999-12-31, the last


def now_ms() -> int:
    """Return the wall clock; used to stamp new impressions, never to age old data."""
    return time.time_ns() // 1_000_000


def parse_time(value: str | int | float) -> int:
    """Read ISO-8601 text or epoch milliseconds; a time without a zone is UTC.

    Raises DataError for anything else.

    >>> parse_time("2011-10-01T00:00:09.294")
    1317427209294
    >>> parse_time("2011-10-01") == parse_time("2011-10-01T00:00:00Z") == parse_time(1317427200000)
    True
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DataError(f"not a time: {value!r}")
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise DataError(f"not an ISO-8601 time: {value[:60]!r}") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        # whole seconds and the fraction apart: a float of today's seconds rounds the milliseconds
        whole = moment.replace(microsecond=0)
        time_ms = int(whole.timestamp()) * SECOND + moment.microsecond // 1_000
        if not _EARLIEST <= time_ms <= _LATEST:  # a zone can push the first and last days out
            raise DataError(f"time out of range: {value[:60]!r} (the years 1 to 9999 in UTC)")
        return time_ms
    if not _EARLIEST <= value <= _LATEST:
        raise DataError(f"time out of range: {value!r} (epoch milliseconds expected)")
    return int(value)


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
