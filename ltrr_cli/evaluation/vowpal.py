"""Vowpal Wabbit as a contender: a contextual bandit over a menu of ready-made allocations (extra ``bench``).

``vw(menu=10,explore=squarecb)``: the even split and allocations that one or two strategies lead; with ``menu=80`` also
those in which three or more share what two leaders leave. Features are those that our own policies see; the cost is
-1 for a click. Bietti, Agarwal & Langford, A Contextual Bandit Bake-off, JMLR 2021.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ltrr_cli.allocation.knapsack import apportioned
from ltrr_cli.allocation.policy import BanditContext, BanditExample, Menu
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import DoubleArray

if TYPE_CHECKING:
    from ltrr_cli.evaluation.simulated_users import Search

EXPLORE = {
    "squarecb": "--squarecb",
    "epsilon": "--epsilon 0.05",
    "cover": "--cover 5",
    "regcb": "--regcbopt --mellowness 0.01",
}
_NAME = re.compile(r"vw\(menu=(\d+),explore=([a-z]+)\)")


class Vowpal:
    """See the module."""

    name: ClassVar[str] = "vw"

    def __init__(self, size: int, explore: str, seed: int) -> None:
        try:
            from vowpalwabbit import Workspace as VowpalWorkspace
        except ImportError:
            raise UsageError("vowpalwabbit is not installed", hint="pip install 'ltrr-cli[bench]'") from None
        words = f"--cb_explore_adf {EXPLORE[explore]} --cb_type mtr -q CA --quiet --random_seed {seed + 1}"
        self._model: Any = VowpalWorkspace(words)
        self._size, self._shares = size, np.empty((0, 0))
        self._last = ""
        self._played: tuple[list[str], Menu] | None = None

    @classmethod
    def parse(cls, text: str, seed: int) -> Vowpal:
        """Read ``vw(menu=10,explore=squarecb)``; raises UsageError."""
        match = _NAME.fullmatch(text.replace(" ", ""))
        if match is None or match[2] not in EXPLORE or not 2 <= int(match[1]) <= 200:
            raise UsageError(f"no policy {text[:60]!r}", hint=f"vw(menu=10,explore={'|'.join(EXPLORE)})")
        return cls(int(match[1]), match[2], seed)

    def situated(self, search: Search, number: int, seed: int) -> BanditContext:
        """Return the context as it is."""
        return replace(search.bandit_context, seed=seed)

    def menu(self, bandit_context: BanditContext) -> Menu:
        """Ask for the odds of every allocation of the menu."""
        if self._shares.shape[1] != len(bandit_context.strategies):
            self._shares = shares(len(bandit_context.strategies), self._size)
        draws = np.array([apportioned(share, bandit_context.budget) for share in self._shares])
        features = " ".join(
            f"{place}:{value:.4g}" for place, value in enumerate(bandit_context.features.tolist()) if value
        )
        lines = [f"shared |C {features}", *(f"|A a{number}" for number in range(len(draws)))]
        odds = np.array(self._model.predict(lines), np.float64)
        menu = Menu(draws, odds / odds.sum())
        self._played = lines, menu
        # allocations without odds must not be on a menu; their numbers are kept for the example
        return menu if (menu.odds > 0).all() else Menu(draws, np.maximum(menu.odds, 1e-9) / (menu.odds + 1e-9).sum())

    def told(self, bandit_context: BanditContext, drawn: int, odds: float, example: BanditExample | None) -> None:
        """Learn what the allocation that was drawn cost."""
        if self._played is None:
            return
        lines, _ = self._played
        cost = -1.0 if example is not None else 0.0
        taught = list(lines)
        taught[drawn + 1] = f"{drawn}:{cost}:{odds:.6f} {lines[drawn + 1]}"
        self._model.learn(taught)


def shares(strategies: int, size: int) -> DoubleArray:
    """Return (size, strategies) shares: even, led by one (.6), led by two (.4 each), then mixed ones (seeded)."""
    rows = [np.full(strategies, 1.0 / strategies)]
    for first in range(strategies):
        row = np.full(strategies, 0.4 / max(strategies - 1, 1))
        row[first] = 0.6
        rows.append(row)
    for first in range(strategies):
        for second in range(first + 1, strategies):
            row = np.full(strategies, 0.2 / max(strategies - 2, 1))
            row[[first, second]] = 0.4
            rows.append(row)
    chance = generator("vowpal menu", strategies)
    while len(rows) < size:
        rows.append(chance.dirichlet(np.full(strategies, 0.5)))
    return np.array([row / row.sum() for row in rows[:size]])
