"""What entities are believed to have, beside what the catalog states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Inferred:
    """Values that entities lack and that their words and other values imply: parallel arrays, by row.

    fields, values -- of each (field, value) pair
    rows, pairs    -- (n,) int32: which entity, which pair
    scores         -- (n,) float32, 0..1: how often such an inference was right where the value is known
    """

    fields: tuple[str, ...]
    values: tuple[str, ...]
    rows: IntArray
    pairs: IntArray
    scores: FloatArray

    @staticmethod
    def none() -> Inferred:
        """Return nothing inferred."""
        return Inferred((), (), np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))

    def of(self, row: int) -> tuple[tuple[str, str, float], ...]:
        """Return (field, value, score) of what one entity is believed to have."""
        start, end = np.searchsorted(self.rows, (row, row + 1)).tolist()
        found = zip(self.pairs[start:end].tolist(), self.scores[start:end].tolist(), strict=True)
        return tuple((self.fields[pair], self.values[pair], score) for pair, score in found)
