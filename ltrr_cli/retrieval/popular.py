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
        self._version = 0
        self._known: tuple[tuple[int, int], FloatArray, IntArray] | None = None

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
        self._version += 1

    def save(self, folder: Path) -> None:
        """Write the trend."""
        self._trend.save(folder / "trend.npz")

    def retrieve(self, request: Request, limit: int) -> Hits:
        """Bring the strongest trends; entities never acted on follow by the catalog's popularity.

        Where a kind is asked for, what is not of it comes last: as popular as it is, times the odds of a wrong reading.
        """
        scores, order = self._now(request)
        match = self._bearing.match(request)
        if match is None:
            rows = order if request.allowed is not None else order[:limit]
            return best(rows, scores[rows], limit, request.allowed)
        bearers = np.flatnonzero(match).astype(np.int32)
        # what does not bear the reading keeps its order, so that few of it have to be looked at
        rows = np.union1d(bearers, order if request.allowed is not None else order[: limit + len(bearers)])
        return best(rows, scores[rows] * (match[rows] + np.float32(LEAK)), limit, request.allowed)

    def evidence(self, request: Request, rows: IntArray) -> FloatArray:
        """Return the trend of each row, log1p."""
        return np.log1p(self._scores(rows, request))[:, None]

    def _now(self, request: Request) -> tuple[FloatArray, IntArray]:
        """Return (scores (entities,), rows by score, ties by row) as of a request (kept for the last moment)."""
        asked = (request.context.time_ms, self._version)
        if self._known is None or self._known[0] != asked:
            scores = self._scores(np.arange(len(self._prior), dtype=np.int32), request)
            self._known = (asked, scores, np.argsort(-scores, kind="stable").astype(np.int32))
        return self._known[1:]

    def _scores(self, rows: IntArray, request: Request) -> FloatArray:
        scores: FloatArray = self._prior[rows].astype(np.float32)
        touched = self._trend.touched()
        place = np.searchsorted(touched, rows)
        place[place == len(touched)] = 0
        active = touched[place] == rows if len(touched) else np.zeros(len(rows), np.bool_)
        scores[active] += self._trend.at(rows[active], request.context.time_ms, SPAN)
        return scores
