"""Named checks over a log: what would be taken in without complaint and still teach nonsense.

``lines``       error    lines that cannot be read; a warning where they are few enough to be set aside
``source``      error    the file is damaged
``conflicts``   warning  one id, two contents: the first that is taken in stays
``times``       note     moments written as epoch seconds, microseconds and the like, told by their size
``early``       warning  moments before 1980
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
``duplicates``  note     actions that say again what was said
``amended``     note     records that say more of a page that was told before
``parts``       note     events that tell one line of a page
``from_zero``   note     positions that count from 0: they are kept as 1, 2, 3 ...
``unknown_zero`` note    positions of 0 in a log that counts from 1: they are not known
``orphans``     note     actions that name a page which is not in this log
``anonymous``   note     actions without user and session
``undated``     note     records without a time
``skipped``     note     lines that are no feedback
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ltrr_cli.core.clock import DAY, MINUTE, iso
from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Event, Impression
from ltrr_cli.feedback.event_types import folded_name
from ltrr_cli.feedback.position_base import counts_from_zero, event_from_one, holds_zero, part_from_one
from ltrr_cli.feedback.records import Parsed
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.feedback.taken import time_told
from ltrr_cli.storage.amendments import RecordVerdict, judge, merged, pack
from ltrr_cli.text.lines import BadLine, Line

SEVERITIES = {
    "lines": "error",
    "source": "error",
    "conflicts": "warning",
    "early": "warning",
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
    "times": "note",
    "amended": "note",
    "parts": "note",
    "from_zero": "note",
    "unknown_zero": "note",
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
        Finding(check, checks.severity(check), checks.counts[check], tuple(checks.examples[check].values()))
        for check in SEVERITIES
        if checks.counts[check]
    ]


class _Logged(NamedTuple):
    """An action with a page; ``own`` where its line tells that page, too, and so where it stood."""

    number: int
    event: Event
    own: bool


@dataclass(slots=True)
class _Checks:
    """The state of all checks over one log."""

    settings: FeedbackSettings
    now_ms: int
    known: Container[str] | None
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, dict[str, str]] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)  # id -> hash of the content
    pages: dict[str, dict[bytes, Impression]] = field(default_factory=dict)  # id -> what was told, by its content
    waiting: list[_Logged] = field(default_factory=list)  # actions whose page may come after them
    positions: Counter[int] = field(default_factory=Counter)
    people: Counter[tuple[str, int]] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    zeros: int = 0  # positions of 0
    lines: int = 0
    number: int = 0

    def severity(self, check: str) -> str:
        """Return how much a check's finding matters: bad lines stop a log where there are too many."""
        if check == "lines" and self.counts[check] <= self.settings.max_bad * self.lines:
            return "warning"
        return SEVERITIES[check]

    def line(self, line: Line | BadLine, read: Callable[[bytes], Parsed]) -> None:
        self.number = line.number
        self.lines += 1
        if isinstance(line, BadLine):
            self._found("source" if line.of_source else "lines", line.reason)
            return
        try:
            parsed = read(line.data)
        except DataError as error:
            self._found("lines", str(error))
            return
        if parsed.time is not None:
            self._found("times", time_told(*parsed.time))
        if parsed.skipped:
            self._found("skipped", parsed.skipped)
        for impression in parsed.impressions:
            self._impression(impression)
        for event in parsed.events:
            self._event(event, own=bool(parsed.impressions))
        self.zeros += holds_zero((parsed,))

    def end(self) -> None:
        """Run the checks that need the whole log."""
        shift = self._base()
        pages = {key: _page(told.values(), shift) for key, told in self.pages.items()}
        for number, logged, own in self.waiting:
            self.number = number
            event = logged if own else event_from_one(logged, shift=shift)
            page = pages.get(event.impression_id or "")
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

    def _base(self) -> bool:
        """Say whether positions count from 0, and name it."""
        if not self.zeros:
            return False
        actions = (event for _, event, own in self.waiting if not own)
        shift = counts_from_zero(actions, self._told_whole)
        self.number = 0
        self._found("from_zero" if shift else "unknown_zero", f"{self.zeros:,} of them are 0", self.zeros)
        return shift

    def _told_whole(self, key: str) -> Impression | None:
        records = [record for record in self.pages.get(key, {}).values() if not record.part]
        return _page(records) if records else None

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
        for line in impression.shown or ():
            self._entity(line.entity_id)
        known, packed = self.pages.setdefault(impression.impression_id, {}), pack(impression)
        verdict, what = judge(impression, packed, known), f"impression {impression.impression_id}"
        if impression.part:
            self._found("parts", what)
        if verdict is RecordVerdict.CONTRADICTS:
            self._found("conflicts", what)
        elif verdict is RecordVerdict.REPLACES:
            known.clear()
            known[packed] = impression
        elif verdict is RecordVerdict.NEW:
            if not impression.part and any(not other.part for other in known.values()):
                self._found("amended", what)
            known[packed] = impression

    def _event(self, event: Event, *, own: bool) -> None:
        content = hash(event)
        before = self.events.get(event.event_id)
        if before is not None:
            self._found("duplicates" if before == content else "conflicts", f"event {event.event_id}")
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
            self.waiting.append(_Logged(self.number, event, own))

    def _entity(self, entity_id: str) -> None:
        if self.known is not None and entity_id not in self.known:
            self._found("entities", entity_id)

    def _moment(self, time_ms: int | None) -> None:
        if time_ms is None:
            self._found("undated", "no time")
        elif time_ms < _1980:
            self._found("early", iso(time_ms))
        elif time_ms > self.now_ms + DAY:
            self._found("future", iso(time_ms))


def _page(told: Iterable[Impression], shift: bool = False) -> Impression:
    """Return the page that its records tell."""
    records = [part_from_one(record, shift=shift) if record.part else record for record in told]
    return records[0] if len(records) == 1 and not records[0].part else merged(records)


def _against(page: Impression, event: Event, settings: FeedbackSettings) -> Iterator[tuple[str, str]]:
    """Compare an action with the page that it names."""
    if event.time_ms is not None and page.time_ms is not None:
        after = event.time_ms - page.time_ms
        if after < 0:
            yield "skew", f"{event.kind} {-after / MINUTE:.1f} minutes before its page"
        windows = {folded_name(kind): minutes for kind, minutes in settings.windows.items()}
        if after > windows.get(folded_name(event.kind), settings.window_minutes) * MINUTE:
            yield "late", f"{event.kind} {after / MINUTE:.1f} minutes after its page"
    if page.shown is None:
        return
    places = {line.position for line in page.shown if line.entity_id == event.entity_id}
    if not places:
        yield "off_page", event.entity_id
    elif event.position is not None and event.position not in places:
        yield "positions", f"{event.entity_id} acted on at {event.position}, shown at {min(places)}"
