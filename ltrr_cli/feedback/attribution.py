"""Events and the pages they came from -> Outcomes: the one place where reward and belonging are decided.

An event that names its impression belongs to it within the window of its type (30 minutes unless the settings say
otherwise, the last moment included). Later, it still proves what the query wants, so the memory learns it, but it
says nothing of the page: ``impression_id`` and position are left out. An event that names none is given to the latest
page of the same session or user, within the window, that showed the entity (or whose content is unknown, if the event
repeats its query); an event with a query of its own only to a page of that query. What finds no page keeps its own
query, or has the query "": an action of a person, of use to ``personal`` and ``popular``.

What an event is worth is ``rewards``' word; 0 means that it proves nothing, and it has no outcome.

Everything here is a function of the settings and of the events and impressions in (time, id) order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ltrr_cli.core.clock import MINUTE
from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.core.types import Event, Impression, Outcome, Shown
from ltrr_cli.feedback.event_types import folded_name
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.text.normalise import query_key

PAGES_OF_ACTOR = 200  # remembered of one session or user: a robot that searches on and on costs no more than that


@dataclass(slots=True)
class Tally:
    """What became of the events.

    events   -- all that were gone through
    outcomes -- outcomes given
    late     -- events outside the window of the impression they name
    orphans  -- events that name an impression nobody knows
    ignored  -- events whose reward is 0
    off_page -- events on an entity that the page they belong to did not show
    found    -- events that named no impression and were given to one
    unknown  -- events of types of which nobody says what they are worth, by type
    counted  -- rows of daily counts that were gone through
    """

    events: int = 0
    outcomes: int = 0
    late: int = 0
    orphans: int = 0
    ignored: int = 0
    off_page: int = 0
    found: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    counted: int = 0


def longest_window(settings: FeedbackSettings) -> int:
    """Return for how many milliseconds after a page something can come of it."""
    return max(round(minutes * MINUTE) for minutes in (settings.window_minutes, *settings.windows.values()))


class Attributed(NamedTuple):
    """What an action proves, and the page that it belongs to (None: to none)."""

    outcome: Outcome
    page: Impression | None = None


class Attribution:
    """Turns a stream of events, in (time, event id) order, into outcomes.

    undated_ms -- the moment given to outcomes of events without a time
    rewards    -- what events are worth; None: by the settings, ratings each by themselves
    """

    def __init__(self, settings: FeedbackSettings, *, undated_ms: int = 0, rewards: Rewards | None = None) -> None:
        self.rewards = rewards or Rewards(settings)
        self._undated_ms = undated_ms
        self._windows = {folded_name(kind): round(minutes * MINUTE) for kind, minutes in settings.windows.items()}
        self._window = round(settings.window_minutes * MINUTE)
        self.window_ms = longest_window(settings)
        self._pages = _Pages(self.window_ms)
        self.tally = Tally()

    def see(self, impression: Impression) -> None:
        """Remember a page for events that will not name it; pages come in time order, before later events.

        Raises ValueError for a page that is earlier than one seen before.
        """
        self._pages.add(impression)

    def attributed(self, event: Event, impression: Impression | None = None, weight: float = 1.0) -> Attributed | None:
        """Return what an event proves, and its page; None where its type is worth nothing.

        impression -- the one that the event names, None where it names none or nobody knows it
        weight     -- what the guards leave of it, 0..1
        """
        if not self.rewards.worth_of(event.kind).known:
            self.tally.unknown[event.kind] = self.tally.unknown.get(event.kind, 0) + 1
        reward = self.rewards.of(event)
        if reward == 0.0:
            self.tally.ignored += 1
            return None
        self.tally.outcomes += 1
        window = self._windows.get(folded_name(event.kind), self._window) if self._windows else self._window
        if impression is None and event.impression_id is None:
            impression = self._pages.latest(event, window)
            self.tally.found += impression is not None
        elif impression is None:
            self.tally.orphans += 1
        elif not _within(event, impression, window):
            self.tally.late += 1
            return Attributed(self._without_page(event, impression, reward, weight))
        if impression is None:
            return Attributed(self._without_page(event, None, reward, weight))
        return Attributed(self._on_page(event, impression, reward, weight), impression)

    def outcome(self, event: Event, impression: Impression | None = None, weight: float = 1.0) -> Outcome | None:
        """Return what an event proves, as ``attributed`` does, without its page."""
        found = self.attributed(event, impression, weight)
        return None if found is None else found.outcome

    def _on_page(self, event: Event, impression: Impression, reward: float, weight: float) -> Outcome:
        line = _line(impression.shown, event)
        if line is None and impression.shown is not None:
            self.tally.off_page += 1
        imported = impression.origin == "imported"
        position = line.position if line is not None else event.position if impression.shown is None else None
        return Outcome(
            event.event_id,
            self._undated_ms if event.time_ms is None else event.time_ms,
            impression.query,
            event.entity_id,
            reward,
            event.kind,
            weight,
            event.user if event.user is not None else impression.user,
            event.session if event.session is not None else impression.session,
            impression.impression_id,
            position,
            inclusion=1.0 if imported or line is None or line.inclusion is None else line.inclusion,
            exposure=1.0 if imported or line is None or line.odds is None else line.odds,
            imported=imported,
            ranks={} if line is None else line.ranks,
            value=self._amount(event),
            page=tuple(line.entity_id for line in impression.shown or ()),
        )

    def _without_page(self, event: Event, late_for: Impression | None, reward: float, weight: float) -> Outcome:
        query = event.query or "" if late_for is None else late_for.query
        user, session = event.user, event.session
        if late_for is not None:
            user = user if user is not None else late_for.user
            session = session if session is not None else late_for.session
        return Outcome(
            event.event_id,
            self._undated_ms if event.time_ms is None else event.time_ms,
            query,
            event.entity_id,
            reward,
            event.kind,
            weight,
            user,
            session,
            imported=late_for is None or late_for.origin == "imported",
            value=self._amount(event),
        )

    def _amount(self, event: Event) -> float | None:
        """Return how much of it there was; a rating is no amount: its reward says it all."""
        return None if self.rewards.is_rating(event) else event.value


def _within(event: Event, impression: Impression, window: int) -> bool:
    """Say whether an event is near enough to the page it names.

    Clocks differ, so an event may seem to come before its page by as much; where a time is missing, no window applies.
    """
    if event.time_ms is None or impression.time_ms is None:
        return True
    return abs(event.time_ms - impression.time_ms) <= window


def _line(shown: Iterable[Shown] | None, event: Event) -> Shown | None:
    """Return the line of the page that was acted on: the first of the entity, or the one at the event's position."""
    found = None
    for line in shown or ():
        if line.entity_id == event.entity_id:
            if event.position is None or line.position == event.position:
                return line
            found = found or line
    return found


class _Pages:
    """The pages of the last moments, by session and by user; memory is bounded by the longest window."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._now: int | None = None
        self._count = 0
        self._of: dict[tuple[str, str], deque[tuple[int, int, Impression]]] = {}
        self._expiry: deque[tuple[int, tuple[str, str]]] = deque()

    def add(self, impression: Impression) -> None:
        time_ms = impression.time_ms
        if time_ms is None:  # no window applies, so "latest" has no meaning either
            return
        if self._now is not None and time_ms < self._now:
            raise ValueError(f"impression {impression.impression_id!r} is earlier than one seen before")
        self._now = time_ms
        self._count += 1
        for actor in _actors(impression):
            self._of.setdefault(actor, deque(maxlen=PAGES_OF_ACTOR)).append((self._count, time_ms, impression))
            self._expiry.append((time_ms, actor))
        while self._expiry and self._expiry[0][0] < time_ms - self._window:
            _, actor = self._expiry.popleft()
            pages = self._of.get(actor)
            while pages and pages[0][1] < time_ms - self._window:
                pages.popleft()
            if pages is not None and not pages:
                del self._of[actor]

    def latest(self, event: Event, window: int) -> Impression | None:
        """Return the latest page, at most ``window`` before the event, that the event can belong to."""
        if event.time_ms is None or not self._of:
            return None
        best: tuple[int, Impression] | None = None
        key = None if event.query is None else query_key(event.query)
        for actor in _actors(event):
            for count, time_ms, impression in reversed(self._of.get(actor, ())):
                if time_ms < event.time_ms - window or (best is not None and count <= best[0]):
                    break
                if time_ms <= event.time_ms and _fits(event, key, impression):
                    best = (count, impression)
                    break
        return None if best is None else best[1]


def _actors(record: Event | Impression) -> list[tuple[str, str]]:
    actors = []
    if record.session is not None:
        actors.append(("session", record.session))
    if record.user is not None:
        actors.append(("user", record.user))
    return actors


def _fits(event: Event, key: str | None, impression: Impression) -> bool:
    if key is not None and query_key(impression.query) != key:
        return False
    if impression.shown is None:
        return key is not None
    return any(line.entity_id == event.entity_id for line in impression.shown)
