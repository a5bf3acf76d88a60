"""What is new and was rarely shown, so that it is found out whether anybody wants it.

Good for what no other strategy can know yet: an entity without popularity and without clicks. Riskier than all of them.
An entity is new by its place in the order of creation as of the question, not by its age in days: shops and archives
live at different speeds. Where the catalog does not say when things came, what was rarely shown is left.

How often an entity was shown is counted on pages on which somebody did something: what nobody is known to have seen
proves nothing, and so the counts are a function of the events alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import FloatArray, Hits, IntArray, Outcome, Request
from ltrr_cli.retrieval.counted_batch import CountedBatch
from ltrr_cli.retrieval.counts.trend import Trend
from ltrr_cli.retrieval.slot_match import LEAK, SlotMatch
from ltrr_cli.retrieval.strategy import Look, Resources, Strategy, best
from ltrr_cli.retrieval.weighted_draw import first, keys

HALF = 0.02  # share of the catalog that is newer than what counts half as new
LEAST_HALF = 20  # entities
POOL = 10  # halves that are looked at: what is older counts less than a thousandth
SPAN = 5  # column of the trend: shown within the last 1,024 hours or so


class Fresh(Strategy):
    """Drawn without replacement, each by ``newness x match / (1 + times shown)``.

    Drawn, not sorted: what came on one day would else stand in one order for all until something is learnt.
    Efraimidis & Spirakis, Information Processing Letters 2006.
    """

    name: ClassVar[str] = "fresh"
    exploring: ClassVar[bool] = True
    evidence_names: ClassVar[tuple[str, ...]] = ("shown",)

    def __init__(self, resources: Resources, bearing: SlotMatch, shown: Trend) -> None:
        created = np.asarray(resources.catalog.created_ms, np.int64)
        self._order: IntArray = np.argsort(created, kind="stable").astype(np.int32)  # unknown ones first, as oldest
        self._created = created[self._order]
        self._half = max(HALF * len(created), LEAST_HALF)
        self._bearing, self._shown = bearing, shown
        self._pool = lru_cache(maxsize=8)(self._newest)  # most requests are of one moment: that of the newest data
        self._row_of = resources.catalog.row_of

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the counts where there are any."""
        size = len(resources.catalog)
        shown = Trend(size) if learned is None else Trend.open(learned / "shown")
        return cls(resources, SlotMatch.open(resources, folder), shown)

    def join(self, company: Mapping[str, Strategy]) -> None:
        """Share the match of ``structured``."""
        self._bearing.join(company)

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Count everything that stood on the page of an action."""
        self._shown.learn(
            [
                (row, outcome.time_ms, outcome.weight)
                for outcome in outcomes
                if outcome.page and outcome.weight > 0
                for entity in outcome.page
                if (row := self._row_of(entity)) >= 0
            ]
        )

    def learn_counts(self, batch: CountedBatch) -> None:
        """Count how often entities were shown, where that was counted."""
        rows, of = np.unique(batch.rows[batch.shown > 0], return_inverse=True)
        shown = np.bincount(of, batch.shown[batch.shown > 0], len(rows)).astype(np.float64)
        self._shown.add(rows, batch.moments(len(rows)), shown)

    def save(self, folder: Path) -> None:
        """Write the counts."""
        self._shown.save(folder / "shown")

    def look(self, request: Request) -> FreshLook:
        """Look at what is new as of the request's moment."""
        return FreshLook(self, request)

    def drawn(self, request: Request, limit: int) -> Hits:
        """Draw the rows of a request."""
        start, newness = self._pool(request.context.time_ms)
        rows = self._order[start : start + len(newness)]
        weights = newness / (1.0 + self._shown.at(rows, request.context.time_ms, SPAN))
        match = self._bearing.match(request)
        if match is not None:
            weights = weights * (match.at(rows) + LEAK)
        luck = generator("fresh", request.seed).random(len(rows))
        if request.allowed is not None:
            kept = request.allowed[rows]
            rows, luck, weights = rows[kept], luck[kept], weights[kept]
        some = first(luck, weights, limit)
        return best(rows[some], keys(luck[some], weights[some]).astype(np.float32), limit)

    def shown(self, rows: IntArray, moment: int) -> FloatArray:
        """Return (n,) float32: how often each row was shown lately."""
        return self._shown.at(rows, moment, SPAN)

    def _newest(self, moment: int) -> tuple[int, FloatArray]:
        """Return (place in the order, newness (n,) in 0..1]) of the newest that were there at a moment.

        Those created at one time are equally new. Where no moment of creation is known everything is.
        """
        there = int(np.searchsorted(self._created, moment, "right"))
        known = int(np.searchsorted(self._created, 0, "left"))
        if there <= known:
            return 0, np.ones(there, np.float32)
        start = max(there - int(POOL * self._half), 0)
        created = self._created[start:there]
        newer = there - np.searchsorted(self._created[:there], created, "right")
        newness = np.exp2(-newer / self._half).astype(np.float32)
        return start, newness


class FreshLook(Look):
    """What is new at a moment."""

    def __init__(self, fresh: Fresh, request: Request) -> None:
        self._fresh, self._request = fresh, request

    def hits(self, limit: int) -> Hits:
        """Bring what is new, the rarely shown first, in an order that is drawn by the request's seed."""
        return self._fresh.drawn(self._request, limit)

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return how often each row was shown lately, log1p."""
        return np.log1p(self._fresh.shown(rows, self._request.context.time_ms))[:, None]
