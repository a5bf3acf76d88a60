"""What the bandit is taught: at which rank of which strategy stood what turned out to be wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ltrr_cli.allocation.models.strategy_history import PAST
from ltrr_cli.allocation.policy import BanditContext, BanditExample
from ltrr_cli.core.types import FloatArray, Hits, Impression, IntArray, Outcome
from ltrr_cli.engine.bandit_context import schema_of, shapes_of
from ltrr_cli.engine.search import Answer
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.learning.timeline import LearnStep


@dataclass(frozen=True, slots=True)
class SearchTrace:
    """One search as of its time: what the bandit saw, and what every strategy would have brought, to full depth.

    Full depth matters: what only a strategy without a budget had must teach that it deserved one.
    """

    bandit_context: BanditContext
    rows: tuple[IntArray, ...]  # of every strategy, best first
    shapes: FloatArray

    def example(self, row: int, outcome: Outcome) -> BanditExample | None:
        """Return what a rewarded entity teaches; None for a row that no strategy had, or without reward."""
        ranks = np.array([_rank(rows, row) for rows in self.rows], np.int32)
        if outcome.reward <= 0 or not ranks.any():
            return None
        depths = np.full(len(ranks), self.bandit_context.budget, np.int32)
        absent = self.bandit_context.absent
        depths[[name in absent for name in self.bandit_context.strategies]] = 0
        return BanditExample(self.bandit_context, ranks, depths, outcome.weight, outcome.reward, self.shapes)


def trace_of(snapshot: Snapshot, found: Answer) -> SearchTrace:
    """Return what a search that was answered teaches with."""
    return asked_trace(snapshot, found.bandit_context, found.hits)


def asked_trace(snapshot: Snapshot, bandit_context: BanditContext, hits: Sequence[Hits]) -> SearchTrace:
    """Return what strategies that were asked teach with."""
    rows = tuple(found.rows for found in hits)
    return SearchTrace(bandit_context, rows, shapes_of(snapshot, hits, bandit_context.budget))


def _rank(rows: IntArray, row: int) -> int:
    """Return at which rank (from 1) a row stands, 0 for nowhere."""
    place = np.flatnonzero(rows == row)
    return int(place[0]) + 1 if len(place) else 0


class ImportedExamples:
    """Keeps what imported searches found until it turns out what was wanted, and makes examples of both.

    What ltrr served itself teaches by its own record, see ``served_example``.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.waiting: dict[str, SearchTrace] = {}  # by impression, or by event for what came without a search

    def keep(self, search: Impression, trace: SearchTrace) -> None:
        """Keep what an imported search found until its outcomes come."""
        if search.origin == "imported":
            self.waiting[search.impression_id] = trace

    def examples(self, batch: Iterable[Outcome]) -> list[BanditExample]:
        """Return what the first rewarded entity of each search teaches."""
        return [example for outcome in batch if (example := self.example(outcome)) is not None]

    def example(self, outcome: Outcome) -> BanditExample | None:
        """Return what an outcome teaches; None where no search waits for it, or nobody had what was wanted."""
        name = outcome.event_id if outcome.impression_id is None else outcome.impression_id
        row = self.snapshot.catalog.row_of(outcome.entity_id)
        if outcome.reward <= 0 or row < 0 or name not in self.waiting:
            return None
        return self.waiting.pop(name).example(row, outcome)


def served_examples(snapshot: Snapshot, learn: LearnStep) -> list[BanditExample]:
    """Return what rewarded entities of pages that ltrr served teach."""
    pairs = zip(learn.outcomes, learn.pages, strict=True)
    return [example for pair in pairs if (example := served_example(snapshot, *pair)) is not None]


def served_example(snapshot: Snapshot, outcome: Outcome, page: Impression | None) -> BanditExample | None:
    """Return what a rewarded entity of a page that ltrr served teaches, weighted against being shown by luck."""
    if outcome.imported or outcome.impression_id is None or not outcome.ranks or outcome.reward <= 0:
        return None
    served = as_served(snapshot, page)
    if served is None:
        return None
    bandit_context, depths, shapes = served
    ranks = np.array([outcome.ranks.get(name, 0) for name in bandit_context.strategies], np.int32)
    weight = outcome.weight / max(outcome.inclusion * outcome.examination, 1e-3)
    return BanditExample(bandit_context, ranks, depths, weight, outcome.reward, shapes)


def as_served(snapshot: Snapshot, impression: Impression | None) -> tuple[BanditContext, IntArray, FloatArray] | None:
    """Rebuild (what the bandit saw, depths, shapes); None where the impression does not say, or says it otherwise.

    A strategy that did not run has depth 0: nothing is known of it.
    """
    if impression is None or impression.bandit_context is None or impression.plan is None:
        return None
    plan, vector = impression.plan, impression.bandit_context
    names, width, columns = tuple(plan.draws), len(snapshot.features()), len(PAST)
    count, budget = len(names), sum(plan.draws.values())
    split = width + count * columns
    if impression.bandit_context_schema != schema_of(snapshot) or len(vector) != split + 3 * count:
        return None
    past, shapes = vector[width:split].reshape(count, columns), vector[split:].reshape(count, 3)
    away = {name for name, one in snapshot.strategies.items() if one.remote and name not in impression.remote}
    ran = [name not in away and (plan.ran is None or name in plan.ran) for name in names]
    depths = np.where(ran, budget, 0).astype(np.int32)
    bandit_context = BanditContext(names, budget, vector[:width], impression.time_ms or 0, past=past)
    return bandit_context, depths, shapes
