"""Who did what, in order: the log that user embeddings and factors of the action graph are computed from.

Everything computed from it is a pure function of one of its prefixes, so it depends neither on batches nor on when
somebody asked. Prefixes end on a schedule (``settled``), for refitting at each action would cost days.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from math import log1p
from pathlib import Path
from typing import Self, TypeVar

import msgspec
import numpy as np

from ltrr_cli.core.clock import DAY
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import DoubleArray, IntArray, MomentArray, Outcome
from ltrr_cli.retrieval.outcome_batch import OutcomeBatch
from ltrr_cli.retrieval.people.first_format import old_actions
from ltrr_cli.storage import disk
from ltrr_cli.storage.merging import ROOM, grown
from ltrr_cli.storage.packed_arrays import open_arrays, write_arrays
from ltrr_cli.storage.segments import LOG, Arrays, LogFile
from ltrr_cli.text.normalise import query_key

Codes = TypeVar("Codes", IntArray, MomentArray)

GROWTH = 1.1  # factors are fitted anew when the actions have grown by a tenth
FEWEST = 20  # actions below which nothing is fitted
HALF_LIFE_DAYS = 60.0  # of an action in a person's embedding, as of the bandit's forgetting
MOST = 5_000  # newest actions of one person that are looked at: a robot that acts on and on costs no more than that

ACTOR_KINDS = ("user", "session")  # the first that is named is an action's own
ACTORS, HEADS, EVENTS = "actors", "heads.derived", "kinds.json"
_NONE = -1
_COLUMNS = {
    "actor": np.int32, "row": np.int32, "query": np.int64, "weight": np.float32, "time_ms": np.int64, "kind": np.int16,
    "before_user": np.int32, "before_session": np.int32,
}  # fmt: skip
MOST_KINDS = 32_000  # of events that are told apart; those beyond count as the first


class Actions:
    """A growing log of (actor, row, query, weight, moment, kind); look-ups see whatever was added before.

    An actor is a user, else a session. A query is a hash of its folded text, 0 where there is none. A kind is the
    number of an event's kind ("play", "purchase"), in the order in which kinds first came. Each action names
    the one before it of the same user and of the same session (-1: none), so that a person's are found from the last.
    """

    def __init__(self) -> None:
        self._size = self._mapped = 0
        self._base: Arrays = {name: np.empty(0, kind) for name, kind in _COLUMNS.items()}  # (mapped,), on the disk
        self._log: Arrays = {name: np.empty(0, kind) for name, kind in _COLUMNS.items()}  # what came after it
        self._hashes = array("q")  # number of a user or session -> hash
        self._heads = array("i")  # number -> its last action
        self._names: dict[str, dict[str, int]] = {kind: {} for kind in ACTOR_KINDS}  # name -> number, of those met here
        self._stored: dict[int, int] = {}  # hash -> number, of those that were read from the disk
        self._queries: dict[str, int] = {}  # text -> hash of the folded text
        self._kinds: dict[str, int] = {}  # kind of event -> number
        self._files = LogFile(), LogFile()

    def __len__(self) -> int:
        return self._size

    def learn(self, outcomes: Sequence[Outcome], row_of: Callable[[str], int]) -> None:
        """Add outcomes; what nobody did, or the guards left nothing of, or an entity that is gone, is no action."""
        batch = OutcomeBatch.of(outcomes, row_of)
        acted: list[int] = []
        actors: list[int] = []
        queries: list[int] = []
        amounts: list[float] = []
        before: dict[str, list[int]] = {kind: [] for kind in ACTOR_KINDS}
        kinds: list[int] = []
        for place in np.flatnonzero((batch.worth != 0) & (batch.rows >= 0)).tolist():
            outcome = batch[place]
            named = (outcome.user, outcome.session)
            if not any(named):
                continue
            at, first = self._size + len(acted), _NONE
            for kind, name in zip(ACTOR_KINDS, named, strict=True):
                last = _NONE
                if name:
                    number = self._number(kind, name)
                    first = number if first < 0 else first
                    last, self._heads[number] = self._heads[number], at
                before[kind].append(last)
            acted.append(place)
            actors.append(first)
            queries.append(self._hash(outcome.query))
            amounts.append(0.0 if outcome.value is None else log1p(max(outcome.value, 0.0)))
            kinds.append(self._kind(outcome.kind))
        weights = batch.worth[acted] * (1.0 + np.array(amounts))
        self._append(actors, batch.rows[acted], queries, weights, batch.times_ms[acted], kinds, *before.values())

    def _append(self, *columns: Sequence[int] | np.ndarray) -> None:
        start, self._size = self._size, self._size + len(columns[0])
        for (name, log), column in zip(self._log.items(), columns, strict=True):
            if self._size - self._mapped > len(log):
                log = self._log[name] = grown(log, ROOM * (self._size - self._mapped))
            log[start - self._mapped : self._size - self._mapped] = column

    def _number(self, kind: str, name: str) -> int:
        number = self._find(kind, name)
        if number is None:
            number = len(self._heads)
            self._hashes.append(seed_of(kind, name))
            self._heads.append(_NONE)
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
        return settled(len(self), GROWTH)

    def settled_since(self, length: int) -> list[int]:
        """Return, ascending, all that ``settled`` has returned since the log had a length, 0 left out."""
        sizes = [settled(len(self), GROWTH)]
        while sizes[-1] > settled(length, GROWTH):
            sizes.append(settled(sizes[-1] - 1, GROWTH))
        return [size for size in reversed(sizes) if size]

    # ------------------------------------------------------------ looking up

    def column(self, name: str, size: int | None = None) -> np.ndarray:
        """Return the first ``size`` entries of one of ``_COLUMNS``, as they stand now."""
        size = self._size if size is None else min(size, self._size)
        if size <= self._mapped:
            view = self._base[name][:size]
        else:
            late = self._log[name][: size - self._mapped]
            view = np.concatenate([self._base[name], late]) if self._mapped else late.view()
        view.flags.writeable = False
        return view

    def of(self, user: str | None, session: str | None, time_ms: int) -> tuple[IntArray, DoubleArray, IntArray]:
        """Return (rows ascending, (n,) float64 strengths, (n,) int32 kinds) of what a user or this session did.

        A strength is ``log1p`` of the sum of weights, decayed to a moment, of the sign of that sum; undated actions do
        not decay. The kind is that of the newest action on the row.
        """
        places = np.array(sorted({*self._chain("user", user), *self._chain("session", session)}), np.int64)
        when: MomentArray = self._at("time_ms", places)
        weight = self._at("weight", places).astype(np.float64)
        age = np.where(when > 0, np.maximum(time_ms - when, 0), 0) / DAY
        decayed = weight * np.exp2(-age / HALF_LIFE_DAYS)
        return added_up(self._at("row", places), decayed, self._at("kind", places))

    def newest(self, user: str, most: int) -> tuple[IntArray, DoubleArray, MomentArray]:
        """Return (rows, weights, moments), (n,) each, of the newest actions of a user, the newest first."""
        places = np.array(self._chain("user", user, most), np.int64)
        return self._at("row", places), self._at("weight", places).astype(np.float64), self._at("time_ms", places)

    def _chain(self, kind: str, name: str | None, most: int = MOST) -> list[int]:
        """Return the newest actions of a user or a session, the newest first."""
        number = self._find(kind, name) if name else None
        place, places = _NONE if number is None else self._heads[number], list[int]()
        base, late = self._base[f"before_{kind}"], self._log[f"before_{kind}"]
        while place >= 0 and len(places) < most:
            places.append(place)
            place = int(base[place]) if place < self._mapped else int(late[place - self._mapped])
        return places

    def _at(self, name: str, places: MomentArray) -> np.ndarray:
        late = places >= self._mapped
        if not late.any():
            return self._base[name][places]
        found = np.empty(len(places), _COLUMNS[name])
        found[~late], found[late] = self._base[name][places[~late]], self._log[name][places[late] - self._mapped]
        return found

    # ------------------------------------------------------------ disk

    def save(self, path: Path) -> None:
        """Write the log, or what came since it was opened; ``path`` has no suffix."""
        actors = path.with_name(f"{path.name}-{ACTORS}")
        self._files[0].save(path, self._size, self._from)
        self._files[1].save(actors, len(self._hashes), lambda start: {"hash": np.array(self._hashes[start:], np.int64)})
        write_arrays(path.with_name(f"{path.name}-{HEADS}"), {"last": np.array(self._heads, np.int32)})
        disk.write_atomic(path.with_name(f"{path.name}-{EVENTS}"), msgspec.json.encode(list(self._kinds)))

    def _from(self, start: int) -> Arrays:
        if start < self._mapped:
            return {name: self.column(name)[start:] for name in _COLUMNS}
        part = slice(start - self._mapped, self._size - self._mapped)
        return {name: column[part] for name, column in self._log.items()}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map what ``save`` wrote, or read a log of 0.1.0; nothing where there is nothing."""
        actions = cls()
        if path.with_suffix(".npz").exists():
            columns, hashed, heads, named = old_actions(path.with_suffix(".npz"))
            actions._append(*(columns[name] for name in _COLUMNS))
            actions._know(named, heads, hashed)
            return actions
        if not path.with_suffix(LOG).exists():
            return actions
        log, actions._base, late = LogFile.open(path)
        names, hashes, more = LogFile.open(path.with_name(f"{path.name}-{ACTORS}"))
        kinds = msgspec.json.decode(path.with_name(f"{path.name}-{EVENTS}").read_bytes(), type=list[str])
        actions._size = actions._mapped = len(actions._base["row"])
        if late is not None:
            actions._append(*late.values())
        heads = open_arrays(path.with_name(f"{path.name}-{HEADS}"))["last"]
        actions._know(kinds, heads, *(part["hash"] for part in (hashes, more) if part is not None))
        actions._files = log, names
        return actions

    def _know(self, kinds: Sequence[str], heads: np.ndarray, *hashes: np.ndarray) -> None:
        self._kinds = {name: number for number, name in enumerate(kinds)}
        self._heads.frombytes(heads.tobytes())
        for part in hashes:
            self._hashes.frombytes(part.tobytes())
        self._stored = {hashed: number for number, hashed in enumerate(self._hashes)}


def added_up(rows: Codes, weights: DoubleArray, kinds: IntArray) -> tuple[Codes, DoubleArray, IntArray]:
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


def settled(length: int, growth: float) -> int:
    """Return the last of a geometric series of lengths that is not above ``length``; 0 below ``FEWEST``.

    >>> settled(100, 2.0), settled(19, 2.0)
    (80, 0)
    """
    if length < FEWEST:
        return 0
    steps = int(np.log(length / FEWEST) / np.log(growth) + 1e-9)
    return min(int(FEWEST * growth**steps), length)
