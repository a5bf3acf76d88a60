"""Who takes part in a simulation: policies that learn as they go, and plans that know the whole stream in hindsight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import process_time
from typing import Protocol

import numpy as np

from ltrr_cli.allocation.draw import draw
from ltrr_cli.allocation.models.strategy_history import StrategyHistory
from ltrr_cli.allocation.policy import BanditContext, BanditExample, Menu, Policy
from ltrr_cli.allocation.propensity import inclusion
from ltrr_cli.core.clock import MINUTE
from ltrr_cli.core.seeds import generator, seed_of
from ltrr_cli.core.types import BoolArray, IntArray
from ltrr_cli.evaluation.simulated_users import Search, looks

STEPS = (5, 10, 20, 50)  # parts of the budget by which the best fixed allocation is climbed


class Contender(Protocol):
    """A policy or baseline that can be simulated."""

    def situated(self, search: Search, number: int, seed: int) -> BanditContext:
        """Return what it may look at."""
        ...

    def menu(self, bandit_context: BanditContext) -> Menu:
        """State its allocations and their odds."""
        ...

    def told(self, bandit_context: BanditContext, drawn: int, odds: float, example: BanditExample | None) -> None:
        """Hear what came of it; None: no click."""
        ...


@dataclass(slots=True)
class Learner:
    """A policy of this package with a history of its own; it learns ``every`` so many searches."""

    policy: Policy
    features: tuple[str, ...]
    history: StrategyHistory = field(default_factory=StrategyHistory)
    every: int = 1
    explore: bool = True
    _waiting: list[BanditExample] = field(default_factory=list)
    _since: int = 0

    def situated(self, search: Search, number: int, seed: int) -> BanditContext:
        """Return the context with this learner's past; searches are a minute apart."""
        base = search.bandit_context
        past = self.history.of(base.strategies, dict(zip(self.features, base.features.tolist(), strict=True)))
        time_ms = base.time_ms + number * MINUTE
        return replace(base, past=past, seed=seed, explore=self.explore, time_ms=time_ms)

    def menu(self, bandit_context: BanditContext) -> Menu:
        """Ask the policy."""
        return self.policy.menu(bandit_context)

    def told(self, bandit_context: BanditContext, drawn: int, odds: float, example: BanditExample | None) -> None:
        """Keep examples, and learn them when their time has come."""
        if example is not None:
            self._waiting.append(example)
        self._since += 1
        if self._since >= self.every:
            self.policy.learn(self._waiting)
            self.history.learn(self._waiting, self.features)
            self._waiting, self._since = [], 0


@dataclass(slots=True)
class LearningCurve:
    """How a contender did, search by search.

    found    -- (n,) bool, whether the wanted entity was a candidate
    clicked  -- (n,) bool
    draws    -- (n, s) int32, the allocation that was drawn
    decide_ms, learn_ms -- CPU per search
    """

    found: BoolArray
    clicked: BoolArray
    draws: IntArray
    decide_ms: float
    learn_ms: float


def run(
    contender: Contender,
    searches: Sequence[Search],
    seed: int,
    examination: float,
    progress: Callable[[int], None] = lambda done: None,
    *,
    told_all: bool = False,
) -> LearningCurve:
    """Let a contender answer a stream; the dice of the listeners are the same for all.

    told_all -- after every search it is told what was wanted, found or not: what learning without hindsight can reach
    """
    dice = generator("listeners", seed).random(len(searches))
    found, clicked = np.zeros(len(searches), np.bool_), np.zeros(len(searches), np.bool_)
    draws = np.zeros((len(searches), searches[0].ranks.shape[1]), np.int32)
    deciding = learning = 0.0
    for number, search in enumerate(searches):
        start = process_time()
        bandit_context = contender.situated(search, number, seed_of(str(seed), str(number)))
        menu = contender.menu(bandit_context)
        deciding += process_time() - start
        drawn, odds = draw(menu, bandit_context.seed)
        draws[number] = menu.draws[drawn]
        example = None
        if search.wanted >= 0:
            chance, included = inclusion(search.ranks, menu, bandit_context.budget)
            found[number] = included[drawn, search.wanted]
            position = int((search.order[included[drawn]] < search.order[search.wanted]).sum()) + 1
            seen = looks(position, examination)
            if found[number] and dice[number] < seen:
                clicked[number] = True
                example = search.example(bandit_context, 1.0 / (float(chance[search.wanted]) * seen))
        if told_all:
            example = search.example(bandit_context, 1.0) if search.wanted >= 0 else None
        start = process_time()
        contender.told(bandit_context, drawn, odds, example)
        learning += process_time() - start
        progress(number + 1)
    count = len(searches) / 1e3
    return LearningCurve(found, clicked, draws, deciding / count, learning / count)


class Hindsight:
    """What a fixed allocation would have found on a stream, counted over distinct candidates, all searches at once."""

    def __init__(self, searches: Sequence[Search], budget: int) -> None:
        self._budget, self._count = budget, len(searches)
        self.always = np.array([search.wanted >= 0 and len(search.ranks) <= budget for search in searches])
        self._open = np.flatnonzero([search.wanted >= 0 and len(search.ranks) > budget for search in searches])
        ranks = [np.nan_to_num(searches[place].ranks, nan=np.inf) for place in self._open.tolist()]
        self._starts = np.cumsum([0, *(len(part) for part in ranks)])[:-1]
        self._ranks = np.concatenate(ranks) if ranks else np.empty((0, 1), np.float32)
        self._wanted = self._starts + [searches[place].wanted for place in self._open.tolist()]
        self._sizes = np.diff([*self._starts, len(self._ranks)])
        self._first = self._ranks.min(axis=1, initial=np.inf)
        self._row = np.arange(len(self._ranks)) - np.repeat(self._starts, self._sizes)

    def found(self, draws: IntArray) -> BoolArray:
        """Return (n,) bool, as ``propensity.filled`` decides."""
        result = self.always.copy()
        if len(self._open):
            entry = np.full(len(self._ranks), np.inf, np.float64)
            for arm, given in enumerate(draws.tolist()):
                column = self._ranks[:, arm]
                np.minimum(entry, column / given if given > 0 else 1e6 + column, out=entry)
            mine, first, row = (
                np.repeat(values[self._wanted], self._sizes) for values in (entry, self._first, self._row)
            )
            tie = (self._first < first) | ((self._first == first) & (self._row < row))
            ahead = (entry < mine) | ((entry == mine) & tie)
            result[self._open] = np.add.reduceat(ahead, self._starts, dtype=np.int64) < self._budget
        return result

    def best(self, strategies: int) -> IntArray:
        """Return (s,) draws of the best fixed allocation that coordinate exchange finds, from several beginnings."""
        even = np.full(strategies, self._budget // strategies, np.int32)
        even[: self._budget - int(even.sum())] += 1
        single = self._budget * np.eye(strategies, dtype=np.int32)
        alone = [float(self.found(draws).mean()) for draws in single]
        reached = []
        for draws in (even, single[int(np.argmax(alone))]):  # each may end on a hill of its own
            value = float(self.found(draws).mean())
            for part in STEPS:
                draws, value = self._climb(draws, value, max(self._budget // part, 1))
            reached.append((value, draws))
        return max(reached, key=lambda one: one[0])[1]

    def _climb(self, draws: IntArray, value: float, step: int) -> tuple[IntArray, float]:
        better = True
        while better:
            better = False
            for giver, taker in np.argwhere(~np.eye(len(draws), dtype=np.bool_)).tolist():
                if draws[giver] >= step:
                    tried = draws.copy()
                    tried[giver] -= step
                    tried[taker] += step
                    if (worth := float(self.found(tried).mean())) > value + 1e-12:
                        draws, value, better = tried, worth, True
        return draws, value


def fusion_found(searches: Sequence[Search], budget: int) -> BoolArray:
    """Return (n,) bool: whether reciprocal rank fusion of all strategies, cut at the budget, has the wanted entity."""
    return np.array([search.wanted >= 0 and int(search.fused[search.wanted]) < budget for search in searches])


def alone_found(searches: Sequence[Search], strategy: int, budget: int) -> BoolArray:
    """Return (n,) bool: whether one strategy has the wanted entity among its own first ``budget``."""
    return np.array([search.wanted >= 0 and search.ranks[search.wanted, strategy] <= budget for search in searches])
