"""Named checks over a log: what would be taken in without complaint and still teach nonsense.

``lines``       error    lines that cannot be read
``source``      error    the file is damaged
``conflicts``   error    one id, two contents: the first that is taken in stays
``seconds``     error    moments before 1980: epoch seconds where milliseconds are meant
``future``      warning  moments after now (a day of clock skew is granted)
``entities``    warning  entities that the catalog does not have
``one_place``   warning  all positions of actions are the same
``positions``   warning  positions that the page contradicts
``skew``        warning  actions before the page they name
``late``        warning  actions outside the window of the page they name
``off_page``    warning  actions on an entity that the page did not show
``robots``      warning  people with more actions on one day than the cap
``actions``     warning  pages, but not one action
``types``       warning  event types of which neither the settings nor their names say what they are worth: they count 0
``uncounted``   note     event types that count nothing: what was only seen, what says nothing of an entity
``duplicates``  note     lines that say again what was said
``orphans``     note     actions that name a page which is not in this log
``anonymous``   note     actions without user and session
``undated``     note     records without a time
``skipped``     note     lines that are no feedback
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field

from ltrr_cli.core.clock import DAY, MINUTE, iso
from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Event, Impression, Shown
from ltrr_cli.feedback.records import Parsed
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.text.lines import BadLine, Line

SEVERITIES = {
    "lines": "error",
    "source": "error",
    "conflicts": "error",
    "seconds": "error",
    "future": "warning",
    "entities": "warning",
    "one_place": "warning",
    "positions": "warning",
    "skew": "warning",
    "late": "warning",
    "off_page": "warning",
    "robots": "warning",
    "actions": "warning",
    "types": "warning",
    "uncounted": "note",
    "duplicates": "note",
    "orphans": "note",
    "anonymous": "note",
    "undated": "note",
    "skipped": "note",
}
EXAMPLES = 5
FEW = 20  # actions with a position, below which all at one place proves nothing

_1980 = 315_532_800_000


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    severity -- "error", "warning" or "note"
    count    -- how often; ``examples`` are at most five different ones, with the line of the first
    """

    check: str
    severity: str
    count: int
    examples: tuple[str, ...]


def validate(
    lines: Iterable[Line | BadLine],
    read: Callable[[bytes], Parsed],
    settings: FeedbackSettings,
    *,
    now_ms: int,
    known: Container[str] | None = None,
) -> list[Finding]:
    """Run all checks over the lines of one source; findings come in the order of ``SEVERITIES``.

    read  -- reads one line (``registry.reader``)
    known -- entity ids of the catalog; None leaves that check out
    Pages and actions are compared with one another, whatever their order, so memory grows with the log.
    """
    checks = _Checks(settings, now_ms, known)
    for line in lines:
        checks.line(line, read)
    checks.end()
    return [
        Finding(check, severity, checks.counts[check], tuple(checks.examples[check].values()))
        for check, severity in SEVERITIES.items()
        if checks.counts[check]
    ]


@dataclass(frozen=True, slots=True)
class _Page:
    content: int
    time_ms: int | None
    places: dict[str, set[int]] | None  # entity -> positions, None where the page is unknown


@dataclass(slots=True)
class _Checks:
    """The state of all checks over one log."""

    settings: FeedbackSettings
    now_ms: int
    known: Container[str] | None
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, dict[str, str]] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)  # id -> hash of the content
    pages: dict[str, _Page] = field(default_factory=dict)
    waiting: list[tuple[int, Event]] = field(default_factory=list)  # actions whose page may come after them
    positions: Counter[int] = field(default_factory=Counter)
    people: Counter[tuple[str, int]] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    number: int = 0

    def line(self, line: Line | BadLine, read: Callable[[bytes], Parsed]) -> None:
        self.number = line.number
        if isinstance(line, BadLine):
            self._found("source" if line.of_source else "lines", line.reason)
            return
        try:
            parsed = read(line.data)
        except DataError as error:
            self._found("lines", str(error))
            return
        if parsed.skipped:
            self._found("skipped", parsed.skipped)
        for impression in parsed.impressions:
            self._impression(impression)
        for event in parsed.events:
            self._event(event)

    def end(self) -> None:
        """Run the checks that need the whole log."""
        for number, event in self.waiting:
            self.number = number
            page = self.pages.get(event.impression_id or "")
            if page is None:
                self._found("orphans", str(event.impression_id))
            else:
                for check, what in _against(page, event, self.settings):
                    self._found(check, what)
        self.number = 0
        if len(self.positions) == 1 and self.positions.total() >= FEW:
            self._found("one_place", f"position {next(iter(self.positions))}", self.positions.total())
        for (person, day), actions in self.people.most_common():
            if actions > self.settings.user_daily_cap:
                self._found("robots", f"{person}: {actions} actions on {iso(day * DAY)[:10]}")
        self._kinds()
        if self.pages and not self.events:
            self._found("actions", f"{len(self.pages)} pages")

    def _kinds(self) -> None:
        """Name the types that count nothing."""
        rewards = Rewards(self.settings)
        for kind, count in self.kinds.most_common():
            worth = rewards.worth_of(kind)
            if worth.event_class is None and worth.reward == 0.0:
                self._found("types", f"{kind} ({count:,})", count)
            elif worth.reward == 0.0:
                self._found("uncounted", f"{kind} ({count:,}): {worth.event_class}", count)

    def _found(self, check: str, what: str, count: int = 1) -> None:
        self.counts[check] += count
        examples = self.examples.setdefault(check, {})
        if len(examples) < EXAMPLES:
            examples.setdefault(what, f"line {self.number}: {what}" if self.number else what)

    def _impression(self, impression: Impression) -> None:
        self._moment(impression.time_ms)
        places = None if impression.shown is None else _places(impression.shown)
        for entity_id in places or ():
            self._entity(entity_id)
        facts = (impression.time_ms, impression.query, impression.origin, impression.user, impression.session)
        layout = None if impression.shown is None else tuple((s.entity_id, s.position) for s in impression.shown)
        content = hash((facts, layout))
        before = self.pages.get(impression.impression_id)
        if before is None:
            self.pages[impression.impression_id] = _Page(content, impression.time_ms, places)
        else:
            self._repeated(before.content == content, f"impression {impression.impression_id}")

    def _event(self, event: Event) -> None:
        content = hash(event)
        before = self.events.get(event.event_id)
        if before is not None:
            self._repeated(before == content, f"event {event.event_id}")
            return
        self.events[event.event_id] = content
        self._moment(event.time_ms)
        self._entity(event.entity_id)
        self.kinds[event.kind] += 1
        person = event.user if event.user is not None else event.session
        if person is None:
            self._found("anonymous", event.kind)
        elif event.time_ms is not None:
            self.people[person, event.time_ms // DAY] += 1
        if event.position is not None:
            self.positions[event.position] += 1
        if event.impression_id is not None:
            self.waiting.append((self.number, event))

    def _repeated(self, same: bool, what: str) -> None:
        self._found("duplicates" if same else "conflicts", what)

    def _entity(self, entity_id: str) -> None:
        if self.known is not None and entity_id not in self.known:
            self._found("entities", entity_id)

    def _moment(self, time_ms: int | None) -> None:
        if time_ms is None:
            self._found("undated", "no time")
        elif time_ms < _1980:
            self._found("seconds", f"{time_ms} is {iso(time_ms)}")
        elif time_ms > self.now_ms + DAY:
            self._found("future", iso(time_ms))


def _places(shown: Iterable[Shown]) -> dict[str, set[int]]:
    places: dict[str, set[int]] = {}
    for line in shown:
        places.setdefault(line.entity_id, set()).add(line.position)
    return places


def _against(page: _Page, event: Event, settings: FeedbackSettings) -> Iterator[tuple[str, str]]:
    """Compare an action with the page that it names."""
    if event.time_ms is not None and page.time_ms is not None:
        after = event.time_ms - page.time_ms
        if after < 0:
            yield "skew", f"{event.kind} {-after / MINUTE:.1f} minutes before its page"
        if after > settings.windows.get(event.kind, settings.window_minutes) * MINUTE:
            yield "late", f"{event.kind} {after / MINUTE:.1f} minutes after its page"
    if page.places is None:
        return
    places = page.places.get(event.entity_id)
    if places is None:
        yield "off_page", event.entity_id
    elif event.position is not None and event.position not in places:
        yield "positions", f"{event.entity_id} acted on at {event.position}, shown at {min(places)}"
