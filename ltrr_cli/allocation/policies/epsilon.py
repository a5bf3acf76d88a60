"""Epsilon-greedy over templates: the best, and now and then any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from ltrr_cli.allocation.menus import certain, merged
from ltrr_cli.allocation.models.template_model import TemplatePolicy
from ltrr_cli.allocation.policy import BanditContext, Menu
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import UsageError


class Epsilon(TemplatePolicy):
    """``epsilon(epsilon=0.1)``: with these odds a template drawn uniformly is played."""

    name: ClassVar[str] = "epsilon"
    stem: ClassVar[str] = "templates"
    options: ClassVar[Mapping[str, str] | None] = {"epsilon": "odds of playing any template, 0..1"}

    def __init__(
        self, settings: AllocationSettings, features: Sequence[str] | None = None, epsilon: float = 0.1
    ) -> None:
        super().__init__(settings, features)
        if not 0.0 <= epsilon <= 1.0:
            raise UsageError(f"epsilon: epsilon is {epsilon:g}", hint="it lies between 0 and 1")
        self.epsilon = epsilon

    def __str__(self) -> str:
        return f"epsilon(epsilon={self.epsilon:g})"

    def menu(self, bandit_context: BanditContext) -> Menu:
        """Return every template with its odds."""
        draws, mean, _ = self.valued(bandit_context)
        best = int(np.argmax(mean))
        if not bandit_context.explore:
            return certain(draws[best])
        odds = np.full(len(draws), self.epsilon / len(draws))
        odds[best] += 1.0 - self.epsilon
        return merged(draws, odds.tolist())
