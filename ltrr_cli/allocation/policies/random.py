"""Random allocations: the most varied data, and a floor that every learner must clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from ltrr_cli.allocation.guardrails import bounds, within
from ltrr_cli.allocation.knapsack import apportioned
from ltrr_cli.allocation.menus import certain, merged
from ltrr_cli.allocation.policies.static import StaticPolicy
from ltrr_cli.allocation.policy import BanditContext, Menu
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.seeds import generator


class RandomPolicy(StaticPolicy):
    """``random(size=8)``: a menu of ``size`` splits drawn evenly from all splits (Dirichlet of ones), equal odds.

    The splits come from the context's seed, so the menu can be restated; without exploring it is the even split.
    """

    name: ClassVar[str] = "random"
    stem: ClassVar[str] = "random"
    options: ClassVar[Mapping[str, str] | None] = {"size": "allocations on the menu, 1 or more"}

    def __init__(self, settings: AllocationSettings, features: Sequence[str] | None = None, size: float = 8.0) -> None:
        super().__init__(settings, features, size=size)
        if size < 1 or size != int(size):
            raise UsageError(f"random: size is {size:g}", hint="a whole number, 1 or more")
        self.size = int(size)

    def menu(self, bandit_context: BanditContext) -> Menu:
        """Return the seeded splits, inside the guardrails."""
        count, budget, bound = (
            len(bandit_context.strategies),
            bandit_context.budget,
            bounds(self._settings, bandit_context),
        )
        if not bandit_context.explore:
            return certain(within(apportioned(np.ones(count), budget), bound, budget))
        shares = generator("random", bandit_context.seed).dirichlet(np.ones(count), self.size)
        draws = np.array([within(apportioned(share, budget), bound, budget) for share in shares])
        return merged(draws, [1.0 / self.size] * self.size)
