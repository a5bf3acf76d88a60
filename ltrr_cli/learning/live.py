"""What people do now changes the open snapshot at once; the published generations follow.

An event is journalled before it is learnt, so nothing that was acknowledged is lost with the process. What is learnt
is what the journal holds beyond the generation that answers, in the order in which it came, whoever wrote it. The fold
that publishes learns it in the order of time, and fits what is fitted on a schedule; until then that stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import msgspec

from ltrr_cli.allocation.policy import BanditExample
from ltrr_cli.core.errors import LockedError, LtrrError
from ltrr_cli.core.types import Event, Outcome
from ltrr_cli.engine.live_snapshot import LiveSnapshot, SnapshotUpdate
from ltrr_cli.engine.snapshot import LearnedHeader
from ltrr_cli.feedback.attribution import Attribution
from ltrr_cli.feedback.guards import Guard
from ltrr_cli.learning import checkpoint
from ltrr_cli.learning.credit import served_example
from ltrr_cli.learning.fold import FILE, STATE
from ltrr_cli.learning.timeline import profiles, rewards_of
from ltrr_cli.storage.journal_past import JournalGrowth

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State
    from ltrr_cli.storage.generations import Current

_BEGINNING = Lock()
PUBLISHED = 5_000  # events that are recorded between two publications at most
MOST_RECENT = 20_000  # events beyond a generation that are learnt; of more, the newest


@dataclass(slots=True)
class _Learnt:
    """Up to which numbers of the journal an open snapshot has learnt, and how many events beyond its generation."""

    events: int
    profiles: int
    guard: Guard
    beyond: int = 0


def record_and_learn(state: State, event: Mapping[str, Any]) -> None:
    """Journal one native event, let the open snapshot learn it, and publish where much has come."""
    from ltrr_cli.learning.ingest import record
    from ltrr_cli.learning.publish import learn_new

    with _BEGINNING:
        live = state.live = state.live if isinstance(state.live, LiveLearning) else LiveLearning(state)
    record(state, event)
    if live.learn() >= PUBLISHED:
        with suppress(LockedError):  # who publishes now publishes these as well, or the next one does
            learn_new(state)


def publish_learnt(state: State) -> None:
    """Publish what was recorded by this open workspace; raises LockedError."""
    from ltrr_cli.learning.publish import learn_new

    if state.live is not None:
        learn_new(state)


class LiveLearning:
    """Lets the open snapshot of a workspace learn what its journal takes in."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._learnt: WeakKeyDictionary[LiveSnapshot, _Learnt] = WeakKeyDictionary()
        self._one = Lock()
        state.on_open = self._catch_up

    def learn(self) -> int:
        """Let what answers learn all that was journalled; return how many events it knows beyond its generation.

        Where nothing is open yet, whoever opens it does that.
        """
        opened = self._state.opened()
        if opened is None:
            return 0
        self._catch_up(*opened)
        return self._learnt[opened[0]].beyond

    def learn_new(self) -> None:
        """Let what answers learn what was journalled since it last learnt; quick where nothing was."""
        opened = self._state.opened()
        if opened is not None:
            learnt = self._learnt.get(opened[0])
            if learnt is None or self._state.journal.newest_event() > learnt.events:
                self._catch_up(*opened)

    def _catch_up(self, live: LiveSnapshot, current: Current) -> None:
        with self._one:
            learnt = self._learnt.get(live)
            if learnt is None:
                learnt = self._learnt[live] = self._begun(current)
            self._learn(live, learnt)

    def _begun(self, current: Current) -> _Learnt:
        """Return how far a generation has learnt."""
        folder = self._state.generations.folder("learned", current.learned)
        found = checkpoint.read(folder) if current.learned else None
        marks = JournalGrowth() if found is None else found.marks
        settings, rewards = self._state.settings.feedback, rewards_of(self._state.journal, self._state.settings)
        guard = Guard(settings, rewards)
        if found is not None:
            with suppress(OSError, LtrrError, msgspec.MsgspecError):  # damaged: who acted today is forgotten
                guard = Guard.open(folder / STATE, settings, rewards)
        events = max(marks.events, self._state.journal.newest_event() - MOST_RECENT)
        return _Learnt(events, marks.profiles, guard)

    def _learn(self, live: LiveSnapshot, learnt: _Learnt) -> None:
        journal = self._state.journal
        people = profiles(journal, learnt.profiles)
        newest = journal.marks().profiles if people else learnt.profiles
        came = journal.since(learnt.events)
        attribution = Attribution(self._state.settings.feedback, rewards=learnt.guard.rewards)
        outcomes, examples = list[Outcome](), list[BanditExample]()
        known = live.view()
        for _, event, page in came:
            weight = learnt.guard.weight(event, page)
            if page is None and event.impression_id is None:
                attribution = self._knowing(attribution, event)
            one = attribution.attributed(event, page, weight)
            if one is None:
                continue
            outcomes.append(one.outcome)
            example = served_example(known, *one)
            if example is not None:
                examples.append(example)
        del known  # else it would be waited for
        if (people or outcomes) and not live.learn(SnapshotUpdate(tuple(outcomes), tuple(examples), tuple(people))):
            return  # it is tried again, or who takes its place learns them
        learnt.profiles = newest
        learnt.events, learnt.beyond = came[-1][0] if came else learnt.events, learnt.beyond + len(came)

    def _knowing(self, attribution: Attribution, event: Event) -> Attribution:
        """Return what attributes an event that names no page: it knows the pages that its actor saw lately."""
        if event.time_ms is None or (event.user is None and event.session is None):
            return attribution
        start = event.time_ms - attribution.window_ms - 1
        knowing = Attribution(self._state.settings.feedback, rewards=attribution.rewards)
        for page in self._state.journal.pages_of(event.user, event.session, start, event.time_ms):
            knowing.see(page)
        return knowing


def learned_header(state: State, learned: int) -> LearnedHeader | None:
    """Return what a learned generation says of itself; None where nothing was learnt or it cannot be read."""
    try:
        data = (state.generations.folder("learned", learned) / FILE).read_bytes()
        return msgspec.json.decode(data, type=LearnedHeader)
    except (OSError, msgspec.MsgspecError):
        return None
