"""How often each entity was acted on, at several half-lives: trends, and the prior of the memory's back-off."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.clock import HOUR
from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray, MomentArray
from ltrr_cli.retrieval.counts.decayed_counts import COLUMNS, NEVER, RATES, count, decayed
from ltrr_cli.storage.packed_arrays import Array, open_arrays, write_arrays
from ltrr_cli.storage.segments import Arrays, TableFile

CELL = 16 * HOUR  # the sum of all entities is kept as of the beginning of one of these, at most 2^16 times too large
TOTAL = ".total"


class Trend:
    """One decayed count per entity and half-life, dense over the rows of a catalog generation."""

    def __init__(self, entities: int) -> None:
        self._value = np.zeros((entities, COLUMNS), np.float32)
        self._last = np.full(entities, NEVER, np.int64)
        self._total = np.zeros(COLUMNS)  # as of the beginning of the cell of ``_moment``
        self._moment = int(NEVER)
        self._touched = np.zeros(entities, np.bool_)
        self._file = TableFile()

    def add(self, rows: IntArray, times_ms: MomentArray, weights: DoubleArray) -> None:
        """Count actions in time order; all (n,). The same to the last bit in whatever parts they come."""
        if not len(rows):
            return
        count(self._value, self._last, rows, times_ms, weights)
        self._touched[rows] = True
        self._file.note(rows)
        moments = np.maximum.accumulate(np.maximum(times_ms, self._moment))
        cells = moments // CELL
        starts = np.flatnonzero(cells[1:] != cells[:-1]) + 1
        for start, end in pairwise((0, *starts.tolist(), len(rows))):
            part, begin = slice(start, end), int(cells[start]) * CELL
            if self._moment != NEVER:
                self._total *= np.exp2(-(begin - self._moment // CELL * CELL) * RATES)
            worth = weights[part, None] * np.exp2((moments[part] - begin)[:, None] * RATES)
            self._total = np.add.accumulate(np.concatenate([self._total[None], worth]))[-1]  # one after another
            self._moment = int(moments[end - 1])

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
        only, found, active = slice(span, span + 1), np.zeros(len(rows), np.float32), self._touched[rows]
        if active.any():
            acted = rows[active]
            found[active] = decayed(self._value[acted, only], self._last[acted], time_ms, only)[:, 0]
        return found

    def totals(self, time_ms: int) -> FloatArray:
        """Return (COLUMNS,) float32: the sum over all entities, decayed to a moment."""
        if self._moment == NEVER:
            return np.zeros(COLUMNS, np.float32)
        age = max(time_ms, self._moment) - self._moment // CELL * CELL
        totals: FloatArray = (self._total * np.exp2(-age * RATES)).astype(np.float32)
        return totals

    def touched(self) -> IntArray:
        """Return the rows that were ever acted on, ascending."""
        return np.flatnonzero(self._touched).astype(np.int32)

    def save(self, path: Path) -> None:
        """Write touched rows, or those that changed since it was opened; ``path`` has no suffix."""
        self._file.save(path, lambda: self._rows(self.touched()), self._rows)
        entities, moment = np.array([len(self._touched)]), np.array([self._moment])
        write_arrays(path.with_suffix(TOTAL), {"entities": entities, "moment": moment, "total": self._total})

    def _rows(self, rows: Array) -> Arrays:
        return {"row": rows, "value": self._value[rows], "last": self._last[rows]}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what ``save`` wrote; the files of 0.1.0 are read, too."""
        if path.with_suffix(".npz").exists():
            return cls._first_format(path.with_suffix(".npz"))
        known = open_arrays(path.with_suffix(TOTAL))
        trend = cls(int(known["entities"][0]))
        file, base, changes = TableFile.open(path)
        for part in (base, changes or {}):
            if part:
                rows = part["row"]
                trend._value[rows], trend._last[rows], trend._touched[rows] = part["value"], part["last"], True
        trend._total, trend._moment, trend._file = np.array(known["total"]), int(known["moment"][0]), file
        return trend

    @classmethod
    def _first_format(cls, path: Path) -> Self:
        with np.load(path, allow_pickle=False) as stored:
            trend = cls(int(stored["entities"]))
            rows = stored["rows"]
            trend._value[rows], trend._last[rows], trend._touched[rows] = stored["value"], stored["last"], True
            trend._moment = moment = int(stored["moment"])
            trend._total = stored["total"] * np.exp2((moment - moment // CELL * CELL) * RATES)
        return trend
