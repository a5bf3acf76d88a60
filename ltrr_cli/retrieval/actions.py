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
from ltrr_cli.retrieval.batch import Batch
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
        self._hashes = array("q")  # number of a user or session -> hash
        self._of: list[array[int]] = []  # and its actions
        self._names: dict[str, dict[str, int]] = {"user": {}, "session": {}}  # name -> number, of those met here
        self._stored: dict[int, int] = {}  # hash -> number, of those that were read from the disk
        self._queries: dict[str, int] = {}  # text -> hash of the folded text

    def __len__(self) -> int:
        return len(self._log["row"])

    def learn(self, outcomes: Sequence[Outcome], row_of: Callable[[str], int]) -> None:
        """Add outcomes; what nobody did, or the guards left nothing of, or an entity that is gone, is no action."""
        batch = Batch.of(outcomes, row_of)
        acted: list[int] = []
        actors: list[int] = []
        queries: list[int] = []
        amounts: list[float] = []
        for place in np.flatnonzero((batch.worth != 0) & (batch.rows >= 0)).tolist():
            outcome = batch[place]
            numbers = [self._number(kind, name) for kind, name in _named(outcome.user, outcome.session)]
            if not numbers:
                continue
            for number in numbers:
                self._of[number].append(len(self) + len(acted))
            acted.append(place)
            actors.append(numbers[0])
            queries.append(self._hash(outcome.query))
            amounts.append(0.0 if outcome.value is None else log1p(max(outcome.value, 0.0)))
        weights = batch.worth[acted] * (1.0 + np.array(amounts))
        columns = (actors, batch.rows[acted], queries, weights, batch.times_ms[acted])
        for (name, _, kind), column in zip(_COLUMNS, columns, strict=True):
            self._log[name].frombytes(np.asarray(column, kind).tobytes())

    def _number(self, kind: str, name: str) -> int:
        number = self._find(kind, name)
        if number is None:
            number = len(self._of)
            self._hashes.append(seed_of(kind, name))
            self._of.append(array("i"))
        self._names[kind][name] = number
        return number

    def _find(self, kind: str, name: str) -> int | None:
        number = self._names[kind].get(name)
        return self._stored.get(seed_of(kind, name)) if number is None and self._stored else number

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
        found = (self._find(kind, name) for kind, name in _named(user, session))
        return [number for number in found if number is not None]

    def save(self, path: Path) -> None:
        """Write one .npz."""
        lengths = np.array([len(places) for places in self._of], np.int64)
        places = np.fromiter((place for of in self._of for place in of), np.int32, int(lengths.sum()))
        columns = {name: self.column(name) for name, _, _ in _COLUMNS}
        np.savez(path, actors=np.array(self._hashes, np.int64), lengths=lengths, places=places, **columns)  # type: ignore[arg-type]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        actions = cls()
        with np.load(path, allow_pickle=False) as stored:
            for name, code, kind in _COLUMNS:
                actions._log[name] = array(code, stored[name].astype(kind).tobytes())
            actions._hashes = array("q", stored["actors"].astype(np.int64).tobytes())
            places, ends = stored["places"], np.cumsum(stored["lengths"]).tolist()
        for start, end in zip([0, *ends], ends, strict=False):
            actions._of.append(array("i", places[start:end].astype(np.int32).tobytes()))
        actions._stored = {hashed: number for number, hashed in enumerate(actions._hashes)}
        return actions


def _named(user: str | None, session: str | None) -> list[tuple[str, str]]:
    """Return what names the actors of an action: the user first, for the log's own column."""
    return [(kind, name) for kind, name in (("user", user), ("session", session)) if name]
