"""What goes with the best hits: the artist of a track, the tracks of an artist, what the same people choose.

Good for what the query does not name but its answers lead to, and for "more like this". Asked in the second wave;
without best hits it has nothing to start from.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.types import DoubleArray, FloatArray, Hits, IntArray, Outcome, Request
from ltrr_cli.retrieval.people.action_graph import ActionGraph, factors_for, near_seeds, weighted
from ltrr_cli.retrieval.row_scores import gathered
from ltrr_cli.retrieval.shared_values import SharedValues
from ltrr_cli.retrieval.strategy import Fits, Look, Resources, Strategy, best


class Related(Strategy):
    """Shared values plus shared people, each relative to its best; seeds count ``1 / rank`` and do not come again."""

    name: ClassVar[str] = "related"
    evidence_names: ClassVar[tuple[str, ...]] = ("shared", "together")
    second_wave: ClassVar[bool] = True

    def __init__(self, entities: int, ties: SharedValues, graph: ActionGraph) -> None:
        self.entities, self.ties, self.graph = entities, ties, graph

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

    def go_live(self, live: bool) -> None:
        """Let the graph leave what is fitted as it is."""
        self.live = self.graph.live = live

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Log who did what."""
        self.graph.learn(outcomes)

    def fits(self, asked: bool) -> Fits:
        """Return what the graph fitted."""
        return self.graph.fits(asked)

    def take_fits(self, fits: Fits) -> None:
        """Let the graph know."""
        self.graph.take_fits(fits)

    def save(self, folder: Path) -> None:
        """Write the graph."""
        self.graph.save(folder)

    def look(self, request: Request) -> Look:
        """Look from the seeds, where there are any."""
        return NoSeeds(len(self.evidence_names)) if request.seeds is None else RelatedLook(self, request, request.seeds)


class NoSeeds(Look):
    """Nothing to start from: it brings nothing, and has nothing to say."""

    def __init__(self, columns: int) -> None:
        self._columns = columns

    def hits(self, limit: int) -> Hits:
        """Bring nothing."""
        return Hits.none()

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return NaN."""
        return np.full((len(rows), self._columns), np.nan, np.float32)


class RelatedLook(Look):
    """What goes with the seeds: by their values and by people."""

    def __init__(self, related: Related, request: Request, seeds: IntArray) -> None:
        self._entities, self._ties, self._graph = related.entities, related.ties, related.graph
        self._request, self._seeds, self._factors = request, seeds, factors_for(related.graph, request)

    @cached_property
    def _values(self) -> tuple[IntArray, DoubleArray]:
        return self._ties.of(*weighted(self._seeds))

    def hits(self, limit: int) -> Hits:
        """Bring what goes with the seeds."""
        tied, shared = self._ties.bearers(*self._values)
        near = near_seeds(self._graph, self._request, self._seeds)
        together = np.maximum(near, 0.0) / max(float(near.max(initial=0.0)), 1e-9)
        rows, (first, second, itself) = gathered([tied, self._factors.rows, self._seeds], self._entities)
        score = np.zeros(len(rows), np.float32)
        score[first] = shared / np.float32(max(float(shared.max(initial=0.0)), 1e-9))
        score[second] += together.astype(np.float32)
        score[itself] = 0.0
        kept = np.flatnonzero(score)
        return best(rows[kept], score[kept], limit, self._request.allowed)

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return how much each row shares with the seeds, of values and of people."""
        near, at = near_seeds(self._graph, self._request, self._seeds), self._factors.find(rows)
        together = np.where(at >= 0, near[at], 0.0) if len(near) else np.zeros(len(rows))
        return np.column_stack([self._ties.shared(*self._values, rows), together]).astype(np.float32)
