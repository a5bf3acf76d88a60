"""Which rows pass ``genre=jazz``, ``year>=2000``, ``type!=artist``? Postings for texts, sorted columns for numbers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from ltrr_cli.catalog.values import number_of
from ltrr_cli.core.clock import parse_time
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import BoolArray, DoubleArray, Entity, Filter, IntArray
from ltrr_cli.storage.packed_arrays import map_array
from ltrr_cli.text.normalise import fold

_FILTER = re.compile(r"\s*([^=!<>]+?)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*", re.DOTALL)
_HINT = "write it as field=value, field!=value or field>=number, for example genre=jazz"


def parse_filter(text: str) -> Filter:
    """Read one condition; raises UsageError.

    >>> parse_filter("year>=2000")
    Filter(field='year', op='>=', value='2000')
    """
    match = _FILTER.fullmatch(text)
    if match is None or not match[3]:
        raise UsageError(f"not a filter: {text[:80]!r}", hint=_HINT)
    condition = Filter(match[1], match[2], match[3])
    if condition.op not in ("=", "!="):
        _number(condition)
    return condition


class FilterIndex:
    """Postings of (field, folded text) and sorted numbers per field."""

    def __init__(
        self,
        fields: dict[str, list[int]],
        keys: np.ndarray,
        starts: np.ndarray,
        rows: IntArray,
        numbers: DoubleArray,
        number_rows: IntArray,
    ) -> None:
        self._fields, self._keys, self._starts, self._rows = fields, keys, starts, rows
        self._numbers, self._number_rows = numbers, number_rows

    @staticmethod
    def build(entities: Sequence[Entity], folder: Path) -> None:
        """Write the index."""
        postings: dict[int, list[int]] = defaultdict(list)
        numbers: dict[str, list[tuple[float, int]]] = defaultdict(list)
        for row, entity in enumerate(entities):
            fields = {**entity.attributes, "type": entity.type, "title": entity.title, "id": entity.id}
            for name, value in fields.items():
                if isinstance(value, float):
                    numbers[name].append((value, row))
                else:
                    parts = (value,) if isinstance(value, str) else value
                    for text in {fold(part) for part in parts}:
                        postings[seed_of(name, text)].append(row)
                    # a number that is written as text is found as a word, and compared as a number
                    written = {number for part in parts if (number := number_of(part)) is not None}
                    numbers[name] += [(number, row) for number in written]
            if entity.popularity is not None:
                numbers["popularity"].append((entity.popularity, row))
            if entity.created_ms is not None:
                numbers["created_at"].append((float(entity.created_ms), row))
        spans: dict[str, list[int]] = {}
        flat: list[tuple[float, int]] = []
        for name, pairs in sorted(numbers.items()):
            spans[name] = [len(flat), len(flat) + len(pairs)]
            flat += sorted(pairs)
        keys = sorted(postings)
        np.save(folder / "keys.npy", np.array(keys, np.uint64))
        np.save(folder / "starts.npy", np.cumsum([0, *(len(postings[key]) for key in keys)], dtype=np.int64))
        np.save(folder / "rows.npy", np.array([row for key in keys for row in postings[key]], np.int32))
        np.save(folder / "numbers.npy", np.array([value for value, _ in flat], np.float64))
        np.save(folder / "number_rows.npy", np.array([row for _, row in flat], np.int32))
        (folder / "fields.json").write_bytes(msgspec.json.encode(spans))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what ``build`` wrote."""
        fields = msgspec.json.decode((folder / "fields.json").read_bytes(), type=dict[str, list[int]])
        names = ("keys", "starts", "rows", "numbers", "number_rows")
        return cls(fields, *(map_array(folder / f"{name}.npy") for name in names))

    def allowed(self, filters: Sequence[Filter], size: int) -> BoolArray | None:
        """Return the rows that pass (size,) bool, or None without filters."""
        if not filters:
            return None
        passed = np.ones(size, np.bool_)
        alternatives: dict[str, BoolArray] = {}
        for condition in filters:
            if condition.field not in self._fields:
                known = ", ".join(sorted(self._fields)[:12])
                raise UsageError(f"no field {condition.field[:60]!r} in this catalog", hint=f"fields: {known}")
            rows = np.zeros(size, np.bool_)
            rows[self._matching(condition)] = True
            if condition.op == "=":
                previous = alternatives.get(condition.field)
                alternatives[condition.field] = rows if previous is None else previous | rows
            elif condition.op == "!=":
                passed &= ~rows
            else:
                passed &= rows
        for rows in alternatives.values():
            passed &= rows
        return passed

    def within(self, field: str, low: float, high: float) -> IntArray:
        """Return the rows whose number in a field lies between two, both included; none for an unknown field."""
        start, end = self._fields.get(field, [0, 0])
        values, rows = self._numbers[start:end], self._number_rows[start:end]
        found: IntArray = rows[int(np.searchsorted(values, low, "left")) : int(np.searchsorted(values, high, "right"))]
        return found

    def _matching(self, condition: Filter) -> IntArray:
        start, end = self._fields[condition.field]
        values, rows = self._numbers[start:end], self._number_rows[start:end]
        if condition.op in ("=", "!="):
            key = np.uint64(seed_of(condition.field, fold(condition.value)))
            place = int(np.searchsorted(self._keys, key))
            found = [np.empty(0, np.int32)]
            if place < len(self._keys) and self._keys[place] == key:
                found.append(self._rows[int(self._starts[place]) : int(self._starts[place + 1])])
            try:
                number = _number(condition)
            except UsageError:
                return found[-1]
            span = slice(np.searchsorted(values, number, "left"), np.searchsorted(values, number, "right"))
            return np.concatenate([*found, rows[span]])
        number = _number(condition)
        if condition.op in ("<", ">="):
            cut = int(np.searchsorted(values, number, "left"))
        else:
            cut = int(np.searchsorted(values, number, "right"))
        return rows[:cut] if condition.op in ("<", "<=") else rows[cut:]


def _number(condition: Filter) -> float:
    try:
        if condition.field == "created_at":
            return float(parse_time(condition.value))
        return float(condition.value)
    except (ValueError, DataError):
        message = f"not a number: {condition.value[:60]!r} in the filter on {condition.field}"
        raise UsageError(message, hint=_HINT) from None
