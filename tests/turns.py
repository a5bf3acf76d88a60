"""Long sets are tried in parts: ``LTRR_TURN`` says whose turn it is, and continuous integration sets it to the day;
with ``LTRR_TURN=all`` it is everybody's.

``@pytest.mark.turns(5)`` runs one of five cases of a parametrised test, or a single test one day of five; the other
cases are of the slow set. With ``pytestmark = pytest.mark.turns(5, together=True)`` a whole module has its day: where
its tests share what is dear to make. ``its_turn`` and ``todays`` are for parts inside a test.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

TOLD = os.environ.get("LTRR_TURN", "0")
EVERY = TOLD == "all"
TURN = 0 if EVERY else int(TOLD)

Case = TypeVar("Case")


def its_turn(number: int, parts: int) -> bool:
    """Say whether one of many cases belongs to the part whose turn it is."""
    return EVERY or number % parts == TURN % parts


def todays(cases: Sequence[Case], parts: int) -> list[Case]:
    """Return those of many cases whose turn it is."""
    return [case for number, case in enumerate(cases) if its_turn(number, parts)]
