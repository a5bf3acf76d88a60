"""The page that is shown: an allocation's best candidates, neighbours swapped below a protected top, with exact odds.

All odds are mixtures over the allocations of the menu and, within each, over the swaps of its page.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

from ltrr_cli.core.config import RankingSettings
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.types import DoubleArray, IntArray
from ltrr_cli.ranking.swap import likelihood, moved, swap


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

    def stands(self, pages: IntArray, odds: DoubleArray) -> dict[int, list[float]]:
        """Return candidate -> (k,) odds of standing at each position.

        pages -- (a, k) under each allocation before swaps, -1 where it is shorter; odds -- (a,) of each allocation
        """
        k = pages.shape[1]
        wide: dict[int, list[float]] = {}  # one column more at both ends, where nobody is moved to
        for page, share in _distinct(pages, odds):
            moves_of = moved(len(page), self.chance, self.protected)
            for at, (candidate, moves) in enumerate(zip(page, moves_of, strict=True)):
                line = wide.get(candidate)
                if line is None:
                    line = wide[candidate] = [0.0] * (k + 2)
                for column, chance in moves:
                    line[at + column] += chance * share
        # shares of a ninth add up to a little more than 1
        return {candidate: [min(chance, 1.0) for chance in line[1:-1]] for candidate, line in wide.items()}

    def page_odds(self, pages: IntArray, odds: DoubleArray, page: IntArray) -> float:
        """Return the chance that ``page`` is shown as it is, whichever draw and swaps lead to it."""
        total, shown = 0.0, page.tolist()
        for base, share in _distinct(pages, odds):
            if len(base) == len(shown) and set(base) == set(shown):
                place = {candidate: at for at, candidate in enumerate(base)}
                order = [place[candidate] for candidate in shown]
                total += share * likelihood(order, self.chance, self.protected)
        return min(total, 1.0)


def _distinct(pages: IntArray, odds: DoubleArray) -> list[tuple[tuple[int, ...], float]]:
    """Return (page without the gaps at its end, its odds): many allocations lead to one page."""
    shares: dict[tuple[int, ...], list[float]] = {}
    for page, share in zip(map(tuple, pages.tolist()), odds.tolist(), strict=True):
        shares.setdefault(page, []).append(share)
    return [(page[: len(page) - page.count(-1)], fsum(several)) for page, several in shares.items()]
