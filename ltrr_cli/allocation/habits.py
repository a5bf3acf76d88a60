"""What each user usually chooses: types and attribute values, counted and fading, as features of the bandit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log1p
from pathlib import Path
from sys import intern
from typing import Self

import msgspec

from ltrr_cli.allocation.disk import read_header, write_header
from ltrr_cli.core.clock import DAY

Fact = tuple[str, str]  # (field, value): ("type", "song"), ("genre", "jazz")

MOST_FACTS = 24  # a user's strongest that are kept ...
ROOM = 40  # ... once there are more than this: sorting at every action would be most of the work
FINENESS = 64  # parts of a half-life in which habits fade
MOST_USERS = 200_000  # who was away longest is forgotten above this
NAMES = ("user.actions", "user.favourite_type", "user.favours_reading")


class _User(msgspec.Struct, array_like=True):
    moment: int
    actions: float
    facts: dict[str, float]


class _File(msgspec.Struct, frozen=True):
    half_life_days: float
    users: dict[str, _User]


class Habits:
    """Decayed actions per user, in all and per fact."""

    def __init__(self, half_life_days: float = 60.0) -> None:
        self._half_life_days = half_life_days
        self._users: dict[str, _User] = {}
        self._keys: dict[Fact, str] = {}

    def learn(self, user: str, facts: Sequence[Fact], weight: float, time_ms: int) -> None:
        """Take in one rewarded action; in time order."""
        known = self._users.pop(user, None)  # whoever acts moves to the end of the dictionary
        known = _User(time_ms, 0.0, {}) if known is None else self._aged(known, time_ms)
        known.actions += weight
        held = known.facts
        for fact in facts:
            key = self._keys.get(fact)
            if key is None:  # one text for all users: they choose among the same values
                key = self._keys[fact] = intern("\t".join(fact))
            held[key] = held.get(key, 0.0) + weight
        if len(held) > ROOM:
            kept = sorted(known.facts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_FACTS]
            known.facts = dict(kept)
        self._users[user] = known
        if len(self._users) > MOST_USERS:
            del self._users[next(iter(self._users))]

    def features(self, user: str | None, read: Sequence[Fact], time_ms: int) -> Mapping[str, float]:
        """Return ``NAMES`` -> ln(1 + actions), share of the favourite type, largest share of a fact that was read.

        read -- what the query seems to ask for, in the catalog's own fields and values
        """
        known = None if user is None else self._users.get(user)
        if known is None or known.actions <= 0.0:
            return dict.fromkeys(NAMES, 0.0)
        types = [weight for key, weight in known.facts.items() if key.startswith("type\t")]
        asked = [known.facts.get(f"{name}\t{value}", 0.0) for name, value in read]
        keep = 2.0 ** (-max(time_ms - known.moment, 0) / (self._half_life_days * DAY))
        shares = (max(weights, default=0.0) / known.actions for weights in (types, asked))
        return dict(zip(NAMES, (log1p(known.actions * keep), *shares), strict=True))

    def _aged(self, known: _User, time_ms: int) -> _User:
        elapsed = max(time_ms - known.moment, 0)
        if elapsed * FINENESS < self._half_life_days * DAY:  # too short to matter: wait until it adds up
            return known
        keep = 2.0 ** (-elapsed / (self._half_life_days * DAY))
        facts = {key: weight * keep for key, weight in known.facts.items()}
        return _User(max(time_ms, known.moment), known.actions * keep, facts)

    def save(self, folder: Path) -> None:
        """Write ``habits.json``."""
        write_header(folder / "habits.json", _File(self._half_life_days, self._users))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what ``save`` wrote; raises DamagedError."""
        file = read_header(folder / "habits.json", _File)
        habits = cls(file.half_life_days)
        habits._users = dict(file.users)
        return habits
