"""Counts of (key, entity) pairs at several half-lives side by side: what memory and trends are made of.

A pair's value at half-life h follows ``v <- v 2^(-dt/h) + w``; what is read at a later moment is decayed to it.
Nothing is ever averaged over half-lives here: which recency matters is for the ranker to learn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.clock import HOUR
from ltrr_cli.core.types import BoolArray, DoubleArray, FloatArray, IntArray, MomentArray
from ltrr_cli.retrieval.counts.sorted_table import SortedTable, codes_of, rounds
from ltrr_cli.storage.merging import Merge, grown

HALF_LIVES_H = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)  # a geometric grid; hours
COLUMNS = len(HALF_LIVES_H) + 1  # the last column does not decay
NEVER = np.int64(-(2**62))

RATES = np.array([1.0 / (h * HOUR) for h in HALF_LIVES_H] + [0.0])  # (COLUMNS,) halvings per millisecond


def count(value: FloatArray, last: MomentArray, places: IntArray, times_ms: MomentArray, weights: DoubleArray) -> None:
    """Count actions into columns by place, one after another; an earlier time counts as the last one.

    value -- (capacity, COLUMNS) float32; last -- (capacity,); both are changed
    The result is the same to the last bit in whatever parts the actions come.
    """
    for part in rounds(places):
        at, time_ms = places[part], times_ms[part]
        before = last[at]
        elapsed = np.where(before == NEVER, 0, np.maximum(time_ms - before, 0))
        decayed = (value[at] * np.exp2(-elapsed[:, None] * RATES)).astype(np.float32)
        value[at] = decayed + weights[part].astype(np.float32)[:, None]
        last[at] = np.maximum(before, time_ms)


def decayed(value: FloatArray, last: MomentArray, time_ms: int, columns: slice = slice(None)) -> FloatArray:
    """Return (n, columns) float32: counts at a later moment; ``value`` has these columns only."""
    age = np.maximum(time_ms - last, 0)
    values: FloatArray = value * np.exp2(-age[:, None] * RATES[columns]).astype(np.float32)
    return values


class DecayedCounts(SortedTable):
    """A growing table of pairs, grouped by an integer key (a query).

    Look-ups see whatever was added before; the caller keeps time order.
    """

    def __init__(self, codes: MomentArray | None = None) -> None:
        super().__init__(codes)
        self._value = np.zeros((self._size, COLUMNS), np.float32)
        self._last = np.full(self._size, NEVER, np.int64)
        self._users = np.zeros(self._size, np.int32)

    def add(self, codes: MomentArray, times_ms: MomentArray, weights: DoubleArray, new_user: BoolArray) -> None:
        """Count actions in time order; new_user (n,) says whether a person is new to the pair."""
        places = self.places(codes)
        count(self._value, self._last, places, times_ms, weights)
        np.add.at(self._users, places, new_user)

    def sums(self, keys: int) -> DoubleArray:
        """Return (keys,) float64: undecayed counts of every key."""
        of = self._code[: self._size] >> 32
        sums: DoubleArray = np.bincount(of, self._value[: self._size, -1], keys).astype(np.float64)
        return sums

    def users(self, pairs: IntArray) -> IntArray:
        """Return the distinct users of some pairs."""
        return self._users[pairs]

    def last(self, pairs: IntArray) -> MomentArray:
        """Return the moment of the last action of some pairs."""
        return self._last[pairs]

    def values(self, pairs: IntArray, time_ms: int) -> FloatArray:
        """Return (n, COLUMNS) float32: the counts decayed to a moment."""
        return decayed(self._value[pairs], self._last[pairs], time_ms)

    def save(self, path: Path) -> None:
        """Write one .npz, pairs sorted by key and row."""
        codes = self.in_order()
        size = len(codes)
        np.savez(path, code=codes, value=self._value[:size], last=self._last[:size], users=self._users[:size])

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what ``save`` wrote, also before 0.1.1, when pairs of a key stood as they came."""
        with np.load(path, allow_pickle=False) as stored:
            if "code" in stored:
                table = cls(stored["code"])
                table._value, table._last, table._users = stored["value"], stored["last"], stored["users"]
                return table
            codes = codes_of(np.repeat(np.arange(len(stored["counts"])), stored["counts"]), stored["row"])
            order = np.argsort(codes, kind="stable")
            table = cls(codes[order])
            table._value, table._last = stored["value"][order], stored["last"][order]
            table._users = stored["users"][order]
        return table

    def _grow(self, capacity: int) -> None:
        self._value, self._users = grown(self._value, capacity), grown(self._users, capacity)
        self._last = grown(self._last, capacity)

    def _begin(self, places: slice) -> None:
        self._last[places] = NEVER

    def _move(self, move: Merge) -> None:
        for column in (self._value, self._last, self._users):
            move(column)
