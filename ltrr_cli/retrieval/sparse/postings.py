"""Entities as weighted terms, both ways in mapped arrays: which entities bear a term, which terms an entity bears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray
from ltrr_cli.retrieval.row_scores import RowScores
from ltrr_cli.storage.packed_arrays import Array

MOST_ADDED = 400_000  # postings added up for one query: what a million entities answer in some milliseconds


class Postings:
    """An immutable sparse matrix (entities, terms) of weights >= 0, kept by row and by column.

    >>> made = Postings.arrays([[0, 1], [1]], [[1.0, 0.5], [2.0]], 2)
    >>> Postings.of(made).scores(np.array([1], np.int32), np.array([2.0], np.float32)).scores.tolist()
    [1.0, 4.0]
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._row_starts, self._terms, self._by_row = (arrays[name] for name in ("row_starts", "terms", "by_row"))
        self._term_starts, self._rows, self._by_term = (arrays[name] for name in ("term_starts", "rows", "by_term"))
        self.entities, self.size = len(self._row_starts) - 1, len(self._term_starts) - 1
        self.bearers: IntArray = np.diff(self._term_starts).astype(np.int32)

    @staticmethod
    def arrays(terms: Sequence[Sequence[int]], weights: Sequence[Sequence[float]], size: int) -> dict[str, Array]:
        """Return the arrays to be written: of each entity its distinct terms and their weights (float16 on disk).

        size -- how many terms there are
        """
        lengths = np.fromiter((len(found) for found in terms), np.int64, len(terms))
        flat = np.fromiter((term for found in terms for term in found), np.int32, int(lengths.sum()))
        weight = np.fromiter((each for found in weights for each in found), np.float16, len(flat))
        owner = np.repeat(np.arange(len(terms), dtype=np.int32), lengths)
        order = np.argsort(flat, kind="stable")
        return {
            "row_starts": _starts(lengths),
            "terms": flat,
            "by_row": weight,
            "term_starts": _starts(np.bincount(flat, minlength=size)),
            "rows": owner[order],
            "by_term": weight[order],
        }

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        """Return the matrix that ``arrays`` described."""
        return cls(arrays)

    def of_row(self, row: int) -> tuple[list[int], list[float]]:
        """Return (terms, weights) of an entity."""
        part = slice(int(self._row_starts[row]), int(self._row_starts[row + 1]))
        return self._terms[part].tolist(), self._by_row[part].tolist()

    def rows_of(self, term: int) -> IntArray:
        """Return the entities that bear a term, ascending."""
        return self._rows[self._term_starts[term] : self._term_starts[term + 1]]

    def summed(self, rows: IntArray, weights: FloatArray) -> FloatArray:
        """Return (terms,) float32: the weighted sum of some entities' term weights."""
        starts = np.asarray(self._row_starts)[rows]
        lengths = np.asarray(self._row_starts)[rows + 1] - starts
        ends = np.cumsum(lengths)
        place = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
        added = self._by_row[place] * np.repeat(weights, lengths)
        return np.bincount(self._terms[place], added, self.size).astype(np.float32)

    def background(self) -> FloatArray:
        """Return (terms,) float32: the mean weight of each term over all entities."""
        total = np.bincount(self._terms, self._by_row, self.size)
        return (total / max(self.entities, 1)).astype(np.float32)

    def scores(self, terms: IntArray, weights: FloatArray) -> RowScores:
        """Return the dot products of entities with a query's terms, the heaviest first; all others have none.

        Terms beyond ``MOST_ADDED`` postings are left out, but for the first.
        """
        starts = np.asarray(self._term_starts)
        places, parts, left = [], [], MOST_ADDED
        for place in np.argsort(-weights, kind="stable").tolist():
            length = int(starts[terms[place] + 1] - starts[terms[place]])
            if left < MOST_ADDED and length > left:
                continue
            left -= length
            places.append(place)
            parts.append(slice(int(starts[terms[place]]), int(starts[terms[place] + 1])))
        if not parts:
            return RowScores(np.empty(0, np.int32), np.empty(0, np.float32))
        rows = np.concatenate([self._rows[part] for part in parts])
        added = np.concatenate([self._by_term[part] for part in parts]).astype(np.float32)
        added *= np.repeat(weights[places], [part.stop - part.start for part in parts])
        return RowScores.summed(rows, added, self.entities)


def _starts(lengths: Array) -> Array:
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts
