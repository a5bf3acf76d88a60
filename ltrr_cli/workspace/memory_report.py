"""What the memory believes of a query, entity by entity, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ltrr_cli.core.clock import HOUR, iso, parse_time
from ltrr_cli.core.errors import NotFoundError
from ltrr_cli.core.report import Report
from ltrr_cli.core.types import Context
from ltrr_cli.retrieval.memory.memory import Memory
from ltrr_cli.retrieval.memory.recollection import PARTS

if TYPE_CHECKING:
    from ltrr_cli.engine.snapshot import Snapshot
    from ltrr_cli.engine.state import State
    from ltrr_cli.retrieval.memory.recollection import Recollection


@dataclass(frozen=True, slots=True)
class MemoryLine(Report):
    """What the memory knows of one entity for one query. Counts are not decayed."""

    id: str
    title: str
    score: float  # 0..1, the sum of ``parts``
    parts: Mapping[str, float]  # own, near, words, predicted, fame
    count: float  # actions for this very query
    near: float  # weighted actions for queries written like it
    bayes: float  # P(entity | words of the query)
    predicted: float  # share of the prediction; all sum to 1 at most
    against: float  # skips, dislikes and short visits, by their rewards
    users: int  # distinct people
    last: str | None  # time of the last action; None: never


@dataclass(frozen=True, slots=True)
class MemoryReport(Report):
    """What the memory believes about one query.

    key         -- the folded query that it is kept under
    entities    -- all that the memory thought of; ``lines`` are the best of them
    actions     -- on this very query; near_actions -- weighted ones on queries written like it
    support     -- actions in the formula of the score, the neighbours' share included
    prior_share -- 0..1, how much of every score is prediction
    lines       -- best first
    """

    query: str
    key: str
    time: str
    entities: int
    actions: float
    near_actions: float
    support: float
    prior_share: float
    lines: tuple[MemoryLine, ...]


def remembered(state: State, query: str, k: int, at: int | str | None) -> MemoryReport:
    """See ``Workspace.remembered``."""
    snapshot = state.snapshot()
    memory = snapshot.strategies.get("memory")
    if not isinstance(memory, Memory):
        raise NotFoundError("this catalog generation has no memory", hint="ltrr index CATALOG builds one")
    moment = snapshot.clock_ms if at is None else parse_time(at)
    request = snapshot.request(query, Context(moment), seed=0)
    found = memory.recall(request)
    order = np.lexsort((found.rows, -found.score))
    order = order[found.score[order] > 0][:k]
    return MemoryReport(
        query=query,
        key=request.reading.key,
        time=iso(moment),
        entities=len(found.rows),
        actions=float(found.own[:, -1].sum()),
        near_actions=float(found.near[:, -1].sum()),
        support=found.support,
        prior_share=found.share,
        lines=memory_lines(snapshot, found, order, moment),
    )


def memory_lines(
    snapshot: Snapshot, found: Recollection, places: NDArray[np.intp], moment: int
) -> tuple[MemoryLine, ...]:
    """Return a line for some of the rows that the memory thought of, by their places."""
    ids, titles = snapshot.catalog.ids, snapshot.catalog.titles
    return tuple(
        MemoryLine(
            id=ids[int(found.rows[place])],
            title=titles[int(found.rows[place])],
            score=float(found.score[place]),
            parts=dict(zip(PARTS, found.of_score[place].tolist(), strict=True)),
            count=float(found.own[place, -1]),
            near=float(found.near[place, -1]),
            bayes=float(found.bayes[place, -1]),
            predicted=float(found.predicted[place]),
            against=float(found.against[place]),
            users=int(found.users[place]),
            last=None if np.isnan(found.last_h[place]) else iso(moment - round(float(found.last_h[place]) * HOUR)),
        )
        for place in places.tolist()
    )
