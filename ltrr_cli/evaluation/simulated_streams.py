"""One stream of simulated searches, and everybody who answers it: what a worker of a simulation does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ltrr_cli.allocation.models.strategy_history import PAST, StrategyHistory
from ltrr_cli.allocation.policy import Policy
from ltrr_cli.allocation.policy_registry import new_policy, open_policy
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import BoolArray, DoubleArray, IntArray
from ltrr_cli.engine.executor import Kernel
from ltrr_cli.engine.opened_elsewhere import SnapshotFolders
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.evaluation.contenders import Contender, Hindsight, Learner, LearningCurve, alone_found, fusion_found, run
from ltrr_cli.evaluation.simulated_users import Retrieval, Search, broken, wishes
from ltrr_cli.evaluation.vowpal import Vowpal
from ltrr_cli.feedback.judgments import JudgedSet

BEST_FIXED, FUSION, SINGLE, CEILING = "best fixed (hindsight)", "rank fusion", "best single (hindsight)", "full labels"
INFORMED = "told all"  # the default policy, told after every search what was wanted
PASSES = 3  # over the stream with full labels, for the ceiling
EARLY = 1_000  # searches after which regret is stated too


@dataclass(slots=True)
class ContenderResults:
    """What is collected of one contender over the seeds."""

    found: list[BoolArray]
    regret: list[DoubleArray]
    courses: list[LearningCurve]
    shares: list[DoubleArray]
    asked: list[float]  # strategies with candidates in a drawn allocation, in the mean

    def extend(self, line: ContenderResults) -> None:
        """Add what was collected of further seeds."""
        self.found += line.found
        self.regret += line.regret
        self.courses += line.courses
        self.shares += line.shares
        self.asked += line.asked


@dataclass(frozen=True, slots=True)
class StreamTerms:
    """What all streams of a simulation have in common; as in ``simulate``."""

    folders: SnapshotFolders
    warm: Path  # what the catalog alone taught
    judged: JudgedSet | None
    policies: tuple[str, ...]
    searches: int
    budget: int
    examination: float
    learn_every: int
    break_strategy: str | None
    ceiling: bool
    dice: int = 1  # sets of random numbers with which every policy answers each stream


@dataclass(frozen=True, slots=True)
class StreamWorker:
    """What streams are made and answered with; a query that comes again is retrieved once."""

    terms: StreamTerms
    snapshot: Snapshot
    retrieval: Retrieval
    progress: Progress = quiet


@dataclass(slots=True)
class StreamResults:
    """What one stream showed; ``lines``, ``losses`` and ``shares`` by contender."""

    reachable: float
    kinds: np.ndarray
    lines: dict[str, ContenderResults] = field(default_factory=dict)
    losses: dict[str, list[float]] = field(default_factory=dict)
    shares: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


def _open(terms: StreamTerms) -> StreamWorker:
    snapshot = terms.folders.open()
    return StreamWorker(terms, snapshot, Retrieval(snapshot, terms.budget))


def _stream(streams: StreamWorker, seed: int) -> StreamResults:
    """Let all contenders answer one stream of searches."""
    terms, snapshot, progress = streams.terms, streams.snapshot, streams.progress
    stream = streams.retrieval.searches(wishes(snapshot, terms.judged, terms.searches, seed), progress)
    if not any(search.wanted >= 0 for search in stream):
        raise DataError("no strategy has anything that these queries want", hint="ids must be the catalog's")
    reachable = float(np.mean([search.wanted >= 0 for search in stream]))
    found = StreamResults(reachable, np.array([search.kind for search in stream]))
    one = _Seed(snapshot, terms.warm, stream, seed, terms.budget, terms.examination, terms.learn_every, progress)
    one.run(terms.policies, terms.ceiling, found.lines, terms.dice)
    if terms.break_strategy is not None:
        one.run_broken(terms.policies, terms.break_strategy, found.lines, found.losses, found.shares)
    return found


STREAMS: Kernel[StreamTerms, StreamWorker, int, StreamResults] = Kernel("streams of searches", _open, _stream)


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

    def run(self, policies: Sequence[str], ceiling: bool, lines: dict[str, ContenderResults], dice: int = 1) -> None:
        """Let all answer the stream, policies with so many sets of random numbers."""
        hindsight = Hindsight(self.stream, self.budget)
        count = self.stream[0].ranks.shape[1]
        best = hindsight.best(count)
        fixed = hindsight.found(best)
        # who starts from the others' hits is not alone
        first = [not self.snapshot.strategies[name].second_wave for name in self.stream[0].bandit_context.strategies]
        alone = [alone_found(self.stream, arm, self.budget) for arm in range(count)]
        single = int(np.argmax([found.mean() * kept for found, kept in zip(alone, first, strict=True)]))
        for text in policies:
            for number in range(dice):
                course = self._course(text, self.contender(text), self.stream, number)
                self._note(lines, text, course.found, fixed, course.draws, course)
        self._note(lines, BEST_FIXED, fixed, fixed, best[None])
        self._note(lines, FUSION, fusion_found(self.stream, self.budget), fixed, None)
        brought = self.budget * np.eye(count, dtype=np.int32)
        self._note(lines, SINGLE, alone[single], fixed, brought[[single]])
        if ceiling:
            self._note(lines, CEILING, *self._full_labels(fixed))
            told = self._course(INFORMED, self.contender("hazard(exploration=0)"), self.stream, told_all=True)
            self._note(lines, INFORMED, told.found, fixed, told.draws, told)

    def run_broken(
        self,
        policies: Sequence[str],
        strategy: str,
        lines: Mapping[str, ContenderResults],
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

    def _course(
        self, label: str, contender: Contender, stream: Sequence[Search], dice: int = 0, *, told_all: bool = False
    ) -> LearningCurve:
        def note(done: int) -> None:
            self.progress(f"seed {self.seed + 1}, {label}", done, len(stream))

        seed = seed_of(str(self.seed), "dice", str(dice)) if dice else self.seed
        return run(contender, stream, seed, self.examination, note, told_all=told_all)

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
        lines: dict[str, ContenderResults],
        name: str,
        found: BoolArray,
        fixed: BoolArray,
        draws: IntArray | None,
        course: LearningCurve | None = None,
    ) -> None:
        line = lines.setdefault(name, ContenderResults([], [], [], [], []))
        line.found.append(found)
        line.regret.append(np.cumsum(fixed.astype(np.float64) - found))
        if course is not None:
            line.courses.append(course)
        if draws is not None:
            line.shares.append(draws.mean(axis=0) / self.budget)
            line.asked.append(float((draws > 0).sum(axis=1).mean()))
