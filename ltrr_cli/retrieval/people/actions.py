"""Who did what, in order: the log that user embeddings and factors of the action graph are computed from.

Everything computed from it is a pure function of one of its prefixes, so it depends neither on batches nor on when
somebody asked. Prefixes end on a schedule (``settled``), for refitting at each action would cost days.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from math import log1p
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.clock import DAY
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import DoubleArray, IntArray, MomentArray, Outcome
from ltrr_cli.retrieval.outcome_batch import OutcomeBatch
from ltrr_cli.storage.merging import ROOM, grown
from ltrr_cli.text.normalise import query_key

GROWTH = 1.1  # factors are fitted anew when the actions have grown by a tenth
FEWEST = 20  # actions below which nothing is fitted
HALF_LIFE_DAYS = 60.0  # of an action in a person's embedding, as of the bandit's forgetting

_COLUMNS = {
    "actor": np.int32, "row": np.int32, "query": np.int64, "weight": np.float32, "time_ms": np.int64, "kind": np.int16,
}  # fmt: skip
MOST_KINDS = 32_000  # of events that are told apart; those beyond count as the first


class Actions:
    """A growing log of (actor, row, query, weight, moment, kind); look-ups see whatever was added before.

    An actor is a user, else a session. A query is a hash of its folded text, 0 where there is none. A kind is the
    number of an event's kind ("play", "purchase"), in the order in which kinds first came.
    """

    def __init__(self) -> None:
        self._size = 0
        self._log: dict[str, np.ndarray] = {name: np.empty(0, kind) for name, kind in _COLUMNS.items()}
        self._hashes = array("q")  # number of a user or session -> hash
        self._of: list[array[int]] = []  # and its actions
        self._names: dict[str, dict[str, int]] = {"user": {}, "session": {}}  # name -> number, of those met here
        self._stored: dict[int, int] = {}  # hash -> number, of those that were read from the disk
        self._queries: dict[str, int] = {}  # text -> hash of the folded text
        self._kinds: dict[str, int] = {}  # kind of event -> number

    def __len__(self) -> int:
        return self._size

    def learn(self, outcomes: Sequence[Outcome], row_of: Callable[[str], int]) -> None:
        """Add outcomes; what nobody did, or the guards left nothing of, or an entity that is gone, is no action."""
        batch = OutcomeBatch.of(outcomes, row_of)
        acted: list[int] = []
        actors: list[int] = []
        queries: list[int] = []
        amounts: list[float] = []
        kinds: list[int] = []
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
            kinds.append(self._kind(outcome.kind))
        weights = batch.worth[acted] * (1.0 + np.array(amounts))
        self._append(actors, batch.rows[acted], queries, weights, batch.times_ms[acted], kinds)

    def _append(self, *columns: Sequence[int] | np.ndarray) -> None:
        start, self._size = self._size, self._size + len(columns[0])
        for (name, log), column in zip(self._log.items(), columns, strict=True):
            if self._size > len(log):
                log = self._log[name] = grown(log, ROOM * self._size)
            log[start : self._size] = column

    def _number(self, kind: str, name: str) -> int:
        number = self._find(kind, name)
        if number is None:
            number = len(self._of)
            self._hashes.append(seed_of(kind, name))
            self._of.append(array("i"))
        self._names[kind][name] = number
        return number

    def _kind(self, name: str) -> int:
        number = self._kinds.get(name)
        if number is None:
            number = self._kinds[name] = len(self._kinds) if len(self._kinds) < MOST_KINDS else 0
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
        """Return the first ``size`` entries of one of ``_COLUMNS``, as they stand now."""
        view = self._log[name][: self._size if size is None else min(size, self._size)]
        view.flags.writeable = False
        return view

    def of(self, user: str | None, session: str | None, time_ms: int) -> tuple[IntArray, DoubleArray, IntArray]:
        """Return (rows ascending, (n,) float64 strengths, (n,) int32 kinds) of what a user or this session did.

        A strength is ``log1p`` of the sum of weights, decayed to a moment, of the sign of that sum; undated actions do
        not decay. The kind is that of the newest action on the row.
        """
        places = sorted({place for number in self._known(user, session) for place in self._of[number]})
        when: MomentArray = self._log["time_ms"][places]
        weight = self._log["weight"][places].astype(np.float64)
        age = np.where(when > 0, np.maximum(time_ms - when, 0), 0) / DAY
        rows, strengths, kinds = added_up(
            self._log["row"][places], weight * np.exp2(-age / HALF_LIFE_DAYS), self._log["kind"][places]
        )
        return rows, strengths, kinds

    def _known(self, user: str | None, session: str | None) -> list[int]:
        found = (self._find(kind, name) for kind, name in _named(user, session))
        return [number for number in found if number is not None]

    def save(self, path: Path) -> None:
        """Write one .npz."""
        lengths = np.array([len(places) for places in self._of], np.int64)
        places = np.fromiter((place for of in self._of for place in of), np.int32, int(lengths.sum()))
        columns = {name: log[: self._size] for name, log in self._log.items()}
        names = np.frombuffer("\n".join(self._kinds).encode(), np.uint8)
        np.savez(path, actors=np.array(self._hashes, np.int64), lengths=lengths, places=places, kinds=names, **columns)  # type: ignore[arg-type]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        actions = cls()
        with np.load(path, allow_pickle=False) as stored:
            told = "kinds" in stored.files  # before 0.2 kinds of events were not told apart
            names = [name for name in _COLUMNS if told or name != "kind"]
            actions._log = {name: stored[name].astype(_COLUMNS[name], copy=False) for name in names}
            actions._size = len(actions._log["row"])
            actions._log.setdefault("kind", np.zeros(actions._size, np.int16))
            kinds = bytes(stored["kinds"]).decode().split("\n") if told and len(stored["kinds"]) else []
            actions._kinds = {name: number for number, name in enumerate(kinds)}
            actions._hashes = array("q", stored["actors"].astype(np.int64).tobytes())
            places, ends = stored["places"], np.cumsum(stored["lengths"]).tolist()
        for start, end in zip([0, *ends], ends, strict=False):
            actions._of.append(array("i", places[start:end].astype(np.int32).tobytes()))
        actions._stored = {hashed: number for number, hashed in enumerate(actions._hashes)}
        return actions


def added_up(rows: IntArray, weights: DoubleArray, kinds: IntArray) -> tuple[IntArray, DoubleArray, IntArray]:
    """Return (rows ascending, strengths, kind of the last action on each) of parallel arrays in the log's order.

    >>> rows, strengths, kinds = added_up(np.array([4, 2, 4]), np.array([1.0, -1.0, 2.0]), np.array([0, 1, 2]))
    >>> rows.tolist(), strengths.round(3).tolist(), kinds.tolist()
    ([2, 4], [-0.693, 1.386], [1, 2])
    """
    distinct, inverse = np.unique(rows, return_inverse=True)
    total = np.bincount(inverse, weights, len(distinct))
    newest = np.zeros(len(distinct), np.int32)
    newest[inverse] = kinds  # the last assignment stands
    return distinct, np.sign(total) * np.log1p(np.abs(total)), newest


def _named(user: str | None, session: str | None) -> list[tuple[str, str]]:
    """Return what names the actors of an action: the user first, for the log's own column."""
    return [(kind, name) for kind, name in (("user", user), ("session", session)) if name]
