"""A menu of ready-made allocations and one ridge regression each: the ground of linucb, squarecb and epsilon.

Templates: the even split, one that each strategy leads, and one that each two lead together. Since an example names the
wanted entity's rank in every strategy that ran, it tells of every template whether that would have brought the entity
(overlaps aside), so all of them learn from each example: full information, where these algorithms ask for less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.allocation.guardrails import bounds, checked, within
from ltrr_cli.allocation.knapsack import apportioned
from ltrr_cli.allocation.models.laplace import linear_fit, linear_step
from ltrr_cli.allocation.models.regressions import HEAVIEST, Regressions
from ltrr_cli.allocation.models.strategy_history import PAST
from ltrr_cli.allocation.policy import BanditContext, BanditExample
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.types import BoolArray, DoubleArray, IntArray

LEAD = 0.6  # share of the budget of who leads; two leaders have .4 each; the rest is split evenly among the others
PAIR = 0.4


class TemplateModel(Regressions):
    """One ridge regression per ready-made allocation: the names are templates, with one block each."""

    stem: ClassVar[str] = "templates"

    @staticmethod
    def prior_mean(blocks: int, width: int) -> DoubleArray:
        """Return .5 on the constant: any template may bring what is wanted."""
        mean = np.zeros((blocks, width))
        mean[:, :1] = 0.5
        return mean

    def values(self, names: tuple[str, ...], x: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
        """Return (mean (t,), variance (t,)) of the chance that a template brings what is wanted."""
        mean, covariance = self.rows(names, 1, len(x))
        return (mean @ x)[:, 0], np.maximum(((covariance @ x) @ x)[:, 0], 0.0)

    def learn(self, example: BanditExample, names: tuple[str, ...], draws: IntArray, half_life_days: float) -> None:
        """Take one step for every template that the example speaks of."""
        bandit_context = example.bandit_context
        brought, known = would_bring(example, draws)
        if example.reward <= 0.0 or not known.any() or not self.fits(len(bandit_context.features)):
            return
        places = self.admit(names, 1)
        self.age(bandit_context.time_ms, half_life_days)
        weight = min(example.weight * example.reward, HEAVIEST)
        self.examples += min(weight, 1.0)
        mean, covariance = self._mean[places], self._covariance[places]
        x = bandit_context.features.astype(np.float64)
        said, weights = brought[:, None].astype(np.float64), weight * known[:, None].astype(np.float64)
        linear_step(mean, covariance, x, said, weights)
        if not isinstance(places, slice):  # they were copies
            self._mean[places], self._covariance[places] = mean, covariance

    def start(self, examples: Sequence[BanditExample], names: tuple[str, ...], draws: IntArray) -> None:
        """Take in examples of the same strategies that stand in no order, all at once: what steps would come to."""
        examples = [one for one in examples if one.reward > 0.0]
        if not examples or not self.fits(len(examples[0].bandit_context.features)):
            return
        brought, known = (np.stack(each) for each in zip(*(would_bring(one, draws) for one in examples), strict=True))
        places = self.admit(names, 1)
        weight = np.minimum([one.weight * one.reward for one in examples], HEAVIEST)
        self.examples += float(np.minimum(weight, 1.0)[known.any(axis=1)].sum())
        x = np.stack([one.bandit_context.features for one in examples]).astype(np.float64)
        mean, covariance = self._mean[places, 0], self._covariance[places, 0]
        fitted = linear_fit(mean, covariance, x, brought.astype(np.float64), weight[:, None] * known)
        self._mean[places, 0], self._covariance[places, 0] = fitted


def would_bring(example: BanditExample, draws: IntArray) -> tuple[BoolArray, BoolArray]:
    """Return (brought (t,), known (t,)): whether each allocation (t, s) had the entity; unknown where it ran deeper."""
    brought: BoolArray = np.any((example.ranks > 0) & (example.ranks <= draws), axis=1)
    settled: BoolArray = np.all((example.ranks > 0) | (example.depths >= draws), axis=1)
    return brought, np.logical_or(brought, settled)


@lru_cache(maxsize=64)
def shares_of(strategies: tuple[str, ...]) -> tuple[tuple[str, ...], DoubleArray]:
    """Return (names (t,), shares (t, s)) of the templates of these strategies."""
    count = len(strategies)
    names, rows = ["even"], [np.ones(count) / count]
    for first in range(count):
        for second in range(first, count):
            leaders = [first] if first == second else [first, second]
            lead = LEAD if len(leaders) == 1 else PAIR
            if count > len(leaders):
                row = np.full(count, (1.0 - lead * len(leaders)) / (count - len(leaders)))
                row[leaders] = lead
                names.append("+".join(sorted(strategies[place] for place in leaders)))
                rows.append(row)
    return tuple(names), np.array(rows)


class TemplatePolicy:
    """What the policies over templates share; they differ in the menu alone."""

    name: ClassVar[str]
    stem: ClassVar[str] = "templates"
    options: ClassVar[Mapping[str, str] | None] = {}

    def __init__(self, settings: AllocationSettings, features: Sequence[str] | None = None) -> None:
        self._settings = checked(settings)
        self.model = TemplateModel(_shared(features))
        self._templates: tuple[tuple[tuple[str, ...], int], tuple[str, ...], IntArray] | None = None

    def templates(self, bandit_context: BanditContext) -> tuple[tuple[str, ...], IntArray]:
        """Return (names (t,), allocations (t, s)) inside the guardrails."""
        known = (bandit_context.strategies, bandit_context.budget)
        if self._templates is None or self._templates[0] != known:  # they hardly ever change
            names, shares = shares_of(bandit_context.strategies)
            bound, budget = bounds(self._settings, bandit_context), bandit_context.budget
            draws = np.array([within(apportioned(row, budget), bound, budget) for row in shares])
            self._templates = (known, names, draws)
        return self._templates[1:]

    def valued(self, bandit_context: BanditContext) -> tuple[IntArray, DoubleArray, DoubleArray]:
        """Return (allocations (t, s), mean (t,), variance (t,)) of the chance that each brings what is wanted."""
        names, draws = self.templates(bandit_context)
        return draws, *self.model.values(names, bandit_context.features.astype(np.float64))

    def learn(self, examples: Sequence[BanditExample]) -> None:
        """Take one step per example, unless frozen."""
        if not self._settings.freeze:
            for example in examples:
                self.model.learn(example, *self.templates(example.bandit_context), self._settings.half_life_days)

    def start(self, examples: Sequence[BanditExample]) -> None:
        """Take in what is known before anybody acted, unless frozen; in no order, all of one context's strategies."""
        if examples and not self._settings.freeze:
            self.model.start(examples, *self.templates(examples[0].bandit_context))

    def save(self, folder: Path) -> None:
        """Write the model."""
        self.model.save(folder)

    @classmethod
    def open(
        cls,
        folder: Path,
        settings: AllocationSettings | None = None,
        features: Sequence[str] | None = None,
        **options: float,
    ) -> Self:
        """Read what ``save`` wrote; raises DamagedError. Where features are named, shared names keep what is known."""
        policy = cls(settings or AllocationSettings(), features, **options)
        model, features = TemplateModel.open(folder), _shared(features)
        policy.model = model if features is None or model.features == features else model.renamed(features)
        return policy


def _shared(features: Sequence[str] | None) -> tuple[str, ...] | None:
    """Leave out what differs between strategies: a template is of several."""
    return None if features is None else tuple(name for name in features if name not in PAST)
