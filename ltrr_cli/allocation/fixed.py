"""Allocations that nobody learns: ``fixed(lexical=40,memory=60)`` and ``uniform``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.allocation.base import Lesson, Menu, Situation
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.types import IntArray


class Fixed:
    """The same shares for every query, scaled to the budget; strategies that are not named bring nothing."""

    name: ClassVar[str] = "fixed"

    def __init__(self, shares: Mapping[str, float]) -> None:
        if not shares or min(shares.values()) < 0 or sum(shares.values()) <= 0:
            raise UsageError("fixed needs shares above 0", hint="for example fixed(lexical=40,memory=60)")
        self._shares = dict(shares)

    def __str__(self) -> str:
        return f"fixed({','.join(f'{name}={share:g}' for name, share in self._shares.items())})"

    def menu(self, situation: Situation) -> Menu:
        """Return the one allocation; raises UsageError when none of its strategies is enabled."""
        shares = np.array([self._shares.get(name, 0.0) for name in situation.strategies])
        if shares.sum() == 0:
            raise UsageError(f"{self}: none of these strategies is enabled", hint=", ".join(situation.strategies))
        return Menu(_apportioned(shares, situation.budget)[None], np.ones(1))

    def learn(self, lessons: Sequence[Lesson]) -> None:
        """Learn nothing."""

    def save(self, folder: Path) -> None:
        """Keep nothing: the name says it all."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Nothing is kept on disk."""
        raise UsageError("a fixed policy is opened by its name")


class Uniform(Fixed):
    """The even split."""

    name: ClassVar[str] = "uniform"

    def __init__(self) -> None:
        super().__init__({"uniform": 1.0})

    def __str__(self) -> str:
        return "uniform"

    def menu(self, situation: Situation) -> Menu:
        """Return the even split."""
        return Menu(_apportioned(np.ones(len(situation.strategies)), situation.budget)[None], np.ones(1))


def _apportioned(shares: np.ndarray, budget: int) -> IntArray:
    """Round shares so that they sum to the budget (largest remainder)."""
    exact = shares / shares.sum() * budget
    whole: IntArray = np.floor(exact).astype(np.int32)
    order = np.lexsort((np.arange(len(shares)), -(exact - whole)))
    whole[order[: budget - int(whole.sum())]] += 1
    return whole
