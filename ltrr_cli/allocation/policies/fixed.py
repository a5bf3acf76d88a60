"""The same shares for every query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from ltrr_cli.allocation.guardrails import bounds, within
from ltrr_cli.allocation.knapsack import apportioned
from ltrr_cli.allocation.menus import certain
from ltrr_cli.allocation.policies.static import StaticPolicy
from ltrr_cli.allocation.policy import BanditContext, Menu
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import UsageError


class Fixed(StaticPolicy):
    """``fixed(lexical=40,memory=60)``: shares scaled to the budget; strategies that are not named bring nothing."""

    name: ClassVar[str] = "fixed"
    stem: ClassVar[str] = "fixed"
    options: ClassVar[Mapping[str, str] | None] = None  # any strategy's name

    def __init__(self, settings: AllocationSettings, features: Sequence[str] | None = None, **shares: float) -> None:
        super().__init__(settings, features, **shares)
        if not shares or min(shares.values()) < 0.0 or not 0.0 < sum(shares.values()) < np.inf:
            raise UsageError("fixed needs shares above 0", hint="for example fixed(lexical=40,memory=60)")

    def menu(self, bandit_context: BanditContext) -> Menu:
        """Return the one allocation, inside the guardrails; raises UsageError when nothing it names is enabled."""
        shares = np.array([self._options.get(name, 0.0) for name in bandit_context.strategies])
        if shares.sum() == 0.0:
            raise UsageError(f"{self}: none of these strategies is enabled", hint=", ".join(bandit_context.strategies))
        draws = apportioned(shares, bandit_context.budget)
        return certain(within(draws, bounds(self._settings, bandit_context), bandit_context.budget))
