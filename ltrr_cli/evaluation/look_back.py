"""A workspace's past, looked at search by search: what was known, drawn, found and missed at the time.

One walk through the journal with a system that begins knowing nothing. At a sample of the searches that led somewhere,
spread evenly over time, it is asked what it would have answered then; all that happened in between is learnt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from ltrr_cli.allocation.policies.hazard import Hazard
from ltrr_cli.allocation.propensity import filled
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import BoolArray, FloatArray, Impression, IntArray, Outcome
from ltrr_cli.engine.retrieve import timed
from ltrr_cli.engine.search import Answer, answer, context_of
from ltrr_cli.evaluation.metrics import ClickMeasures
from ltrr_cli.evaluation.query_kinds import intent_of
from ltrr_cli.feedback.attribution import Tally
from ltrr_cli.learning.credit import ImportedExamples, served_examples, trace_of
from ltrr_cli.learning.timeline import LearnStep, SearchStep, happened, outcomes, timeline
from ltrr_cli.learning.train import Observer
from ltrr_cli.ranking.fusion import fuse
from ltrr_cli.ranking.model import Examples
from ltrr_cli.retrieval.union import union
from ltrr_cli.text.normalise import query_key

if TYPE_CHECKING:
    from ltrr_cli.engine.snapshot import Snapshot
    from ltrr_cli.engine.state import State

PAGE = 10
POLICY, EVEN, RRF = "policy", "even split", "rank fusion"


@dataclass(frozen=True, slots=True)
class AnsweredSearch:
    """One search as it would have been answered when it was asked.

    kind        -- "spearfishing", "topic" or "mixed"; seen -- whether anybody had acted on this query before
    prior_share -- 0..1, how much of the memory's score was prediction; NaN where there is no memory
    draws       -- (s,) candidates that each strategy might bring
    ranks       -- (w, s) rank of every wanted entity in every strategy, 0 where it had it not
    found       -- allocation -> share of the wanted entities among its candidates
    took_ms     -- (s,) of each strategy's retrieval
    served, unranked, fused -- measures of the page, of the same before a ranker, and of plain rank fusion's
    believed    -- (s, b) chance that the wanted entity is in each block, where the policy states one
    edges       -- (b + 1,) of the blocks
    """

    time_ms: int
    query: str
    kind: str
    seen: bool
    prior_share: float
    draws: IntArray
    ranks: IntArray
    found: Mapping[str, float]
    took_ms: FloatArray
    served: Mapping[str, float]
    unranked: Mapping[str, float]
    fused: Mapping[str, float]
    believed: FloatArray | None = None
    edges: IntArray | None = None


@dataclass(slots=True)
class JournalTraffic:
    """What the journal holds, whether or not it was looked at.

    days   -- day number since 1970 -> [searches, searches acted on, actions]
    origin -- where searches came from; kinds -- of actions
    positions -- position -> [times shown on live pages, times acted on]
    """

    days: dict[int, list[int]] = field(default_factory=dict)
    origin: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    positions: dict[int, list[int]] = field(default_factory=dict)
    undated: int = 0
    users: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class LookBack:
    """All data that a report is made of."""

    strategies: tuple[str, ...]
    budget: int
    moments: list[AnsweredSearch]
    traffic: JournalTraffic
    tally: Tally
    examples: Examples
    columns: tuple[str, ...]
    seconds: float = 0.0


def look_back(
    state: State,
    searches: int = 600,
    progress: Progress = quiet,
) -> LookBack:
    """Walk through the journal and look at up to ``searches`` of the searches that were acted on."""
    start = perf_counter()
    snapshot = state.open_snapshot(state.current(), learned=False)
    tally = Tally()
    watcher = _Watcher(state, Observer(snapshot), _wanted(outcomes(state.journal, state.settings, tally)), searches,
                       progress)  # fmt: skip
    for step in timeline(happened(state.journal, state.settings), snapshot.learn_counts):
        if isinstance(step, SearchStep):
            watcher.on_search(step.impression)
        else:
            watcher.learn(step)
    examples = watcher.observer.examples()
    return LookBack(
        snapshot.enabled(), state.settings.retrieval.budget, watcher.moments, watcher.traffic, tally, examples,
        watcher.observer.schema.names, round(perf_counter() - start, 3),
    )  # fmt: skip


def _wanted(past: Iterable[Outcome]) -> dict[str, list[str]]:
    """Return what was wanted of every search that was acted on."""
    wanted: dict[str, list[str]] = {}
    for outcome in past:
        if outcome.impression_id is not None and outcome.reward > 0:
            wanted.setdefault(outcome.impression_id, []).append(outcome.entity_id)
    return wanted


class _Watcher:
    def __init__(
        self,
        state: State,
        observer: Observer,
        wanted: dict[str, list[str]],
        most: int,
        progress: Progress,
    ) -> None:
        self.observer, self.moments, self.traffic = observer, list[AnsweredSearch](), JournalTraffic()
        self._state, self._progress = state, progress
        self._budget, self._ranker = state.settings.retrieval.budget, state.snapshot().ranker
        self._wanted = wanted
        self._every = max(1.0, len(self._wanted) / most)
        self._asked = 0
        self._known: set[str] = set()
        self._teacher = ImportedExamples(observer.snapshot)
        observer.expects(wanted)

    def on_search(self, search: Impression) -> None:
        """Count the search; look at it where its turn has come."""
        wanted = list(dict.fromkeys(self._wanted.get(search.impression_id, ())))
        self._count(search, wanted)
        if not wanted:
            return
        self._asked += 1
        if int(self._asked / self._every) > int((self._asked - 1) / self._every):
            self._look(search, wanted)
            self._progress("searches", len(self.moments), None)

    def learn(self, step: LearnStep) -> None:
        """Let all learn; the bandit from what was looked at and from what ltrr served."""
        snapshot, batch = self.observer.snapshot, step.outcomes
        snapshot.learn(batch)
        self.observer.on_outcomes(batch)
        snapshot.teach([*self._teacher.examples(batch), *served_examples(snapshot, step)])
        for outcome in batch:
            if outcome.reward > 0:
                self._known.add(query_key(outcome.query))
            traffic = self.traffic
            traffic.kinds[outcome.kind] = traffic.kinds.get(outcome.kind, 0) + 1
            traffic.days.setdefault(outcome.time_ms // DAY, [0, 0, 0])[2] += 1
            if outcome.user is not None:
                traffic.users[outcome.user] = traffic.users.get(outcome.user, 0) + 1

    def _count(self, search: Impression, wanted: Sequence[str]) -> None:
        traffic = self.traffic
        traffic.origin[search.origin] = traffic.origin.get(search.origin, 0) + 1
        if search.time_ms is None:
            traffic.undated += 1
        else:
            day = traffic.days.setdefault(search.time_ms // DAY, [0, 0, 0])
            day[0] += 1
            day[1] += bool(wanted)
        if search.origin == "live":
            for line in search.shown or ():
                at = traffic.positions.setdefault(line.position, [0, 0])
                at[0] += 1
                at[1] += line.entity_id in wanted

    def _look(self, search: Impression, wanted: Sequence[str]) -> None:
        snapshot, context = self.observer.snapshot, context_of(search)
        seed = seed_of("report", search.impression_id)
        found = answer(snapshot, search.query, context, k=PAGE, budget=self._budget, seed=seed, explore=False)
        ranked = found
        if self._ranker is not None:
            ranked = answer(
                snapshot, search.query, context, k=PAGE, budget=self._budget, seed=seed, explore=False,
                ranker=self._ranker, retrieved=found,
            )  # fmt: skip
        self.observer.freeze(search, found)
        self._teacher.keep(search, trace_of(snapshot, found))
        took: list[float] = []
        ask = timed(snapshot, self._budget, lambda _, ms: took.append(ms))
        anew = replace(found.request)  # without what was worked out about it: what that takes is measured
        hits = [ask(name, anew) for name in found.bandit_context.strategies]
        rows, ranks, _ = union(hits)
        fused = fuse(ranks)
        order = np.lexsort((rows, -fused))
        rowed = np.array([snapshot.catalog.row_of(entity) for entity in wanted], np.int32)
        edges, believed = (
            snapshot.policy.chances(found.bandit_context) if isinstance(snapshot.policy, Hazard) else (None, None)
        )
        draws = np.array(list(found.plan.draws.values()), np.int32)
        self.moments.append(
            AnsweredSearch(
                time_ms=search.time_ms or 0,
                query=search.query,
                kind=intent_of(found.request.reading),
                seen=query_key(search.query) in self._known,
                prior_share=_prior_share(found),
                draws=draws,
                ranks=_ranks(rows, ranks, rowed),
                found=_found(found.bandit_context.strategies, rows, ranks, order, rowed, draws, self._budget),
                took_ms=np.array(took, np.float32),
                served=_measured(_ids(snapshot, ranked), wanted),
                unranked=_measured(_ids(snapshot, found), wanted),
                fused=_measured([snapshot.catalog.ids[int(row)] for row in rows[order[:PAGE]]], wanted),
                believed=None if believed is None else believed.astype(np.float32),
                edges=edges,
            )
        )


def _ids(snapshot: Snapshot, found: Answer) -> list[str]:
    return [snapshot.catalog.ids[int(row)] for row in found.candidates.rows[found.page]]


def _prior_share(found: Answer) -> float:
    names = found.schema.names
    if "memory.prior_share" not in names or not len(found.features):
        return float("nan")
    return float(found.features[0, names.index("memory.prior_share")])


def _ranks(rows: IntArray, ranks: FloatArray, wanted: IntArray) -> IntArray:
    """Return (w, s) int32 ranks of the wanted rows, 0 where a strategy had them not."""
    found = np.zeros((len(wanted), ranks.shape[1]), np.int32)
    place = np.minimum(np.searchsorted(rows, wanted), max(len(rows) - 1, 0))
    for number, (where, row) in enumerate(zip(place.tolist(), wanted.tolist(), strict=True)):
        if row >= 0 and len(rows) and rows[where] == row:
            found[number] = np.nan_to_num(ranks[where]).astype(np.int32)
    return found


def _found(
    names: Sequence[str],
    rows: IntArray,
    ranks: FloatArray,
    order: np.ndarray,
    wanted: IntArray,
    draws: IntArray,
    budget: int,
) -> dict[str, float]:
    """Return allocation -> share of the wanted rows among its ``budget`` distinct candidates."""
    even = np.full(len(names), budget // len(names), np.int32)

    def share(chosen: BoolArray) -> float:
        return float(np.isin(wanted, rows[chosen]).mean())

    fused = np.zeros(len(rows), np.bool_)
    fused[order[:budget]] = True
    alone = {name: share(ranks[:, column] > 0) for column, name in enumerate(names)}
    return {
        POLICY: share(filled(ranks, draws, budget)),
        EVEN: share(filled(ranks, even, budget)),
        RRF: share(fused),
        **alone,
    }


def _measured(page: Sequence[str], wanted: Sequence[str]) -> dict[str, float]:
    scores = ClickMeasures()
    scores.add(page, wanted)
    return scores.means()
