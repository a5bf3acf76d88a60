"""One search through the whole funnel: reading, plan, retrieval, union, ranking, page - with exact propensities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Final, Literal

import numpy as np

from ltrr_cli.allocation.draw import draw
from ltrr_cli.allocation.policy import BanditContext, Menu, Policy
from ltrr_cli.allocation.propensity import inclusion, pages
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.remote import RecordedAnswer, RemoteLine
from ltrr_cli.core.types import (
    BoolArray,
    Candidates,
    Context,
    DoubleArray,
    FloatArray,
    Hits,
    Impression,
    IntArray,
    Plan,
    Request,
    Shown,
)
from ltrr_cli.engine.bandit_context import bandit_context_of
from ltrr_cli.engine.match import column, matching
from ltrr_cli.engine.page import PageExploration
from ltrr_cli.engine.rerank import Reranker
from ltrr_cli.engine.retrieve import running, timed, waves
from ltrr_cli.engine.score import by_ranker, lift_of, lifted, untrained
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.ranking.candidate_features import MATCHING, assemble
from ltrr_cli.ranking.model import Model, Schema
from ltrr_cli.retrieval.strategy import look_of
from ltrr_cli.retrieval.union import union

SERVING: Final = "serving"  # whatever ranker the snapshot serves with
RankerChoice = Model | None | Literal["serving"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything one search produced; arrays are over the candidates of the whole menu.

    hits     -- what each strategy had, to the depth of the budget
    included -- (a, n) bool, which candidates each allocation of the menu brings
    drawn    -- the allocation that was drawn, a row of ``included`` and of ``menu``
    features -- (n, f) float32, columns named by ``schema``
    anonymous -- (n,) float32, what the untrained score says whoever asks
    baseline -- (n,) float32, the same with what is known of who asks
    scores   -- (n,) float32, what the page is ordered by
    page     -- (k,) candidates shown, best first
    odds     -- (k,) float64, the chance that each stood at its position
    bases    -- (a, k) int32, the page under each allocation before swaps; -1 where it is shorter
    standing -- candidate -> (k,) odds of standing at each position over all draws and swaps
    paging   -- how neighbours of the page were swapped
    ranker   -- what corrected the untrained score; None: nothing did
    """

    request: Request
    bandit_context: BanditContext
    menu: Menu
    drawn: int
    plan: Plan
    hits: tuple[Hits, ...]
    candidates: Candidates
    included: BoolArray
    schema: Schema
    features: FloatArray
    anonymous: FloatArray
    baseline: FloatArray
    scores: FloatArray
    page: IntArray
    odds: DoubleArray
    bases: IntArray
    standing: Mapping[int, Sequence[float]]
    paging: PageExploration
    ranker: Model | None
    took_ms: Mapping[str, float]

    @property
    def exact(self) -> bool:
        """Say whether every strategy ran: else what other draws would have brought is not known, nor are the odds."""
        return self.plan.ran is None

    @property
    def matches(self) -> BoolArray:
        """Say of each candidate whether something of the query speaks for it; none on a page of recommendations."""
        told = column(self.schema, self.features, MATCHING[0])
        return np.ones(len(self.features), np.bool_) if told is None else told > 0

    def pages(self, k: int) -> IntArray:
        """Return (a, k) int32: the page under each allocation before swaps; -1 where it is shorter."""
        order = np.lexsort((self.candidates.rows, -self.scores)).astype(np.int32)
        return pages(order, self.included, k)

    def page_odds(self) -> float:
        """Return the chance of this very page, whichever draw led to it."""
        return self.odds_of(self.page)

    def odds_of(self, page: IntArray) -> float:
        """Return the chance of a page of candidates over all draws and swaps."""
        bases = self.bases if len(page) == self.bases.shape[1] else self.pages(len(page))
        return self.paging.page_odds(bases, self.menu.odds, page)

    def stands(self, k: int) -> Mapping[int, Sequence[float]]:
        """Return candidate -> (k,) odds of standing at each position over all draws and swaps."""
        return self.standing if k == self.bases.shape[1] else self.paging.stands(self.pages(k), self.menu.odds)

    def shown(self, snapshot: Snapshot, *, placed: bool = True) -> tuple[Shown, ...]:
        """Return the page as the journal keeps it; without ``placed`` not where each could have stood (it costs)."""
        stands = self.standing if self.exact and placed else {}
        return tuple(
            self.line(snapshot, place, position, odds if self.exact else None, _positions(stands.get(place)))
            for position, (place, odds) in enumerate(zip(self.page.tolist(), self.odds.tolist(), strict=True), 1)
        )

    def line(
        self,
        snapshot: Snapshot,
        place: int,
        position: int,
        odds: float | None = None,
        places: Mapping[int, float] | None = None,
    ) -> Shown:
        """Return a candidate at a position, with the odds of standing there and elsewhere, where they are known."""
        return Shown(
            entity_id=snapshot.catalog.ids[int(self.candidates.rows[place])],
            position=position,
            score=float(self.scores[place]),
            odds=odds,
            inclusion=float(self.candidates.inclusion[place]),
            ranks=self.ranks_of(place),
            places=places or {},
        )

    def ranks_of(self, place: int) -> dict[str, int]:
        """Return the candidate's rank in every strategy that had it."""
        ranks = self.candidates.ranks[place]
        named = zip(self.candidates.strategies, ranks.tolist(), strict=True)
        return {name: int(rank) for name, rank in named if rank == rank}  # NaN: the strategy did not bring it


def _positions(chances: Sequence[float] | None) -> dict[int, float]:
    """Return position (from 1) -> chance, of those that can be."""
    return {position: chance for position, chance in enumerate(chances or (), 1) if chance}


class _Stopwatch:
    """Milliseconds per stage; of retrieval also per strategy, as ``retrieve.lexical``."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        self._start = self._last = perf_counter()

    def stage(self, name: str) -> None:
        now = perf_counter()
        self.took[name] = (now - self._last) * 1e3
        self._last = now

    def strategy(self, name: str, took: float) -> None:
        self.took[f"retrieve.{name}"] = took

    def total(self) -> dict[str, float]:
        return {**self.took, "total": (perf_counter() - self._start) * 1e3}


def answer(
    snapshot: Snapshot,
    query: str,
    context: Context,
    *,
    k: int,
    budget: int,
    seed: int = 0,
    explore: bool = True,
    policy: Policy | None = None,
    ranker: RankerChoice = SERVING,
    reranker: Reranker | None = None,
    hidden: Iterable[str] = (),
    retrieved: Answer | None = None,
    boost: Callable[[IntArray], FloatArray | None] | None = None,
    also: str = "",
) -> Answer:
    """Answer one query as of ``context.time_ms``; changes nothing, so that many threads may ask at once.

    policy, reranker -- None: the snapshot's
    ranker           -- SERVING: the snapshot's; None: the untrained score orders the page, as it does where the
                        ranker was trained with other features
    retrieved        -- an answer to the same question, whose hits are used again
    boost            -- (n,) rows -> (n,) log-odds that an editor adds; also -- words searched for beside the query
    """
    watch = _Stopwatch()
    policy, reranker = policy or snapshot.policy, reranker or snapshot.reranker
    request = snapshot.request(query, context, seed, hidden, also) if retrieved is None else retrieved.request
    watch.stage("understand")
    bandit_context = bandit_context_of(snapshot, request, snapshot.enabled(), budget, explore=explore)
    menu = policy.menu(bandit_context)
    drawn, odds = draw(menu, seed)
    plan = Plan(str(policy), dict(zip(bandit_context.strategies, menu.draws[drawn].tolist(), strict=True)), odds)
    watch.stage("plan")
    ran = running(snapshot.settings.allocation, plan, seed) if explore else None
    ran = ran if retrieved is None else retrieved.plan.ran
    plan = replace(plan, ran=ran)
    if retrieved is None:
        ask = timed(snapshot, budget, watch.strategy)
        request, hits = waves(snapshot, request, bandit_context.strategies, budget, ran, ask)
    else:
        hits = list(retrieved.hits)
    watch.stage("retrieve")
    candidates, included = _candidates(bandit_context.strategies, hits, menu, budget)
    schema, features = describe(snapshot, request, candidates)
    watch.stage("describe")
    weights = snapshot.fusion_weights(bandit_context.strategies, request.reading)
    page = untrained(schema, features, candidates, weights, snapshot.scored_as())
    lift = lift_of(schema, features, page)
    added = None if boost is None else boost(candidates.rows)
    lift = lift if added is None else lift + added
    baseline = lifted(page, lift)
    chosen = snapshot.ranker if isinstance(ranker, str) else ranker
    if chosen is not None and chosen.schema.digest != schema.digest:
        chosen = None
    scores = baseline if chosen is None else by_ranker(chosen, schema, features, page, lift)
    if reranker.cross is not None:
        watch.stage("score")
        scores = reranker.rerank(snapshot.catalog, query, candidates.rows, scores)
        watch.stage("rerank")
    order = np.lexsort((candidates.rows, -scores)).astype(np.int32)
    paging = PageExploration.of(snapshot.settings.ranking, explore=explore)
    shown = paging.shown(order[included[drawn][order]][:k], seed)
    bases = pages(order, included, len(shown))
    standing = paging.stands(bases, menu.odds)
    shown_odds = np.array([standing[place][position] for position, place in enumerate(shown.tolist())], np.float64)
    watch.stage("rank")
    return Answer(
        request, bandit_context, menu, drawn, plan, tuple(hits), candidates, included, schema, features, page, baseline,
        scores, shown, shown_odds, bases, standing, paging, chosen, watch.total(),
    )  # fmt: skip


def context_of(search: Impression) -> Context:
    """Return the context in which a logged search was asked."""
    return Context(
        time_ms=search.time_ms or 0,
        user=search.user,
        session=search.session,
        locale=search.context.get("locale"),
        extra=search.context,
        like=search.context.get("like"),
        remote={name: RecordedAnswer([RemoteLine(*line) for line in lines]) for name, lines in search.remote.items()},
    )


def describe(snapshot: Snapshot, request: Request, candidates: Candidates) -> tuple[Schema, FloatArray]:
    """Return the schema and the (n, f) features of the candidates as the system knows them now."""
    rows, catalog = candidates.rows, snapshot.catalog
    asked = ((name, snapshot.strategies[name]) for name in candidates.strategies)
    evidence = [
        (name, one.evidence_names, look_of(one, request).evidence(rows)) for name, one in asked if one.evidence_names
    ]
    created = catalog.created_ms[rows]
    age_days = np.where(created < 0, np.nan, (request.context.time_ms - created) / DAY).astype(np.float32)
    columns = (catalog.popularity[rows], age_days, catalog.types[rows])
    schema, features = assemble(candidates, evidence, *columns, request.reading.signals)
    matches = matching(schema, features)
    for name, told in zip(MATCHING, (matches, matches.any()), strict=True):
        features[:, schema.places[name]] = told
    return schema, features


def _candidates(strategies: tuple[str, ...], hits: list[Hits], menu: Menu, budget: int) -> tuple[Candidates, BoolArray]:
    """Keep what any allocation of the menu brings; the rest was only retrieved so that odds are exact."""
    rows, ranks, scores = union(hits)
    odds, included = inclusion(ranks, menu, budget)
    keep = np.flatnonzero(odds > 0)
    union_ = Candidates(strategies, rows[keep], ranks[keep], scores[keep], odds[keep])
    return union_, included[:, keep]
