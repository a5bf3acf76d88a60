"""Counts of (key, entity) pairs at several half-lives side by side: what memory and trends are made of.

A pair's value at half-life h follows ``v <- v 2^(-dt/h) + w``; what is read at a later moment is decayed to it.
Nothing is ever averaged over half-lives here: which recency matters is for the ranker to learn.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.clock import HOUR
from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray, MomentArray
from ltrr_cli.retrieval.counts.sorted_table import Kind, SortedTable, of_npz, rounds

HALF_LIVES_H = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)  # a geometric grid; hours
COLUMNS = len(HALF_LIVES_H) + 1  # the last column does not decay
NEVER = np.int64(-(2**62))
MOST_USERS = 2**31 - 1  # that a pair can count; further ones change nothing

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

    kinds: ClassVar[dict[str, Kind]] = {
        "value": ("<f4", (COLUMNS,), 0),
        "last": ("<i8", (), int(NEVER)),
        "users": ("<i4", (), 0),
    }

    def add(self, codes: MomentArray, times_ms: MomentArray, weights: DoubleArray, users: IntArray) -> None:
        """Count actions in time order; users (n,) says how many people are new to the pair."""
        places = self.places(codes)
        distinct, of = np.unique(places, return_inverse=True)
        value, last = self.column("value", distinct), self.column("last", distinct)
        count(value, last, of.astype(np.int32), times_ms, weights)
        self.put("value", distinct, value)
        self.put("last", distinct, last)
        some = np.flatnonzero(users)
        of_users, new = np.unique(places[some], return_inverse=True)
        total = self.column("users", of_users).astype(np.int64)
        np.add.at(total, new, users[some])
        self.put("users", of_users, np.minimum(total, MOST_USERS).astype(np.int32))

    def sums(self, keys: int) -> DoubleArray:
        """Return (keys,) float64: undecayed counts of every key."""
        every = slice(len(self))
        sums: DoubleArray = np.bincount(self.codes(every) >> 32, self.column("value", every)[:, -1], keys).astype(float)
        return sums

    def users(self, pairs: IntArray) -> IntArray:
        """Return the distinct users of some pairs."""
        return self.column("users", pairs)

    def last(self, pairs: IntArray) -> MomentArray:
        """Return the moment of the last action of some pairs."""
        return self.column("last", pairs)

    def values(self, pairs: IntArray, time_ms: int) -> FloatArray:
        """Return (n, COLUMNS) float32: the counts decayed to a moment."""
        return decayed(self.column("value", pairs), self.column("last", pairs), time_ms)

    def ever(self, pairs: IntArray) -> FloatArray:
        """Return (n,) float32: the counts that do not decay."""
        return self.column("value", pairs)[:, -1]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map what ``save`` wrote, or read the ``.npz`` that it was."""
        old = path.with_suffix(".npz")
        return cls(*of_npz(old)) if old.exists() else super().open(path)
