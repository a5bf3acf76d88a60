"""Bytes of one line -> one JSON object, strictly: whatever cannot be meant gets a reason, never a crash.

Refused: what is not UTF-8 or not JSON (NaN, Infinity, lone surrogates, raw control characters), numbers out of range
(1e999, integers of thousands of digits), nesting that exhausts the parser, and a key that stands twice in an object
(parsers disagree on which one counts, so the line means two things).
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from ltrr_cli.core.errors import DataError

LONGEST = 4 * 1024 * 1024  # bytes of a line: one of nothing but brackets takes twenty times its size in memory

_decode = msgspec.json.Decoder().decode
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_object(line: bytes) -> dict[str, Any]:
    r"""Read one JSON object; raises DataError with a reason fit for the quarantine.

    >>> parse_object(b'{"event": "click", "entity_id": 7}')
    {'event': 'click', 'entity_id': 7}
    >>> parse_object(b'{"a": 1, "\\u0061": 2}')
    Traceback (most recent call last):
    ltrr_cli.core.errors.DataError: key 'a' stands twice in one object
    """
    if len(line) > LONGEST:
        raise DataError(f"longer than {LONGEST} bytes ({len(line)})")
    try:
        record = _decode(line)
    except msgspec.ValidationError:
        raise DataError("not JSON: a number is out of range") from None
    except msgspec.DecodeError as error:
        hint = " (a lone surrogate?)" if _SURROGATE.search(line) else ""
        raise DataError(f"not JSON: {error}{hint}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8: {error.reason}") from None
    except RecursionError:
        raise DataError("not JSON: nested too deeply") from None
    if type(record) is not dict:
        raise DataError("not a JSON object")
    # Every key is followed by a colon, and directly before that colon stands a quote or white space. So the marks
    # counted here are at least the keys written, which are at least the keys kept: if first and last agree, none was
    # written twice. Only lines with such marks inside their texts, or with nested objects, are looked at more closely.
    marks = line.count(b'":') + line.count(b" :") + line.count(b"\t:") + line.count(b"\r:")
    if marks != len(record) and marks != _keys(record):
        _refuse_repeated_keys(line)
    return record


def _keys(record: dict[str, Any]) -> int:
    """Count the keys of an object and of all objects inside it."""
    total = 0
    waiting: list[Any] = [record]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            total += len(value)
            waiting.extend(inner for inner in value.values() if type(inner) in (dict, list))
        else:
            waiting.extend(inner for inner in value if type(inner) in (dict, list))
    return total


def _refuse_repeated_keys(line: bytes) -> None:
    try:
        json.loads(line, object_pairs_hook=_distinct)
    except RecursionError:
        raise DataError("not JSON: nested too deeply") from None
    except ValueError as error:  # the two parsers disagree on what is JSON
        raise DataError(f"not JSON: {error}") from None


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    seen = set()
    for key, _ in pairs:
        if key in seen:
            raise DataError(f"key {key[:60]!r} stands twice in one object")
        seen.add(key)
