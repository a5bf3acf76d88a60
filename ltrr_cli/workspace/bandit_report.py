"""What the bandit believes, and what each strategy is worth beside the others: for people who keep rules by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ltrr_cli.allocation.models.hazard_table import Belief
from ltrr_cli.allocation.models.strategy_history import PAST
from ltrr_cli.allocation.policies.hazard import Hazard
from ltrr_cli.core.report import Report
from ltrr_cli.core.types import Impression
from ltrr_cli.engine.bandit_context import bandit_context_of
from ltrr_cli.engine.retrieve import timed, waves
from ltrr_cli.engine.search import context_of
from ltrr_cli.learning.credit import as_served
from ltrr_cli.retrieval.union import rank_of

if TYPE_CHECKING:
    from ltrr_cli.allocation.policy import BanditContext
    from ltrr_cli.engine.snapshot import Snapshot
    from ltrr_cli.engine.state import State

LOOKED_AT = 200  # newest searches that were acted on
REASONS = 4  # features shown per strategy


def beliefs_as_served(snapshot: Snapshot, found: Impression) -> tuple[Belief, ...]:
    """Return what the bandit believes now of the question that an impression answered; empty where it cannot say."""
    served = as_served(snapshot, found)
    return () if served is None else _table(snapshot, served[0])


def looked_at(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the names of what the bandit looks at, as they are kept with what it learnt."""
    kept = snapshot.policy.model.features if isinstance(snapshot.policy, Hazard) else None
    return kept or (*snapshot.features(), *PAST)


def _table(snapshot: Snapshot, bandit_context: BanditContext) -> tuple[Belief, ...]:
    return snapshot.policy.beliefs(bandit_context, REASONS) if isinstance(snapshot.policy, Hazard) else ()


@dataclass(frozen=True, slots=True)
class StrategyWorth(Report):
    """What one strategy had of what was acted on, beside the others, over some searches."""

    strategy: str
    brought: int  # candidates
    rewarded: int  # entities acted on that it had
    only: int  # those that no other strategy had
    per_1000: float  # ``only`` per 1,000 candidates
    per_second: float  # ``only`` per second of its retrieval
    ms: float  # median of its retrieval, milliseconds a search


@dataclass(slots=True)
class _Tally:
    """One strategy over the searches looked at."""

    brought: int = 0
    rewarded: int = 0
    only: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class _Kind:
    """Beliefs of one kind of query, summed."""

    searches: int = 0
    edges: tuple[int, ...] = ()
    chances: dict[str, np.ndarray] = field(default_factory=dict)


def marginal_worth(state: State) -> tuple[tuple[StrategyWorth, ...], dict[str, tuple[Belief, ...]]]:
    """Return (worth of every strategy, beliefs by kind of query) over the newest searches that were acted on.

    Strategies answer as they stand now, so a memory may know the very click: compare the others with each other.
    """
    snapshot = state.snapshot()
    names, budget = snapshot.enabled(), state.settings.retrieval.budget
    tallies = {name: _Tally() for name in names}
    took: dict[str, list[float]] = {name: [] for name in names}
    kinds: dict[str, _Kind] = {}
    ask = timed(snapshot, budget, lambda name, ms: took[name].append(ms))

    for search, wanted in _acted_on(state):
        request = snapshot.request(search.query, context_of(search), 0)
        had: dict[str, set[int]] = {}
        for name, hits in zip(names, waves(snapshot, request, names, budget, ask=ask)[1], strict=True):
            tallies[name].brought += len(hits.rows)
            had[name] = {row for row in wanted if rank_of(hits, row) > 0}
        for name in names:
            others = set().union(*(rows for other, rows in had.items() if other != name))
            tallies[name].rewarded += len(had[name])
            tallies[name].only += len(had[name] - others)
        kind = max(request.reading.intent, key=lambda name: request.reading.intent[name], default="mixed")
        _believe(
            snapshot,
            bandit_context_of(snapshot, request, names, budget, explore=False),
            kinds.setdefault(kind, _Kind()),
        )
    for name in names:
        tallies[name].seconds = float(np.sum(took[name])) / 1e3
    return _worth(tallies, took), {kind: _means(of) for kind, of in sorted(kinds.items()) if of.chances}


def _acted_on(state: State) -> list[tuple[Impression, list[int]]]:
    """Return the newest searches with the rows of what was acted on."""
    snapshot, journal = state.snapshot(), state.journal
    found = []
    total = journal.counts().impressions
    for search in journal.impressions(skip=max(total - 2 * LOOKED_AT, 0)):
        rows = [snapshot.catalog.row_of(event.entity_id) for event in journal.events_of(search.impression_id)]
        wanted = sorted({row for row in rows if row >= 0})
        if wanted:
            found.append((search, wanted))
    return found[-LOOKED_AT:]


def _believe(snapshot: Snapshot, bandit_context: BanditContext, kind: _Kind) -> None:
    for line in _table(snapshot, bandit_context):
        kind.edges = line.edges
        chances = np.array(line.chances)
        kind.chances[line.strategy] = kind.chances.get(line.strategy, np.zeros(len(chances))) + chances
    kind.searches += 1


def _means(kind: _Kind) -> tuple[Belief, ...]:
    return tuple(
        Belief(name, kind.edges, tuple((total / kind.searches).tolist()), float(total.sum()) / kind.searches)
        for name, total in kind.chances.items()
    )


def _worth(tallies: Mapping[str, _Tally], took: Mapping[str, Sequence[float]]) -> tuple[StrategyWorth, ...]:
    return tuple(
        StrategyWorth(
            strategy=name,
            brought=tally.brought,
            rewarded=tally.rewarded,
            only=tally.only,
            per_1000=1e3 * tally.only / max(tally.brought, 1),
            per_second=tally.only / max(tally.seconds, 1e-9),
            ms=float(np.median(took[name])),
        )
        for name, tally in tallies.items()
        if took[name]
    )
