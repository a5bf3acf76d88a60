"""The even split: what everything else has to beat."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ltrr_cli.allocation.base import Menu, Situation
from ltrr_cli.allocation.guardrails import bounds, within
from ltrr_cli.allocation.knapsack import apportioned
from ltrr_cli.allocation.menus import certain
from ltrr_cli.allocation.still import Still


class Uniform(Still):
    """``uniform``: the same for every strategy."""

    name: ClassVar[str] = "uniform"

    def menu(self, situation: Situation) -> Menu:
        """Return the even split, inside the guardrails."""
        even = apportioned(np.ones(len(situation.strategies)), situation.budget)
        return certain(within(even, bounds(self._settings, situation), situation.budget))
