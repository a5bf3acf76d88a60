"""What goes with the best hits: the artist of a track, the tracks of an artist, what the same people choose.

Good for what the query does not name but its answers lead to, and for "more like this". Asked in the second wave;
without best hits it has nothing to start from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.types import DoubleArray, FloatArray, Hits, IntArray, Outcome, Request
from ltrr_cli.retrieval.people.action_graph import ActionGraph
from ltrr_cli.retrieval.people.personal_score import affinity, person
from ltrr_cli.retrieval.shared_values import SharedValues
from ltrr_cli.retrieval.strategy import Resources, Strategy, best


class Related(Strategy):
    """Shared values plus shared people, each relative to its best; seeds count ``1 / rank`` and do not come again."""

    name: ClassVar[str] = "related"
    evidence_names: ClassVar[tuple[str, ...]] = ("shared", "together")
    second_wave: ClassVar[bool] = True

    def __init__(self, entities: int, ties: SharedValues, graph: ActionGraph) -> None:
        self._entities, self._ties, self.graph = entities, ties, graph

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Write which entities share what."""
        SharedValues.build(resources.catalog.entities(), folder)

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Map the ties, and open the graph of actions where there is one."""
        row_of, types = resources.catalog.row_of, resources.catalog.types
        graph = ActionGraph(row_of, types) if learned is None else ActionGraph.open(learned, row_of, types)
        return cls(len(resources.catalog), SharedValues.open(folder), graph)

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Log who did what."""
        self.graph.learn(outcomes)

    def save(self, folder: Path) -> None:
        """Write the graph."""
        self.graph.save(folder)

    def retrieve(self, request: Request, limit: int) -> Hits:
        """Bring what goes with the seeds."""
        if request.seeds is None:
            return Hits.none()
        seeds, factors = _weighted(request.seeds), self.graph.factors
        tied, shared = self._ties.bearers(*self._ties.of(*seeds))
        score = np.zeros(self._entities, np.float32)
        score[tied] = shared / np.float32(max(float(shared.max(initial=0.0)), 1e-9))
        if len(factors.rows):
            near = affinity(factors, person(factors, *seeds), factors.rows)[0]
            score[factors.rows] += (np.maximum(near, 0.0) / max(float(near.max(initial=0.0)), 1e-9)).astype(np.float32)
        score[request.seeds] = 0.0
        rows = np.flatnonzero(score).astype(np.int32)
        return best(rows, score[rows], limit, request.allowed)

    def evidence(self, request: Request, rows: IntArray) -> FloatArray:
        """Return how much each row shares with the seeds, of values and of people; NaN without seeds."""
        if request.seeds is None:
            return np.full((len(rows), 2), np.nan, np.float32)
        seeds, factors = _weighted(request.seeds), self.graph.factors
        near = affinity(factors, person(factors, *seeds), rows)[0]
        return np.column_stack([self._ties.shared(*self._ties.of(*seeds), rows), near]).astype(np.float32)


def _weighted(seeds: IntArray) -> tuple[IntArray, DoubleArray]:
    """Return (rows ascending, strengths that sum to 1)."""
    strengths = 1.0 / np.arange(1, len(seeds) + 1)
    order = np.argsort(seeds)
    return seeds[order], (strengths / strengths.sum())[order]
