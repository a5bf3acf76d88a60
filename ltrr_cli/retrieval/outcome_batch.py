"""Outcomes with what every strategy asks of them, looked up once for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, overload

import numpy as np

from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import DoubleArray, IntArray, MomentArray, Outcome


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeBatch(Sequence[Outcome]):
    """Outcomes in time order, and parallel arrays (n,).

    rows     -- -1 for an entity that is not in the catalog
    times_ms -- moments
    worth    -- reward times what the guards leave of it, -1..1
    """

    outcomes: Sequence[Outcome]
    rows: IntArray
    times_ms: MomentArray
    worth: DoubleArray

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], row_of: Callable[[str], int]) -> Self:
        """Look everything up; a batch is returned as it is."""
        if isinstance(outcomes, cls):
            return outcomes
        return cls(
            outcomes,
            np.array([row_of(outcome.entity_id) for outcome in outcomes], np.int32),
            np.array([outcome.time_ms for outcome in outcomes], np.int64),
            np.array([outcome.reward * outcome.weight for outcome in outcomes], np.float64),
        )

    def __len__(self) -> int:
        return len(self.outcomes)

    @overload
    def __getitem__(self, index: int) -> Outcome: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Outcome]: ...

    def __getitem__(self, index: int | slice) -> Outcome | Sequence[Outcome]:
        return self.outcomes[index]

    def part(self, start: int, stop: int) -> OutcomeBatch:
        """Return the outcomes from a place up to another."""
        some = slice(start, stop)
        return OutcomeBatch(self.outcomes[some], self.rows[some], self.times_ms[some], self.worth[some])

    def wanted(self) -> IntArray:
        """Return the places, ascending, of outcomes that speak for an entity of the catalog."""
        return np.flatnonzero((self.worth > 0) & (self.rows >= 0)).astype(np.int32)

    def who(self, places: Sequence[int]) -> np.ndarray:
        """Return (n,) uint64 hashes of who acted: a user, else a session, else the event itself."""
        people: dict[str, int] = {}
        found = []
        for place in places:
            outcome = self.outcomes[place]
            name = outcome.user or outcome.session or outcome.event_id
            found.append(people.get(name) or people.setdefault(name, seed_of(name)))
        return np.array(found, np.uint64)
