"""The default policy: a discrete-time hazard per strategy and depth block, and an allocation from it.

Before anybody acted the allocation is a knapsack over the hazards; then it covers what was wanted in contexts in
which the same was expected (``similar``), where the hazards count as some examples more.

Decision: the greedy allocation for the budget less the exploration share; then that share goes to one strategy drawn
uniformly, on top of its greedy depth. So the menu has one allocation per strategy and every propensity is exact. Deep
exploration floors for single strategies cost more recall than they taught; a share at the margin is where a wrong
belief would show first.

Evidence against an entity (a skip, a dislike) says nothing about who may find others: it teaches nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.allocation.guardrails import Bounds, bounds, checked, within
from ltrr_cli.allocation.knapsack import apportioned, fill, slopes
from ltrr_cli.allocation.menus import certain, merged
from ltrr_cli.allocation.models.hazard_model import HazardModel
from ltrr_cli.allocation.models.hazard_table import Belief, table
from ltrr_cli.allocation.models.similar_examples import SimilarExamples
from ltrr_cli.allocation.policy import BanditContext, BanditExample, Menu
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.types import DoubleArray, IntArray

Plan = Callable[[int, IntArray], IntArray]  # (candidates, least per strategy) -> allocation

LEAD, LEAD_EXAMPLES = 0.75, 10.0  # share of the leading strategies before any click; the clicks that halve it
LARGEST = 1.0 - 1e-9  # a hazard of 1 would make one block worth everything


class Hazard:
    """``hazard(exploration=0.05)``: see the module. Without the option the settings say how much is explored."""

    name: ClassVar[str] = "hazard"
    stem: ClassVar[str] = "hazard"
    options: ClassVar[Mapping[str, str] | None] = {
        "exploration": "share of the budget one drawn strategy gets on top, 0..1"
    }

    def __init__(
        self, settings: AllocationSettings, features: Sequence[str] | None = None, exploration: float | None = None
    ) -> None:
        self._settings = checked(settings)
        self.exploration = settings.exploration if exploration is None else exploration
        if not 0.0 <= self.exploration < 1.0:
            raise UsageError(f"exploration is {self.exploration:g}", hint="it lies between 0 and 1")
        self.model = HazardModel(features)
        self.similar = SimilarExamples()

    def __str__(self) -> str:
        return f"{self.name}(exploration={self.exploration:g})"

    # ------------------------------------------------------------ deciding

    def menu(self, bandit_context: BanditContext) -> Menu:
        """Return one allocation per strategy (equal ones merged), or the greedy one without exploration."""
        count, budget = len(bandit_context.strategies), bandit_context.budget
        bound = bounds(self._settings, bandit_context)
        planned = self._plan(bandit_context, bound)
        room = budget - int(bound.least.sum())
        # less than one candidate's worth: one candidate, that rarely
        extra = min(max(int(np.ceil(self.exploration * budget - 1e-9)), 1), room)
        odds = min(1.0, self.exploration * budget / max(extra, 1))
        if not bandit_context.explore or count == 1 or extra == 0 or odds == 0.0:
            return certain(planned(budget, bound.least))
        greedy = planned(budget - extra, bound.least)
        draws = self._marginal(greedy, extra, planned, budget, bound)
        if odds == 1.0:
            return merged(draws, [1.0 / count] * count)
        whole = planned(budget, bound.least)
        return merged(np.vstack([whole, draws]), [1.0 - odds, *[odds / count] * count])

    def _plan(self, bandit_context: BanditContext, bound: Bounds) -> Plan:
        """Return a function of a number of candidates and bounds: the allocation (s,) held best for so many."""
        learnt, lead = self._learnt(bandit_context, bound), bandit_context.lead
        if lead is None:
            return learnt
        share = LEAD / (1.0 + len(self.similar) / LEAD_EXAMPLES)

        def led(budget: int, least: IntArray) -> IntArray:
            shares = (1.0 - share) * learnt(budget, least) / max(budget, 1) + share * lead
            return within(apportioned(shares, budget), Bounds(least, bound.most), budget)

        return led

    def _learnt(self, bandit_context: BanditContext, bound: Bounds) -> Plan:
        """Return the same, by what examples taught alone."""
        edges, chance = self.model.chances(bandit_context)
        if self.similar.knows(bandit_context.strategies):
            half_life, most = self._settings.half_life_days, bandit_context.budget
            depths = self.similar.depths(
                bandit_context.strategies, edges, chance, most, bandit_context.time_ms, half_life
            )
            return lambda budget, least: within(apportioned(depths, budget), Bounds(least, bound.most), budget)
        cut, slope = density(chance, edges, bandit_context.budget)
        return lambda budget, least: fill(slope, cut, budget, least, bound.most)

    @staticmethod
    def _marginal(greedy: IntArray, extra: int, planned: Plan, budget: int, bound: Bounds) -> IntArray:
        """Return (s, s): row a is the greedy allocation with ``extra`` for strategy a, as far as its maximum goes."""
        draws: IntArray = greedy[None] + extra * np.eye(len(greedy), dtype=np.int32)
        for arm in np.flatnonzero(greedy + extra > bound.most):
            least = greedy.copy()
            least[arm] = bound.most[arm]
            draws[arm] = planned(budget, least)
        return draws

    def chances(self, bandit_context: BanditContext) -> tuple[IntArray, DoubleArray]:
        """Return (edges (b+1,), hazards (s, b) in 0..1): what the policy believes of this context."""
        return self.model.chances(bandit_context)

    def beliefs(self, bandit_context: BanditContext, largest: int = 5) -> tuple[Belief, ...]:
        """Return a line per strategy: its chances by depth, and the features that speak loudest for or against it."""
        return table(self.model, bandit_context, largest)

    # ------------------------------------------------------------ learning

    def learn(self, examples: Sequence[BanditExample]) -> None:
        """Take one step per example, unless frozen."""
        if not self._settings.freeze:
            for example in examples:
                self.model.learn(example, self._settings.half_life_days)
                if example.real and example.reward > 0.0 and self.model.fits(example.bandit_context.inputs().shape[-1]):
                    self.similar.learn(example, *self.model.chances(example.bandit_context))

    def start(self, examples: Sequence[BanditExample]) -> None:
        """Take in what is known before anybody acted, unless frozen; in no order, all of one context's strategies."""
        if not self._settings.freeze:
            self.model.start(examples)

    def start_like(self, likes: Mapping[str, str]) -> None:
        """Let strategies that were never met start as others are now; likes -- name -> whom it is like."""
        self.model.start_like(likes)

    # ------------------------------------------------------------ disk

    def save(self, folder: Path) -> None:
        """Write the model, and the examples that are kept."""
        self.model.save(folder)
        self.similar.save(folder)

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
        model = HazardModel.open(folder)
        policy.model = model if features is None or model.features == tuple(features) else model.renamed(features)
        policy.similar = SimilarExamples.open(folder)
        return policy


def density(chance: DoubleArray, edges: IntArray, budget: int) -> tuple[IntArray, DoubleArray]:
    """Return (edges cut at the budget, (s, b) pooled gain per candidate) of hazards; chance is even inside a block."""
    gain = -np.log1p(-np.minimum(chance, LARGEST))
    cut = np.minimum(edges, budget)
    return cut, slopes(gain * (np.diff(cut) / np.diff(edges)), cut)
