"""Simulation: policies side by side over the same listeners, with the best fixed allocation known in hindsight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from ltrr_cli.allocation.policy_registry import parse
from ltrr_cli.charts.sections import Chart, Series
from ltrr_cli.charts.svg import draw
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.core.report import Report
from ltrr_cli.engine.opened_elsewhere import folders_of, open_answering
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.evaluation.simulated_streams import (
    CEILING,
    EARLY,
    SINGLE,
    STREAMS,
    ContenderResults,
    StreamTerms,
    StreamWorker,
)
from ltrr_cli.evaluation.simulated_users import EXAMINATION, Retrieval
from ltrr_cli.evaluation.vowpal import Vowpal
from ltrr_cli.feedback.judgments import read_judged

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State

POLICIES = ("hazard", "uniform")
POINTS = 25  # of a curve


@dataclass(frozen=True, slots=True)
class Simulated(Report):
    """One contender, over all seeds.

    recall     -- share of searches whose wanted entity was a candidate
    recalls    -- the same per seed, and per set of random numbers where there are several
    kinds      -- kind of search -> recall
    regret     -- searches that the best fixed allocation found beyond it, mean over seeds; early: after 1,000
    clicks     -- share of searches with a click; not known of plans that nobody played
    decide_ms, learn_ms -- CPU per search
    share      -- strategy -> mean share of the budget
    asked      -- strategies that a search has to ask where only those run that an allocation draws on, in the mean
    curve      -- (searches, recall so far, regret so far)
    """

    recall: float
    recalls: tuple[float, ...]
    kinds: Mapping[str, float]
    regret: float
    early_regret: float
    clicks: float | None
    decide_ms: float | None
    learn_ms: float | None
    share: Mapping[str, float]
    asked: float | None
    curve: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True, slots=True)
class SimulateReport(Report):
    """Everything a simulation says; ``broken`` is the strategy that failed from the middle on, where one did.

    reachable -- share of searches whose wanted entity any strategy has at all
    losses    -- contender -> recall lost to the failure over the next 1,000 searches
    shares    -- contender -> (before, after): the failing strategy's share of the budget
    """

    searches: int
    seeds: int
    budget: int
    reachable: float
    policies: Mapping[str, Simulated]
    broken: str | None = None
    losses: Mapping[str, float] | None = None
    shares: Mapping[str, tuple[float, float]] | None = None
    seconds: float = 0.0

    def picture(self) -> str:
        """Return the regret curves as SVG."""
        series = tuple(
            Series(name, tuple((float(at), regret) for at, _, regret in of.curve))
            for name, of in self.policies.items()
            if name not in (SINGLE, CEILING)
        )
        says = f"Found entities that the best fixed allocation had beyond each policy, over {self.searches} searches."
        return draw(Chart("Regret to the best fixed allocation", says, "searches", "regret", series), 1)


def simulate(
    state: State,
    policies: Sequence[str] = POLICIES,
    *,
    queries: str | Path | None = None,
    qrels: str | Path | None = None,
    searches: int = 5_000,
    seeds: int = 5,
    budget: int | None = None,
    examination: float = EXAMINATION,
    learn_every: int = 1,
    break_strategy: str | None = None,
    ceiling: bool = False,
    dice: int = 1,
    engine: str | None = None,
    progress: Progress = quiet,
) -> SimulateReport:
    """Let policies answer simulated listeners; what was learnt in the workspace stays as it is.

    queries, qrels -- judged queries (the wanted entity is drawn by grade); without: known items of the catalog
    budget         -- K distinct candidates for every policy alike
    break_strategy -- this one brings only what nobody wants from the middle of the stream on
    ceiling        -- also learn from full labels in hindsight, and from what was wanted as it becomes known
    dice           -- sets of random numbers (who looks where, what is drawn) with which policies answer each stream

    Raises UsageError for numbers out of range and unknown names, DataError where nothing that is wanted is indexed.
    """
    start = perf_counter()
    snapshot = state.snapshot()
    budget = state.settings.retrieval.budget if budget is None else budget
    _check(snapshot, policies, searches, seeds, budget, dice, break_strategy)
    judged = None if qrels is None else read_judged(queries, qrels, snapshot.clock_ms)
    lines: dict[str, ContenderResults] = {}
    reachable, losses, shares = [], dict[str, list[float]](), dict[str, list[tuple[float, float]]]()
    kinds: list[np.ndarray] = []
    warm = state.generations.open().catalog.resolve() / "policy"
    with open_answering(state, engine) as executor:
        terms = StreamTerms(
            folders_of(state, executor), warm, judged, tuple(policies), searches, budget, examination, learn_every,
            break_strategy, ceiling, dice,
        )  # fmt: skip
        here = lambda: StreamWorker(terms, snapshot, Retrieval(snapshot, budget), progress)  # noqa: E731
        for number, one in enumerate(executor.map(STREAMS, terms, range(seeds), here), 1):
            reachable.append(one.reachable)
            kinds.append(one.kinds)
            for name, line in one.lines.items():
                lines.setdefault(name, ContenderResults([], [], [], [], [])).extend(line)
            for name, lost in one.losses.items():
                losses.setdefault(name, []).extend(lost)
            for name, pairs in one.shares.items():
                shares.setdefault(name, []).extend(pairs)
            progress("seeds", number, seeds)
    names = snapshot.enabled()
    return SimulateReport(
        searches, seeds, budget, float(np.mean(reachable)),
        {name: _summed(line, names, kinds) for name, line in lines.items()},
        break_strategy,
        {name: float(np.mean(values)) for name, values in losses.items()} or None,
        {name: (float(np.mean([b for b, _ in pairs])), float(np.mean([a for _, a in pairs])))
         for name, pairs in shares.items()} or None,
        round(perf_counter() - start, 3),
    )  # fmt: skip


def _check(
    snapshot: Snapshot,
    policies: Sequence[str],
    searches: int,
    seeds: int,
    budget: int,
    dice: int,
    break_strategy: str | None,
) -> None:
    numbers = (("searches", searches, 10**6), ("seeds", seeds, 1000), ("budget", budget, 10_000), ("dice", dice, 100))
    for name, value, most in numbers:
        if not 1 <= value <= most:
            raise UsageError(f"{name} is {value}", hint=f"between 1 and {most}")
    for text in policies:
        if not text.startswith(Vowpal.name):
            parse(text)
    if break_strategy is not None and break_strategy not in snapshot.enabled():
        raise UsageError(f"no strategy {break_strategy[:60]!r}", hint=", ".join(snapshot.enabled()))


def _summed(line: ContenderResults, names: Sequence[str], streams: Sequence[np.ndarray]) -> Simulated:
    """Sum up a contender; ``streams`` -- kinds of the searches of each, which it answered once or several times."""
    found, regret = np.concatenate(line.found), np.mean(line.regret, axis=0)
    kinds = np.concatenate([of for of in streams for _ in range(len(line.found) // len(streams))])
    recall = np.mean([np.cumsum(part) / np.arange(1, len(part) + 1) for part in line.found], axis=0)
    points = np.unique(np.linspace(0, len(regret) - 1, POINTS + 1).astype(int)[1:])
    courses = line.courses
    share = np.mean(line.shares, axis=0).tolist() if line.shares else []
    return Simulated(
        recall=float(found.mean()),
        recalls=tuple(float(part.mean()) for part in line.found),
        kinds={str(kind): float(found[kinds == kind].mean()) for kind in np.unique(kinds)},
        regret=float(regret[-1]),
        early_regret=float(regret[min(EARLY, len(regret)) - 1]),
        clicks=float(np.mean([course.clicked.mean() for course in courses])) if courses else None,
        decide_ms=float(np.median([course.decide_ms for course in courses])) if courses else None,
        learn_ms=float(np.median([course.learn_ms for course in courses])) if courses else None,
        share=dict(zip(names, share, strict=False)),
        asked=float(np.mean(line.asked)) if line.asked else None,
        curve=tuple((int(at) + 1, float(recall[at]), float(regret[at])) for at in points),
    )
