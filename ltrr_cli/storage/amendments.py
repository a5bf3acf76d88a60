"""Several records of one page: what they say together.

Other systems write more than one record under one id: a storefront asks for facets, or for the next page, under the id
of the search; a collector tells a page line by line, as each comes into view. What is told of a page is a set of
records, and what they say together depends on that set alone, not on the order in which they came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto

import msgspec

from ltrr_cli.core.types import Impression, Shown
from ltrr_cli.storage.page_codec import decode_page, encode_page

# a record as it is kept: time, query, user, session, whether it is but a part, and the blob of its page
Packed = tuple[int | None, str, str | None, str | None, bool, bytes | None]


def pack(record: Impression) -> bytes:
    """Return all that a record says, its id and its origin apart; equal bytes say the same."""
    packed: Packed = (
        record.time_ms, record.query, record.user, record.session, record.part, encode_page(record),
    )  # fmt: skip
    return msgspec.msgpack.encode(packed)


def unpack(impression_id: str, data: bytes) -> Impression:
    """Return the record that was packed."""
    time_ms, query, user, session, part, page = msgspec.msgpack.decode(data, type=Packed)
    return decode_page(Impression(impression_id, time_ms, query, "imported", user, session, part=part), page)


def contradict(first: Impression, second: Impression) -> bool:
    """Say whether two imported records of one id cannot both be right.

    They cannot where each shows a page, of another query, of another person, or another one at the same moment; or
    where neither shows any and they are of another query or person. A record that shows something next to one that
    does not is right about the query.

    >>> from ltrr_cli.core.types import Impression, Shown
    >>> facets = Impression("q1", 1, "cable", "imported")
    >>> page = Impression("q1", 3, "cable", "imported", shown=(Shown("p5", 1), Shown("p4", 2)))
    >>> contradict(facets, page), contradict(page, Impression("q1", 3, "hammer", "imported", shown=(Shown("p9", 1),)))
    (False, True)
    """
    if first.part or second.part:
        return False
    if bool(first.shown) != bool(second.shown):
        return False
    asked = (" ".join(record.query.casefold().split()) for record in (first, second))
    others = [{word for word in asked if word}]
    others += [{who for who in (first.user, second.user) if who is not None}]
    if any(len(different) > 1 for different in others):
        return True
    return bool(first.shown) and first.time_ms == second.time_ms and first.shown != second.shown


class RecordVerdict(Enum):
    """What a record is beside those that are known under its id."""

    NEW = auto()
    KNOWN = auto()
    CONTRADICTS = auto()
    REPLACES = auto()


def judge(record: Impression, packed: bytes, known: Mapping[bytes, Impression]) -> RecordVerdict:
    """Compare a record with those that are known under its id, by their packed content.

    What was served here is known exactly: it replaces what others tell of the page, and nothing of that replaces it.
    """
    served = next((other for other in known.values() if other.origin != "imported"), None)
    if record.origin != "imported":
        if served is None:
            return RecordVerdict.REPLACES if known else RecordVerdict.NEW
        return RecordVerdict.KNOWN if packed in known and served.origin == record.origin else RecordVerdict.CONTRADICTS
    if served is not None or packed in known:
        return RecordVerdict.KNOWN
    if record.part and any(other.shown and not other.part for other in known.values()):
        return RecordVerdict.KNOWN  # hits know better than what came into view
    return (
        RecordVerdict.CONTRADICTS if any(contradict(record, other) for other in known.values()) else RecordVerdict.NEW
    )


def merged(records: Sequence[Impression]) -> Impression:
    """Return the page that records of one id tell together; none of them contradicts another.

    The page is the first that shows something; what later ones show beside it follows, as a next page does. Where no
    record shows a page, its parts do: lines by position, those without one behind. The query is that of the record
    which shows the page, else the first that has one.

    >>> from ltrr_cli.core.types import Impression, Shown
    >>> lines = [Shown("b", 2), Shown("a", 1)]
    >>> parts = [Impression("q", 5, "", "imported", shown=(line,), part=True) for line in lines]
    >>> page = merged([Impression("q", 4, "cable", "imported"), *parts])
    >>> page.query, [line.entity_id for line in page.shown]
    ('cable', ['a', 'b'])
    """
    ordered = sorted(records, key=lambda record: (record.time_ms is not None, record.time_ms or 0, pack(record)))
    whole = [record for record in ordered if not record.part]
    pages = [record for record in whole if record.shown]
    context: dict[str, str] = {}
    for record in reversed(ordered):
        context |= record.context
    return Impression(
        ordered[0].impression_id,
        (whole or ordered)[0].time_ms,
        next((record.query for record in (*pages, *ordered) if record.query), ""),
        "imported",
        next((record.user for record in ordered if record.user is not None), None),
        next((record.session for record in ordered if record.session is not None), None),
        context,
        shown=_shown(pages, ordered),
    )


def _shown(pages: Sequence[Impression], ordered: Sequence[Impression]) -> tuple[Shown, ...] | None:
    if pages:
        return _one_after_another(pages)
    parts = [line for record in ordered if record.part for line in record.shown or ()]
    if parts:
        return _line_by_line(parts)
    return None if all(record.shown is None for record in ordered) else ()


def _one_after_another(pages: Sequence[Impression]) -> tuple[Shown, ...]:
    lines = list(pages[0].shown or ())
    there = {line.entity_id for line in lines}
    for page in pages[1:]:
        for line in page.shown or ():
            if line.entity_id not in there:
                there.add(line.entity_id)
                lines.append(Shown(line.entity_id, lines[-1].position + 1, line.score))
    return tuple(lines)


def _line_by_line(parts: Sequence[Shown]) -> tuple[Shown, ...]:
    """Place what was told with a position (0: without) there, once; the rest behind, in the order of time."""
    placed: dict[int, Shown] = {}
    there: set[str] = set()
    for line in parts:
        if line.position and line.position not in placed and line.entity_id not in there:
            there.add(line.entity_id)
            placed[line.position] = line
    for line in parts:
        if line.entity_id not in there:
            there.add(line.entity_id)
            last = max(placed, default=0)
            placed[last + 1] = Shown(line.entity_id, last + 1)
    return tuple(placed[position] for position in sorted(placed))
