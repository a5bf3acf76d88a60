"""What is popular now: trending by recent actions, before any of them by the catalog's popularity.

Good for an empty query and for a reading that names a kind of entity: then what is popular among these comes first.
Knows nothing of words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.types import DoubleArray, FloatArray, Hits, IntArray, Outcome, Request
from ltrr_cli.retrieval.counts.trend import Trend
from ltrr_cli.retrieval.outcome_batch import OutcomeBatch
from ltrr_cli.retrieval.slot_match import LEAK, SlotMatch
from ltrr_cli.retrieval.strategy import Resources, Strategy, best

SPAN = 4  # column of the trend that decides: the half-life of 256 hours, about what a chart of a week looks back on


class Popular(Strategy):
    """``count * 2^(-age / half-life)`` plus a share of one count by the catalog's popularity, times the match."""

    name: ClassVar[str] = "popular"
    evidence_names: ClassVar[tuple[str, ...]] = ("trend",)

    def __init__(self, resources: Resources, trend: Trend, bearing: SlotMatch) -> None:
        known = np.log1p(np.nan_to_num(np.asarray(resources.catalog.popularity, np.float64)))
        self._prior: DoubleArray = known / max(float(known.max(initial=0.0)), 1e-9)
        self._row_of = resources.catalog.row_of
        self._trend, self._bearing = trend, bearing

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the trend where there is one."""
        trend = Trend(len(resources.catalog)) if learned is None else Trend.open(learned / "trend.npz")
        return cls(resources, trend, SlotMatch.open(resources, folder))

    def join(self, company: Mapping[str, Strategy]) -> None:
        """Share the match of ``structured``."""
        self._bearing.join(company)

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Count rewarded actions, whatever the query."""
        batch = OutcomeBatch.of(outcomes, self._row_of)
        wanted = batch.wanted()
        self._trend.add(batch.rows[wanted], batch.times_ms[wanted], batch.worth[wanted])

    def save(self, folder: Path) -> None:
        """Write the trend."""
        self._trend.save(folder / "trend.npz")

    def retrieve(self, request: Request, limit: int) -> Hits:
        """Bring the strongest trends; entities never acted on follow by the catalog's popularity.

        Where a kind is asked for, what is not of it comes last: as popular as it is, times the odds of a wrong reading.
        """
        rows = np.arange(len(self._prior), dtype=np.int32)
        scores, match = self._scores(rows, request), self._bearing.match(request)
        if match is not None:
            scores = scores * (match + np.float32(LEAK))
        return best(rows, scores, limit, request.allowed)

    def evidence(self, request: Request, rows: IntArray) -> FloatArray:
        """Return the trend of each row, log1p."""
        return np.log1p(self._scores(rows, request))[:, None]

    def _scores(self, rows: IntArray, request: Request) -> FloatArray:
        scores: FloatArray = self._prior[rows].astype(np.float32)
        touched = self._trend.touched()
        place = np.searchsorted(touched, rows)
        place[place == len(touched)] = 0
        active = touched[place] == rows if len(touched) else np.zeros(len(rows), np.bool_)
        scores[active] += self._trend.at(rows[active], request.context.time_ms, SPAN)
        return scores
