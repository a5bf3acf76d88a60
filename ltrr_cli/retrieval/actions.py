"""Who did what, in order: the log that user embeddings and factors of the action graph are computed from.

Everything computed from it is a pure function of one of its prefixes, so it depends neither on batches nor on when
somebody asked. Prefixes end on a schedule (``settled``), for refitting at each action would cost days.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from math import log1p
from pathlib import Path
from typing import Any, Self

import numpy as np

from ltrr_cli.core.chance import seed_of
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.types import DoubleArray, IntArray, MomentArray, Outcome
from ltrr_cli.text.normalise import query_key

GROWTH = 1.1  # factors are fitted anew when the actions have grown by a tenth
FEWEST = 20  # actions below which nothing is fitted
HALF_LIFE_DAYS = 60.0  # of an action in a person's embedding, as of the bandit's forgetting

_COLUMNS = (("actor", "i", np.int32), ("row", "i", np.int32), ("query", "q", np.int64), ("weight", "f", np.float32),
            ("time_ms", "q", np.int64))  # fmt: skip


class Actions:
    """A growing log of (actor, row, query, weight, moment); look-ups see whatever was added before.

    An actor is a user, else a session. A query is a hash of its folded text, 0 where there is none.
    """

    def __init__(self) -> None:
        self._log: dict[str, array[Any]] = {name: array(code) for name, code, _ in _COLUMNS}
        self._actors: dict[int, int] = {}  # hash of a user or session -> number
        self._of: list[array[int]] = []  # number -> its actions
        self._numbers: dict[tuple[str, str], int] = {}  # and again by name: hashing is most of the cost
        self._queries: dict[str, int] = {}  # text -> hash of the folded text

    def __len__(self) -> int:
        return len(self._log["row"])

    def learn(self, outcomes: Sequence[Outcome], row_of: Callable[[str], int]) -> None:
        """Add outcomes; what nobody did, or the guards left nothing of, or an entity that is gone, is no action."""
        for outcome in outcomes:
            weight = outcome.reward * outcome.weight
            if not weight or not (outcome.user or outcome.session):
                continue
            row = row_of(outcome.entity_id)
            if row >= 0:
                amount = 0.0 if outcome.value is None else max(outcome.value, 0.0)
                self._add(outcome, row, weight * (1.0 + log1p(amount)))

    def _add(self, outcome: Outcome, row: int, weight: float) -> None:
        place, log = len(self), self._log
        numbers = [self._number(kind, name) for kind, name in _named(outcome.user, outcome.session)]
        log["actor"].append(numbers[0])
        log["row"].append(row)
        log["query"].append(self._hash(outcome.query))
        log["weight"].append(weight)
        log["time_ms"].append(outcome.time_ms)
        for number in numbers:
            self._of[number].append(place)

    def _number(self, kind: str, name: str) -> int:
        number = self._numbers.get((kind, name))
        if number is None:
            hashed = seed_of(kind, name)
            number = self._actors.setdefault(hashed, len(self._of))
            if number == len(self._of):
                self._of.append(array("i"))
            self._numbers[kind, name] = number
        return number

    def _hash(self, query: str) -> int:
        hashed = self._queries.get(query)
        if hashed is None:
            key = query_key(query)
            hashed = self._queries[query] = seed_of(key) if key else 0
        return hashed

    def settled(self) -> int:
        """Return the length of the prefix that fits are made of: the last of a geometric series of lengths."""
        if len(self) < FEWEST:
            return 0
        steps = int(np.log(len(self) / FEWEST) / np.log(GROWTH) + 1e-9)
        return min(int(FEWEST * GROWTH**steps), len(self))

    def column(self, name: str, size: int | None = None) -> np.ndarray:
        """Return the first ``size`` entries of "actor", "row", "query", "weight" or "time_ms" (a copy)."""
        kind = next(kind for column, _, kind in _COLUMNS if column == name)
        view = np.frombuffer(self._log[name], kind) if len(self) else np.empty(0, kind)
        return view[:size].copy()  # a view would forbid the array to grow

    def of(self, user: str | None, session: str | None, time_ms: int) -> tuple[IntArray, DoubleArray]:
        """Return (rows ascending, (n,) float64 strengths) of what a user or this session did, decayed to a moment.

        A strength is ``log1p`` of the decayed sum of weights, of the sign of that sum; undated actions do not decay.
        """
        places = sorted({place for number in self._known(user, session) for place in self._of[number]})
        log = self._log
        when: MomentArray = np.array([log["time_ms"][place] for place in places], np.int64)
        weight = np.array([log["weight"][place] for place in places], np.float64)
        age = np.where(when > 0, np.maximum(time_ms - when, 0), 0) / DAY
        rows, inverse = np.unique(np.array([log["row"][place] for place in places], np.int32), return_inverse=True)
        total = np.bincount(inverse, weight * np.exp2(-age / HALF_LIFE_DAYS), len(rows))
        return rows, np.sign(total) * np.log1p(np.abs(total))

    def _known(self, user: str | None, session: str | None) -> list[int]:
        return [
            self._actors[hashed]
            for hashed in (seed_of(*named) for named in _named(user, session))
            if hashed in self._actors
        ]

    def save(self, path: Path) -> None:
        """Write one .npz."""
        lengths = np.array([len(places) for places in self._of], np.int64)
        places = np.fromiter((place for of in self._of for place in of), np.int32, int(lengths.sum()))
        hashed = np.fromiter(self._actors, np.int64, len(self._actors))
        columns = {name: self.column(name) for name, _, _ in _COLUMNS}
        np.savez(path, actors=hashed, lengths=lengths, places=places, **columns)  # type: ignore[arg-type]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        actions = cls()
        with np.load(path, allow_pickle=False) as stored:
            for name, code, kind in _COLUMNS:
                actions._log[name] = array(code, stored[name].astype(kind).tobytes())
            actions._actors = {hashed: number for number, hashed in enumerate(stored["actors"].tolist())}
            places, ends = stored["places"], np.cumsum(stored["lengths"]).tolist()
        for start, end in zip([0, *ends], ends, strict=False):
            actions._of.append(array("i", places[start:end].astype(np.int32).tobytes()))
        return actions


def _named(user: str | None, session: str | None) -> list[tuple[str, str]]:
    """Return what names the actors of an action: the user first, for the log's own column."""
    return [(kind, name) for kind, name in (("user", user), ("session", session)) if name]
