"""Do the positions of a log count from 0 or from 1? One line does not tell, the log as a whole does.

A log in which a 0 stands counts from 0, unless its zeros stand for "not known": where the pages are known that the
actions name, they are asked which of the two fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ltrr_cli.core.types import Event, Impression, Shown
from ltrr_cli.feedback.records import NO_POSITION, Parsed

ASKED = 500  # actions whose pages are looked at


def holds_zero(batch: Iterable[Parsed]) -> bool:
    """Say whether a position is 0."""
    return any(
        any(event.position == 0 for event in parsed.events) or any(map(_tells_zero, parsed.impressions))
        for parsed in batch
    )


def counts_from_zero(events: Iterable[Event], page_of: Callable[[str], Impression | None]) -> bool:
    """Say whether the pages of actions agree that 0 is the first position, as they do where none is known.

    page_of -- a page that was told as a whole, not line by line: those positions are of the same kind
    >>> from ltrr_cli.core.types import Event, Impression, Shown
    >>> page = Impression("i", 0, "q", "imported", shown=(Shown("a", 1), Shown("b", 2)))
    >>> [counts_from_zero([Event("e", "click", 0, "b", "i", position=at)], lambda _: page) for at in (1, 2)]
    [True, False]
    """
    from_zero = from_one = asked = 0
    for event in events:
        if event.position is None or event.impression_id is None:
            continue
        page = page_of(event.impression_id)
        if page is None or not page.shown:
            continue
        places = {line.position for line in page.shown if line.entity_id == event.entity_id}
        asked += 1
        if event.position == 0:  # the first, or not known: only another place of the entity tells
            from_one += bool(places) and 1 not in places
            continue
        from_zero += event.position + 1 in places
        from_one += event.position in places
        if asked == ASKED:
            break
    return from_zero >= from_one


def from_one(batch: Sequence[Parsed], *, shift: bool) -> list[Parsed]:
    """Return what lines say with positions that count from 1; those that are not known are None, or 0 in a part.

    shift -- the log counts from 0; otherwise a 0 is a position that is not known
    """
    return [_from_one(parsed, shift) if _has_position(parsed) else parsed for parsed in batch]


def event_from_one(event: Event, *, shift: bool) -> Event:
    """Return an event with its position counted from 1; its id stays, though it may be derived from what was logged."""
    if event.position is None or (event.position > 0 and not shift):
        return event
    return replace(event, position=event.position + 1 if shift else None)


def part_from_one(part: Impression, *, shift: bool) -> Impression:
    """Return a part of a page with its position counted from 1, or 0 where it is not known."""
    lines = part.shown or ()
    return replace(part, shown=tuple(Shown(line.entity_id, _place(line.position, shift)) for line in lines))


def _place(position: int, shift: bool) -> int:
    return 0 if position == NO_POSITION else position + shift


def _tells_zero(impression: Impression) -> bool:
    return impression.part and any(line.position == 0 for line in impression.shown or ())


def _has_position(parsed: Parsed) -> bool:
    """Say whether a line logs a position; where it tells its page, those of its actions are taken from that page."""
    if parsed.impressions:
        return parsed.impressions[0].part
    return any(event.position is not None for event in parsed.events)


def _from_one(parsed: Parsed, shift: bool) -> Parsed:
    return parsed._replace(
        events=tuple(event_from_one(event, shift=shift) for event in parsed.events),
        impressions=tuple(part_from_one(page, shift=shift) if page.part else page for page in parsed.impressions),
    )
