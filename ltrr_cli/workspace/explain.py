"""How one page came to be: the funnel of a logged search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np

from ltrr_cli.allocation.models.hazard_table import Belief
from ltrr_cli.core.clock import iso
from ltrr_cli.core.errors import NotFoundError
from ltrr_cli.core.report import Report
from ltrr_cli.core.types import AppliedRule, Context, Impression, Plan, Reading, Shown
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.engine.state import State
from ltrr_cli.retrieval.memory.memory import Memory
from ltrr_cli.text.normalise import query_key
from ltrr_cli.workspace.bandit_report import beliefs_as_served
from ltrr_cli.workspace.memory_report import MemoryLine, memory_lines

REMEMBERED = 10  # entities of the memory that an explanation shows


@dataclass(frozen=True, slots=True)
class InferredValue(Report):
    """A value that an entity does not state but is believed to have; ``score`` 0..1 are the odds."""

    field: str
    value: str
    score: float


@dataclass(frozen=True, slots=True)
class ExplainedLine(Report):
    """One shown entity, and why it stands where it does.

    inferred  -- values that the query may ask for
    pinned_by -- the editors' rule that put it there; empty: none did
    """

    position: int
    id: str
    title: str
    score: float | None
    odds: float | None  # 0..1, of standing at this position
    inclusion: float | None  # 0..1, of being a candidate
    ranks: Mapping[str, int]  # strategy -> rank, from 1
    actions: tuple[str, ...]  # types of events, in time order
    inferred: tuple[InferredValue, ...] = ()
    pinned_by: str = ""


@dataclass(frozen=True, slots=True)
class ExplainedEvent(Report):
    """What somebody did with the page."""

    event: str
    entity_id: str
    time: str | None
    position: int | None


@dataclass(frozen=True, slots=True)
class FunnelStage(Report):
    """How many entities were left at a stage, and how many of them each strategy had.

    "may bring": candidates that each strategy was allowed; "on the page": lines that it had, at whatever rank; "only
    one had": lines that no other strategy had; "chosen": lines that somebody acted on.
    """

    stage: str
    entities: int
    strategies: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ShadowPage(Report):
    """What a policy or a ranker that did not serve would have shown."""

    name: str
    draws: Mapping[str, int]
    page: tuple[str, ...]  # entity ids, best first
    same: int  # of them, what the page had too
    chosen: int  # of them, what somebody acted on


@dataclass(frozen=True, slots=True)
class Explanation(Report):
    """The funnel of one search: reading, plan, what each strategy brought, the page, and what people did with it.

    memory      -- what the memory knows of the query, best first; prior_share -- 0..1, how much of that is prediction
    funnel      -- from the catalog to what people did
    beliefs     -- what the bandit believes of this question now, a line a strategy
    rules       -- the editors' rules that held
    shadows     -- what policies and rankers beside the serving ones would have done
    """

    impression_id: str
    time: str | None
    query: str
    user: str | None
    session: str | None
    origin: str
    plan: Plan | None
    page: tuple[ExplainedLine, ...]
    events: tuple[ExplainedEvent, ...]
    brought: Mapping[str, int] = field(default_factory=dict)
    reading: Reading | None = None
    memory: tuple[MemoryLine, ...] = ()
    prior_share: float = 1.0
    funnel: tuple[FunnelStage, ...] = ()
    beliefs: tuple[Belief, ...] = ()
    shadows: tuple[ShadowPage, ...] = ()
    rules: tuple[AppliedRule, ...] = ()


def explain(state: State, impression_id: str) -> Explanation:
    """See ``Workspace.explain``."""
    found = state.journal.impression(impression_id) if state.home.is_dir() else None
    if found is None:
        raise NotFoundError(
            f"no impression {impression_id[:80]!r} in {state.home}",
            hint="`ltrr query --json` prints the impression_id of its answer",
        )
    snapshot = state.snapshot()
    reading = snapshot.understanding.read(found.query)
    asked = {(slot.field, query_key(slot.value)) for slot in reading.slots}
    events = state.journal.events_of(impression_id)
    acted: dict[str, list[str]] = {}
    for event in events:
        acted.setdefault(event.entity_id, []).append(event.kind)
    page = [
        ExplainedLine(
            position=line.position,
            id=line.entity_id,
            title=snapshot.catalog.titles[row] if row >= 0 else "(no longer in the catalog)",
            score=line.score,
            odds=line.odds,
            inclusion=line.inclusion,
            ranks=dict(line.ranks),
            actions=tuple(acted.get(line.entity_id, ())),
            inferred=_inferred(snapshot, asked, row),
            pinned_by=next((rule.name for rule in found.rules if line.entity_id in rule.pinned), ""),
        )
        for line in found.shown or ()
        for row in (snapshot.catalog.row_of(line.entity_id),)
    ]
    brought: dict[str, int] = {}
    for line in found.shown or ():
        for name in line.ranks:
            brought[name] = brought.get(name, 0) + 1
    memory, prior_share = _remembered(snapshot, found.query)
    return Explanation(
        impression_id=impression_id,
        time=None if found.time_ms is None else iso(found.time_ms),
        query=found.query,
        user=found.user,
        session=found.session,
        origin=found.origin,
        plan=found.plan,
        page=tuple(page),
        events=tuple(
            ExplainedEvent(
                event.kind, event.entity_id, None if event.time_ms is None else iso(event.time_ms), event.position
            )
            for event in events
        ),
        brought=brought,
        reading=reading,
        memory=memory,
        prior_share=prior_share,
        funnel=_funnel(len(snapshot.catalog), found, set(acted)),
        beliefs=beliefs_as_served(snapshot, found),
        shadows=_shadows(found, set(acted)),
        rules=found.rules,
    )


def _inferred(snapshot: Snapshot, asked: Set[tuple[str, str]], row: int) -> tuple[InferredValue, ...]:
    """Return which of the asked (field, folded value) an entity does not state but is believed to have."""
    return tuple(one for one in inferred_values(snapshot, row) if (one.field, query_key(one.value)) in asked)


def inferred_values(snapshot: Snapshot, row: int) -> tuple[InferredValue, ...]:
    """Return what an entity is believed to have; nothing for row -1."""
    known = snapshot.inferred.of(row) if row >= 0 else ()
    return tuple(InferredValue(field, value, round(score, 3)) for field, value, score in known)


def _shadows(found: Impression, acted: set[str]) -> tuple[ShadowPage, ...]:
    page = {line.entity_id for line in found.shown or ()}
    return tuple(
        ShadowPage(
            shadow.name,
            dict(shadow.draws),
            tuple(shadow.page),
            same=len(page & set(shadow.page)),
            chosen=len(acted & set(shadow.page)),
        )
        for shadow in found.shadows
    )


def _funnel(entities: int, found: Impression, acted: set[str]) -> tuple[FunnelStage, ...]:
    """Return the stages that a search went through, as far as the journal knows them."""
    page = found.shown or ()
    draws = {} if found.plan is None else dict(found.plan.draws)
    names = list(draws) or sorted({name for line in page for name in line.ranks})

    def stage(name: str, lines: Sequence[Shown]) -> FunnelStage:
        return FunnelStage(name, len(lines), {which: sum(which in line.ranks for line in lines) for which in names})

    allowed = [FunnelStage("may bring", sum(draws.values()), draws)] if draws else []
    return (
        FunnelStage("catalog", entities, {}),
        *allowed,
        stage("on the page", page),
        stage("only one had", [line for line in page if len(line.ranks) == 1]),
        stage("chosen", [line for line in page if line.entity_id in acted]),
    )


def _remembered(snapshot: Snapshot, query: str) -> tuple[tuple[MemoryLine, ...], float]:
    """Return what the memory has counted for a query or for similar ones, best first, and its share of prediction."""
    memory = snapshot.strategies.get("memory")
    if not isinstance(memory, Memory):
        return (), 1.0
    recalled = memory.recall(snapshot.request(query, Context(snapshot.clock_ms), seed=0))
    order = np.lexsort((recalled.rows, -recalled.score))
    counted = order[(recalled.own[:, -1] + recalled.near[:, -1])[order] > 0][:REMEMBERED]
    return memory_lines(snapshot, recalled, counted, snapshot.clock_ms), recalled.share
