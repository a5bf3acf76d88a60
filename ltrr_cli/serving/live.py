"""What people do now changes the open snapshot at once; the published generations follow."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ltrr_cli.core.types import Event, Impression, Outcome
from ltrr_cli.engine.snapshot import LearnedHeader, Snapshot
from ltrr_cli.engine.state import State
from ltrr_cli.feedback.attribution import Attribution
from ltrr_cli.feedback.guards import Guard
from ltrr_cli.learning.credit import served_examples

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
        self._recent: deque[tuple[int, Outcome]] = deque(maxlen=MOST_RECENT)

    def learn(self, acts: Sequence[Act]) -> None:
        """Let the snapshot that answers learn what was journalled just now."""
        attribution = Attribution(self._state.settings.feedback)
        found = []
        for act in acts:
            outcome = attribution.outcome(act.event, act.page, self._guard.weight(act.event, act.page))
            if outcome is not None:
                found.append(outcome)
                self._recent.append((outcome.time_ms, outcome))
        self._teach(self._state.snapshot(), found)

    def catch_up(self, snapshot: Snapshot, learned: int) -> None:
        """Let a newer snapshot learn the acts after the last one that its generation holds."""
        header = learned_header(self._state, learned)
        last = 0 if header is None else header.last_event_ms or 0
        while self._recent and self._recent[0][0] <= last:
            self._recent.popleft()
        self._teach(snapshot, [outcome for moment, outcome in self._recent if moment > last])

    def _teach(self, snapshot: Snapshot, outcomes: Sequence[Outcome]) -> None:
        if outcomes:
            snapshot.learn(outcomes)
            if not snapshot.settings.allocation.freeze:
                snapshot.teach(served_examples(snapshot, self._state.journal, outcomes))
            snapshot.clock_ms = max(snapshot.clock_ms, max(outcome.time_ms for outcome in outcomes))


def learned_header(state: State, learned: int) -> LearnedHeader | None:
    """Return what a learned generation says of itself; None where nothing was learnt or it cannot be read."""
    try:
        data = (state.generations.folder("learned", learned) / "fold.json").read_bytes()
        return msgspec.json.decode(data, type=LearnedHeader)
    except (OSError, msgspec.MsgspecError):
        return None
