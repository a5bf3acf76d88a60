"""A snapshot that learns while it answers: two copies, of which one answers while the other one learns.

What learns writes in place, so nobody may look meanwhile. An update is given to the copy that nobody asks, which then
answers; the other one takes it in together with the next (left-right; Ramalhete & Correia, 2013), for two are learnt at
the price of one. So whoever asks waits for nobody and sees all of an update or nothing of it. Both copies map the same
files, and share what they map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from threading import Lock
from time import monotonic, sleep
from weakref import WeakValueDictionary

from ltrr_cli.allocation.policy import BanditExample
from ltrr_cli.core.types import Outcome, Profile
from ltrr_cli.engine.snapshot import Snapshot

PATIENCE = 1.0  # seconds that an update waits for those who still ask the other copy; then that is left to them
LOOK = 0.0005  # seconds between two looks


@dataclass(frozen=True, slots=True)
class SnapshotUpdate:
    """What an open snapshot is to learn: outcomes in the order in which they came, and what they teach the bandit."""

    outcomes: tuple[Outcome, ...] = ()
    examples: tuple[BanditExample, ...] = ()
    people: tuple[Profile, ...] = ()


def take(snapshot: Snapshot, updates: Sequence[SnapshotUpdate]) -> None:
    """Let a snapshot learn; the same in whatever parts the updates come."""
    snapshot.meet([one for update in updates for one in update.people])
    outcomes = [outcome for update in updates for outcome in update.outcomes]
    snapshot.learn(outcomes)
    snapshot.teach([example for update in updates for example in update.examples])
    snapshot.clock_ms = max(snapshot.clock_ms, max((outcome.time_ms for outcome in outcomes), default=0))


class _Copy:
    """One of the copies, and who asks it."""

    def __init__(self, snapshot: Snapshot, missing: list[SnapshotUpdate]) -> None:
        self.snapshot, self.missing = snapshot, missing  # updates that the other one has taken in
        self._views: WeakValueDictionary[int, Snapshot] = WeakValueDictionary()
        self._count = 0

    def view(self) -> Snapshot:
        """Return the snapshot for somebody to ask; it counts as asked for as long as this one lives."""
        view = self._views[self._count] = copy(self.snapshot)
        self._count += 1
        return view

    def is_left(self, patience: float) -> bool:
        """Say whether nobody asks it any more, after a while at most."""
        until = monotonic() + patience
        while self._views:
            if monotonic() > until:
                return False
            sleep(LOOK)
        return True


class LiveSnapshot:
    """The open state of one pair of generations, and all that was learnt since it was opened.

    opened -- what answers until the first update; it is never written to, unless all was prepared
    again  -- opens the same generations once more; None where they are the current ones no longer
    take   -- lets a snapshot learn updates, with the same result in whatever parts they come
    """

    def __init__(
        self,
        opened: Snapshot,
        again: Callable[[], Snapshot | None],
        take: Callable[[Snapshot, Sequence[SnapshotUpdate]], None] = take,
    ) -> None:
        self._opened, self._again, self._take = opened, again, take
        self._answers: _Copy | None = None
        self._other: _Copy | None = None
        self._updates: list[SnapshotUpdate] = []  # all of them
        self._turning = Lock()  # held for a moment only
        self._learning = Lock()

    def view(self) -> Snapshot:
        """Return what answers now; what is learnt later does not change it."""
        with self._turning:
            return self._opened if self._answers is None else self._answers.view()

    def learn(self, update: SnapshotUpdate) -> bool:
        """Let what answers next know of an update; False where a newer generation takes its place and it is asked.

        Updates of several threads are learnt one after another.
        """
        with self._learning:
            learns = self._free()
            if learns is None:
                return self._learn_in_place(update)
            self._give(learns, update)
            with self._turning:
                self._answers, self._other = learns, self._answers
            if self._other is not None:
                self._other.missing.append(update)
            return True

    def _learn_in_place(self, update: SnapshotUpdate) -> bool:
        """Learn in the copy that answers, where there is no other and nobody asks it; who comes meanwhile waits."""
        with self._turning:
            if self._answers is None or not self._answers.is_left(0.0):
                return False
            self._give(self._answers, update)
            if self._other is not None:
                self._other.missing.append(update)
            return True

    def _give(self, learns: _Copy, update: SnapshotUpdate) -> None:
        """Let a copy take in an update, and before it what only the other one has taken in."""
        self._take(learns.snapshot, [*learns.missing, update])
        learns.missing.clear()
        self._updates.append(update)

    def prepare(self) -> None:
        """Open the other copy beforehand, so that the first update does not wait for it; before anybody asks."""
        with self._learning:
            self._opened.go_live(live=True)
            with self._turning:
                self._answers = _Copy(self._opened, [])
            self._other = self._free()

    def _free(self) -> _Copy | None:
        """Return a copy that nobody asks."""
        if self._other is not None and self._other.is_left(PATIENCE):
            return self._other
        snapshot = self._again()
        if snapshot is None:
            return None
        snapshot.go_live(live=True)
        return _Copy(snapshot, list(self._updates))
