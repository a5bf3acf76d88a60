"""How often each entity was acted on, at several half-lives: trends, and the prior of the memory's back-off."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.types import BoolArray, DoubleArray, FloatArray, IntArray, MomentArray
from ltrr_cli.retrieval.counts.decayed_counts import COLUMNS, NEVER, RATES, count, decayed


class Trend:
    """One decayed count per entity and half-life, dense over the rows of a catalog generation."""

    def __init__(self, entities: int) -> None:
        self._value = np.zeros((entities, COLUMNS), np.float32)
        self._last = np.full(entities, NEVER, np.int64)
        self._total = np.zeros(COLUMNS)
        self._moment = int(NEVER)
        self._touched = np.zeros(entities, np.bool_)

    def add(self, rows: IntArray, times_ms: MomentArray, weights: DoubleArray) -> None:
        """Count actions in time order; all (n,)."""
        if not len(rows):
            return
        count(self._value, self._last, rows, times_ms, weights)
        self._touched[rows] = True
        # the sum decays as each of its parts does, so a whole batch is brought to its last moment at once
        moments = np.maximum.accumulate(np.maximum(times_ms, self._moment))
        newest = int(moments[-1])
        if self._moment != NEVER:
            self._total *= np.exp2(-(newest - self._moment) * RATES)
        self._total += weights @ np.exp2(-(newest - moments)[:, None] * RATES)
        self._moment = newest

    def learn(self, counted: Sequence[tuple[int, int, float]]) -> None:
        """Count (row, moment, weight) of actions in time order."""
        if counted:
            rows, moments, weights = zip(*counted, strict=True)
            self.add(np.array(rows, np.int32), np.array(moments, np.int64), np.array(weights, np.float64))

    def values(self, rows: IntArray, time_ms: int) -> FloatArray:
        """Return (n, COLUMNS) float32: counts decayed to a moment."""
        return decayed(self._value[rows], self._last[rows], time_ms)

    def at(self, rows: IntArray, time_ms: int, span: int) -> FloatArray:
        """Return (n,) float32: one column of ``values``."""
        only = slice(span, span + 1)
        return decayed(self._value[rows, only], self._last[rows], time_ms, only)[:, 0]

    def totals(self, time_ms: int) -> FloatArray:
        """Return (COLUMNS,) float32: the sum over all entities, decayed to a moment."""
        if self._moment == NEVER:
            return np.zeros(COLUMNS, np.float32)
        age = max(time_ms - self._moment, 0)
        totals: FloatArray = (self._total * np.exp2(-age * RATES)).astype(np.float32)
        return totals

    def touched(self) -> IntArray:
        """Return the rows that were ever acted on, ascending."""
        return np.flatnonzero(self._touched).astype(np.int32)

    def acted_on(self, rows: IntArray) -> BoolArray:
        """Return (n,) bool: which rows were ever acted on."""
        acted: BoolArray = self._touched[rows]
        return acted

    def save(self, path: Path) -> None:
        """Write one .npz, touched rows only."""
        rows = self.touched()
        np.savez(
            path,
            entities=np.int64(len(self._touched)),
            rows=rows,
            value=self._value[rows],
            last=self._last[rows],
            total=self._total,
            moment=np.int64(self._moment),
        )

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            trend = cls(int(stored["entities"]))
            rows = stored["rows"]
            trend._value[rows], trend._last[rows], trend._touched[rows] = stored["value"], stored["last"], True
            trend._total, trend._moment = stored["total"], int(stored["moment"])
        return trend
