"""What a catalog can say before anybody searched: ask for known entities, see which strategy finds them.

Every sampled entity is asked for in several ways (its title, part of it, a typo in it, words of its text, one of its
attribute values - the latter mostly of the better known); how well each strategy answers gives the weights of fusion (a
useless arm weighs nothing) and the bandit's first examples.

A query that states a value wants any of its bearers, and whom people want among them only popularity tells. So such
queries have weights of their own, tuned on who bears the value, each wanted in proportion to its popularity; where the
catalog knows no popularity they say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from ltrr_cli.allocation.models.strategy_history import PAST
from ltrr_cli.allocation.policy import BanditContext, BanditExample
from ltrr_cli.allocation.policy_registry import LEARNERS, new_policy
from ltrr_cli.core.config import Settings
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Context, DoubleArray, Hits, IntArray, Request
from ltrr_cli.engine.bandit_context import bandit_context_of
from ltrr_cli.engine.executor import LOCAL_EXECUTOR, Executor, Kernel, pieces
from ltrr_cli.engine.retrieve import look_many, retrieve
from ltrr_cli.engine.snapshot import Snapshot, open_snapshot
from ltrr_cli.indexing.known_item_queries import KnownQuery, bearers, known_queries, popularity
from ltrr_cli.ranking.tuning import Wanted, tune
from ltrr_cli.retrieval.strategy import look_of
from ltrr_cli.retrieval.union import rank_of, union

DEPTH = 100
TOGETHER = 128  # texts that strategies look at together
WARM_WEIGHT = 0.3  # of an example that no person taught


@dataclass(frozen=True, slots=True)
class KnownItems:
    """What the sampled queries showed.

    fusion     -- weight per strategy
    of_values  -- weight per strategy where a query states attribute values; empty where popularity is unknown
    contexts -- as the bandit sees each query
    ranks      -- (n, strategies) int32, rank of the wanted entity, 0 where it was not found
    """

    fusion: dict[str, float]
    of_values: dict[str, float]
    bandit_contexts: list[BanditContext]
    ranks: IntArray


@dataclass(frozen=True, slots=True)
class DraftSnapshot:
    """What a worker opens the snapshot of a drafted catalog with."""

    folder: Path
    settings: Settings


def measure(snapshot: Snapshot, executor: Executor = LOCAL_EXECUTOR, draft: DraftSnapshot | None = None) -> KnownItems:
    """Ask for sampled entities and note who found them where.

    draft -- what workers of the executor open the same snapshot with; None: they are not asked
    """
    queries = list(known_queries(snapshot.catalog, generator("known items", len(snapshot.catalog))))
    bearing = _bearing(snapshot, queries)
    names = snapshot.enabled()
    asked = _ask(snapshot, queries, executor, draft)
    ranks = []
    for query in queries:
        row = bearing[query.text].drawn(query.row) if query.value and query.text in bearing else query.row
        ranks.append([rank_of(found, row) for found in _again(snapshot, asked[query.text], names, query.row)])
    items = [
        _wanted(asked[query.text].hits, np.array([query.row], np.int32), np.ones(1))
        for query in queries
        if query.text and not query.value
    ]
    fusion = tune(items, len(names), tempered=True)
    values = [_wanted(asked[value].hits, one.rows, one.chances) for value, one in bearing.items()]
    of_values = tune(values, len(names), tempered=False)
    return KnownItems(
        fusion=dict.fromkeys(names, 1.0) if fusion is None else dict(zip(names, fusion.tolist(), strict=True)),
        of_values={} if of_values is None else dict(zip(names, of_values.tolist(), strict=True)),
        bandit_contexts=[asked[query.text].bandit_context for query in queries],
        ranks=np.array(ranks, np.int32).reshape(-1, len(names)),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What came of a text: the context as the bandit sees it, and what every strategy brought."""

    request: Request
    bandit_context: BanditContext
    hits: list[Hits]


def _ask(
    snapshot: Snapshot, queries: Sequence[KnownQuery], executor: Executor, draft: DraftSnapshot | None
) -> dict[str, _Asked]:
    """Return text -> what came of it; a text that is asked for several entities is asked once."""
    seeds = {query.text: query.row for query in reversed(queries)}
    if draft is None:
        executor, draft = LOCAL_EXECUTOR, DraftSnapshot(Path(), snapshot.settings)
    answered = executor.map(ASK, draft, pieces(list(seeds.items()), TOGETHER), lambda: snapshot)
    return dict(zip(seeds, chain.from_iterable(answered), strict=True))


def _open(draft: DraftSnapshot) -> Snapshot:
    return open_snapshot(draft.settings, draft.folder, None)


def _asked(snapshot: Snapshot, texts: Sequence[tuple[str, int]]) -> list[_Asked]:
    """Ask for texts, each with its seed."""
    context, names = Context(snapshot.clock_ms), snapshot.enabled()
    requests = [snapshot.request(text, context, seed) for text, seed in texts]
    look_many(snapshot, requests)
    asked = []
    for request in requests:
        hits = retrieve(snapshot, request, names, DEPTH)
        bandit_context = bandit_context_of(snapshot, request, names, DEPTH, explore=False)
        # a copy does not keep what was worked out about it, which would fill the memory
        asked.append(_Asked(replace(request), bandit_context, hits))
    return asked


ASK: Kernel[DraftSnapshot, Snapshot, Sequence[tuple[str, int]], list[_Asked]] = Kernel("known items", _open, _asked)


@dataclass(frozen=True, slots=True)
class _Bearers:
    """Who bears a value, and how much each is wanted: (n,) each; chances sum to 1."""

    rows: IntArray
    chances: DoubleArray

    def drawn(self, seed: int) -> int:
        """Return one of them, by chance."""
        return int(generator("bearer", seed).choice(self.rows, p=self.chances))


def _again(snapshot: Snapshot, asked: _Asked, names: tuple[str, ...], seed: int) -> list[Hits]:
    """Return what the strategies bring where a text is asked for another entity: what draws by chance draws anew."""
    if seed == asked.request.seed:
        return asked.hits
    request = replace(asked.request, seed=seed)
    return [
        look_of(strategy, request).hits(DEPTH) if (strategy := snapshot.strategies[name]).exploring else hits
        for name, hits in zip(names, asked.hits, strict=True)
    ]


def _bearing(snapshot: Snapshot, queries: Sequence[KnownQuery]) -> dict[str, _Bearers]:
    """Return value -> who bears it, of those that are asked for and that any known entity bears."""
    known: DoubleArray = popularity(snapshot.catalog)
    if known.sum() <= 0:
        return {}
    found = bearers(snapshot.catalog, [query.text for query in queries if query.value])
    return {
        value: _Bearers(rows, known[rows] / known[rows].sum()) for value, rows in found.items() if known[rows].sum() > 0
    }


def _wanted(lists: Sequence[Hits], rows: IntArray, chances: DoubleArray) -> Wanted:
    """Return what is wanted, ``rows`` by ``chances``, of all that was found."""
    found, _, scores = union(lists)
    return Wanted.of(found, scores, rows, chances)


def warm_start(snapshot: Snapshot, known: KnownItems, folder: Path) -> None:
    """Write policies that have learnt from the known items, lightly; every kind, whichever will serve."""
    strategies = known.bandit_contexts[0].strategies if known.bandit_contexts else ()
    depths = np.full(len(strategies), DEPTH, np.int32)
    examples = [
        BanditExample(bandit_context, ranks, depths, WARM_WEIGHT, real=False)
        for bandit_context, ranks in zip(known.bandit_contexts, known.ranks, strict=True)
        if ranks.any()
    ]
    for name in LEARNERS:
        policy = new_policy(snapshot.settings.allocation, name, (*snapshot.features(), *PAST))
        policy.start(examples)
        policy.save(folder)
    snapshot.history.learn(examples, snapshot.features())
    snapshot.history.save(folder)
