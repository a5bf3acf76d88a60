"""Events and impressions as rows of the journal's tables, and back."""

from __future__ import annotations

from typing import Any

from ltrr_cli.core.types import Event, Impression
from ltrr_cli.storage.page_codec import decode_page

EVENT = "event_id, kind, time_ms, entity_id, impression_id, query, position, user, session, value"
IMPRESSION = "impression_id, time_ms, query, origin, user, session, page"

EventRow = tuple[str, str, int | None, str, str | None, str | None, int | None, str | None, str | None, float | None]


def event_row(event: Event) -> EventRow:
    """Return the columns of ``EVENT``."""
    return (
        event.event_id, event.kind, event.time_ms, event.entity_id, event.impression_id, event.query,
        event.position, event.user, event.session, event.value,
    )  # fmt: skip


def impression_of(row: tuple[Any, ...]) -> Impression:
    """Return the impression of the columns of ``IMPRESSION``."""
    return decode_page(Impression(*row[:6]), row[6])
