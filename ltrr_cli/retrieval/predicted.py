"""Predicted queries: what the catalog says an entity should be asked by, before anybody has."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.chance import seed_of
from ltrr_cli.core.types import Entity, FloatArray, IntArray
from ltrr_cli.text.normalise import query_key

PREDICTED_ROWS = 200  # entities kept per predicted query


class Predicted:
    """Predicted queries as hashed keys (sorted) with their rows: nothing to parse when it opens."""

    def __init__(self, keys: np.ndarray, starts: np.ndarray, rows: IntArray, weights: FloatArray) -> None:
        self._keys, self._starts, self._rows, self._weights = keys, starts, rows, weights

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map the arrays."""
        return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS))

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


def predict(entities: Iterable[Entity], folder: Path) -> None:
    """Write what the catalog predicts: titles and attribute values as queries, one count each, spread by popularity."""
    keys: list[int] = []
    rows: list[int] = []
    strength: list[float] = []
    for row, entity in enumerate(entities):
        weight = 1.0 + float(np.log1p(max(entity.popularity or 0.0, 0.0)))
        for text, share in _predictions(entity).items():
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


def _predictions(entity: Entity) -> dict[str, float]:
    """Folded queries an entity should answer, with their shares: its title whole, its attribute values by order."""
    found: dict[str, float] = {}
    for value in entity.attributes.values():
        for place, text in enumerate((value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()):
            key = query_key(text)
            if key:
                found[key] = max(found.get(key, 0.0), 0.5 / (1.0 + 0.2 * place))
    title = query_key(entity.title)
    if title:
        found[title] = 2.0
    return found


def summed(rows: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Add up the values of equal rows; rows ascending."""
    distinct, inverse = np.unique(rows, return_inverse=True)
    total = np.zeros((len(distinct), *values.shape[1:]), np.float32)
    np.add.at(total, inverse, values)
    return distinct, total
