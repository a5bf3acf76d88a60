"""What the memory says on one request: candidates, features of any row, and how much it knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from ltrr_cli.core.types import FloatArray, Hits, IntArray, Request
from ltrr_cli.retrieval.counts.decayed_counts import COLUMNS, HALF_LIVES_H
from ltrr_cli.retrieval.counts.trend import Trend
from ltrr_cli.retrieval.memory.recollection import Recollection, shares
from ltrr_cli.retrieval.strategy import Look, best

_SPANS = (*(f"{h:g}h" for h in HALF_LIVES_H), "ever")
EVIDENCE = (
    *(f"own_{span}" for span in _SPANS),
    *(f"near_{span}" for span in _SPANS),
    *(f"bayes_{span}" for span in _SPANS),
    *(f"trend_{span}" for span in _SPANS),
    "own_count",
    "near_count",
    "users",
    "last_h",
    "predicted",
    "belief",
    "spoken_for",
    "prior_share",
)
SIGNALS = ("hit", "support", "near_support", "predicted", "confidence")


class MemoryLook(Look):
    """One recollection, told in three ways."""

    def __init__(self, recall: Callable[[], Recollection], trend: Trend, request: Request) -> None:
        self._recall, self._trend, self._request = recall, trend, request

    @cached_property
    def _found(self) -> Recollection:
        return self._recall()

    def hits(self, limit: int) -> Hits:
        """Bring what worked, best belief first."""
        return best(self._found.rows, self._found.score, limit, self._request.allowed)

    def signals(self) -> Mapping[str, float]:
        """How much is known of this query."""
        found = self._found
        own = float(found.own[:, -1].sum())
        return {
            "hit": float(own > 0),
            "support": float(np.log1p(own)),
            "near_support": float(np.log1p(found.near[:, -1].sum())),
            "predicted": float(found.predicted.sum()),
            "confidence": float(found.score.max(initial=0.0)),
        }

    def evidence(self, rows: IntArray) -> FloatArray:
        """Say of each row what the memory knows; shares are over all entities of this query."""
        found, moment = self._found, self._request.context.time_ms
        place = np.searchsorted(found.rows, rows)
        known = place < len(found.rows)
        known[known] = found.rows[place[known]] == rows[known]
        table = np.zeros((len(rows), len(EVIDENCE)), np.float32)
        table[:, EVIDENCE.index("last_h")] = np.nan
        hit = place[known]
        table[known, :COLUMNS] = shares(found.own)[hit]
        table[known, COLUMNS : 2 * COLUMNS] = shares(found.near)[hit]
        table[known, 2 * COLUMNS : 3 * COLUMNS] = found.bayes[hit]
        table[:, 3 * COLUMNS : 4 * COLUMNS] = self._trend.values(rows, moment) / np.maximum(
            self._trend.totals(moment), 1e-9
        )
        table[known, 4 * COLUMNS :] = np.column_stack(
            [
                np.log1p(found.own[hit, -1]),
                np.log1p(found.near[hit, -1]),
                np.log1p(found.users[hit]),
                found.last_h[hit],
                found.predicted[hit],
                found.score[hit],
                found.spoken_for[hit],
                np.zeros(len(hit)),
            ]
        )
        table[:, -1] = found.share
        return table
