"""Feedback from outside: believed only of pages that this workspace served, and only as often as a person can act."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ltrr_cli.core.clock import DAY, MINUTE, now_ms
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Event, Impression
from ltrr_cli.feedback.native import Native
from ltrr_cli.feedback.records import Parsed, derived_id
from ltrr_cli.feedback.ubi import Ubi
from ltrr_cli.serving.problems import RefusedError
from ltrr_cli.serving.records import FeedbackReport, Rejected
from ltrr_cli.serving.signing import Signer
from ltrr_cli.storage.journal import Journal

MOST_DAYS = 30  # between a page and what is done with it
MOST_ALIKE = 20  # acts of one kind on one entity of one page
MOST_ON_PAGE = 200  # acts on one page
SKEW = MINUTE  # by which a client's clock may be off and still be believed

STATUS = {
    "data": 400, "usage": 400, "forged": 401, "not_found": 404, "conflict": 409, "replayed": 409, "not_shown": 409,
    "foreign": 409, "expired": 409,
}  # fmt: skip


class _RejectedEvent(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def native(record: Mapping[str, Any]) -> Parsed:
    """Read an action of the native format, ``query_id`` being its page; raises DataError for anything else."""
    given = dict(record)
    if given.get("impression_id") is None:
        given["impression_id"] = given.get("query_id")
    if given.get("timestamp") is None:
        given["timestamp"] = now_ms()
    if given.get("event") in ("search", "impression", "user"):
        raise DataError(f"{given['event']!r} is no action", hint="logs are taken in by `ltrr ingest-feedback`")
    return Native().read(given)


def ubi(record: Mapping[str, Any]) -> Parsed:
    """Read a UBI event or query; raises DataError."""
    given = dict(record)
    if given.get("timestamp") is None:
        given["timestamp"] = now_ms()
    return Ubi().read(given)


def take(
    journal: Journal, signer: Signer, records: Sequence[object], read: Callable[[Mapping[str, Any]], Parsed]
) -> FeedbackReport:
    """Journal the events of one request in one transaction, each exactly once; what is refused says why.

    A UBI query is skipped: the page that it speaks of was journalled when it was served, and others prove nothing.
    """
    desk = _Counter(journal, signer)
    with journal.whole():
        for index, record in enumerate(records):
            try:
                desk.take(record, read)
            except _RejectedEvent as refused:
                desk.rejected.append(Rejected(index, refused.code, str(refused)))
            except DataError as error:
                desk.rejected.append(Rejected(index, "data", str(error)))
    return FeedbackReport(desk.accepted, desk.duplicates, tuple(desk.rejected), desk.skipped)


def refusal_of_only(report: FeedbackReport) -> RefusedError | None:
    """Return the refusal that a request of one event is answered with; None where it was taken in."""
    if not report.rejected:
        return None
    only = report.rejected[0]
    headers = {"WWW-Authenticate": 'Bearer realm="ltrr", error="forged_id"'} if only.code == "forged" else {}
    return RefusedError(STATUS[only.code], only.code, only.detail, headers=headers)


class _Counter:
    """Takes events in one by one."""

    def __init__(self, journal: Journal, signer: Signer) -> None:
        self._journal, self._signer = journal, signer
        self.rejected: list[Rejected] = []
        self.accepted = self.duplicates = self.skipped = 0

    def take(self, record: object, read: Callable[[Mapping[str, Any]], Parsed]) -> None:
        if isinstance(record, str):  # why a line was no JSON object
            raise DataError(record)
        if not isinstance(record, dict):
            raise DataError("not a JSON object")
        parsed = read(record)
        if not parsed.events:
            self.skipped += 1
            return
        event = parsed.events[0]
        page = self._page_of(event)
        event = replace(event, position=_position(event, page))
        self._take(self._dated(event, page, own_id=record.get("event_id") is not None), page)

    def _page_of(self, event: Event) -> Impression:
        """Return the page that an event belongs to; it must be one that was served here and that showed the entity."""
        if event.impression_id is None:
            raise _RejectedEvent("data", "no query_id: feedback names the page that it is on")
        issued = self._signer.moment_of(event.impression_id)
        page = self._journal.impression(event.impression_id)
        if issued is None and not _asked_by_site(page, event):
            raise _RejectedEvent("forged", "the query_id was not given out here")
        if page is None:
            raise _RejectedEvent("not_found", "the page is not in the journal (any more)")
        if now_ms() - (issued or page.time_ms or 0) > MOST_DAYS * DAY:
            raise _RejectedEvent("expired", f"the page is more than {MOST_DAYS} days old")
        if page.user is not None and event.user is not None and page.user != event.user:
            raise _RejectedEvent("foreign", "the page was served to somebody else")
        if all(line.entity_id != event.entity_id for line in page.shown or ()):
            raise _RejectedEvent("not_shown", f"{event.entity_id[:80]!r} was not on this page")
        return page

    def _dated(self, event: Event, page: Impression, *, own_id: bool) -> Event:
        """Give an event a moment that can be true, and an id that the same act has again."""
        now = now_ms()
        moment = event.time_ms if event.time_ms is not None else now
        if not (page.time_ms or 0) - SKEW <= moment <= now + SKEW:
            moment = now
        name = event.event_id if own_id else derived_id("http", page.impression_id, event.kind, event.entity_id)
        return replace(event, time_ms=moment, event_id=name)

    def _take(self, event: Event, page: Impression) -> None:
        known = self._journal.events_of(page.impression_id)
        same = next((one for one in known if one.event_id == event.event_id), None)
        if same is not None:
            if (same.kind, same.entity_id) != (event.kind, event.entity_id):
                raise _RejectedEvent("conflict", f"event_id {event.event_id[:80]!r} is taken by another event")
            self.duplicates += 1
            return
        alike = sum((one.kind, one.entity_id) == (event.kind, event.entity_id) for one in known)
        if alike >= MOST_ALIKE or len(known) >= MOST_ON_PAGE:
            raise _RejectedEvent("replayed", "more acts on one page than a person does")
        if self._journal.ingest((), (event,)).conflicts:
            raise _RejectedEvent("conflict", f"event_id {event.event_id[:80]!r} is taken by another event")
        self.accepted += 1


def _position(event: Event, page: Impression) -> int | None:
    """Return where the entity stood: the page knows, whatever a collector counts from."""
    places = [line.position for line in page.shown or () if line.entity_id == event.entity_id]
    return event.position if event.position in places else next(iter(places), None)


def _asked_by_site(page: Impression | None, event: Event) -> bool:
    """Say whether a site's own query id names a page that was served to the very client who acts now."""
    return page is not None and page.origin == "live" and page.user is not None and page.user == event.user
