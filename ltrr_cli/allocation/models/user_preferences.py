"""What each user usually chooses: types and attribute values, counted and fading, as features of the bandit."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from math import log1p
from pathlib import Path
from typing import Self

import msgspec

from ltrr_cli.allocation.models.stored import read_header
from ltrr_cli.core.clock import DAY

Fact = tuple[str, str]  # (field, value): ("type", "song"), ("genre", "jazz")

MOST_FACTS = 24  # a user's strongest that are kept ...
ROOM = 40  # ... once there are more than this: sorting at every action would be most of the work
WAITING = 8  # acts of a user that are taken in together
FINENESS = 64  # parts of a half-life in which habits fade
MOST_USERS = 200_000  # who was away longest is forgotten above this
_WIDTH = 3  # numbers of an act that waits
NAMES = ("user.actions", "user.favourite_type", "user.favours_reading")


class _Stored(msgspec.Struct, array_like=True):
    moment: int
    actions: float
    facts: dict[str, float]


class _File(msgspec.Struct, frozen=True):
    half_life_days: float
    users: dict[str, _Stored]


class _User:
    """One user's habits; facts are numbers, for there are as many users as a log names.

    waiting -- (set of facts, weight, moment) of the newest acts, one after another: most of what an act costs is to
               open the books, so that is done for several of one user at a time
    """

    __slots__ = ("actions", "facts", "moment", "waiting", "weights")

    def __init__(self, moment: int, actions: float, facts: array[int], weights: array[float]) -> None:
        self.moment, self.actions, self.facts, self.weights = moment, actions, facts, weights
        self.waiting = array("d")

    def by_fact(self) -> dict[int, float]:
        """Return the weight of every fact, as of ``moment``."""
        return dict(zip(self.facts, self.weights, strict=True))


class UserPreferences:
    """Decayed counts of the actions of each user, in all and per fact (type or attribute value)."""

    def __init__(self, half_life_days: float = 60.0) -> None:
        self._half_life_days = half_life_days
        self._users: dict[str, _User] = {}
        self._numbers: dict[Fact, int] = {}
        self._names: list[str] = []  # of facts, by number
        self._sets: list[array[int]] = []  # numbers of the facts that an entity has, by its own number

    def entity(self, facts: Sequence[Fact]) -> int:
        """Return a number for what is known of an entity, for ``learn``: asked for once, not at each act."""
        self._sets.append(array("i", map(self._numbered, facts)))
        return len(self._sets) - 1

    def learn(self, user: str, entity: int, weight: float, time_ms: int) -> None:
        """Take in one rewarded action; in time order."""
        known = self._users.pop(user, None)  # whoever acts moves to the end of the dictionary
        if known is None:
            known = _User(time_ms, 0.0, array("i"), array("f"))
        known.waiting.extend((entity, weight, time_ms))
        self._users[user] = self._settled(known) if len(known.waiting) >= _WIDTH * WAITING else known
        if len(self._users) > MOST_USERS:
            del self._users[next(iter(self._users))]

    def _settled(self, known: _User) -> _User:
        """Return a user with nothing waiting; the one given stays as it is."""
        if not known.waiting:
            return known
        moment, actions, held = known.moment, known.actions, known.by_fact()
        acts = iter(known.waiting)
        for entity, weight, time_ms in zip(acts, acts, acts, strict=True):
            elapsed = max(int(time_ms) - moment, 0)
            if elapsed * FINENESS >= self._half_life_days * DAY:  # else too short to matter: wait until it adds up
                keep = 2.0 ** (-elapsed / (self._half_life_days * DAY))
                moment, actions = int(time_ms), actions * keep
                held = {fact: worth * keep for fact, worth in held.items()}
            actions += weight
            for fact in self._sets[int(entity)]:
                held[fact] = held.get(fact, 0.0) + weight
            if len(held) > ROOM:
                held = self._strongest(held)
        return _User(moment, actions, array("i", [*held]), array("f", [*held.values()]))

    def _strongest(self, held: Mapping[int, float]) -> dict[int, float]:
        """Keep ``MOST_FACTS``; of equal ones the first by name."""
        least = sorted(held.values(), reverse=True)[MOST_FACTS - 1]
        kept = {fact: weight for fact, weight in held.items() if weight > least}
        equal = sorted((fact for fact, weight in held.items() if weight == least), key=self._names.__getitem__)
        return kept | dict.fromkeys(equal[: MOST_FACTS - len(kept)], least)

    def _numbered(self, fact: Fact) -> int:
        number = self._numbers.setdefault(fact, len(self._names))
        if number == len(self._names):
            self._names.append("\t".join(fact))
        return number

    def features(self, user: str | None, read: Sequence[Fact], time_ms: int) -> Mapping[str, float]:
        """Return ``NAMES`` -> ln(1 + actions), share of the favourite type, largest share of a fact that was read.

        read -- what the query seems to ask for, in the catalog's own fields and values
        """
        found = None if user is None else self._users.get(user)
        if found is None:
            return dict.fromkeys(NAMES, 0.0)
        known = self._settled(found)
        if known.actions <= 0.0:
            return dict.fromkeys(NAMES, 0.0)
        held = known.by_fact()
        types = [weight for number, weight in held.items() if self._names[number].startswith("type\t")]
        asked = [held.get(self._numbers.get(fact, -1), 0.0) for fact in read]
        keep = 2.0 ** (-max(time_ms - known.moment, 0) / (self._half_life_days * DAY))
        shares = (max(weights, default=0.0) / known.actions for weights in (types, asked))
        return dict(zip(NAMES, (log1p(known.actions * keep), *shares), strict=True))

    def save(self, folder: Path) -> None:
        """Write ``preferences.json``, user by user: all at once would be most of a fold's memory."""
        encode = msgspec.json.encode
        with (folder / "habits.json").open("wb") as out:
            out.write(b'{"half_life_days":' + encode(self._half_life_days) + b',"users":{')
            for place, (user, found) in enumerate(self._users.items()):
                known = self._settled(found)
                facts = {self._names[number]: weight for number, weight in known.by_fact().items()}
                out.write(b"," * (place > 0) + encode(user) + b":" + encode((known.moment, known.actions, facts)))
            out.write(b"}}")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what ``save`` wrote; raises DamagedError."""
        file = read_header(folder / "habits.json", _File)
        preferences = cls(file.half_life_days)
        for user, stored in file.users.items():
            numbers = [
                preferences._numbered((name, value)) for name, _, value in (key.partition("\t") for key in stored.facts)
            ]
            known = _User(stored.moment, stored.actions, array("i", numbers), array("f", stored.facts.values()))
            preferences._users[user] = known
        return preferences
