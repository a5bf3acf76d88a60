"""Questions -> pages, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from ltrr_cli.catalog.filters import parse_filter
from ltrr_cli.core.clock import now_ms, parse_time
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.report import Report
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import AttributeValue, Context, Impression, Plan, Reading, Shown
from ltrr_cli.engine.bandit_context import journalled, schema_of
from ltrr_cli.engine.frozen_search import served
from ltrr_cli.engine.named import hidden, named_policy, named_ranker
from ltrr_cli.engine.presentation import (
    attributes_shown,
    candidates_of,
    facets,
    is_matched,
    sorted_places,
    told_in_words,
)
from ltrr_cli.engine.remotes import UnknownResult, arrived
from ltrr_cli.engine.ruled_page import RuledPage, features_of, rules_for
from ltrr_cli.engine.search import Answer, answer
from ltrr_cli.engine.shadow import shadows
from ltrr_cli.text.normalise import writable
from ltrr_cli.text.operators import taken_apart

if TYPE_CHECKING:
    from ltrr_cli.engine.snapshot import Snapshot
    from ltrr_cli.engine.state import State

READ_ONLY = "{home} is read-only: this search is not logged (--no-log says so beforehand)"
LARGEST_K = 10_000
LARGEST_BUDGET = 100_000

_Lines = Sequence[tuple[int, Shown]]  # places of candidates, and the lines of the page as the journal keeps them


@dataclass(frozen=True, slots=True)
class Source(Report):
    """Where one strategy had a result: rank from 1, score comparable only inside the strategy."""

    rank: int  # from 1
    score: float  # comparable only inside the strategy


@dataclass(frozen=True, slots=True)
class Result(Report):
    """One line of a page.

    odds       -- the chance (0..1) that it was shown at this position; None: not known
    matches    -- whether something of the query speaks for it; False: a recommendation
    attributes -- the few that matter for the query
    """

    position: int  # from 1
    id: str
    title: str
    type: str
    score: float  # of the page: higher is better, comparable only inside the page
    odds: float | None  # 0..1
    sources: Mapping[str, Source]  # strategy -> where it had the result
    matches: bool = True
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    pinned_by: str = ""  # name of the editors' rule that put it here


@dataclass(frozen=True, slots=True)
class Page(Report):
    """An answered search; ``impression_id`` is None where nothing was logged.

    matched -- whether anything on the page matches; where not, it holds recommendations
    notes   -- the same and its like in words, for who reads the page
    facets  -- field -> value -> how many of the candidates have it, where asked for
    """

    impression_id: str | None  # name it when you record what people did
    query: str
    reading: Reading  # what the query was read as
    plan: Plan  # the drawn allocation
    results: tuple[Result, ...]
    took_ms: Mapping[str, float]  # stage -> milliseconds; ``retrieve.lexical`` is one strategy of a stage
    ranker: str = "fusion"  # "fusion" before there is one
    candidates: int = 0  # distinct candidates that were ranked
    warnings: tuple[str, ...] = ()  # what fell back, and why
    matched: bool = True
    notes: tuple[str, ...] = ()
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    rules: tuple[str, ...] = ()  # editors' rules that held
    degraded: tuple[str, ...] = ()  # retrievers elsewhere that had no answer
    unknown: tuple[UnknownResult, ...] = ()  # what they brought and the catalog has not


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """One call of ``Workspace.query``, as given.

    impression_id -- the id under which the page is journalled; None: a new random one
    """

    text: str = ""
    k: int = 10
    budget: int | None = None
    user: str | None = None
    session: str | None = None
    at: int | str | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[str, ...] = ()
    policy: str | None = None
    ranker: str | None = None
    seed: int | None = None
    hide_seen: bool = False
    live: bool = True
    log: bool = True
    explore: bool = True
    like: str | None = None
    page: int | None = None
    facets: tuple[str, ...] = ()
    sort: str | None = None
    impression_id: str | None = None

    def writable(self) -> QueryRequest:
        """Return the same without what no file can hold: a lone surrogate is no character."""
        given = {writable(key): writable(value) for key, value in self.context.items()}
        user, session = (None if who is None else writable(who) for who in (self.user, self.session))
        return replace(self, text=writable(self.text), user=user, session=session, context=given)

    def checked(self, default_budget: int) -> int:
        """Return the budget; raises UsageError for numbers out of range."""
        budget = default_budget if self.budget is None else self.budget
        last = (self.page or 1) * self.k
        checked = (("k", self.k, LARGEST_K), ("budget", budget, LARGEST_BUDGET), ("page", self.page, LARGEST_K))
        for name, value, largest in checked:
            if value is not None and not 1 <= value <= largest:
                raise UsageError(f"{name} is {value}", hint=f"{name} lies between 1 and {largest}")
        if last > LARGEST_BUDGET:
            raise UsageError(f"page {self.page} of {self.k} is too far down", hint="narrow the query, or filter")
        return max(budget, last)

    @property
    def skipped(self) -> int:
        """Return how many results stand on the pages before."""
        return ((self.page or 1) - 1) * self.k

    @property
    def in_own_order(self) -> bool:
        """Say whether what is shown is not the ranker's first page."""
        return self.sort is not None or self.skipped > 0

    def drawn_by(self, impression_id: str) -> int:
        """Return the seed: as given; where somebody turns pages, the same for all of them; else a new one."""
        if self.seed is not None:
            return self.seed
        if self.page is not None:
            return seed_of("page", self.text, self.user or "", self.session or "", *self.filters)
        return seed_of("draw", impression_id)


def _always() -> bool:
    return True


def respond(state: State, asked: QueryRequest, still_wanted: Callable[[], bool] = _always) -> Page:
    """Answer a question and journal the impression.

    still_wanted -- asked before journalling: a page that came too late was seen by nobody
    """
    asked = asked.writable()
    unlogged = asked.log and not state.writable()
    if unlogged:
        asked = replace(asked, log=False)
    settings = state.settings.retrieval
    budget = asked.checked(settings.budget)
    filters = tuple(parse_filter(text) for text in asked.filters)
    snapshot = state.snapshot()
    moment = snapshot.clock_ms if asked.at is None else parse_time(asked.at)
    impression_id = asked.impression_id or uuid4().hex
    context = Context(
        moment,
        asked.user,
        asked.session,
        asked.context.get("locale"),
        filters,
        asked.context,
        asked.hide_seen,
        asked.like,
    )
    seed = asked.drawn_by(impression_id)
    answers = state.remotes().ask(asked.text, context, budget, snapshot.encoder)
    context = replace(context, remote=answers)
    away = hidden(state, context)
    when, size = now_ms() if asked.at is None else moment, asked.skipped + asked.k
    rules = rules_for(state.rules(), snapshot.catalog, asked.text, filters, when, away, size, pins=asked.sort is None)
    policy, ranker = named_policy(state, asked.policy), named_ranker(state, asked.ranker)
    found = answer(
        snapshot,
        asked.text,
        context,
        k=max(size - len(rules.pins), 1),
        budget=budget,
        seed=seed,
        explore=asked.explore,
        policy=policy,
        ranker=ranker,
        hidden=away | rules.away,
        boost=rules.boost,
        also=rules.words,
    )
    lines = _lines(snapshot, found, asked, rules)
    logged = asked.log and still_wanted()
    if logged:
        beside = () if asked.in_own_order else shadows(state, snapshot, found, asked.k)
        impression = _impression(snapshot, found, lines, impression_id, asked)
        impression = replace(impression, rules=rules.applied, remote=arrived(answers))
        frozen = served(snapshot, impression, found) if asked.live else None
        state.journal.append_impression(replace(impression, shadows=beside), frozen, state.settings.ranking.sample)
    page = _page(snapshot, found, lines, impression_id if logged else None, asked, rules)
    if settings.remote:
        missing, unknown, told = state.remotes().outcome(answers, snapshot.catalog, asked.k)
        page = replace(page, degraded=missing, unknown=unknown, warnings=(*page.warnings, *told))
    return replace(page, warnings=(*page.warnings, READ_ONLY.format(home=state.home))) if unlogged else page


def _lines(snapshot: Snapshot, found: Answer, asked: QueryRequest, rules: RuledPage) -> list[tuple[int, Shown]]:
    """Return (candidate's place, -1 for a pinned one; line as the journal keeps it) of the page that is shown.

    In an order that a person chose no place has odds: the ranker did not choose it.
    """
    if asked.sort is None:
        drawn = list(zip(found.page.tolist(), found.shown(snapshot, placed=asked.log), strict=True))
        whole = asked.skipped + asked.k
        return rules.merged(drawn[: max(whole - len(rules.pins), 0)])[asked.skipped :]
    places = sorted_places(snapshot.catalog, found, asked.sort)[asked.skipped :][: asked.k]
    return [
        (place, found.line(snapshot, place, asked.skipped + number)) for number, place in enumerate(places.tolist(), 1)
    ]


def _impression(
    snapshot: Snapshot, found: Answer, lines: _Lines, impression_id: str, asked: QueryRequest
) -> Impression:
    return Impression(
        impression_id=impression_id,
        # the wall clock says when it was asked; how old things are was told by the data's own clock
        time_ms=now_ms() if asked.at is None else found.request.context.time_ms,
        query=asked.text,
        origin="live" if asked.live else "trial",
        user=asked.user,
        session=asked.session,
        context=asked.context if asked.like is None else {**asked.context, "like": asked.like},
        plan=found.plan,
        shown=tuple(line for _, line in lines),
        schema=found.schema.digest,
        features=features_of(found.features, [place for place, _ in lines]),
        bandit_context_schema=schema_of(snapshot),
        bandit_context=journalled(snapshot, found.bandit_context, found.hits),
        page_odds=_page_odds(found, lines) if found.exact and not asked.in_own_order else None,
        seed=found.request.seed,
        filters=found.request.context.filters,
    )


def _page_odds(found: Answer, lines: _Lines) -> float:
    """Return the chance of this very page; one of nothing but pinned lines is certain."""
    return found.page_odds() if any(place >= 0 for place, _ in lines) or not lines else 1.0


def _page(
    snapshot: Snapshot, found: Answer, lines: _Lines, impression_id: str | None, asked: QueryRequest, rules: RuledPage
) -> Page:
    catalog, reading = snapshot.catalog, found.request.reading
    results, pinned = [], dict(rules.pins.values())
    for place, line in lines:
        row = catalog.row_of(line.entity_id) if place < 0 else int(found.candidates.rows[place])
        scores = found.candidates.scores[place].tolist() if line.ranks else ()
        named = dict(zip(found.candidates.strategies if line.ranks else (), scores, strict=True))
        sources = {name: Source(rank, named[name]) for name, rank in line.ranks.items()}
        kind = catalog.type_names[int(catalog.types[row])]
        shown = attributes_shown(catalog.entity(row), reading)
        results.append(
            Result(line.position, line.entity_id, catalog.titles[row], kind, line.score or 0.0, line.odds, sources,
                   place < 0 or bool(found.matches[place]), shown, pinned.get(line.entity_id, ""))
        )  # fmt: skip
    counted = found.candidates.rows[candidates_of(found)].tolist() if asked.facets else []
    return Page(
        impression_id=impression_id,
        query=asked.text,
        reading=reading,
        plan=found.plan,
        results=tuple(results),
        took_ms={stage: round(took, 3) for stage, took in found.took_ms.items()},
        ranker="fusion" if found.ranker is None else found.ranker.algorithm,
        candidates=int(found.included[found.drawn].sum()),
        warnings=tuple(snapshot.told()),
        matched=is_matched(found),
        notes=told_in_words(asked.text, found, taken_apart(asked.text).phrases),
        facets=facets(catalog, counted, asked.facets),
        rules=tuple(rule.name for rule in rules.applied),
    )
