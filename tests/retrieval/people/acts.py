"""A small world of tests: people of two tastes, who choose among the songs of theirs."""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Outcome
from tests.conftest import DAY_0, SONGS

EVEN, ODD = range(0, 60, 2), range(1, 60, 2)  # rows that the one and the other like


def act(number: int, user: str | None, row: int, query: str = "", **more: object) -> Outcome:
    return Outcome(f"e{number}", DAY_0 - 1_000_000 + number, query, SONGS[row].id, 1.0, user=user, **more)


def two_tastes(people: int = 60, each: int = 12) -> list[Outcome]:
    """Even people choose even rows below 60, odd people odd ones, for the query "song" or for none."""
    chance, found = generator("two tastes"), []
    for number in range(people * each):
        person = number % people
        row = int(chance.choice(np.array(EVEN if person % 2 == 0 else ODD)))
        found.append(act(number, f"u{person}", row, "song" if number % 3 else ""))
    return found
