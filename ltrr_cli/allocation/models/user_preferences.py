"""What each user usually chooses: types and attribute values, counted and fading, as features of the bandit.

Nothing is kept here: the log of actions says what a user did, the catalog what that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log1p

import numpy as np

from ltrr_cli.core.clock import DAY
from ltrr_cli.core.types import DoubleArray, IntArray, MomentArray

Fact = tuple[str, str]  # (field, value): ("type", "song"), ("genre", "jazz")
Acts = tuple[IntArray, DoubleArray, MomentArray]  # (rows, weights, moments), parallel, the newest first

NEWEST = 100  # actions of a user that are looked at
NAMES = ("user.actions", "user.favourite_type", "user.favours_reading")


class UserPreferences:
    """Decayed actions of a user, in all and per fact.

    acts     -- gives the newest actions of a user, at most so many
    facts_of -- gives what is known of a row
    """

    def __init__(
        self,
        acts: Callable[[str, int], Acts],
        facts_of: Callable[[int], Sequence[Fact]],
        half_life_days: float = 60.0,
    ) -> None:
        self._acts, self._facts_of, self._half_life = acts, facts_of, half_life_days * DAY
        self._facts: dict[int, tuple[Fact, ...]] = {}

    def features(self, user: str | None, read: Sequence[Fact], time_ms: int) -> Mapping[str, float]:
        """Return ``NAMES`` -> ln(1 + actions), share of the favourite type, largest share of a fact that was read.

        read -- what the query seems to ask for, in the catalog's own fields and values
        """
        if user is None:
            return dict.fromkeys(NAMES, 0.0)
        rows, weights, moments = self._acts(user, NEWEST)
        age = np.where(moments > 0, np.maximum(time_ms - moments, 0), 0)  # what has no time does not fade
        worth = np.maximum(weights, 0.0) * np.exp2(-age / self._half_life)
        total = float(worth.sum())
        if total <= 0.0:
            return dict.fromkeys(NAMES, 0.0)
        held: dict[Fact, float] = {}
        distinct, of = np.unique(rows, return_inverse=True)
        for row, weight in zip(distinct.tolist(), np.bincount(of, worth).tolist(), strict=True):
            for fact in self._known(row):
                held[fact] = held.get(fact, 0.0) + weight
        favourite = max((weight for (field, _), weight in held.items() if field == "type"), default=0.0)
        favoured = max((held.get(fact, 0.0) for fact in read), default=0.0)
        return dict(zip(NAMES, (log1p(total), favourite / total, favoured / total), strict=True))

    def _known(self, row: int) -> tuple[Fact, ...]:
        facts = self._facts.get(row)
        if facts is None:
            facts = self._facts[row] = tuple(self._facts_of(row))
        return facts


def nobody() -> UserPreferences:
    """Return the preferences of users of whom nothing is known."""
    empty = np.empty(0, np.int32), np.empty(0), np.empty(0, np.int64)
    return UserPreferences(lambda user, most: empty, lambda row: ())
