"""Which values do entities state, and what stands together how often? Counts for ``infer``, on sorted codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import BoolArray
from ltrr_cli.storage.packed_arrays import Array
from ltrr_cli.understanding.inference.cases import Cases, RaggedArray

ROWS = 5_000  # entities looked at at a time


@dataclass(frozen=True, slots=True)
class StatedValues:
    """What entities state: sorted codes of (entity, label) and of (entity, field), and the fields of each."""

    labels: Array
    fields: Array
    of: RaggedArray

    @classmethod
    def of_cases(cls, cases: Cases) -> StatedValues:
        """Look at all entities."""
        size, width = len(cases.labels.starts) - 1, len(cases.fields)
        owner, label = cases.labels.pairs(np.arange(size))
        labels = np.sort(owner * len(cases.values) + label)
        fields = _counted(owner * width + cases.field_of[label])[0]
        starts = np.searchsorted(fields, np.arange(size + 1) * width)
        return cls(labels, fields, RaggedArray(starts, (fields % width).astype(np.int32)))


def within(sorted_codes: Array, codes: Array) -> BoolArray:
    """Say which codes are among the sorted ones."""
    if not len(sorted_codes):
        return np.zeros(len(codes), np.bool_)
    place = np.minimum(np.searchsorted(sorted_codes, codes), len(sorted_codes) - 1)
    found: BoolArray = sorted_codes[place] == codes
    return found


def crossed(left: RaggedArray, right: RaggedArray, width: int, folds: Sequence[Array]) -> tuple[Array, Array]:
    """Return codes ``left * width + right`` of what stands together, ascending, and (folds, n) how often."""
    counted: list[tuple[Array, Array]] = []
    for rows in folds:
        parts = []
        for part in np.array_split(rows, max(1, -(-len(rows) // ROWS))):
            owner, one = left.pairs(part)
            of, other = right.pairs(part[owner])
            parts.append(_counted(one[of].astype(np.int64) * width + other))
        counted.append(_counted(*(np.concatenate(column) for column in zip(*parts, strict=True))))
    code = _counted(np.concatenate([codes for codes, _ in counted]))[0]
    together = np.zeros((len(folds), len(code)), np.float32)
    for fold, (codes, counts) in enumerate(counted):
        together[fold, np.searchsorted(code, codes)] = counts
    return code, together


def _counted(codes: Array, counts: Array | None = None) -> tuple[Array, Array]:
    """Return (distinct codes ascending, how often each); sorted, for hashing them is slower."""
    order = None if counts is None else np.argsort(codes, kind="stable")
    codes = np.sort(codes) if order is None else codes[order]
    first = np.flatnonzero(np.diff(codes, prepend=-1))
    if counts is None or order is None:
        return codes[first], np.diff(first, append=len(codes))
    return codes[first], np.add.reduceat(counts[order], first) if len(first) else counts
