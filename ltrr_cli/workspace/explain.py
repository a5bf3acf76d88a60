"""How one page came to be: the funnel of a logged search."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ltrr_cli.core.clock import iso
from ltrr_cli.core.errors import NotFoundError
from ltrr_cli.core.report import Report
from ltrr_cli.core.types import Context, Impression, Plan, Reading, Shown
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.engine.state import State
from ltrr_cli.retrieval.memory.memory import Memory
from ltrr_cli.text.normalise import query_key
from ltrr_cli.workspace.bandit_report import beliefs_as_served

REMEMBERED = 10  # entities of the memory that an explanation shows


@dataclass(frozen=True, slots=True)
class Explanation(Report):
    """The funnel of one search: reading, plan, what each strategy brought, the page, and what people did with it.

    page   -- one mapping a shown entity: position, id, title, score, odds, inclusion, ranks, actions, inferred (values
              that the query may ask for and that the entity is only believed to have), pinned_by (an editors' rule)
    memory -- what the memory knew of the query: one mapping a pair (id, count, prior share, score)
    funnel -- from the catalog to what people did: one mapping a stage (stage, entities, strategies {name: entities})
    beliefs -- what the bandit believes of this question now: one mapping a strategy (strategy, edges, chances, found,
               because)
    rules  -- the editors' rules that held: one mapping a rule (name, pinned, blocked, changes)
    shadows -- what policies and rankers beside the serving ones would have done (name, draws, page, same, chosen)
    """

    impression_id: str
    time: str | None
    query: str
    user: str | None
    session: str | None
    origin: str
    plan: Plan | None
    page: tuple[Mapping[str, Any], ...]
    events: tuple[Mapping[str, Any], ...]
    brought: Mapping[str, int] = field(default_factory=dict)
    reading: Reading | None = None
    memory: tuple[Mapping[str, Any], ...] = ()
    funnel: tuple[Mapping[str, Any], ...] = ()
    beliefs: tuple[Mapping[str, Any], ...] = ()
    shadows: tuple[Mapping[str, Any], ...] = ()
    rules: tuple[Mapping[str, Any], ...] = ()


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
    page: list[Mapping[str, Any]] = []
    for line in found.shown or ():
        row = snapshot.catalog.row_of(line.entity_id)
        page.append(
            {
                "position": line.position,
                "id": line.entity_id,
                "title": snapshot.catalog.titles[row] if row >= 0 else "(no longer in the catalog)",
                "score": line.score,
                "odds": line.odds,
                "inclusion": line.inclusion,
                "ranks": dict(line.ranks),
                "actions": acted.get(line.entity_id, []),
                "inferred": _inferred(snapshot, asked, row),
                "pinned_by": next((rule.name for rule in found.rules if line.entity_id in rule.pinned), ""),
            }
        )
    brought: dict[str, int] = {}
    for line in found.shown or ():
        for name in line.ranks:
            brought[name] = brought.get(name, 0) + 1
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
            {
                "event": event.kind,
                "entity_id": event.entity_id,
                "time": None if event.time_ms is None else iso(event.time_ms),
                "position": event.position,
            }
            for event in events
        ),
        brought=brought,
        reading=reading,
        memory=_remembered(snapshot, found.query),
        funnel=_funnel(len(snapshot.catalog), found, set(acted)),
        beliefs=beliefs_as_served(snapshot, found),
        shadows=_shadows(found, set(acted)),
        rules=tuple(
            {"name": rule.name, "pinned": list(rule.pinned), "blocked": list(rule.blocked), "changes": rule.changes}
            for rule in found.rules
        ),
    )


def _inferred(snapshot: Snapshot, asked: Set[tuple[str, str]], row: int) -> list[Mapping[str, Any]]:
    """Return which of the asked (field, folded value) an entity does not state but is believed to have."""
    return [
        {"field": field, "value": value, "score": round(score, 3)}
        for field, value, score in (snapshot.inferred.of(row) if row >= 0 else ())
        if (field, query_key(value)) in asked
    ]


def _shadows(found: Impression, acted: set[str]) -> tuple[Mapping[str, Any], ...]:
    """Return what did not serve: same -- entities that the page had too; chosen -- of those that were acted on."""
    page = {line.entity_id for line in found.shown or ()}
    return tuple(
        {
            "name": shadow.name,
            "draws": dict(shadow.draws),
            "page": list(shadow.page),
            "same": len(page & set(shadow.page)),
            "chosen": len(acted & set(shadow.page)),
        }
        for shadow in found.shadows
    )


def _funnel(entities: int, found: Impression, acted: set[str]) -> tuple[Mapping[str, Any], ...]:
    """Return the stages that a search went through, as far as the journal knows them.

    may bring -- candidates that each strategy was allowed; on the page -- lines that it had, at whatever rank
    only one had -- lines that no other strategy had; chosen -- lines that somebody acted on
    """
    page = found.shown or ()
    draws = {} if found.plan is None else dict(found.plan.draws)
    names = list(draws) or sorted({name for line in page for name in line.ranks})

    def stage(name: str, lines: list[Shown]) -> dict[str, Any]:
        return {
            "stage": name,
            "entities": len(lines),
            "strategies": {which: sum(which in line.ranks for line in lines) for which in names},
        }

    stages: list[dict[str, Any]] = [{"stage": "catalog", "entities": entities, "strategies": {}}]
    if draws:
        stages.append({"stage": "may bring", "entities": sum(draws.values()), "strategies": draws})
    stages.append(stage("on the page", list(page)))
    stages.append(stage("only one had", [line for line in page if len(line.ranks) == 1]))
    stages.append(stage("chosen", [line for line in page if line.entity_id in acted]))
    return tuple(stages)


def _remembered(snapshot: Snapshot, query: str) -> tuple[Mapping[str, Any], ...]:
    """Return what the memory believes of a query now, best first, where it has counts of it or of similar ones.

    count, near -- actions for this query, weighted actions for similar ones; neither is decayed
    prior_share -- 0..1, how much of the score is prediction
    """
    memory = snapshot.strategies.get("memory")
    if not isinstance(memory, Memory):
        return ()
    recalled = memory.recall(snapshot.request(query, Context(snapshot.clock_ms), seed=0))
    own, near = recalled.own[:, -1], recalled.near[:, -1]
    order = np.lexsort((recalled.rows, -recalled.score))
    return tuple(
        {
            "id": snapshot.catalog.ids[int(recalled.rows[place])],
            "title": snapshot.catalog.titles[int(recalled.rows[place])],
            "count": round(float(own[place]), 3),
            "near": round(float(near[place]), 3),
            "users": int(recalled.users[place]),
            "prior_share": round(recalled.share, 4),
            "score": round(float(recalled.score[place]), 4),
        }
        for place in order[(own + near)[order] > 0][:REMEMBERED].tolist()
    )
