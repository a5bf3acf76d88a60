"""LinUCB over templates: the allocation with the highest upper confidence bound. Li et al., WWW 2010."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from ltrr_cli.allocation.menus import certain
from ltrr_cli.allocation.models.template_model import TemplatePolicy
from ltrr_cli.allocation.policy import BanditContext, Menu
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import UsageError


class LinUCB(TemplatePolicy):
    """``linucb(alpha=0.2)``: its menu is one allocation, so what it does not bring has no odds at all."""

    name: ClassVar[str] = "linucb"
    stem: ClassVar[str] = "templates"
    options: ClassVar[Mapping[str, str] | None] = {"alpha": "standard deviations of optimism, 0 or more"}

    def __init__(self, settings: AllocationSettings, features: Sequence[str] | None = None, alpha: float = 0.2) -> None:
        super().__init__(settings, features)
        if alpha < 0.0:
            raise UsageError(f"linucb: alpha is {alpha:g}", hint="0 or more")
        self.alpha = alpha

    def __str__(self) -> str:
        return f"linucb(alpha={self.alpha:g})"

    def menu(self, bandit_context: BanditContext) -> Menu:
        """Return the one allocation; ties go to the first template."""
        draws, mean, variance = self.valued(bandit_context)
        optimism = self.alpha if bandit_context.explore else 0.0
        return certain(draws[int(np.argmax(mean + optimism * np.sqrt(variance)))])
