"""The one function that rolls the dice."""

from __future__ import annotations

import numpy as np

from ltrr_cli.allocation.policy import Menu
from ltrr_cli.core.seeds import generator


def draw(menu: Menu, seed: int) -> tuple[int, float]:
    """Return (which allocation of the menu, its odds); the same seed draws the same."""
    if len(menu.odds) == 1:
        return 0, 1.0
    edges = np.cumsum(menu.odds)
    place = int(np.searchsorted(edges, generator("allocation", seed).random() * edges[-1], side="right"))
    place = min(place, len(menu.odds) - 1)
    return place, float(menu.odds[place])
