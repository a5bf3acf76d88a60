"""The even split: what everything else has to beat."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ltrr_cli.allocation.guardrails import bounds, within
from ltrr_cli.allocation.knapsack import apportioned
from ltrr_cli.allocation.menus import certain
from ltrr_cli.allocation.policies.static import StaticPolicy
from ltrr_cli.allocation.policy import BanditContext, Menu


class Uniform(StaticPolicy):
    """``uniform``: the same for every strategy."""

    name: ClassVar[str] = "uniform"
    stem: ClassVar[str] = "uniform"

    def menu(self, bandit_context: BanditContext) -> Menu:
        """Return the even split, inside the guardrails."""
        even = apportioned(np.ones(len(bandit_context.strategies)), bandit_context.budget)
        return certain(within(even, bounds(self._settings, bandit_context), bandit_context.budget))
