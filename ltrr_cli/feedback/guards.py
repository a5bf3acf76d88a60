"""How much of an action counts, so that one robot cannot write the memory.

Streaming and deterministic in (time, event id) order; what is kept is one day's counts.

- Actions of one person on one entity for one query and day count once, wanted and unwanted (reward above and below 0)
  apart: opening, playing and buying what one found is one proof, not three. It counts as much as the strongest of them:
  a purchase after a look adds what it says beyond the look, and a look after a purchase nothing.
- A person's actions beyond the daily cap of the settings count nothing. Who a person is: the user, else the session.
- Actions with neither cannot be told apart; a hard cap would silence logs that never name anybody. The n-th of them
  for the same query, entity and day counts 1/n: a thousand clicks weigh 7.5.
- Actions without a time have no day: repeats count once, no cap applies (reading them at all is the operator's choice).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from ltrr_cli.core.clock import DAY
from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.core.types import Event, Impression, MomentArray
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.storage.merging import Ascending
from ltrr_cli.storage.packed_arrays import open_arrays, write_arrays
from ltrr_cli.text.normalise import query_key

BUSY = 50  # actions on one day, from which on mostly repeating oneself is worth a word
STEPS = 20  # of rewards between 0 and 1 that are told apart
TAIL = 16_384  # acts of a day that wait to be sorted in

FILE, ACTS = "guard.json", "acts.bin"

_ANONYMOUS = ("anonymous", "")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A user, session or anonymous source with abnormally many actions on one day.

    kind    -- "user", "session" or "anonymous"
    day     -- days since 1970-01-01 UTC
    actions -- on that day; ``counted`` is the sum of their weights
    """

    kind: str
    name: str
    day: int
    actions: int
    counted: float


class _Stored(msgspec.Struct, frozen=True):
    day: int | None
    repeats: dict[int, int]
    actions: list[tuple[str, str, int]]
    lost: list[tuple[str, str, float]]
    suspects: list[Suspect]


class Guard:
    """Weighs a stream of events in (time, event id) order."""

    def __init__(self, settings: FeedbackSettings, rewards: Rewards | None = None) -> None:
        self._settings = settings
        self.rewards = rewards or Rewards(settings)
        self._day: int | None = None
        self._once: dict[int, _Once] = {}  # step of the reward, signed -> acts that were worth it
        self._repeats: Counter[int] = Counter()  # beyond the first
        self._actions: Counter[tuple[str, str]] = Counter()
        self._lost: dict[tuple[str, str], float] = {}  # what did not count of them; mostly nothing, so mostly nobody
        self._suspects: list[Suspect] = []

    def weight(self, event: Event, impression: Impression | None = None) -> float:
        """Return what counts of an event, 0..1.

        impression -- the page that the event names, for its query and its person; as with ``Attribution.outcome``
        A type whose reward is 0 weighs 0 and is not counted.

        >>> guard = Guard(FeedbackSettings())
        >>> click = Event("1", "click", 0, "album", query="Blue", user="u")
        >>> guard.weight(click), guard.weight(click)
        (1.0, 0.0)
        """
        day = None if event.time_ms is None else event.time_ms // DAY
        if day != self._day:
            self._close_day()
            self._day = day
        reward = self.rewards.of(event)
        if reward == 0.0:  # proves nothing, and must not use up what a click on the same entity proves
            return 0.0
        actor = _actor(event, impression)
        query = event.query if impression is None else impression.query
        act = _hashed(*actor, query_key(query or ""), event.entity_id, "+" if reward > 0 else "-")
        known = self._known(act, reward)
        nth = 1
        if known:
            self._repeats[act] += 1
            nth += self._repeats[act]
        weight = self._weight(actor, nth, known / abs(reward))
        self._actions[actor] += 1
        if weight < 1.0:
            self._lost[actor] = self._lost.get(actor, 0.0) + 1.0 - weight
        return weight

    def suspects(self) -> list[Suspect]:
        """Return who exceeded the daily cap, or mostly repeated themselves, the busiest first."""
        found = self._suspects + list(self._of_day())
        return sorted(found, key=lambda one: (-one.actions, one.day, one.kind, one.name))

    def save(self, folder: Path) -> None:
        """Write all that is needed to go on."""
        actions = [(*actor, count) for actor, count in self._actions.items()]
        lost = [(*actor, count) for actor, count in self._lost.items()]
        stored = _Stored(self._day, dict(self._repeats), actions, lost, self._suspects)
        (folder / FILE).write_bytes(msgspec.json.encode(stored))
        write_arrays(folder / ACTS, {str(step): self._once[step].values() for step in sorted(self._once)})

    @classmethod
    def open(cls, folder: Path, settings: FeedbackSettings, rewards: Rewards) -> Self:
        """Read what ``save`` wrote."""
        stored = msgspec.json.decode((folder / FILE).read_bytes(), type=_Stored)
        guard = cls(settings, rewards)
        guard._day, guard._suspects = stored.day, stored.suspects
        acts = open_arrays(folder / ACTS, writable=True)
        guard._once = {int(step): _Once(known) for step, known in acts.items()}
        guard._repeats.update(stored.repeats)
        guard._actions.update({(kind, name): count for kind, name, count in stored.actions})
        guard._lost.update({(kind, name): count for kind, name, count in stored.lost})
        return guard

    def _known(self, act: int, reward: float) -> float:
        """Return what the strongest act before proved, 0..1, at most as much as this one, and remember this one."""
        step = _step(reward)
        best = 0.0
        for other, acts in self._once.items():
            if other * step > 0 and abs(other) > best and act in acts:
                best = float(abs(other))
        if best < abs(step):
            self._once.setdefault(step, _Once()).add(act)
        return min(best / STEPS, abs(reward))

    def _weight(self, actor: tuple[str, str], nth: int, known: float) -> float:
        if actor == _ANONYMOUS:
            return 1.0 / nth
        if known >= 1.0 - 0.5 / STEPS:
            return 0.0
        capped = self._day is not None and self._counted(actor) >= self._settings.user_daily_cap
        return 0.0 if capped else 1.0 - known

    def _counted(self, actor: tuple[str, str]) -> float:
        return self._actions[actor] - self._lost.get(actor, 0.0)

    def _of_day(self) -> list[Suspect]:
        if self._day is None:
            return []
        return [
            Suspect(*actor, self._day, actions, self._counted(actor))
            for actor, actions in self._actions.items()
            if (actor != _ANONYMOUS and actions > self._settings.user_daily_cap)
            or (actions >= BUSY and self._counted(actor) < actions / 2)
        ]

    def _close_day(self) -> None:
        self._suspects += self._of_day()
        self._once.clear()
        self._repeats.clear()
        self._actions.clear()
        self._lost.clear()


def _step(reward: float) -> int:
    """Return the nearest of the steps of a reward, but never 0: few enough that a day's acts are kept by step."""
    step = round(reward * STEPS)
    return step or (1 if reward > 0 else -1)


class _Once:
    """Hashes of a day's acts, eight bytes each: a day may hold millions, and most are never repeated."""

    def __init__(self, acts: MomentArray | None = None) -> None:
        self._sorted = Ascending(np.empty(0, np.int64) if acts is None else acts)
        self._view = self._sorted.values.data  # plain integers, without NumPy's cost of one
        self._new: set[int] = set()

    def __contains__(self, act: int) -> bool:
        if act in self._new:
            return True
        place = bisect_left(self._view, act)
        return place < len(self._view) and self._view[place] == act

    def values(self) -> MomentArray:
        """Return all of them, ascending."""
        new = np.sort(np.fromiter(self._new, np.int64, len(self._new)))
        return np.insert(self._sorted.values, np.searchsorted(self._sorted.values, new), new)

    def add(self, act: int) -> None:
        """Take in an act that is not there."""
        self._new.add(act)
        if len(self._new) > max(TAIL, len(self._view) // 16):
            self._sorted.add(np.sort(np.fromiter(self._new, np.int64, len(self._new))))
            self._view = self._sorted.values.data
            self._new.clear()


def _hashed(*parts: str) -> int:
    """Return a 64-bit hash with a sign, the same in every process."""
    digest = blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _actor(event: Event, impression: Impression | None) -> tuple[str, str]:
    user, session = event.user, event.session
    if impression is not None:
        user = user if user is not None else impression.user
        session = session if session is not None else impression.session
    if user is not None:
        return ("user", user)
    return _ANONYMOUS if session is None else ("session", session)
