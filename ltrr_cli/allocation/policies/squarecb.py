"""SquareCB over templates: odds fall with the gap to the best. Foster & Rakhlin, ICML 2020."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from ltrr_cli.allocation.menus import certain, merged
from ltrr_cli.allocation.models.template_model import TemplatePolicy
from ltrr_cli.allocation.policy import BanditContext, Menu
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import UsageError


class SquareCB(TemplatePolicy):
    """``squarecb(gamma=500)``: template i has odds 1 / (t + gamma * gap_i), the best has the rest."""

    name: ClassVar[str] = "squarecb"
    stem: ClassVar[str] = "templates"
    options: ClassVar[Mapping[str, str] | None] = {"gamma": "above 0; the larger, the greedier"}

    def __init__(
        self, settings: AllocationSettings, features: Sequence[str] | None = None, gamma: float = 500.0
    ) -> None:
        super().__init__(settings, features)
        if gamma <= 0.0:
            raise UsageError(f"squarecb: gamma is {gamma:g}", hint="above 0")
        self.gamma = gamma

    def __str__(self) -> str:
        return f"squarecb(gamma={self.gamma:g})"

    def menu(self, bandit_context: BanditContext) -> Menu:
        """Return every template with its odds."""
        draws, mean, _ = self.valued(bandit_context)
        best = int(np.argmax(mean))
        if not bandit_context.explore:
            return certain(draws[best])
        odds = 1.0 / (len(draws) + self.gamma * (mean[best] - mean))
        odds[best] = 0.0
        odds[best] = 1.0 - odds.sum()
        return merged(draws, odds.tolist())
