"""Simulated listeners: searches whose wanted entity is known, what every strategy has for them, and their clicks.

A listener wants one entity. Everything that any strategy has for the search is retrieved once; policies differ only in
which of it they let in. The page is what they let in, in the order of the untrained score; the listener looks at place
p with chance ``p ** -examination`` and clicks what he wants when he sees it (position-based model, Richardson et al.,
WWW 2007). Every policy meets the same searches and the same dice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ltrr_cli.allocation.policy import BanditContext, BanditExample
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Candidates, Context, FloatArray, IntArray
from ltrr_cli.engine.bandit_context import bandit_context_of, shapes_of
from ltrr_cli.engine.retrieve import retrieve
from ltrr_cli.engine.score import lift_of, lifted, untrained
from ltrr_cli.engine.search import describe
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.feedback.judgments import JudgedSet
from ltrr_cli.indexing.known_item_queries import known_queries
from ltrr_cli.ranking.fusion import RANK_CONSTANT
from ltrr_cli.retrieval.union import union

EXAMINATION = 0.5  # exponent of the position-based model
KNOWN_ITEMS = "known item"


@dataclass(frozen=True, slots=True)
class SimulatedSearch:
    """A simulated user types ``text`` and wants an entity."""

    kind: str
    text: str
    context: Context
    wanted: int  # row in the catalog


@dataclass(frozen=True, slots=True)
class Search:
    """One simulated search and all that any strategy has for it, to the depth of the budget.

    context -- what a policy may look at; without a past, which is every policy's own
    ranks     -- (n, s) float32 from 1, NaN where a strategy had not the candidate
    order     -- (n,) place of every candidate in the order of the untrained score, from 0
    fused     -- (n,) place of every candidate in equal-weight reciprocal rank fusion, from 0
    wanted    -- the candidate that is wanted, -1 where nobody had it
    shapes    -- (s, 3), what every strategy's list looked like
    """

    kind: str
    bandit_context: BanditContext
    ranks: FloatArray
    order: IntArray
    fused: IntArray
    wanted: int
    shapes: FloatArray

    def example(self, bandit_context: BanditContext, weight: float) -> BanditExample:
        """Return what a click on the wanted candidate teaches."""
        ranks = np.nan_to_num(self.ranks[self.wanted]).astype(np.int32)
        depths = np.full(len(ranks), bandit_context.budget, np.int32)
        return BanditExample(bandit_context, ranks, depths, weight, shapes=self.shapes)


def wishes(snapshot: Snapshot, judged: JudgedSet | None, count: int, seed: int) -> list[SimulatedSearch]:
    """Draw ``count`` wishes: a judged query evenly, then a wanted entity by its grade; or known items of the catalog.

    What a query's judges want and the catalog lacks is left out.
    """
    chance = generator("wishes", seed)
    if judged is None:
        known = [
            SimulatedSearch(KNOWN_ITEMS, query.text, Context(snapshot.clock_ms), query.row)
            for query in known_queries(snapshot.catalog, chance)
        ]
        return [known[place] for place in chance.integers(0, len(known), count).tolist()] if known else []
    pool: list[tuple[SimulatedSearch, IntArray, np.ndarray]] = []
    for query in judged.queries:
        grades = [(snapshot.catalog.row_of(entity), grade) for entity, grade in judged.grades[query.query_id].items()]
        rows = np.array([row for row, grade in grades if row >= 0 and grade > 0], np.int32)
        if len(rows):
            odds = np.array([grade for row, grade in grades if row >= 0 and grade > 0], np.float64)
            pool.append(
                (SimulatedSearch(query.kind or "judged", query.text, query.context, -1), rows, odds / odds.sum())
            )
    found = []
    for place in chance.integers(0, len(pool), count).tolist() if pool else []:
        wish, rows, odds = pool[place]
        found.append(replace(wish, wanted=int(chance.choice(rows, p=odds))))
    return found


class Retrieval:
    """Retrieves for wishes; a query that comes again is answered from before."""

    def __init__(self, snapshot: Snapshot, budget: int) -> None:
        self._snapshot, self._budget = snapshot, budget
        self._known: dict[tuple[str, str | None], tuple[IntArray, Search]] = {}

    def searches(self, asked: Sequence[SimulatedSearch], progress: Progress) -> list[Search]:
        """Return one search per wish, in their order."""
        found = []
        for number, wish in enumerate(asked, 1):
            key = wish.text, wish.context.user
            if key not in self._known:
                self._known[key] = self._retrieve(wish)
            rows, search = self._known[key]
            place = int(np.searchsorted(rows, wish.wanted))
            there = place < len(rows) and rows[place] == wish.wanted
            found.append(replace(search, kind=wish.kind, wanted=place if there else -1))
            progress("retrieve", number, len(asked))
        return found

    def _retrieve(self, wish: SimulatedSearch) -> tuple[IntArray, Search]:
        snapshot, budget = self._snapshot, self._budget
        request = snapshot.request(wish.text, wish.context, 0)
        names = snapshot.enabled()
        bandit_context = replace(bandit_context_of(snapshot, request, names, budget, explore=True), past=None)
        hits = retrieve(snapshot, request, names, budget)
        rows, ranks, scores = union(hits)
        candidates = Candidates(names, rows, ranks, scores, np.ones(len(rows)))
        schema, features = describe(snapshot, request, candidates)
        weights = snapshot.fusion_weights(names, request.reading)
        page = untrained(schema, features, candidates, weights, snapshot.scored_as())
        score = lifted(page, lift_of(schema, features, page))
        fused = np.nansum(1.0 / (RANK_CONSTANT + ranks), axis=1)
        shapes = shapes_of(snapshot, hits, budget)
        return rows, Search("", bandit_context, ranks, _places(score, rows), _places(fused, rows), -1, shapes)


def _places(score: FloatArray, rows: IntArray) -> IntArray:
    places = np.empty(len(rows), np.int32)
    places[np.lexsort((rows, -score))] = np.arange(len(rows), dtype=np.int32)
    return places


def broken(search: Search, strategy: int, budget: int) -> Search:
    """Return the search with one strategy that brings nothing but ``budget`` entities that nobody wants."""
    count, width = search.ranks.shape
    ranks = np.full((count + budget, width), np.nan, np.float32)
    ranks[:count] = search.ranks
    ranks[:count, strategy] = np.nan
    ranks[count:, strategy] = np.arange(1, budget + 1)
    kept = np.flatnonzero(np.isfinite(ranks).any(axis=1))
    place = np.searchsorted(kept, search.wanted) if search.wanted in kept else -1
    behind = np.arange(count, count + budget, dtype=np.int32)
    order, fused = (np.concatenate([places, behind])[kept] for places in (search.order, search.fused))
    return replace(search, ranks=ranks[kept], order=_dense(order), fused=_dense(fused), wanted=int(place))


def _dense(places: IntArray) -> IntArray:
    """Close the gaps in places."""
    return np.argsort(np.argsort(places, kind="stable"), kind="stable").astype(np.int32)


def looks(position: int, examination: float) -> float:
    """Return the chance that a listener looks at a place, from 1.

    >>> looks(4, 0.5)
    0.5
    """
    return float(position**-examination)
