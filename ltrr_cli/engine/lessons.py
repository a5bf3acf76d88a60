"""What the bandit is taught: at which rank of which strategy stood what turned out to be wanted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ltrr_cli.allocation.base import Lesson, Situation
from ltrr_cli.allocation.history import PAST, shape
from ltrr_cli.core.types import FloatArray, Hits, Impression, IntArray, Outcome
from ltrr_cli.engine.loop import Loop
from ltrr_cli.engine.search import Answer, context_of, situation_of
from ltrr_cli.engine.waves import retrieve
from ltrr_cli.retrieval.union import rank_of
from ltrr_cli.storage.journal import Journal


@dataclass(frozen=True, slots=True)
class Asked:
    """One search as of its time: what the bandit saw, and what every strategy would have brought, to full depth.

    Full depth matters: what only a strategy without a budget had must teach that it deserved one.
    """

    situation: Situation
    hits: tuple[Hits, ...]
    shapes: FloatArray

    def lesson(self, row: int, outcome: Outcome) -> Lesson | None:
        """Return what a rewarded entity teaches; None for a row that no strategy had, or without reward."""
        ranks = np.array([rank_of(hits, row) for hits in self.hits], np.int32)
        if outcome.reward <= 0 or not ranks.any():
            return None
        depths = np.full(len(ranks), self.situation.budget, np.int32)
        return Lesson(self.situation, ranks, depths, outcome.weight, outcome.reward, self.shapes)


def asked(loop: Loop, found: Answer) -> Asked:
    """Return what a search that was answered teaches with."""
    return Asked(found.situation, found.hits, shapes_of(loop, found.hits, found.situation.budget))


class Teacher:
    """Turns imported searches into lessons; what ltrr served itself teaches by its own record (``live_lesson``)."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self._asked: dict[str, Asked] = {}

    def ask(self, search: Impression) -> None:
        """Let every strategy answer an imported search as of its time."""
        if search.origin == "imported":
            budget = self.loop.settings.retrieval.budget
            request = self.loop.request(search.query, context_of(search), 0)
            situation = situation_of(self.loop, request, self.loop.enabled(), budget, explore=False)
            hits = retrieve(self.loop, request, situation.strategies, budget)
            self.keep(search, Asked(situation, tuple(hits), shapes_of(self.loop, hits, budget)))

    def keep(self, search: Impression, asked: Asked) -> None:
        """Keep what an imported search found until its outcomes come."""
        if search.origin == "imported":
            self._asked[search.impression_id] = asked

    def lessons(self, batch: Iterable[Outcome]) -> list[Lesson]:
        """Return what the first rewarded entity of each search asked before teaches."""
        found = []
        for outcome in batch:
            if outcome.impression_id is None or outcome.impression_id not in self._asked or outcome.reward <= 0:
                continue
            row = self.loop.catalog.row_of(outcome.entity_id)
            if row >= 0:
                found.append(self._asked.pop(outcome.impression_id).lesson(row, outcome))
        return [lesson for lesson in found if lesson is not None]


def live_lessons(loop: Loop, journal: Journal, batch: Sequence[Outcome]) -> list[Lesson]:
    """Return what rewarded entities of pages that ltrr served teach, weighted against being shown by luck."""
    lessons = []
    for outcome in batch:
        if outcome.imported or outcome.impression_id is None or not outcome.ranks or outcome.reward <= 0:
            continue
        served = as_served(loop, journal.impression(outcome.impression_id))
        if served is not None:
            situation, depths, shapes = served
            ranks = np.array([outcome.ranks.get(name, 0) for name in situation.strategies], np.int32)
            weight = outcome.weight / max(outcome.inclusion * outcome.examination, 1e-3)
            lessons.append(Lesson(situation, ranks, depths, weight, outcome.reward, shapes))
    return lessons


def shapes_of(loop: Loop, hits: Sequence[Hits], depth: int) -> FloatArray:
    """Return (s, 3) float32: what the list of every strategy looked like."""
    types = loop.catalog.types
    return np.array([shape(found.scores, types[found.rows], depth) for found in hits], np.float32)


def schema_of(loop: Loop) -> str:
    """Return what names the columns of a journalled situation."""
    names = "\n".join((*loop.features(), *PAST))
    return f"situation-2 {hashlib.sha256(names.encode()).hexdigest()[:12]}"


def journalled(loop: Loop, situation: Situation, hits: Sequence[Hits]) -> FloatArray:
    """Return one vector: the features, then the past and then the lists' shapes of every strategy."""
    past = np.zeros((len(situation.strategies), len(PAST)), np.float32) if situation.past is None else situation.past
    shapes = shapes_of(loop, hits, situation.budget)
    return np.concatenate([situation.features, past.ravel(), shapes.ravel()]).astype(np.float32)


def as_served(loop: Loop, impression: Impression | None) -> tuple[Situation, IntArray, FloatArray] | None:
    """Rebuild (what the bandit saw, depths, shapes); None where the impression does not say, or says it otherwise.

    A strategy that did not run has depth 0: nothing is known of it.
    """
    if impression is None or impression.situation is None or impression.plan is None:
        return None
    plan, vector = impression.plan, impression.situation
    names, width, columns = tuple(plan.draws), len(loop.features()), len(PAST)
    count, budget = len(names), sum(plan.draws.values())
    split = width + count * columns
    if impression.situation_schema != schema_of(loop) or len(vector) != split + 3 * count:
        return None
    past, shapes = vector[width:split].reshape(count, columns), vector[split:].reshape(count, 3)
    depths = np.array([budget if plan.ran is None or name in plan.ran else 0 for name in names], np.int32)
    situation = Situation(names, budget, vector[:width], impression.time_ms or 0, past=past)
    return situation, depths, shapes
