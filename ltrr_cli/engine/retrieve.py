"""Who is asked, and when: a first wave of strategies, then those that start from its best hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

import numpy as np

from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Hits, IntArray, Plan, Request
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.ranking.fusion import blend
from ltrr_cli.retrieval.strategy import best, look_ahead, look_of
from ltrr_cli.retrieval.union import union

SEEDS = 10  # best hits of the first wave from which the second starts


def running(settings: AllocationSettings, plan: Plan, seed: int) -> tuple[str, ...] | None:
    """Return the strategies that are asked: those with a draw where the settings say so; None: all of them.

    A seeded share of the searches asks all the same (the audit), so that what is not drawn can still teach.
    """
    if settings.run == "all" or generator("audit", seed).random() < settings.audit:
        return None
    return tuple(name for name, draws in plan.draws.items() if draws > 0)


def retrieve(
    snapshot: Snapshot, request: Request, strategies: tuple[str, ...], depth: int, ran: tuple[str, ...] | None = None
) -> list[Hits]:
    """Run every strategy (or those that ``ran`` names) down to ``depth``; who does not run has nothing."""
    return waves(snapshot, request, strategies, depth, ran)[1]


def waves(
    snapshot: Snapshot,
    request: Request,
    strategies: tuple[str, ...],
    depth: int,
    ran: tuple[str, ...] | None = None,
    ask: Callable[[str, Request], Hits] | None = None,
) -> tuple[Request, list[Hits]]:
    """Run the first wave of strategies, then the second with the best hits of the first.

    Returns (the request with its seeds, hits by strategy). Seeds come from whoever ran, so under ``run = "drawn"``
    the second wave depends on the draw, as all of such a page does.

    ask -- asks one strategy by name, for who wants to watch; None: just asks
    """
    ask = ask or (lambda name, request: look_of(snapshot.strategies[name], request).hits(depth))
    later = [name for name in strategies if snapshot.strategies[name].second_wave]
    found = {name: ask(name, request) for name in strategies if name not in later and (ran is None or name in ran)}
    if later:
        request = request.seeded(seeds(snapshot, request, found))
    found |= {name: ask(name, request) for name in later if ran is None or name in ran}
    return request, [found.get(name, Hits.none()) for name in strategies]


def timed(snapshot: Snapshot, depth: int, note: Callable[[str, float], None]) -> Callable[[str, Request], Hits]:
    """Return what asks a strategy by name and tells ``note`` how many milliseconds it took.

    What is worked out once for several strategies counts for the first that asks for it.
    """

    def ask(name: str, request: Request) -> Hits:
        start = perf_counter()
        hits = look_of(snapshot.strategies[name], request).hits(depth)
        note(name, (perf_counter() - start) * 1e3)
        return hits

    return ask


def look_many(snapshot: Snapshot, requests: Sequence[Request]) -> None:
    """Let the strategies of the first wave look at many requests at once, before these are answered one by one.

    For who asks hundreds of queries at one moment, some hundred at a time: until they are dropped, requests hold what
    was found out about them.
    """
    for name in snapshot.enabled():
        strategy = snapshot.strategies[name]
        if not strategy.second_wave:
            look_ahead(strategy, requests)


def seeds(snapshot: Snapshot, request: Request, found: Mapping[str, Hits]) -> IntArray | None:
    """Return the rows that the second wave starts from: the entity to be like, else the best hits; None without any.

    Without a query there are no best hits, only popular ones, and what goes with those is for everybody.
    """
    if request.context.like is not None:
        row = snapshot.catalog.row_of(request.context.like)
        return np.array([row], np.int32) if row >= 0 else None
    if not request.reading.tokens:
        return None
    rows, _, scores = union(list(found.values()))
    fused = blend(scores, snapshot.fusion_weights(tuple(found), request.reading), snapshot.catalog.popularity[rows])
    return best(rows, fused, SEEDS).rows if len(rows) else None
