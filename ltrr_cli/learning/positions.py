"""Positions of a log that is being read: raised to count from 1 as soon as the log is known to count from 0."""

from __future__ import annotations

from collections.abc import Sequence

from ltrr_cli.core.types import Impression
from ltrr_cli.feedback.position_base import counts_from_zero, from_one, holds_zero
from ltrr_cli.feedback.records import Parsed
from ltrr_cli.feedback.taken import Taken
from ltrr_cli.learning.log_position import LogPosition
from ltrr_cli.storage.journal import Journal

ZERO = "one of them is 0"


class Positions:
    """Reads the positions of one log, batch by batch, in the transaction that journals it."""

    def __init__(self, journal: Journal, name: str, place: LogPosition, taken: Taken) -> None:
        self._journal, self._name, self._place, self._taken = journal, name, place, taken
        self._since = 0 if place.begun else journal.newest_event()
        place.from_zero = place.from_zero or journal.counts_from_zero(name)

    def settled(self, batch: Sequence[Parsed]) -> list[Parsed]:
        """Return what a batch says, positions counted from 1; what was journalled of the log is brought along."""
        if not self._place.from_zero and holds_zero(batch):
            events = [event for parsed in batch if not parsed.impressions for event in parsed.events]
            pages = {page.impression_id: page for parsed in batch for page in parsed.impressions if not page.part}

            def page_of(impression_id: str) -> Impression | None:
                return pages.get(impression_id) or self._journal.impression(impression_id, parts=False)

            self._place.from_zero = counts_from_zero(events, page_of)
            if self._place.from_zero:
                self._journal.count_from_one(self._name, self._since)
            else:
                self._taken.say(self._name, "unknown_zero", ZERO)
        settled = from_one(batch, shift=self._place.from_zero)
        if self._place.from_zero and any(after is not before for after, before in zip(settled, batch, strict=True)):
            self._taken.say(self._name, "from_zero", ZERO)
        parts = sum(page.part for parsed in settled for page in parsed.impressions)
        if parts:
            self._taken.say(self._name, "parts", count=parts)
        return settled
