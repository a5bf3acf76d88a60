"""Simulation: policies side by side over the same listeners, with the best fixed allocation known in hindsight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from ltrr_cli.allocation.models.strategy_history import PAST, StrategyHistory
from ltrr_cli.allocation.policy_registry import new_policy, open_policy, parse
from ltrr_cli.charts.sections import Chart, Series
from ltrr_cli.charts.svg import draw
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.core.report import Report
from ltrr_cli.core.types import BoolArray, DoubleArray, IntArray
from ltrr_cli.evaluation.contenders import Contender, Hindsight, Learner, LearningCurve, alone_found, fusion_found, run
from ltrr_cli.evaluation.simulated_users import EXAMINATION, Retrieval, Search, broken, wishes
from ltrr_cli.evaluation.vowpal import Vowpal
from ltrr_cli.feedback.judgments import read_judged

if TYPE_CHECKING:
    from ltrr_cli.allocation.policy import Policy
    from ltrr_cli.engine.snapshot import Snapshot
    from ltrr_cli.engine.state import State

BEST_FIXED, FUSION, SINGLE, CEILING = "best fixed (hindsight)", "rank fusion", "best single (hindsight)", "full labels"
POLICIES = ("hazard", "uniform")
PASSES = 3  # over the stream with full labels, for the ceiling
POINTS = 25  # of a curve
EARLY = 1_000  # searches after which regret is stated too


@dataclass(frozen=True, slots=True)
class Simulated(Report):
    """One contender, over all seeds.

    recall     -- share of searches whose wanted entity was a candidate; recalls -- the same per seed
    kinds      -- kind of search -> recall
    regret     -- searches that the best fixed allocation found beyond it, mean over seeds; early: after 1,000
    clicks     -- share of searches with a click; not known of plans that nobody played
    decide_ms, learn_ms -- CPU per search
    share      -- strategy -> mean share of the budget; curve -- (searches, recall so far, regret so far)
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


@dataclass(slots=True)
class _Line:
    """What is collected of one contender over the seeds."""

    found: list[BoolArray]
    regret: list[DoubleArray]
    courses: list[LearningCurve]
    shares: list[DoubleArray]


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
    progress: Progress = quiet,
) -> SimulateReport:
    """Let policies answer simulated listeners; what was learnt in the workspace stays as it is.

    queries, qrels -- judged queries (the wanted entity is drawn by grade); without: known items of the catalog
    budget         -- K distinct candidates for every policy alike
    break_strategy -- this one brings only what nobody wants from the middle of the stream on
    ceiling        -- also learn from full labels in hindsight

    Raises UsageError for numbers out of range and unknown names, DataError where nothing that is wanted is indexed.
    """
    start = perf_counter()
    snapshot = state.snapshot()
    budget = state.settings.retrieval.budget if budget is None else budget
    _check(snapshot, policies, searches, seeds, budget, break_strategy)
    judged = None if qrels is None else read_judged(queries, qrels, snapshot.clock_ms)
    retrieval = Retrieval(snapshot, budget)
    warm = state.generations.open().catalog / "policy"
    lines: dict[str, _Line] = {}
    reachable, losses, shares = [], dict[str, list[float]](), dict[str, list[tuple[float, float]]]()
    kinds: list[np.ndarray] = []
    for seed in range(seeds):
        stream = retrieval.searches(wishes(snapshot, judged, searches, seed), progress)
        if not any(search.wanted >= 0 for search in stream):
            raise DataError("no strategy has anything that these queries want", hint="ids must be the catalog's")
        reachable.append(float(np.mean([search.wanted >= 0 for search in stream])))
        kinds.append(np.array([search.kind for search in stream]))
        one = _Seed(snapshot, warm, stream, seed, budget, examination, learn_every, progress)
        one.run(policies, ceiling, lines)
        if break_strategy is not None:
            one.run_broken(policies, break_strategy, lines, losses, shares)
    names = snapshot.enabled()
    return SimulateReport(
        searches, seeds, budget, float(np.mean(reachable)),
        {name: _summed(line, names, np.concatenate(kinds)) for name, line in lines.items()},
        break_strategy,
        {name: float(np.mean(values)) for name, values in losses.items()} or None,
        {name: (float(np.mean([b for b, _ in pairs])), float(np.mean([a for _, a in pairs])))
         for name, pairs in shares.items()} or None,
        round(perf_counter() - start, 3),
    )  # fmt: skip


def _check(
    snapshot: Snapshot, policies: Sequence[str], searches: int, seeds: int, budget: int, break_strategy: str | None
) -> None:
    for name, value, most in (("searches", searches, 10**6), ("seeds", seeds, 1000), ("budget", budget, 10_000)):
        if not 1 <= value <= most:
            raise UsageError(f"{name} is {value}", hint=f"between 1 and {most}")
    for text in policies:
        if not text.startswith(Vowpal.name):
            parse(text)
    if break_strategy is not None and break_strategy not in snapshot.enabled():
        raise UsageError(f"no strategy {break_strategy[:60]!r}", hint=", ".join(snapshot.enabled()))


@dataclass(slots=True)
class _Seed:
    """One stream of searches, and everybody who answers it."""

    snapshot: Snapshot
    warm: Path  # what the catalog alone taught
    stream: list[Search]
    seed: int
    budget: int
    examination: float
    learn_every: int
    progress: Progress

    def contender(self, text: str) -> Contender:
        """Make a contender that knows what the catalog alone taught; Vowpal Wabbit knows nothing."""
        if text.startswith(Vowpal.name):
            return Vowpal.parse(text, self.seed)
        policy = open_policy(self.snapshot.settings.allocation, self.warm, text, (*self.snapshot.features(), *PAST))
        history = StrategyHistory.open(self.warm) if (self.warm / "history.json").exists() else StrategyHistory()
        return Learner(policy, self.snapshot.features(), history, every=self.learn_every)

    def run(self, policies: Sequence[str], ceiling: bool, lines: dict[str, _Line]) -> None:
        """Let all answer the stream."""
        hindsight = Hindsight(self.stream, self.budget)
        count = self.stream[0].ranks.shape[1]
        best = hindsight.best(count)
        fixed = hindsight.found(best)
        # who starts from the others' hits is not alone
        first = [not self.snapshot.strategies[name].second_wave for name in self.stream[0].bandit_context.strategies]
        alone = [alone_found(self.stream, arm, self.budget) for arm in range(count)]
        single = int(np.argmax([found.mean() * kept for found, kept in zip(alone, first, strict=True)]))
        for text in policies:
            course = self._course(text, self.contender(text), self.stream)
            self._note(lines, text, course.found, fixed, course.draws, course)
        self._note(lines, BEST_FIXED, fixed, fixed, best[None])
        self._note(lines, FUSION, fusion_found(self.stream, self.budget), fixed, None)
        brought = self.budget * np.eye(count, dtype=np.int32)
        self._note(lines, SINGLE, alone[single], fixed, brought[[single]])
        if ceiling:
            self._note(lines, CEILING, *self._full_labels(fixed))

    def run_broken(
        self,
        policies: Sequence[str],
        strategy: str,
        lines: Mapping[str, _Line],
        losses: dict[str, list[float]],
        shares: dict[str, list[tuple[float, float]]],
    ) -> None:
        """Break one strategy from the middle on, and compare with the same stream unbroken."""
        column, middle = self.snapshot.enabled().index(strategy), len(self.stream) // 2
        after = slice(middle, min(middle + EARLY, len(self.stream)))
        spoilt = [*self.stream[:middle], *(broken(search, column, self.budget) for search in self.stream[middle:])]
        best = Hindsight(self.stream, self.budget).best(self.stream[0].ranks.shape[1])
        fixed = Hindsight(spoilt, self.budget).found(best)
        losses.setdefault(BEST_FIXED, []).append(float(lines[BEST_FIXED].found[-1][after].mean() - fixed[after].mean()))
        for text in policies:
            course = self._course(f"{text}, {strategy} broken", self.contender(text), spoilt)
            whole = lines[text].found[-1]
            losses.setdefault(text, []).append(float(whole[after].mean() - course.found[after].mean()))
            share = course.draws[:, column] / self.budget
            pair = float(share[max(middle - EARLY, 0) : middle].mean()), float(share[after].mean())
            shares.setdefault(text, []).append(pair)

    def _policy(self, text: str) -> Policy:
        return new_policy(self.snapshot.settings.allocation, text, (*self.snapshot.features(), *PAST))

    def _course(self, label: str, contender: Contender, stream: Sequence[Search]) -> LearningCurve:
        def note(done: int) -> None:
            self.progress(f"seed {self.seed + 1}, {label}", done, len(stream))

        return run(contender, stream, self.seed, self.examination, note)

    def _full_labels(self, fixed: BoolArray) -> tuple[BoolArray, BoolArray, IntArray]:
        """Let the hazard model see every label of the stream several times, then answer it without exploring."""
        learner = Learner(self._policy("hazard(exploration=0)"), self.snapshot.features(), explore=False)
        for _ in range(PASSES):
            for number, search in enumerate(self.stream):
                bandit_context = learner.situated(search, number, 0)
                example = search.example(bandit_context, 1.0) if search.wanted >= 0 else None
                learner.told(bandit_context, 0, 1.0, example)
        learner.every = len(self.stream) + 1  # it has learnt enough
        course = run(learner, self.stream, self.seed, self.examination)
        return course.found, fixed, course.draws

    def _note(
        self,
        lines: dict[str, _Line],
        name: str,
        found: BoolArray,
        fixed: BoolArray,
        draws: IntArray | None,
        course: LearningCurve | None = None,
    ) -> None:
        line = lines.setdefault(name, _Line([], [], [], []))
        line.found.append(found)
        line.regret.append(np.cumsum(fixed.astype(np.float64) - found))
        if course is not None:
            line.courses.append(course)
        if draws is not None:
            line.shares.append(draws.mean(axis=0) / self.budget)


def _summed(line: _Line, names: Sequence[str], kinds: np.ndarray) -> Simulated:
    found, regret = np.concatenate(line.found), np.mean(line.regret, axis=0)
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
        curve=tuple((int(at) + 1, float(recall[at]), float(regret[at])) for at in points),
    )
