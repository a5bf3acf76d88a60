"""Counts of (key, entity) pairs at several half-lives side by side: what memory and trends are made of.

A pair's value at half-life h follows ``v <- v 2^(-dt/h) + w``; what is read at a later moment is decayed to it.
Nothing is ever averaged over half-lives here: which recency matters is for the ranker to learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.clock import HOUR
from ltrr_cli.core.types import FloatArray, IntArray, MomentArray

HALF_LIVES_H = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)  # a geometric grid; hours
COLUMNS = len(HALF_LIVES_H) + 1  # the last column does not decay
_MANY = 16  # pairs of one key above which a dictionary finds them, not a scan
NEVER = np.int64(-(2**62))

RATES = np.array([1.0 / (h * HOUR) for h in HALF_LIVES_H] + [0.0])  # (COLUMNS,) halvings per millisecond


class Pairs:
    """A growing table of pairs, grouped by an integer key (a query, a word, ...).

    Look-ups see whatever was added before; the caller keeps time order.
    """

    def __init__(self, keys: int = 0, capacity: int = 1024) -> None:
        self._size = 0
        self._row = np.empty(capacity, np.int32)
        self._value = np.zeros((capacity, COLUMNS), np.float32)
        self._last = np.full(capacity, NEVER, np.int64)
        self._users = np.zeros(capacity, np.int32)
        self._of_key: list[list[int]] = [[] for _ in range(keys)]
        self._place: dict[int, dict[int, int]] = {}  # key -> row -> pair, only for keys with many pairs

    def __len__(self) -> int:
        return self._size

    @property
    def keys(self) -> int:
        """How many keys there are."""
        return len(self._of_key)

    def new_key(self) -> int:
        """Return the next key, without any pair yet."""
        self._of_key.append([])
        return len(self._of_key) - 1

    def add(self, key: int, row: int, time_ms: int, weight: float, *, new_user: bool = False) -> None:
        """Count one action; time must not run backwards within a pair (an earlier time counts as the last one)."""
        pair = self._find_or_make(key, row)
        last = self._last[pair]
        if last != NEVER and time_ms > last:
            self._value[pair] *= np.exp2(-(time_ms - last) * RATES)
        self._value[pair] += weight
        self._last[pair] = max(last, time_ms)
        self._users[pair] += new_user

    def pairs_of(self, keys: Sequence[int]) -> tuple[IntArray, IntArray]:
        """Return (pair numbers, index into ``keys``) of all pairs of some keys, key by key."""
        lists = [self._of_key[key] for key in keys]
        numbers = np.fromiter((pair for pairs in lists for pair in pairs), np.int32)
        return numbers, np.repeat(np.arange(len(lists), dtype=np.int32), [len(pairs) for pairs in lists])

    def rows(self, pairs: IntArray) -> IntArray:
        """Return the entity rows of some pairs."""
        return self._row[pairs]

    def users(self, pairs: IntArray) -> IntArray:
        """Return the distinct users of some pairs."""
        return self._users[pairs]

    def last(self, pairs: IntArray) -> MomentArray:
        """Return the moment of the last action of some pairs."""
        return self._last[pairs]

    def values(self, pairs: IntArray, time_ms: int) -> FloatArray:
        """Return (n, COLUMNS) float32: the counts decayed to a moment."""
        age = np.maximum(time_ms - self._last[pairs], 0)
        values: FloatArray = self._value[pairs] * np.exp2(-age[:, None] * RATES).astype(np.float32)
        return values

    def totals(self, pairs: IntArray) -> FloatArray:
        """Return (n,) float32: the counts without decay."""
        totals: FloatArray = self._value[pairs, -1]
        return totals

    def save(self, path: Path) -> None:
        """Write one .npz, pairs sorted by key (the order inside a key is kept)."""
        counts = np.array([len(pairs) for pairs in self._of_key], np.int32)
        order = np.fromiter((pair for pairs in self._of_key for pair in pairs), np.int64, self._size)
        np.savez(
            path,
            counts=counts,
            row=self._row[order],
            value=self._value[order],
            last=self._last[order],
            users=self._users[order],
        )

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            table = cls(capacity=0)
            table._row, table._value = stored["row"], stored["value"]
            table._last, table._users = stored["last"], stored["users"]
            ends = np.cumsum(stored["counts"]).tolist()
        table._size = len(table._row)
        table._of_key = [list(range(start, end)) for start, end in zip([0, *ends], ends, strict=False)]
        return table

    def _find_or_make(self, key: int, row: int) -> int:
        own = self._of_key[key]
        place = self._place.get(key)
        if place is None and len(own) > _MANY:
            place = self._place[key] = {int(self._row[pair]): pair for pair in own}
        if place is not None:
            if row in place:
                return place[row]
        else:
            for pair in own:
                if self._row[pair] == row:
                    return pair
        if self._size == len(self._row):
            self._grow()
        pair = self._size
        self._size += 1
        self._row[pair] = row
        own.append(pair)
        if place is not None:
            place[row] = pair
        return pair

    def _grow(self) -> None:
        more = max(1024, len(self._row))
        self._row = np.concatenate([self._row, np.empty(more, np.int32)])
        self._value = np.concatenate([self._value, np.zeros((more, COLUMNS), np.float32)])
        self._last = np.concatenate([self._last, np.full(more, NEVER, np.int64)])
        self._users = np.concatenate([self._users, np.zeros(more, np.int32)])
