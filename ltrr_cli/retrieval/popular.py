"""What is popular now: trending by recent actions, before any of them by the catalog's popularity.

Good for an empty query and for a reading that names a kind of entity: then what is popular among these comes first.
Knows nothing of words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.types import BoolArray, DoubleArray, FloatArray, Hits, IntArray, Outcome, Request
from ltrr_cli.retrieval.counted_batch import CountedBatch
from ltrr_cli.retrieval.counts.trend import Trend
from ltrr_cli.retrieval.outcome_batch import OutcomeBatch
from ltrr_cli.retrieval.row_scores import RowScores, gathered
from ltrr_cli.retrieval.slot_match import LEAK, SlotMatch
from ltrr_cli.retrieval.strategy import Look, Resources, Strategy, best

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
        trend = Trend(len(resources.catalog)) if learned is None else Trend.open(learned / "trend")
        return cls(resources, trend, SlotMatch.open(resources, folder))

    def join(self, company: Mapping[str, Strategy]) -> None:
        """Share the match of ``structured``."""
        self._bearing.join(company)

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Count rewarded actions, whatever the query."""
        batch = OutcomeBatch.of(outcomes, self._row_of)
        wanted = batch.wanted()
        self._trend.add(batch.rows[wanted], batch.times_ms[wanted], batch.worth[wanted])

    def learn_counts(self, batch: CountedBatch) -> None:
        """Count a day's actions, whatever the query."""
        self._trend.add(*batch.by_entity)

    def save(self, folder: Path) -> None:
        """Write the trend."""
        self._trend.save(folder / "trend")

    def look(self, request: Request) -> PopularLook:
        """Look at what is popular as of the request's moment."""
        return PopularLook(self, request)

    def scores(self, rows: IntArray, moment: int) -> FloatArray:
        """Return (n,) float32: how popular each row is, whatever is asked for."""
        scores: FloatArray = self._prior[rows].astype(np.float32)
        scores += self._trend.at(rows, moment, SPAN)
        return scores

    def match(self, request: Request) -> RowScores | None:
        """Return how well entities bear the reading, where it names a kind of entity."""
        return self._bearing.match(request)

    def contenders(self, limit: int, match: RowScores | None, allowed: BoolArray | None) -> IntArray:
        """Return distinct rows, ascending, among which the ``limit`` best surely are.

        The best by the catalog's popularity alone, and what may score higher than that: what was acted on, and what
        bears the reading.
        """
        order = self._order if match is None else self._leaking_order
        reach = limit
        while allowed is not None and reach < len(order) and np.count_nonzero(allowed[order[:reach]]) < limit:
            reach *= 4
        bearers = [] if match is None else [match.rows]
        return gathered([order[:reach], self._trend.touched(), *bearers], len(order))[0]

    @cached_property
    def _order(self) -> IntArray:
        """All rows, the most popular by the catalog first; ties by row."""
        return np.argsort(-self._prior.astype(np.float32), kind="stable").astype(np.int32)

    @cached_property
    def _leaking_order(self) -> IntArray:
        """The same of rows that do not bear a reading: rounding makes some equal that were not."""
        return np.argsort(-(self._prior.astype(np.float32) * np.float32(LEAK)), kind="stable").astype(np.int32)


class PopularLook(Look):
    """What is popular at a moment, where a kind is asked for among these."""

    def __init__(self, popular: Popular, request: Request) -> None:
        self._popular, self._request = popular, request

    def hits(self, limit: int) -> Hits:
        """Bring the strongest trends; entities never acted on follow by the catalog's popularity.

        Where a kind is asked for, what is not of it comes last: as popular as it is, times the odds of a wrong reading.
        """
        request, match = self._request, self._popular.match(self._request)
        rows = self._popular.contenders(limit, match, request.allowed)
        scores = self._popular.scores(rows, request.context.time_ms)
        if match is not None:
            scores = scores * (match.at(rows) + np.float32(LEAK))
        return best(rows, scores, limit, request.allowed)

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return the trend of each row, log1p."""
        return np.log1p(self._popular.scores(rows, self._request.context.time_ms))[:, None]
