"""What a person sees of an answer beside its order: attributes that matter, counts by value, orders of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np

from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.types import AttributeValue, Catalog, Entity, IntArray, Reading
from ltrr_cli.engine.match import known
from ltrr_cli.engine.search import Answer
from ltrr_cli.text.normalise import fold, query_key

MOST_ATTRIBUTES, MOST_VALUES = 3, 3  # of an entity that are shown, and of one attribute
LONGEST = 40  # characters of a value that is shown
MOST_COUNTED = 12  # values of a field, the most frequent

CLOSELY = 0.5  # of the best match by words, what counts as a match where a person sorts or counts

_OF_ENTITY = ("title", "type", "popularity", "created_at", "id")


def attributes_shown(entity: Entity, reading: Reading) -> dict[str, AttributeValue]:
    """Return the few attributes of an entity that matter: those that the query states first, then the first short ones.

    Of several values those that were asked for come first.
    """
    attributes = entity.attributes
    asked = dict.fromkeys(slot.field for slot in reading.slots if slot.odds >= 0.1 and slot.field in attributes)
    most, found = max(MOST_ATTRIBUTES, len(asked)), dict[str, AttributeValue]()
    for name in chain(asked, (name for name in attributes if name not in asked)):
        value = _shortened(attributes[name], reading)
        if value is not None:
            found[name] = value
            if len(found) == most:
                break
    return found


def _shortened(value: AttributeValue, reading: Reading) -> AttributeValue | None:
    if isinstance(value, float):
        return value
    if isinstance(value, str):
        return value if 0 < len(value) <= LONGEST else None
    short = [part for part in value if 0 < len(part) <= LONGEST]
    if len(short) > 1 and reading.slots:
        asked = {query_key(slot.value) for slot in reading.slots}
        short.sort(key=lambda part: query_key(part) not in asked)
    return tuple(short[:MOST_VALUES]) or None


def candidates_of(found: Answer) -> IntArray:
    """Return the places of all candidates of the drawn allocation, best first; only those that match, if any does.

    Where some have words of the query, those count that have half as much of them as the best.
    """
    order = np.lexsort((found.candidates.rows, -found.scores)).astype(np.int32)
    drawn = order[found.included[found.drawn][order]]
    held = known(found.schema, found.features, "lexical.held")
    best = float(held[drawn].max(initial=0.0))
    kept = held >= CLOSELY * best if best > 0.0 and found.request.reading.tokens else found.matches
    matching: IntArray = drawn[kept[drawn]]
    return matching if len(matching) else drawn


def facets(catalog: Catalog, rows: Sequence[int], fields: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return field -> value -> how many of some entities have it, the most frequent first; raises UsageError.

    Values that fold alike count together, under their first way of writing.
    """
    counted: dict[str, Counter[str]] = {field: Counter() for field in fields}
    written: dict[tuple[str, str], str] = {}
    for row in rows:
        entity = catalog.entity(row)
        for field, counts in counted.items():
            for text in dict.fromkeys(_texts(entity, field)):
                counts[written.setdefault((field, fold(text)), text)] += 1
    missing = [field for field, counts in counted.items() if rows and not counts]
    if missing:
        raise UsageError(f"no result has a field {missing[0][:60]!r}", hint=_fields_of(catalog, rows))
    return {
        field: dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_COUNTED])
        for field, counts in counted.items()
    }


def sorted_places(catalog: Catalog, found: Answer, by: str) -> IntArray:
    """Return the places of all candidates that match, by a field: ``price``, or ``-price`` for the largest first.

    Who has no such value comes last; of equal ones the better match comes first. Raises UsageError.
    """
    field, reverse = by.removeprefix("-"), by.startswith("-")
    places = candidates_of(found)
    values = [_value(catalog.entity(int(found.candidates.rows[place])), field) for place in places.tolist()]
    told = [value for value in values if value is not None]
    if places.size and not told:
        raise UsageError(
            f"no result has a field {field[:60]!r} to sort by", hint=_fields_of(catalog, found.candidates.rows[places])
        )
    numeric = all(isinstance(value, float) for value in told)
    keyed = sorted({value if numeric else str(value) for value in told})
    rank = {value: number for number, value in enumerate(keyed)}
    last = len(keyed)
    ranks = np.array([last if value is None else rank[value if numeric else str(value)] for value in values])
    if reverse:
        ranks = np.where(ranks < last, last - 1 - ranks, last)
    order: IntArray = places[np.argsort(ranks, kind="stable")]
    return order


def _value(entity: Entity, field: str) -> float | str | None:
    """Return what an entity is sorted by: a number, or a folded text."""
    value: AttributeValue | int | None
    if field in entity.attributes:
        value = entity.attributes[field]
    else:
        value = {"title": entity.title, "type": entity.type, "id": entity.id, "popularity": entity.popularity,
                 "created_at": entity.created_ms}.get(field)  # fmt: skip
    if isinstance(value, tuple):
        value = value[0] if value else None
    return None if value in (None, "") else float(value) if isinstance(value, int | float) else fold(str(value))


def _texts(entity: Entity, field: str) -> list[str]:
    value = entity.type if field == "type" and field not in entity.attributes else entity.attributes.get(field, ())
    if isinstance(value, float):
        return [f"{value:.10g}"]
    return [value] if isinstance(value, str) and value else list(value)


def _fields_of(catalog: Catalog, rows: Sequence[int] | IntArray) -> str:
    names = dict.fromkeys(name for row in list(rows)[:20] for name in catalog.entity(int(row)).attributes)
    return f"fields: {', '.join([*_OF_ENTITY, *list(names)[:10]])}"


def told_in_words(query: str, found: Answer, phrases: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return what a reader of the page must know: that nothing matches, that a phrase stands nowhere.

    phrases -- as they were typed
    """
    notes = []
    missing = [phrase for phrase in phrases if tuple(phrase) not in found.request.reading.phrases]
    notes += [f'nothing has the words "{" ".join(phrase)}" together; they count one by one' for phrase in missing]
    if query.strip() and not is_matched(found):
        follows = "; what follows are recommendations, no hits" if len(found.page) else ""
        notes.append(f"nothing matches {query[:80]!r}{follows}")
    return tuple(notes)


def is_matched(found: Answer) -> bool:
    """Say whether a page answers what was asked: something matches, or nothing was asked in words."""
    if not found.request.reading.tokens:
        return not found.request.query.strip()
    return bool(found.matches[found.page].any())
