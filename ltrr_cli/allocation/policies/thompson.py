"""Thompson sampling over the hazard model: the menu is a few posterior draws, each with its greedy allocation.

The draws are seeded by the context, so the menu with its odds can be restated at any time; which of them is played
is left to ``draw.py``. A block's log-odds at x are normal in one dimension, so no covariance is factored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from ltrr_cli.allocation.guardrails import bounds, within
from ltrr_cli.allocation.knapsack import apportioned, fill
from ltrr_cli.allocation.menus import certain, merged
from ltrr_cli.allocation.models.laplace import sigmoid
from ltrr_cli.allocation.policies.hazard import Hazard, density
from ltrr_cli.allocation.policy import BanditContext, Menu
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import DoubleArray, IntArray

DRAWS = 8


class Thompson(Hazard):
    """``thompson(draws=8,floor=0.05)``: see the module; the floor keeps every strategy's candidates in reach."""

    name: ClassVar[str] = "thompson"
    stem: ClassVar[str] = "hazard"
    options: ClassVar[Mapping[str, str] | None] = {
        "draws": "posterior draws, 1 or more",
        "floor": "odds with which the even split is played, 0..1",
    }

    def __init__(
        self,
        settings: AllocationSettings,
        features: Sequence[str] | None = None,
        draws: float = DRAWS,
        floor: float = 0.05,
    ) -> None:
        super().__init__(settings, features)
        if draws < 1 or draws != int(draws):
            raise UsageError(f"thompson: draws is {draws:g}", hint="a whole number, 1 or more")
        if not 0.0 <= floor < 1.0:
            raise UsageError(f"thompson: floor is {floor:g}", hint="it lies between 0 and 1")
        self.draws, self.floor = int(draws), floor

    def __str__(self) -> str:
        return f"thompson(draws={self.draws},floor={self.floor:g})"

    def menu(self, bandit_context: BanditContext) -> Menu:
        """Return the posterior draws' allocations, each with the same odds, and the even split with the floor's."""
        bound, budget, count = (
            bounds(self._settings, bandit_context),
            bandit_context.budget,
            len(bandit_context.strategies),
        )
        edges, mean, variance = self.model.logits(bandit_context)

        def greedy(logit: DoubleArray) -> IntArray:
            cut, slope = density(sigmoid(logit), edges, budget)
            return fill(slope, cut, budget, bound.least, bound.most)

        if not bandit_context.explore or count == 1:
            return certain(greedy(mean))
        noise = generator("thompson", bandit_context.seed).standard_normal((self.draws, *mean.shape))
        sampled = [greedy(mean + np.sqrt(variance) * z) for z in noise]
        even = within(apportioned(np.ones(count), budget), bound, budget)
        return merged(np.array([*sampled, even]), [*[(1.0 - self.floor) / self.draws] * self.draws, self.floor])
