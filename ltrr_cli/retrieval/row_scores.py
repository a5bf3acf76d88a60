"""Scores of the few entities that a request touches: what is not touched costs nothing, however large the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltrr_cli.core.types import FloatArray, IntArray
from ltrr_cli.text.grams import distinct

MANY = 4  # with a row of so many entities, to count over all of them is the quickest way
FEW = 2_048  # rows below which sorting is the quickest way to find equal ones


@dataclass(frozen=True, slots=True)
class RowScores:
    """A sparse vector over the entities of a catalog: all others score 0.

    rows   -- (n,) int32, distinct, ascending
    scores -- (n,) float32
    """

    rows: IntArray
    scores: FloatArray

    @staticmethod
    def summed(rows: IntArray, values: NDArray[Any], entities: int) -> RowScores:
        """Add up values of equal rows; rows whose sum is 0 are left out.

        >>> RowScores.summed(np.array([7, 2, 7]), np.array([1.0, 5.0, 2.0]), 9)
        RowScores(rows=array([2, 7], dtype=int32), scores=array([5., 3.], dtype=float32))
        """
        if MANY * len(rows) >= entities:
            whole = np.bincount(rows, values, entities).astype(np.float32)
            found = np.flatnonzero(whole).astype(np.int32)
            return RowScores(found, whole[found])
        several, place = gathered([rows], entities)
        total = np.bincount(place[0], values, len(several)).astype(np.float32)
        touched = total != 0
        return RowScores(several[touched], total[touched])

    def at(self, rows: IntArray) -> FloatArray:
        """Return (len(rows),) float32, the scores of any rows.

        >>> RowScores(np.array([2, 7]), np.array([5, 3], np.float32)).at(np.array([7, 8, 2])).tolist()
        [3.0, 0.0, 5.0]
        """
        if not len(self.rows):
            return np.zeros(len(rows), np.float32)
        place = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        scores: FloatArray = np.where(self.rows[place] == rows, self.scores[place], np.float32(0.0))
        return scores


def gathered(lists: Sequence[IntArray], entities: int) -> tuple[IntArray, list[NDArray[np.intp]]]:
    """Return (distinct rows ascending, for each list the place of its rows among them); in time of the lists alone.

    >>> rows, places = gathered([np.array([7, 2]), np.array([9, 7])], 10)
    >>> rows.tolist(), [place.tolist() for place in places]
    ([2, 7, 9], [[1, 0], [2, 1]])
    """
    together = np.concatenate([np.empty(0, np.int32), *lists]).astype(np.int32, copy=False)
    if len(together) <= FEW:
        rows = distinct(together)
        place = np.searchsorted(rows, together)
    else:
        order = np.arange(len(together), dtype=np.int32)
        mark = np.empty(entities, np.int32)  # read only where it was written: nothing needs to fill it
        mark[together] = order
        rows = np.sort(together[mark[together] == order])
        mark[rows] = order[: len(rows)]
        place = mark[together].astype(np.intp)
    ends = np.cumsum([len(some) for some in lists]).tolist()
    return rows, [place[start:end] for start, end in zip([0, *ends], ends, strict=False)]
