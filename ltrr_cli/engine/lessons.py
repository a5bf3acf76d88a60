"""What the bandit is taught: at which rank of which strategy stood what turned out to be wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ltrr_cli.allocation.base import Lesson, Situation
from ltrr_cli.core.types import Hits, Impression, Outcome
from ltrr_cli.engine.loop import Loop
from ltrr_cli.engine.search import context_of, retrieve, situation_of
from ltrr_cli.retrieval.union import rank_of
from ltrr_cli.storage.journal import Journal


@dataclass(frozen=True, slots=True)
class Asked:
    """One search as of its time: what the bandit saw, and what every strategy would have brought, to full depth.

    Full depth matters: what only a strategy without a budget had must teach that it deserved one.
    """

    situation: Situation
    hits: tuple[Hits, ...]

    def lesson(self, row: int, outcome: Outcome) -> Lesson | None:
        """Return what a rewarded entity teaches; None for a row that no strategy had, or without reward."""
        ranks = np.array([rank_of(hits, row) for hits in self.hits], np.int32)
        if outcome.reward <= 0 or not ranks.any():
            return None
        depths = np.full(len(ranks), self.situation.budget, np.int32)
        return Lesson(self.situation, ranks, depths, outcome.weight, outcome.reward)


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
            self.keep(search, Asked(situation, tuple(hits)))

    def keep(self, search: Impression, asked: Asked) -> None:
        """Keep what an imported search found until its outcomes come."""
        if search.origin == "imported":
            self._asked[search.impression_id] = asked

    def lessons(self, batch: Iterable[Outcome]) -> list[Lesson]:
        """Return what the first rewarded entity of each search asked before teaches."""
        found = []
        for outcome in batch:
            row = self.loop.catalog.row_of(outcome.entity_id)
            if outcome.reward > 0 and row >= 0 and (asked := self._asked.pop(outcome.impression_id or "", None)):
                found.append(asked.lesson(row, outcome))
        return [lesson for lesson in found if lesson is not None]


def live_lessons(loop: Loop, journal: Journal, batch: Sequence[Outcome]) -> list[Lesson]:
    """Return what rewarded entities of pages that ltrr served teach, weighted against being shown by luck."""
    lessons = []
    for outcome in batch:
        if outcome.imported or outcome.impression_id is None or not outcome.ranks or outcome.reward <= 0:
            continue
        situation = situation_as_served(loop, journal.impression(outcome.impression_id))
        if situation is not None:
            ranks = np.array([outcome.ranks.get(name, 0) for name in situation.strategies], np.int32)
            depths = np.full(len(ranks), situation.budget, np.int32)
            weight = outcome.weight / max(outcome.inclusion * outcome.examination, 1e-3)
            lessons.append(Lesson(situation, ranks, depths, weight, outcome.reward))
    return lessons


def situation_as_served(loop: Loop, impression: Impression | None) -> Situation | None:
    """Rebuild what the bandit saw; None where the impression does not say."""
    if impression is None or impression.situation is None or impression.plan is None:
        return None
    draws = impression.plan.draws
    return Situation(tuple(draws), sum(draws.values()), impression.situation, impression.time_ms or 0)
