"""The workspace behind the routes: one small interface, one thread for what is not safe to share, and deadlines.

Calls that touch the open snapshot run on the ``_asking`` threads, one after the other: they share one core anyway.
Late answers, journalling feedback, opening newer generations and answers without anything learnt have threads of their
own. Whoever asks learns first what was journalled since, by this worker or another: so feedback waits for no query, and
where many queries wait, one of them learns all that has come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from ltrr_cli.charts.sections import Dashboard
from ltrr_cli.core.clock import iso, now_ms
from ltrr_cli.core.errors import NotFoundError
from ltrr_cli.core.types import Context
from ltrr_cli.engine.live_snapshot import LiveSnapshot
from ltrr_cli.engine.query import QueryRequest, respond
from ltrr_cli.engine.search import answer
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.feedback.records import Parsed
from ltrr_cli.learning.live import LiveLearning, learned_header
from ltrr_cli.serving import dashboard
from ltrr_cli.serving.answers import GenerationNumbers, answer_of, plain_lines, ubi_of
from ltrr_cli.serving.fallback import Fallback
from ltrr_cli.serving.feedback import take
from ltrr_cli.serving.metrics import Latency
from ltrr_cli.serving.problems import RefusedError
from ltrr_cli.serving.records import (
    EntityAnswer,
    FeedbackReport,
    Health,
    QueryAnswer,
    QueryBody,
    Suggestion,
    UbiBlock,
)
from ltrr_cli.serving.served_state import ServedState
from ltrr_cli.serving.signing import Signer
from ltrr_cli.serving.suggest import MOST_QUERIES, Suggester
from ltrr_cli.storage.generations import Current
from ltrr_cli.workspace.explain import Explanation, explain, inferred_values
from ltrr_cli.workspace.memory_report import remembered

MOST_WAITING = 256  # requests of one worker, beyond which a new one is refused
BUSY, PAUSE = 2, 0.25  # requests that wait, from which on is learnt only after a pause, in seconds
REMEMBERED = 100  # entities of the memory that are looked through for ``chosen_by``

P = ParamSpec("P")
T = TypeVar("T")
Answered = tuple[QueryAnswer, Mapping[str, int]]


class _Claim:
    """Who answers a request, the full search or its fallback: the first to ask."""

    def __init__(self) -> None:
        self._lock, self._taken = Lock(), False

    def take(self) -> bool:
        with self._lock:
            first, self._taken = not self._taken, True
            return first


class Backend:
    """Everything that the routes need of one workspace."""

    def __init__(self, home: Path, *, threads: int = 1) -> None:
        self.state = ServedState(home)
        self.signer = Signer.open(home)
        self._lock = Lock()
        self._asking = ThreadPoolExecutor(threads, "ask")
        self._late = ThreadPoolExecutor(1, "late")
        self._beside = ThreadPoolExecutor(1, "beside")
        self._feeding = ThreadPoolExecutor(1, "feed")
        self._live = LiveLearning(self.state)
        self._fallback = Fallback(self.state)
        self._unlearned: ServedState | None = None
        self._suggester: Suggester | None = None
        self._waiting = 0
        self._learnt_at = 0.0

    # ------------------------------------------------------------ life

    def open(self) -> None:
        """Open the snapshot and all that completes queries; raises NotFoundError where nothing was indexed."""
        snapshot, current = self.state.held()
        self._suggester = self._suggesting(snapshot, current.catalog)
        warm(snapshot)

    async def renew(self) -> bool:
        """Let a newer generation answer where one was published; opened beside the queries, put in place between two.

        Returns whether there was one; raises what opening it raises.
        """
        return await _on(self._beside, self._renew)

    def close(self) -> None:
        """Wait for what is being done, and stop."""
        for pool in (self._feeding, self._asking, self._late, self._beside):
            pool.shutdown(wait=True, cancel_futures=True)

    def generations(self) -> GenerationNumbers:
        """Return which generations answer now."""
        current = self.state.held()[1]
        return GenerationNumbers(current.catalog, current.learned)

    def ready(self) -> Health:
        """Say what answers, and which parts of it are damaged and not used."""
        snapshot, current = self.state.held()
        return Health("ready", current.catalog, current.learned, tuple(snapshot.told()))

    # ------------------------------------------------------------ asking

    async def query(self, body: QueryBody) -> Answered:
        """Answer a question; where it takes longer than the deadline, a plain full-text page in its place.

        Returns the answer and how many candidates each strategy was allowed.
        Raises RefusedError 503 where too many wait.
        """
        asked = self._request_of(body)
        if not body.learned:
            return await _on(self._beside, lambda: self._answer_unlearned(asked, body))
        claim = _Claim()
        running = asyncio.ensure_future(self.run(self._answer, asked, body, claim))
        running.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may wait for it any more
        deadline = self.state.settings.serve.deadline_ms / 1e3
        done, _ = await asyncio.wait((running,), timeout=deadline)
        if not done and claim.take():
            running.cancel()
            return await _on(self._late, lambda: self._answer_late(asked, body))
        return await running

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function of the open snapshot on the thread that may."""
        return await self._waited_for(self._asking, lambda: self._locked(function, *args, **kwargs))

    async def _waited_for(self, pool: ThreadPoolExecutor, function: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise RefusedError(503, "overloaded", "too many requests wait", headers={"Retry-After": "1"})
        self._waiting += 1
        try:
            return await _on(pool, function)
        finally:
            self._waiting -= 1

    async def explain(self, impression_id: str) -> Explanation:
        """Return the funnel of one page; raises NotFoundError."""
        return await self.run(explain, self.state, impression_id)

    async def entity(self, entity_id: str) -> EntityAnswer:
        """Return one entity; raises NotFoundError."""
        return await self.run(self._entity, entity_id)

    def suggest(self, typed: str, limit: int) -> tuple[Suggestion, ...]:
        """Complete what is being typed; quick, of any thread."""
        return () if self._suggester is None else self._suggester.suggest(typed, limit)

    async def gauges(self) -> dict[str, tuple[str, float]]:
        """Return name -> (help, value) of what is so now: generations, how far behind learning is, damaged parts."""
        return await _on(self._late, self._gauges)

    async def dashboard(self, latencies: Sequence[Latency]) -> Dashboard:
        """Return the dashboard."""
        return await _on(self._late, lambda: dashboard.made(self.state, self._gauges(), latencies))

    # ------------------------------------------------------------ feeding

    async def feed(self, records: Sequence[object], read: Callable[[Mapping[str, Any]], Parsed]) -> FeedbackReport:
        """Journal events: whoever asks next learns them. Raises RefusedError 503 where too many wait."""
        return await self._waited_for(self._feeding, lambda: take(self.state.journal, self.signer, records, read))

    def _learn(self) -> None:
        """Learn what was journalled since; where many wait, only now and then."""
        if self._waiting <= BUSY or monotonic() - self._learnt_at >= PAUSE:
            self._live.learn_new()
            self._learnt_at = monotonic()

    # ------------------------------------------------------------ inside

    def _locked(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self._lock:
            return function(*args, **kwargs)

    def _request_of(self, body: QueryBody) -> QueryRequest:
        """Return the engine's request; where a site has an id of its own, that is the page's."""
        said = body.ubi or UbiBlock()
        about = {key: str(value) for key, value in said.query_attributes.items() if value is not None}
        logged = body.log and body.learned
        return QueryRequest(
            text=body.text or said.user_query or "", k=body.k, budget=body.budget, user=body.user or said.client_id,
            session=body.session, at=body.at, context={**about, **body.context}, filters=tuple(body.filters),
            policy=body.policy, seed=body.seed, hide_seen=body.hide_seen, live=body.live, log=logged,
            explore=body.explore, like=body.like,
            impression_id=(said.query_id or self.signer.new_id()) if logged else None,
        )  # fmt: skip

    def _answer(self, asked: QueryRequest, body: QueryBody, claim: _Claim) -> Answered:
        self._learn()
        page = respond(self.state, asked, still_wanted=claim.take)
        claim.take()  # where nothing is journalled, too: it is too late for a fallback
        snapshot, current = self.state.held()
        chosen = self._chosen_by(asked) if body.explain else {}
        numbers = GenerationNumbers(current.catalog, current.learned)
        return answer_of(page, body, snapshot, numbers, chosen), page.plan.draws

    def _chosen_by(self, asked: QueryRequest) -> dict[str, int]:
        """Return entity id -> people who chose it for this very query."""
        try:
            report = remembered(self.state, asked.text, REMEMBERED, None)
        except NotFoundError:  # a catalog generation without a memory
            return {}
        return {line.id: line.users for line in report.lines if line.count > 0}

    def _answer_late(self, asked: QueryRequest, body: QueryBody) -> Answered:
        # an id of its own: the full answer may be on its way into the journal under the other
        impression_id = None if asked.impression_id is None else self.signer.new_id()
        plain = self._fallback.answer(asked, impression_id)
        current = self.state.held()[1]
        given = QueryAnswer(
            query_id=impression_id, query=asked.text, results=plain_lines(plain), took_ms={"total": plain.took_ms},
            degraded=True, catalog=current.catalog, learned=current.learned,
            warnings=("the answer was late: this page is full text alone",), ubi=ubi_of(body, impression_id),
        )  # fmt: skip
        return given, {}

    def _answer_unlearned(self, asked: QueryRequest, body: QueryBody) -> Answered:
        if self._unlearned is None or self._unlearned.held()[1].catalog != self.state.held()[1].catalog:
            self._unlearned = ServedState(self.state.home, learned=False)
        page = respond(self._unlearned, replace(asked, explore=False))
        snapshot, current = self._unlearned.held()
        return answer_of(page, body, snapshot, GenerationNumbers(current.catalog, 0), {}), page.plan.draws

    def _entity(self, entity_id: str) -> EntityAnswer:
        snapshot = self.state.snapshot()
        row = snapshot.catalog.row_of(entity_id)
        if row < 0:
            raise NotFoundError(f"no entity {entity_id[:80]!r}")
        found = snapshot.catalog.entity(row)
        return EntityAnswer(
            id=found.id, title=found.title, type=found.type, text=found.text, attributes=dict(found.attributes),
            popularity=found.popularity, created=None if found.created_ms is None else iso(found.created_ms),
            inferred=inferred_values(snapshot, row),
        )  # fmt: skip

    def _gauges(self) -> dict[str, tuple[str, float]]:
        snapshot, current = self.state.held()
        learnt = learned_header(self.state, current.learned)
        journal, last = self.state.journal, (learnt.last_event_ms or 0) if learnt else 0
        events, waiting = journal.counts().events, journal.first_event_after(last)
        behind = 0.0 if waiting is None else max(0.0, (now_ms() - waiting) / 1e3)
        return {
            "ltrr_catalog_generation": ("Catalog generation that answers.", current.catalog),
            "ltrr_learned_generation": ("Learned generation that answers.", current.learned),
            "ltrr_unlearned_events": (
                "Events that the published generation does not hold yet.", events - (learnt.events if learnt else 0)
            ),
            "ltrr_learning_lag_seconds": ("Age of the oldest event that is newer than what was published.", behind),
            "ltrr_degraded_strategies": ("Parts that are damaged and not used.", len(snapshot.told())),
        }  # fmt: skip

    def _suggesting(self, snapshot: Snapshot, catalog: int) -> Suggester:
        asked = self.state.journal.shared_queries(self.state.settings.serve.suggest_people, MOST_QUERIES)
        folder = self.state.generations.folder("catalog", catalog) / "understanding"
        return Suggester.open(snapshot.catalog, folder, asked)

    def _renew(self) -> bool:
        opened = self.state.newer()
        if opened is None:
            return False
        suggester = self._suggesting(opened[0].view(), opened[1].catalog)
        warm(opened[0].view())
        self._asking.submit(self._locked, self._put_in_place, opened, suggester).result()
        return True

    def _put_in_place(self, opened: tuple[LiveSnapshot, Current], suggester: Suggester) -> None:
        self.state.replace(opened)
        self._live.learn()  # what came since it was opened
        self._suggester = suggester


def warm(snapshot: Snapshot) -> None:
    """Ask once, so that the first person who asks does not wait for what is loaded at first use."""
    about = snapshot.catalog.titles[0] if len(snapshot.catalog) else ""
    budget = snapshot.settings.retrieval.budget
    answer(snapshot, about, Context(snapshot.clock_ms), k=10, budget=budget, explore=False)


async def _on(pool: ThreadPoolExecutor, function: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, function)
