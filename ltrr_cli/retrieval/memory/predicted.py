"""Predicted queries: what the catalog says an entity should be asked by, before anybody has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

import msgspec
import numpy as np

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import BoolArray, Entity, FloatArray, IntArray, MomentArray
from ltrr_cli.storage.packed_arrays import map_array
from ltrr_cli.text.lines import BadLine, read_lines
from ltrr_cli.text.names import forms_of, main_of
from ltrr_cli.text.normalise import query_key

PREDICTED_ROWS = 200  # entities kept per predicted query
TITLE = 2.0  # strength of an entity's own title; attribute values have 0.5 at most
MAIN = 1.0  # of what stands before a subtitle
GIVEN = "given.jsonl"  # what a user predicted, kept for updates

Rows = TypeVar("Rows", IntArray, MomentArray)  # of entities, or (query, row) in one number
Given = Mapping[str, Mapping[str, float]]  # id -> query -> score > 0


class Predicted:
    """Predicted queries as hashed keys (sorted) with their rows: nothing to parse when it opens."""

    def __init__(self, keys: np.ndarray, starts: np.ndarray, rows: IntArray, weights: FloatArray) -> None:
        self._keys, self._starts, self._rows, self._weights = keys, starts, rows, weights

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map the arrays."""
        return cls(*(map_array(folder / f"{name}.npy") for name in ARRAYS))

    def known(self, keys: Sequence[str]) -> BoolArray:
        """Say for which folded queries something is predicted; none of them is empty."""
        hashed = np.fromiter(map(seed_of, keys), np.uint64, len(keys))
        place = np.searchsorted(self._keys, hashed)
        there: BoolArray = place < len(self._keys)
        there[there] = self._keys[place[there]] == hashed[there]
        return there

    def of(self, keys: Iterable[str]) -> tuple[IntArray, FloatArray]:
        """Return (rows ascending, weights that sum to 1 or to 0)."""
        rows, weights = [np.empty(0, np.int32)], [np.empty(0, np.float32)]
        for key in sorted(keys):
            hashed = np.uint64(seed_of(key))
            place = int(np.searchsorted(self._keys, hashed))
            if key and place < len(self._keys) and self._keys[place] == hashed:
                part = slice(int(self._starts[place]), int(self._starts[place + 1]))
                rows.append(self._rows[part])
                weights.append(self._weights[part])
        found, weight = summed(np.concatenate(rows), np.concatenate(weights))
        return found, weight / max(float(weight.sum()), 1e-9)


ARRAYS = ("keys", "starts", "rows", "weights")


def read_given(source: str | Path) -> dict[str, dict[str, float]]:
    """Read ``{"id", "query", "score"}`` lines (also .gz, .zst); raises DataError naming the first bad line.

    Of the same id and query the last line counts; ids that the catalog does not have are left alone.
    """
    found: dict[str, dict[str, float]] = {}
    for line in read_lines(source):
        reason = line.reason if isinstance(line, BadLine) else ""
        try:
            one = msgspec.json.decode(b"" if isinstance(line, BadLine) else line.data, type=_Given)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            reason = reason or str(error)
        else:
            if 0.0 < one.score < float("inf") and query_key(one.query):
                found.setdefault(one.id, {})[one.query] = one.score
                continue
            reason = "score is not a positive number, or the query has no words"
        hint = 'one {"id", "query", "score"} a line, score > 0'
        raise DataError(f"{source}, line {line.number}: {reason}; nothing was published", hint=hint)
    return found


class _Given(msgspec.Struct, frozen=True):
    id: str
    query: str
    score: float = TITLE


def predict(entities: Iterable[Entity], folder: Path, given: Given | None = None) -> None:
    """Write what is predicted: titles, attribute values, given queries, one count each, spread by popularity."""
    given = given or {}
    keys: list[int] = []
    rows: list[int] = []
    strength: list[float] = []
    for row, entity in enumerate(entities):
        weight = 1.0 + float(np.log1p(max(entity.popularity or 0.0, 0.0)))
        shares = _predictions(entity)
        for query, score in given.get(entity.id, {}).items():
            shares[query_key(query)] = score  # who says so knows better than the catalog
        for text, share in shares.items():
            keys.append(seed_of(text))
            rows.append(row)
            strength.append(weight * share)
    order = np.lexsort((np.array(rows), -np.array(strength), np.array(keys, np.uint64)))
    key, row_, value = (np.array(a, t)[order] for a, t in ((keys, np.uint64), (rows, np.int32), (strength, np.float32)))
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)
    rank = np.arange(len(key)) - np.repeat(first, np.diff(np.r_[first, len(key)]))
    keep = rank < PREDICTED_ROWS
    key, row_, value = key[keep], row_[keep], value[keep] ** 2
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)
    starts = np.r_[first, len(key)].astype(np.int64)
    total = np.add.reduceat(value, first) if len(key) else value
    for name, array in zip(ARRAYS, (key[first], starts, row_, value / np.repeat(total, np.diff(starts))), strict=True):
        np.save(folder / f"{name}.npy", array)

    if given:
        lines = [
            msgspec.json.encode(_Given(entity, query, score))
            for entity, queries in sorted(given.items())
            for query, score in sorted(queries.items())
        ]
        (folder / GIVEN).write_bytes(b"\n".join(lines) + b"\n")


def _predictions(entity: Entity) -> dict[str, float]:
    """Folded queries an entity should answer, with their shares: its title whole, its attribute values by order."""
    found: dict[str, float] = {}
    for value in entity.attributes.values():
        for place, text in enumerate((value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()):
            key = query_key(text)
            if key:
                found[key] = max(found.get(key, 0.0), 0.5 / (1.0 + 0.2 * place))
    if beginning := query_key(main_of(entity.title)):
        found[beginning] = MAIN
    for form in forms_of(entity.title):
        if title := query_key(form):
            found[title] = TITLE
    return found


def summed(rows: Rows, values: FloatArray) -> tuple[Rows, FloatArray]:
    """Add up the values of equal rows, as they come; rows ascending."""
    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    new = ascending[1:] != ascending[:-1]
    if new.all():  # each stands alone
        return ascending, values[order].astype(np.float32)
    first = np.concatenate([[True], new])
    distinct, place = ascending[first], np.cumsum(first) - 1
    total = np.zeros((len(distinct), *values.shape[1:]), np.float32)
    np.add.at(total, place, values[order])
    return distinct, total
