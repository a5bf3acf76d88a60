"""What a catalog can say before anybody searched: ask for known entities, see which strategy finds them.

Every sampled entity is asked for in several ways (its title, part of it, a typo in it, words of its text, one of its
attribute values - the latter mostly of the better known); how well each strategy answers gives the weights of fusion (a
useless arm weighs nothing) and the bandit's first lessons.

A query that states a value wants any of its bearers, and whom people want among them only popularity tells. So such
queries have weights of their own, tuned on who bears the value, each wanted in proportion to its popularity; where the
catalog knows no popularity they say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ltrr_cli.allocation.base import Lesson, Situation
from ltrr_cli.allocation.history import PAST
from ltrr_cli.allocation.registry import LEARNERS, new_policy
from ltrr_cli.core.chance import generator
from ltrr_cli.core.types import Context, DoubleArray, Hits, IntArray
from ltrr_cli.engine.known_queries import KnownQuery, bearers, known_queries, popularity
from ltrr_cli.engine.loop import Loop
from ltrr_cli.engine.search import situation_of
from ltrr_cli.engine.waves import retrieve
from ltrr_cli.ranking.tuning import Wanted, tune
from ltrr_cli.retrieval.union import rank_of, union

DEPTH = 100
WARM_WEIGHT = 0.3  # of a lesson that no person taught


@dataclass(frozen=True, slots=True)
class KnownItems:
    """What the sampled queries showed.

    fusion     -- weight per strategy
    of_values  -- weight per strategy where a query states attribute values; empty where popularity is unknown
    situations -- as the bandit sees each query
    ranks      -- (n, strategies) int32, rank of the wanted entity, 0 where it was not found
    """

    fusion: dict[str, float]
    of_values: dict[str, float]
    situations: list[Situation]
    ranks: IntArray


def measure(loop: Loop) -> KnownItems:
    """Ask for sampled entities and note who found them where."""
    queries = list(known_queries(loop.catalog, generator("known items", len(loop.catalog))))
    bearing = _bearing(loop, queries)
    names = loop.enabled()
    situations: list[Situation] = []
    ranks: list[list[int]] = []
    lists: list[list[Hits]] = []
    for query in queries:
        request = loop.request(query.text, Context(loop.clock_ms), seed=query.row)
        hits = retrieve(loop, request, names, DEPTH)
        situations.append(situation_of(loop, request, names, DEPTH, explore=False))
        row = bearing[query.text].drawn(query.row) if query.value and query.text in bearing else query.row
        ranks.append([rank_of(found, row) for found in hits])
        lists.append(hits)
    table = np.array(ranks, np.int32).reshape(-1, len(names))
    items = [
        _wanted(hits, np.array([query.row], np.int32), np.ones(1))
        for query, hits in zip(queries, lists, strict=True)
        if query.text and not query.value
    ]
    fusion = tune(items, len(names), tempered=True)
    asked = {query.text: hits for query, hits in zip(queries, lists, strict=True) if query.value}
    values = [_wanted(asked[value], one.rows, one.chances) for value, one in bearing.items()]
    of_values = tune(values, len(names), tempered=False)
    return KnownItems(
        fusion=dict.fromkeys(names, 1.0) if fusion is None else dict(zip(names, fusion.tolist(), strict=True)),
        of_values={} if of_values is None else dict(zip(names, of_values.tolist(), strict=True)),
        situations=situations,
        ranks=table,
    )


@dataclass(frozen=True, slots=True)
class _Bearers:
    """Who bears a value, and how much each is wanted: (n,) each; chances sum to 1."""

    rows: IntArray
    chances: DoubleArray

    def drawn(self, seed: int) -> int:
        """Return one of them, by chance."""
        return int(generator("bearer", seed).choice(self.rows, p=self.chances))


def _bearing(loop: Loop, queries: Sequence[KnownQuery]) -> dict[str, _Bearers]:
    """Return value -> who bears it, of those that are asked for and that any known entity bears."""
    known: DoubleArray = popularity(loop.catalog)
    if known.sum() <= 0:
        return {}
    found = bearers(loop.catalog, [query.text for query in queries if query.value])
    return {
        value: _Bearers(rows, known[rows] / known[rows].sum()) for value, rows in found.items() if known[rows].sum() > 0
    }


def _wanted(lists: Sequence[Hits], rows: IntArray, chances: DoubleArray) -> Wanted:
    """Return what is wanted, ``rows`` by ``chances``, of all that was found."""
    found, _, scores = union(lists)
    return Wanted.of(found, scores, rows, chances)


def warm_start(loop: Loop, known: KnownItems, folder: Path) -> None:
    """Write policies that have learnt from the known items, lightly; every kind, whichever will serve."""
    strategies = known.situations[0].strategies if known.situations else ()
    depths = np.full(len(strategies), DEPTH, np.int32)
    lessons = [
        Lesson(situation, ranks, depths, WARM_WEIGHT, real=False)
        for situation, ranks in zip(known.situations, known.ranks, strict=True)
        if ranks.any()
    ]
    for name in LEARNERS:
        policy = new_policy(loop.settings.allocation, name, (*loop.features(), *PAST))
        policy.learn(lessons)
        policy.save(folder)
    loop.history.learn(lessons, loop.features())
    loop.history.save(folder)
