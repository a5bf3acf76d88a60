"""The page that is shown: an allocation's best candidates, neighbours swapped below a protected top, with exact odds.

All odds are mixtures over the allocations of the menu and, within each, over the swaps of its page.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.config import RankingSettings
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.types import DoubleArray, IntArray
from ltrr_cli.ranking.swap import STAY, chances, likelihood, swap


@dataclass(frozen=True, slots=True)
class PageExploration:
    """How neighbours on a page are swapped.

    chance    -- 0..1/2, that a pair that is tried changes places; 0 leaves every page as it is
    protected -- positions at the top that never move
    """

    chance: float = 0.0
    protected: int = 1

    @staticmethod
    def of(settings: RankingSettings, *, explore: bool) -> PageExploration:
        """Read the settings; raises UsageError for numbers out of range."""
        if not 0.0 <= settings.swap <= 1.0:
            raise UsageError(f"ranking.swap is {settings.swap}", hint="a share between 0 and 1")
        if settings.protected < 0:
            raise UsageError(f"ranking.protected is {settings.protected}", hint="0 or more")
        return PageExploration(settings.swap / 2 if explore else 0.0, settings.protected)

    def shown(self, page: IntArray, seed: int) -> IntArray:
        """Return (k,) the page as it is shown."""
        return page[swap(len(page), self.chance, self.protected, seed).order] if self.chance else page

    def stands(self, pages: IntArray, odds: DoubleArray) -> dict[int, DoubleArray]:
        """Return candidate -> (k,) odds of standing at each position.

        pages -- (a, k) under each allocation before swaps, -1 where it is shorter; odds -- (a,) of each allocation
        """
        k = pages.shape[1]
        line = {candidate: at for at, candidate in enumerate(dict.fromkeys(pages.ravel().tolist()))}
        places, shares = [], []  # of cells; one column more at both ends, where nobody is moved to
        for page, share in zip(pages.tolist(), odds.tolist(), strict=True):
            size = len(page) - page.count(-1)
            table = chances(size, self.chance, self.protected)
            cells = np.array([line[candidate] * (k + 2) + at for at, candidate in enumerate(page[:size])], np.intp)
            for column in range(table.shape[1]) if self.chance else (STAY,):
                places.append(cells + column)
                shares.append(table[:, column] * share)
        wide = np.bincount(np.concatenate(places), np.concatenate(shares), len(line) * (k + 2))
        # shares of a ninth add up to a little more than 1
        stands = np.minimum(wide.reshape(len(line), k + 2)[:, 1:-1], 1.0)
        return {candidate: stands[at] for candidate, at in line.items() if candidate >= 0}

    def page_odds(self, pages: IntArray, odds: DoubleArray, page: IntArray) -> float:
        """Return the chance that ``page`` is shown as it is, whichever draw and swaps lead to it."""
        total = 0.0
        for base, share in zip(pages, odds.tolist(), strict=True):
            place = {candidate: at for at, candidate in enumerate(base[base >= 0].tolist())}
            if len(place) == len(page) and all(candidate in place for candidate in page.tolist()):
                order = np.array([place[candidate] for candidate in page.tolist()], np.int32)
                total += share * likelihood(order, self.chance, self.protected)
        return min(total, 1.0)
