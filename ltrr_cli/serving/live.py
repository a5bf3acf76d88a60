"""What people do now changes the open snapshot at once; the published generations follow."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ltrr_cli.core.types import Event, Impression
from ltrr_cli.engine.snapshot import LearnedHeader, Snapshot
from ltrr_cli.engine.state import State
from ltrr_cli.feedback.attribution import Attributed, Attribution
from ltrr_cli.feedback.guards import Guard
from ltrr_cli.learning.credit import served_examples
from ltrr_cli.learning.timeline import LearnStep, timeline

MOST_RECENT = 20_000  # acts remembered until a generation that knows them is published


@dataclass(frozen=True, slots=True)
class Act:
    """An event and the page that it happened on."""

    event: Event
    page: Impression


class LiveLearning:
    """Lets the open snapshot learn acts as they come, and a newer one those that it does not know yet."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._guard = Guard(state.settings.feedback)
        self._recent: deque[Attributed] = deque(maxlen=MOST_RECENT)

    def learn(self, acts: Sequence[Act]) -> None:
        """Let the snapshot that answers learn what was journalled just now."""
        attribution = Attribution(self._state.settings.feedback)
        found = []
        for act in acts:
            one = attribution.attributed(act.event, act.page, self._guard.weight(act.event, act.page))
            if one is not None:
                found.append(one)
                self._recent.append(one)
        self._teach(self._state.snapshot(), found)

    def catch_up(self, snapshot: Snapshot, learned: int) -> None:
        """Let a newer snapshot learn the acts after the last one that its generation holds."""
        header = learned_header(self._state, learned)
        last = 0 if header is None else header.last_event_ms or 0
        while self._recent and self._recent[0].outcome.time_ms <= last:
            self._recent.popleft()
        self._teach(snapshot, [one for one in self._recent if one.outcome.time_ms > last])

    def _teach(self, snapshot: Snapshot, acts: Sequence[Attributed]) -> None:
        for step in timeline(acts):
            if isinstance(step, LearnStep):
                snapshot.learn(step.outcomes)
                snapshot.teach(served_examples(snapshot, step))
                snapshot.clock_ms = max(snapshot.clock_ms, max(outcome.time_ms for outcome in step.outcomes))


def learned_header(state: State, learned: int) -> LearnedHeader | None:
    """Return what a learned generation says of itself; None where nothing was learnt or it cannot be read."""
    try:
        data = (state.generations.folder("learned", learned) / "fold.json").read_bytes()
        return msgspec.json.decode(data, type=LearnedHeader)
    except (OSError, msgspec.MsgspecError):
        return None
