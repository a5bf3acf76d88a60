"""The union of what strategies brought: duplicates merged, provenance kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ltrr_cli.core.types import FloatArray, Hits, IntArray
from ltrr_cli.text.grams import distinct


def union(lists: Sequence[Hits]) -> tuple[IntArray, FloatArray, FloatArray]:
    """Merge lists into (rows (n,) ascending, ranks (n, s), scores (n, s)); NaN where a list lacks the row.

    >>> rows, ranks, _ = union([Hits(np.array([5, 2], np.int32), np.array([9, 8], np.float32)), Hits.none()])
    >>> rows.tolist(), ranks[:, 0].tolist()
    ([2, 5], [2.0, 1.0])
    """
    brought = np.concatenate([np.empty(0, np.int32), *(hits.rows for hits in lists)])
    rows = distinct(brought)
    place = np.searchsorted(rows, brought)
    ranks = np.full((len(rows), len(lists)), np.nan, np.float32)
    scores = np.full((len(rows), len(lists)), np.nan, np.float32)
    start = 0
    for column, hits in enumerate(lists):
        end = start + len(hits.rows)
        at = place[start:end]
        ranks[at, column] = np.arange(1, end - start + 1, dtype=np.float32)
        scores[at, column] = hits.scores
        start = end
    return rows, ranks, scores


def rank_of(hits: Hits, row: int) -> int:
    """Return at which rank (from 1) a row was brought, 0 for not at all."""
    place = np.flatnonzero(hits.rows == row)
    return int(place[0]) + 1 if len(place) else 0
