"""Why nothing of a catalog should be published: a name that was mistyped, a title that is missing everywhere.

Each would be taken in without complaint and make a catalog that nobody can use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from difflib import get_close_matches

from ltrr_cli.catalog.read import FIELDS
from ltrr_cli.catalog.remarks import Remarks
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Entity

NAMED = 8  # keys that a message names
ALIKE = 0.6

# what other systems call our fields, the likeliest first
USUAL: Mapping[str, tuple[str, ...]] = {
    "id": ("objectID", "_id", "ID", "Id", "product_id", "productId", "item_id", "itemId", "entity_id", "doc_id",
           "sku", "SKU", "handle", "slug", "uuid", "asin", "isbn", "code", "key", "url"),
    "title": ("name", "Name", "Title", "product_name", "productName", "product_title", "item_name", "headline", "label",
              "display_name", "displayName", "post_title", "heading", "subject", "question", "song", "track_name"),
    "text": ("description", "body", "content", "Body (HTML)", "body_html", "summary", "abstract", "overview"),
}  # fmt: skip


def faults(
    entities: Sequence[Entity], keys: Counter[str], mapping: Mapping[str, str], mapped: Set[str], remarks: Remarks
) -> list[DataError]:
    """Return the faults of the entities that were read, the gravest first.

    keys   -- key of a line -> lines that have it; ``mapped`` are those of the mapping that some line has
    A title that some entities lack is a remark.
    """
    found: list[DataError] = []
    for ours, theirs in mapping.items():
        if theirs not in mapped:
            found.append(_no_key(ours, theirs, keys))
        elif ours not in FIELDS and (meant := _alike(ours, FIELDS)):
            found.append(
                DataError(
                    f"--map {ours}={theirs}: {ours!r} is no field of ours; {meant!r} may be meant",
                    hint=f"--map {meant}={theirs}; the fields are {', '.join(FIELDS)}",
                )
            )
    untitled = sum(not entity.title.strip() for entity in entities)
    if entities and untitled == len(entities):
        stated = keys["title"] == max(keys.values()) or "title" in mapping
        if stated and _usual("title", keys) is None and any(entity.text.strip() for entity in entities):
            remarks.tell("textual", "title", count=untitled)  # a collection of texts that have none
        else:
            found.append(_untitled(keys, mapping))
    elif untitled:
        remarks.tell("untitled", "title", count=untitled)
    return found


def no_id(keys: Iterable[str]) -> str | None:
    """Return what to type where lines have no id but a key that other systems use for it."""
    usual = _usual("id", keys)
    return None if usual is None else f"--map id={usual}"


def _no_key(ours: str, theirs: str, keys: Counter[str]) -> DataError:
    meant = _alike(theirs, keys)
    if meant is None and ours in keys and theirs in FIELDS:
        return DataError(
            f"--map {ours}={theirs}: no line has {theirs!r}; our field comes first",
            hint=f"--map {theirs}={ours}",
        )
    named = f"; {meant!r} may be meant" if meant else ""
    hint = f"--map {ours}={meant}" if meant else f"the lines have {_named(keys)}"
    return DataError(f"--map {ours}={theirs}: no line has {theirs!r}{named}", hint=hint)


def _untitled(keys: Counter[str], mapping: Mapping[str, str]) -> DataError:
    usual = None if "title" in mapping else _usual("title", keys)
    hint = f"--map title={usual}" if usual else f"--map title=KEY; the lines have {_named(keys)}"
    return DataError("no title on any line", hint=hint)


def _usual(ours: str, keys: Iterable[str]) -> str | None:
    there = set(keys)
    return next((name for name in USUAL[ours] if name in there), None)


def _alike(name: str, names: Iterable[str]) -> str | None:
    by_fold = {other.casefold(): other for other in names if other != name}
    found = get_close_matches(name.casefold(), list(by_fold), 1, ALIKE)
    return by_fold[found[0]] if found else None


def _named(keys: Counter[str]) -> str:
    found = [key for key, _ in keys.most_common(NAMED)]
    return ", ".join(found) + (" ..." if len(keys) > NAMED else "")
