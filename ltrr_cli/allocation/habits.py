"""What each user usually chooses: types and attribute values, counted and fading, as features of the bandit."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from math import log1p
from pathlib import Path
from typing import Self

import msgspec

from ltrr_cli.allocation.disk import read_header
from ltrr_cli.core.clock import DAY

Fact = tuple[str, str]  # (field, value): ("type", "song"), ("genre", "jazz")

MOST_FACTS = 24  # a user's strongest that are kept ...
ROOM = 40  # ... once there are more than this: sorting at every action would be most of the work
FINENESS = 64  # parts of a half-life in which habits fade
MOST_USERS = 200_000  # who was away longest is forgotten above this
NAMES = ("user.actions", "user.favourite_type", "user.favours_reading")


class _Stored(msgspec.Struct, array_like=True):
    moment: int
    actions: float
    facts: dict[str, float]


class _File(msgspec.Struct, frozen=True):
    half_life_days: float
    users: dict[str, _Stored]


class _User:
    """One user's habits; facts are numbers, for there are as many users as a log names."""

    __slots__ = ("actions", "facts", "moment", "weights")

    def __init__(self, moment: int, actions: float, facts: array[int], weights: array[float]) -> None:
        self.moment, self.actions, self.facts, self.weights = moment, actions, facts, weights

    def by_fact(self) -> dict[int, float]:
        """Return the weight of every fact."""
        return dict(zip(self.facts, self.weights, strict=True))

    def keep(self, facts: dict[int, float]) -> None:
        """Hold these facts from now on."""
        self.facts, self.weights = array("i", facts), array("f", facts.values())


class Habits:
    """Decayed actions per user, in all and per fact."""

    def __init__(self, half_life_days: float = 60.0) -> None:
        self._half_life_days = half_life_days
        self._users: dict[str, _User] = {}
        self._numbers: dict[Fact, int] = {}
        self._names: list[str] = []  # of facts, by number

    def learn(self, user: str, facts: Sequence[Fact], weight: float, time_ms: int) -> None:
        """Take in one rewarded action; in time order."""
        known = self._users.pop(user, None)  # whoever acts moves to the end of the dictionary
        known = _User(time_ms, 0.0, array("i"), array("f")) if known is None else self._aged(known, time_ms)
        known.actions += weight
        held = known.by_fact()
        for fact in facts:
            number = self._numbers.get(fact)
            if number is None:
                number = self._numbered(fact)
            held[number] = held.get(number, 0.0) + weight
        if len(held) > ROOM:
            names = self._names
            held = dict(sorted(held.items(), key=lambda pair: (-pair[1], names[pair[0]]))[:MOST_FACTS])
        known.keep(held)
        self._users[user] = known
        if len(self._users) > MOST_USERS:
            del self._users[next(iter(self._users))]

    def _numbered(self, fact: Fact) -> int:
        number = self._numbers.setdefault(fact, len(self._names))
        if number == len(self._names):
            self._names.append("\t".join(fact))
        return number

    def features(self, user: str | None, read: Sequence[Fact], time_ms: int) -> Mapping[str, float]:
        """Return ``NAMES`` -> ln(1 + actions), share of the favourite type, largest share of a fact that was read.

        read -- what the query seems to ask for, in the catalog's own fields and values
        """
        known = None if user is None else self._users.get(user)
        if known is None or known.actions <= 0.0:
            return dict.fromkeys(NAMES, 0.0)
        held = known.by_fact()
        types = [weight for number, weight in held.items() if self._names[number].startswith("type\t")]
        asked = [held.get(self._numbers.get(fact, -1), 0.0) for fact in read]
        keep = 2.0 ** (-max(time_ms - known.moment, 0) / (self._half_life_days * DAY))
        shares = (max(weights, default=0.0) / known.actions for weights in (types, asked))
        return dict(zip(NAMES, (log1p(known.actions * keep), *shares), strict=True))

    def _aged(self, known: _User, time_ms: int) -> _User:
        elapsed = max(time_ms - known.moment, 0)
        if elapsed * FINENESS < self._half_life_days * DAY:  # too short to matter: wait until it adds up
            return known
        keep = 2.0 ** (-elapsed / (self._half_life_days * DAY))
        weights = array("f", [weight * keep for weight in known.weights])
        return _User(max(time_ms, known.moment), known.actions * keep, known.facts, weights)

    def save(self, folder: Path) -> None:
        """Write ``habits.json``, user by user: all at once would be most of a fold's memory."""
        encode = msgspec.json.encode
        with (folder / "habits.json").open("wb") as out:
            out.write(b'{"half_life_days":' + encode(self._half_life_days) + b',"users":{')
            for place, (user, known) in enumerate(self._users.items()):
                facts = {self._names[number]: weight for number, weight in known.by_fact().items()}
                out.write(b"," * (place > 0) + encode(user) + b":" + encode((known.moment, known.actions, facts)))
            out.write(b"}}")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what ``save`` wrote; raises DamagedError."""
        file = read_header(folder / "habits.json", _File)
        habits = cls(file.half_life_days)
        for user, stored in file.users.items():
            numbers = [
                habits._numbered((name, value)) for name, _, value in (key.partition("\t") for key in stored.facts)
            ]
            known = _User(stored.moment, stored.actions, array("i", numbers), array("f", stored.facts.values()))
            habits._users[user] = known
        return habits
