"""The fold: all events of the journal, in (time, event id) order, into what is learnt; it goes on where it stood.

The same set of events gives the same state, whatever files, batches or order they came in, and whether it was folded
at once or in parts: whoever learns saves all that is needed to go on as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from ltrr_cli.core.config import Settings
from ltrr_cli.core.counted import CountedDay
from ltrr_cli.core.types import Outcome, Profile
from ltrr_cli.engine.snapshot import LearnedHeader, Snapshot
from ltrr_cli.feedback.attribution import Tally
from ltrr_cli.feedback.guards import Guard, Suspect
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.learning.teaching import Teacher
from ltrr_cli.learning.timeline import LearnStep, Past, SearchStep, profiles, steps
from ltrr_cli.storage.heap import trim_heap
from ltrr_cli.storage.journal import Journal
from ltrr_cli.storage.journal_past import Position

STATE = "fold"  # folder of what is needed to go on and of no use to answer
FILE = "fold.json"


class _State(msgspec.Struct, frozen=True):
    """Where a fold stands (``fold/state.json``)."""

    tally: Tally
    position: Position | None
    last_ms: int | None  # of the last outcome


def _state(checkpoint: Path) -> _State:
    return msgspec.json.decode((checkpoint / STATE / "state.json").read_bytes(), type=_State)


def past_at(checkpoint: Path | None, settings: Settings, rewards: Rewards) -> Past:
    """Return the past where the fold of a checkpoint stands; None: at its beginning."""
    if checkpoint is None:
        return Past(settings, rewards)
    state = _state(checkpoint)
    guard = Guard.open(checkpoint / STATE, settings.feedback, rewards)
    return Past(settings, rewards, state.tally, guard, state.position)


class Fold:
    """All that learns, up to a position in the journal.

    snapshot   -- fresh, or opened from a checkpoint: the folder of a learned generation
    profiles   -- of people, that were met by then
    """

    def __init__(self, snapshot: Snapshot, rewards: Rewards, checkpoint: Path | None = None, profiles: int = 0) -> None:
        self.snapshot, self.teacher, self._profiles = snapshot, Teacher(snapshot), profiles
        self._last_ms: int | None = None
        self._past = past_at(checkpoint, snapshot.settings, rewards)
        if checkpoint is not None:
            self.teacher.load(checkpoint / STATE)
            self._last_ms = _state(checkpoint).last_ms

    @property
    def tally(self) -> Tally:
        """What became of the events."""
        return self._past.tally

    @property
    def position(self) -> Position | None:
        """The last event that was learnt."""
        return self._past.position

    def suspects(self) -> list[Suspect]:
        """Return who acted abnormally often."""
        return self._past.guard.suspects()

    def run(self, journal: Journal, until_ms: int | None = None) -> None:
        """Learn what comes after the position, up to a moment; see the journal as it is for the whole of it."""
        self.snapshot.meet(self.people(journal))
        for step in self.steps(journal, until_ms):
            self.learn([step])
            if isinstance(step, SearchStep):
                self.teacher.ask(step.impression)
            elif isinstance(step, LearnStep):
                self.teacher.teach(step)
        self.teacher.end_undated()

    def people(self, journal: Journal) -> list[Profile]:
        """Return who is to be met next; after them come others."""
        known, self._profiles = self._profiles, journal.marks().profiles
        return profiles(journal, known)

    def steps(self, journal: Journal, until_ms: int | None = None) -> Iterator[SearchStep | LearnStep | CountedDay]:
        """Yield what comes after the position, to be learnt by strategies (``learn``) and by the bandit."""
        return steps(self.teacher.chosen(self._past.happened(journal, until_ms)))

    def learn(self, steps: Iterable[SearchStep | LearnStep | CountedDay]) -> None:
        """Let all strategies learn steps, outcomes between which nothing else stands but searches at once."""
        batch: list[Outcome] = []
        for step in steps:
            if isinstance(step, LearnStep):
                if batch and batch[-1].time_ms == 0 != step.outcomes[0].time_ms:
                    self._learn(batch)
                    batch = []
                batch.extend(step.outcomes)
            elif isinstance(step, CountedDay):
                self._learn(batch)
                batch = []
                self.snapshot.learn_counts(step)
                self._last_ms = step.time_ms
        self._learn(batch)

    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        if outcomes:
            self.snapshot.learn(outcomes)
            self._last_ms = outcomes[-1].time_ms

    def save(self, folder: Path, journal: Journal, catalog: int) -> Callable[[], None]:
        """Write what strategies learnt into an empty folder; return what writes what the bandit has learnt by then."""
        for name, strategy in self.snapshot.strategies.items():
            trim_heap()  # what the batches left between all that was learnt, and copies that were written before
            (folder / name).mkdir()
            strategy.save(folder / name)
        (folder / STATE).mkdir()
        self._past.guard.save(folder / STATE)
        state = _State(self.tally, self.position, self._last_ms)
        (folder / STATE / "state.json").write_bytes(msgspec.json.encode(state))
        header = LearnedHeader(catalog, self.tally.events, self.tally.outcomes, self._last_ms, journal.digest())
        (folder / FILE).write_bytes(msgspec.json.encode(header))
        now_ms, shares = 0 if self.position is None else self.position.time_ms, self.teacher.shares()

        def save_bandit() -> None:
            (folder / "policy").mkdir()
            self.snapshot.save_bandit(folder / "policy")
            self.teacher.save(folder / STATE, now_ms, shares)

        return save_bandit
