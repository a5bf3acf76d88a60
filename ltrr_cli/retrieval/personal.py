"""What is near to the person who asks: entities that lie where their own actions lie, among people's.

Good for who has a past, with a query or without one. Brings nothing for somebody unknown, and knows nothing of
entities that nobody acted on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.types import DoubleArray, FloatArray, Hits, IntArray, Outcome, Request
from ltrr_cli.retrieval.base import Resources, Strategy, best
from ltrr_cli.retrieval.graph import Graph
from ltrr_cli.retrieval.lift import LARGEST, Person, affinity, aspects, person

NEAR_QUERY = 2.0  # log-odds per standard deviation of nearness to the best hits


class Personal(Strategy):
    """``fame x exp(lift)`` without a query, ``exp(nearness to the best hits) x exp(lift)`` with one.

    The lift (see ``retrieval.lift``) is also what the page's untrained score is multiplied with.
    """

    name: ClassVar[str] = "personal"
    evidence_names: ClassVar[tuple[str, ...]] = ("lift", "affinity", "own", "history")
    second_wave: ClassVar[bool] = True

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the graph of actions where there is one."""
        row_of = resources.catalog.row_of
        return cls(Graph(row_of) if learned is None else Graph.open(learned, row_of))

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Log who did what."""
        self._graph.learn(outcomes)

    def save(self, folder: Path) -> None:
        """Write the graph."""
        self._graph.save(folder)

    def retrieve(self, request: Request, limit: int) -> Hits:
        """Bring what suits who asks, near the best hits where a query has any."""
        who = self._graph.who(request.context)
        if who is None or not who.embedded.any():
            return Hits.none()
        factors = self._graph.factors
        score = self._lift(who, factors.rows)
        if request.seeds is None:
            score += np.log1p(factors.people)
        else:
            ranks = np.arange(1, len(request.seeds) + 1)
            query = person(factors, *_sorted(request.seeds, 1.0 / ranks))
            if not query.embedded.any():
                return Hits.none()
            score += NEAR_QUERY * affinity(factors, query, factors.rows)[0]
        return best(factors.rows, score.astype(np.float32), limit, request.allowed)

    def evidence(self, request: Request, rows: IntArray) -> FloatArray:
        """Return what the person's past says of each row; NaN for somebody unknown."""
        who = self._graph.who(request.context)
        if who is None:
            return np.full((len(rows), len(self.evidence_names)), np.nan, np.float32)
        near, own = affinity(self._graph.factors, who, rows)
        history = np.full(len(rows), np.log1p(len(who.rows)))
        return np.column_stack([self._lift(who, rows), near, own, history]).astype(np.float32)

    def signals(self, request: Request) -> Mapping[str, float]:
        """How much is known of who asks."""
        who = self._graph.who(request.context)
        return {"history": 0.0 if who is None else float(np.log1p(len(who.rows)))}

    def _lift(self, who: Person, rows: IntArray) -> DoubleArray:
        lifted: DoubleArray = aspects(self._graph.factors, who, rows) @ self._graph.weights
        return np.clip(lifted, -LARGEST, LARGEST)


def _sorted(rows: IntArray, strengths: DoubleArray) -> tuple[IntArray, DoubleArray]:
    order = np.argsort(rows)
    return rows[order], strengths[order]
