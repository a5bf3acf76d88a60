"""Questions -> pages, one at a time or a file of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import uuid4

from ltrr_cli.allocation.models.strategy_history import PAST
from ltrr_cli.allocation.policy import Policy
from ltrr_cli.allocation.policy_registry import open_policy
from ltrr_cli.catalog.filters import parse_filter
from ltrr_cli.core.clock import now_ms, parse_time
from ltrr_cli.core.errors import DataError, NotFoundError, UsageError
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.report import Report
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import Context, Impression, Plan, Reading
from ltrr_cli.engine import model_store
from ltrr_cli.engine.bandit_context import journalled, schema_of
from ltrr_cli.engine.schema import misfit
from ltrr_cli.engine.search import SERVING, Answer, RankerChoice, answer
from ltrr_cli.engine.shadow import shadows
from ltrr_cli.feedback.judgments import query_line, run_lines
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.storage.disk import write_atomic
from ltrr_cli.text.lines import BadLine, read_lines
from ltrr_cli.text.normalise import writable

if TYPE_CHECKING:
    from ltrr_cli.engine.snapshot import Snapshot
    from ltrr_cli.engine.state import State

READ_ONLY = "{home} is read-only: this search is not logged (--no-log says so beforehand)"
LARGEST_K = 10_000
LARGEST_BUDGET = 100_000


@dataclass(frozen=True, slots=True)
class Source(Report):
    """Where one strategy had a result: rank from 1, score comparable only inside the strategy."""

    rank: int  # from 1
    score: float  # comparable only inside the strategy


@dataclass(frozen=True, slots=True)
class Result(Report):
    """One line of a page; ``odds`` is the chance (0..1) that it was shown at this position; None: not known."""

    position: int  # from 1
    id: str
    title: str
    type: str
    score: float  # of the page: higher is better, comparable only inside the page
    odds: float | None  # 0..1
    sources: Mapping[str, Source]  # strategy -> where it had the result


@dataclass(frozen=True, slots=True)
class Page(Report):
    """An answered search; ``impression_id`` is None where nothing was logged."""

    impression_id: str | None  # name it when you record what people did
    query: str
    reading: Reading  # what the query was read as
    plan: Plan  # the drawn allocation
    results: tuple[Result, ...]
    took_ms: Mapping[str, float]  # stage -> milliseconds
    ranker: str = "fusion"  # "fusion" before there is one
    candidates: int = 0  # distinct candidates that were ranked
    warnings: tuple[str, ...] = ()  # what fell back, and why


@dataclass(frozen=True, slots=True)
class BatchReport(Report):
    """A file of queries answered into a TREC run."""

    queries: int
    results: int  # lines of the run
    empty: int  # queries without any result
    run: str  # the file that was written
    seconds: float


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
    impression_id: str | None = None

    def writable(self) -> QueryRequest:
        """Return the same without what no file can hold: a lone surrogate is no character."""
        given = {writable(key): writable(value) for key, value in self.context.items()}
        user, session = (None if who is None else writable(who) for who in (self.user, self.session))
        return replace(self, text=writable(self.text), user=user, session=session, context=given)

    def checked(self, default_budget: int) -> int:
        """Return the budget; raises UsageError for numbers out of range."""
        budget = default_budget if self.budget is None else self.budget
        for name, value, largest in (("k", self.k, LARGEST_K), ("budget", budget, LARGEST_BUDGET)):
            if not 1 <= value <= largest:
                raise UsageError(f"{name} is {value}", hint=f"{name} lies between 1 and {largest}")
        return max(budget, self.k)


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
    budget = asked.checked(state.settings.retrieval.budget)
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
    seed = seed_of("draw", impression_id) if asked.seed is None else asked.seed
    policy, ranker = named_policy(state, asked.policy), named_ranker(state, asked.ranker)
    found = answer(
        snapshot,
        asked.text,
        context,
        k=asked.k,
        budget=budget,
        seed=seed,
        explore=asked.explore,
        policy=policy,
        ranker=ranker,
        hidden=hidden(state, context),
    )
    logged = asked.log and still_wanted()
    if logged:
        beside = shadows(state, snapshot, found, asked.k)
        state.journal.append_impression(replace(_impression(snapshot, found, impression_id, asked), shadows=beside))
    page = _page(snapshot, found, impression_id if logged else None)
    return replace(page, warnings=(*page.warnings, READ_ONLY.format(home=state.home))) if unlogged else page


def hidden(state: State, context: Context) -> frozenset[str]:
    """Return what the user already acted on, where it is to be hidden, and the entity that others are to be like.

    Raises NotFoundError where the catalog has no such entity.
    """
    same: frozenset[str] = frozenset()
    if context.like is not None:
        if state.snapshot().catalog.row_of(context.like) < 0:
            raise NotFoundError(f"no entity {context.like[:80]!r} to be like", hint="an id of the catalog is needed")
        same = frozenset((context.like,))
    if not context.hide_seen or context.user is None:
        return same
    rewards = Rewards(state.settings.feedback)
    acts = (event for event in state.journal.events_by(context.user) if rewards.says_something(event))
    return same | {event.entity_id for event in acts}


def named_policy(state: State, name: str | None) -> Policy | None:
    """Return the policy asked for, with what was learnt where it is the one that learns; None: the serving one."""
    if name is None:
        return None
    snapshot = state.snapshot()

    def work() -> Policy:
        learned = state.generations.folder("learned", state.current().learned) / "policy"
        return open_policy(state.settings.allocation, learned, name, (*snapshot.features(), *PAST))

    return snapshot.opened.once(name, work)


def named_ranker(state: State, name: str | None) -> RankerChoice:
    """Return the ranker asked for; None names the serving one. Raises NotFoundError, UsageError, DamagedError."""
    if name is None or name == SERVING:
        return SERVING
    ranker = model_store.opened(state, name)
    reason = None if ranker is None else misfit(state.snapshot().schema(), ranker)
    if reason is not None:
        raise UsageError(f"{name} cannot order this page: {reason}", hint="ltrr train-ranker")
    return ranker


def respond_batch(
    state: State,
    queries: str | Path,
    run: str | Path,
    k: int,
    budget: int | None,
    policy: str | None,
    ranker: str | None,
    hide_seen: bool,
    progress: Progress,
) -> BatchReport:
    """Answer every query of a file; write ``query_id Q0 id rank score tag`` lines."""
    start = perf_counter()
    blank = QueryRequest(
        k=k, budget=budget, policy=policy, seed=0, hide_seen=hide_seen, live=False, log=False, explore=False
    )
    most = blank.checked(state.settings.retrieval.budget)
    snapshot = state.snapshot()
    chosen, ranked = named_policy(state, policy), named_ranker(state, ranker)
    count = results = empty = 0
    lines: list[str] = []
    for line in read_lines(queries):
        if isinstance(line, BadLine):
            raise DataError(f"{queries}, line {line.number}: {line.reason}")
        query_id, context, text = query_line(line.data, f"{queries}, line {line.number}", snapshot.clock_ms, hide_seen)
        found = answer(
            snapshot, text, context, k=k, budget=most, explore=False, policy=chosen, ranker=ranked,
            hidden=hidden(state, context),
        )  # fmt: skip
        lines += run_lines(query_id, [snapshot.catalog.ids[int(found.candidates.rows[place])] for place in found.page])
        count, results, empty = count + 1, results + len(found.page), empty + (len(found.page) == 0)
        progress("queries", count, None)
    write_atomic(Path(run), "".join(lines).encode())
    return BatchReport(count, results, empty, str(run), round(perf_counter() - start, 3))


def _impression(snapshot: Snapshot, found: Answer, impression_id: str, asked: QueryRequest) -> Impression:
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
        shown=found.shown(snapshot),
        schema=found.schema.digest,
        features=found.features[found.page],
        bandit_context_schema=schema_of(snapshot),
        bandit_context=journalled(snapshot, found.bandit_context, found.hits),
        page_odds=found.page_odds() if found.exact else None,
        seed=found.request.seed,
        filters=found.request.context.filters,
    )


def _page(snapshot: Snapshot, found: Answer, impression_id: str | None) -> Page:
    results = []
    for line, place in zip(found.shown(snapshot), found.page.tolist(), strict=True):
        row = int(found.candidates.rows[place])
        scores = dict(zip(found.candidates.strategies, found.candidates.scores[place].tolist(), strict=True))
        sources = {name: Source(rank, scores[name]) for name, rank in line.ranks.items()}
        kind = snapshot.catalog.type_names[int(snapshot.catalog.types[row])]
        results.append(
            Result(line.position, line.entity_id, snapshot.catalog.titles[row], kind, line.score or 0.0, line.odds,
                   sources)
        )  # fmt: skip
    return Page(
        impression_id=impression_id,
        query=found.request.query,
        reading=found.request.reading,
        plan=found.plan,
        results=tuple(results),
        took_ms={stage: round(took, 3) for stage, took in found.took_ms.items()},
        ranker="fusion" if found.ranker is None else found.ranker.algorithm,
        candidates=int(found.included[found.drawn].sum()),
        warnings=tuple(snapshot.told()),
    )
