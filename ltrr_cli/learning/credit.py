"""What the bandit is taught: at which rank of which strategy stood what turned out to be wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np

from ltrr_cli.allocation.models.strategy_history import PAST
from ltrr_cli.allocation.policy import BanditContext, BanditExample
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import Context, FloatArray, Hits, Impression, IntArray, Outcome
from ltrr_cli.engine.bandit_context import bandit_context_of, schema_of, shapes_of
from ltrr_cli.engine.retrieve import retrieve
from ltrr_cli.engine.search import Answer, context_of
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.retrieval.union import rank_of
from ltrr_cli.storage.journal import Journal
from ltrr_cli.text.normalise import query_key


@dataclass(frozen=True, slots=True)
class SearchTrace:
    """One search as of its time: what the bandit saw, and what every strategy would have brought, to full depth.

    Full depth matters: what only a strategy without a budget had must teach that it deserved one.
    """

    bandit_context: BanditContext
    hits: tuple[Hits, ...]
    shapes: FloatArray

    def example(self, row: int, outcome: Outcome) -> BanditExample | None:
        """Return what a rewarded entity teaches; None for a row that no strategy had, or without reward."""
        ranks = np.array([rank_of(hits, row) for hits in self.hits], np.int32)
        if outcome.reward <= 0 or not ranks.any():
            return None
        depths = np.full(len(ranks), self.bandit_context.budget, np.int32)
        absent = self.bandit_context.absent
        depths[[name in absent for name in self.bandit_context.strategies]] = 0
        return BanditExample(self.bandit_context, ranks, depths, outcome.weight, outcome.reward, self.shapes)


def trace_of(snapshot: Snapshot, found: Answer) -> SearchTrace:
    """Return what a search that was answered teaches with."""
    return SearchTrace(found.bandit_context, found.hits, shapes_of(snapshot, found.hits, found.bandit_context.budget))


class ImportedExamples:
    """Turns imported searches into examples; what ltrr served itself teaches by its own record (``served_examples``).

    Who acts without having searched (plays, follows, buys) would have been served without a query. So a share of such
    actions is asked for like that, and teaches who finds what somebody known wants next.

    wordless -- share of the actions without a search that teach, 0..1
    """

    def __init__(self, snapshot: Snapshot, wordless: float = 0.0) -> None:
        self.snapshot, self._wordless = snapshot, wordless
        self._asked: dict[str, SearchTrace] = {}
        self._undated: list[BanditExample] = []

    def ask(self, search: Impression) -> None:
        """Let every strategy answer an imported search as of its time."""
        if search.origin == "imported":
            self.keep(search, self._answered(search.query, context_of(search)))

    def _answered(self, query: str, context: Context) -> SearchTrace:
        budget = self.snapshot.settings.retrieval.budget
        request = self.snapshot.request(query, context, 0)
        bandit_context = bandit_context_of(self.snapshot, request, self.snapshot.enabled(), budget, explore=False)
        hits = retrieve(self.snapshot, request, bandit_context.strategies, budget)
        return SearchTrace(bandit_context, tuple(hits), shapes_of(self.snapshot, hits, budget))

    def keep(self, search: Impression, trace_of: SearchTrace) -> None:
        """Keep what an imported search found until its outcomes come."""
        if search.origin == "imported":
            self._asked[search.impression_id] = trace_of

    def arranged(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Yield outcomes in their order, but of those without a time, which have none, what teaches last.

        It is asked for when the rest is known: people's actions often stand together in such logs.
        """
        held: list[Outcome] = []
        for outcome in outcomes:
            if not outcome.time_ms and self.teaches(outcome):
                held.append(outcome)
                continue
            if outcome.time_ms and held:
                yield from held
                held = []
            yield outcome
        yield from held

    def watch(self, batch: Iterable[Outcome]) -> None:
        """Before a batch is learnt: ask what would have brought those that teach, with which a batch begins."""
        for outcome in takewhile(self.teaches, batch):
            context = Context(outcome.time_ms, outcome.user, outcome.session)
            self._asked[outcome.event_id] = self._answered("", context)

    def teaches(self, outcome: Outcome) -> bool:
        """Say whether an action without a search is one of those that teach."""
        known = outcome.user is not None or outcome.session is not None
        if outcome.impression_id is not None or outcome.reward <= 0 or not known or query_key(outcome.query):
            return False
        return seed_of("wordless", outcome.event_id) < self._wordless * 2**63

    def examples(self, batch: Iterable[Outcome]) -> list[BanditExample]:
        """Return what the first rewarded entity of each search teaches, and each action without one that was asked for.

        Those without a time wait for ``undated``.
        """
        found: list[BanditExample] = []
        for outcome in batch:
            name = outcome.event_id if outcome.impression_id is None else outcome.impression_id
            row = self.snapshot.catalog.row_of(outcome.entity_id)
            if outcome.reward <= 0 or row < 0 or name not in self._asked:
                continue
            example = self._asked.pop(name).example(row, outcome)
            if example is not None:
                (found if outcome.time_ms or outcome.impression_id else self._undated).append(example)
        return found

    def undated(self, time_ms: int) -> list[BanditExample]:
        """Return what actions without a time teach, as if they had all happened at a moment."""
        return [
            replace(example, bandit_context=replace(example.bandit_context, time_ms=time_ms))
            for example in self._undated
        ]


def served_examples(snapshot: Snapshot, journal: Journal, batch: Sequence[Outcome]) -> list[BanditExample]:
    """Return what rewarded entities of pages that ltrr served teach, weighted against being shown by luck."""
    examples = []
    for outcome in batch:
        if outcome.imported or outcome.impression_id is None or not outcome.ranks or outcome.reward <= 0:
            continue
        served = as_served(snapshot, journal.impression(outcome.impression_id))
        if served is not None:
            bandit_context, depths, shapes = served
            ranks = np.array([outcome.ranks.get(name, 0) for name in bandit_context.strategies], np.int32)
            weight = outcome.weight / max(outcome.inclusion * outcome.examination, 1e-3)
            examples.append(BanditExample(bandit_context, ranks, depths, weight, outcome.reward, shapes))
    return examples


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
