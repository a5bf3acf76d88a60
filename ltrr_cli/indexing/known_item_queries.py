"""Queries whose answers the catalog itself knows: entities by name and by words, attribute values by who bears them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import Catalog, DoubleArray, Entity, IntArray
from ltrr_cli.retrieval.entity_texts import all_text, attribute_texts
from ltrr_cli.text.normalise import tokens

ENTITIES, KNOWN = 150, 150  # sampled evenly, up to five queries each; and by popularity, for attribute values
ENOUGH = 600  # entities of a catalog from which on so many are sampled; of a smaller one, a part: it has less to tell
WORDLESS = 50  # by popularity too: what somebody wants who does not say what
LONGEST_VALUE = 40  # characters


@dataclass(frozen=True, slots=True)
class KnownQuery:
    """What may be typed by somebody who wants ``row``; a ``value`` is one of its attribute values; maybe nothing."""

    row: int
    text: str
    value: bool = False


def known_queries(catalog: Catalog, chance: np.random.Generator) -> Iterator[KnownQuery]:
    """Yield queries for sampled entities, deterministic for a generator's state."""
    size = len(catalog)
    share = min(size / ENOUGH, 1.0)
    for row in np.sort(chance.permutation(size)[: math.ceil(share * ENTITIES)]).tolist():
        entity = catalog.entity(row)
        yield from (KnownQuery(row, text) for text in queries_for(entity, chance))
        yield from (KnownQuery(row, text, value=True) for text in value_of(entity, chance))
    famed = popularity(catalog)
    known = np.log1p(famed)
    if known.sum() > 0:
        for row in np.sort(chance.choice(size, WORDLESS, p=famed / famed.sum())).tolist():
            yield KnownQuery(row, "")
        most = min(math.ceil(share * KNOWN), int(np.count_nonzero(known)))
        for row in np.sort(chance.choice(size, most, replace=False, p=known / known.sum())).tolist():
            yield from (KnownQuery(row, text, value=True) for text in value_of(catalog.entity(row), chance))


def popularity(catalog: Catalog) -> DoubleArray:
    """Return (entities,) float64 >= 0, 0 where unknown."""
    known: DoubleArray = np.maximum(np.nan_to_num(np.asarray(catalog.popularity, np.float64)), 0.0)
    return known


def bearers(catalog: Catalog, values: Sequence[str]) -> dict[str, IntArray]:
    """Return value -> the rows that bear it, ascending; one pass over the catalog."""
    found: dict[str, list[int]] = {value: [] for value in values}
    for row, entity in enumerate(catalog.entities()):
        for value in set(attribute_texts(entity)):
            if value in found:
                found[value].append(row)
    return {value: np.array(rows, np.int32) for value, rows in found.items()}


def queries_for(entity: Entity, chance: np.random.Generator) -> list[str]:
    """Return ways of asking for an entity: its title, part of it, a typo in it, words of its text."""
    title = tokens(entity.title)
    found = []
    if title:
        found.append(" ".join(title))
        if len(title) > 1:
            kept = max(1, round(len(title) * 0.6))
            start = int(chance.integers(0, len(title) - kept + 1))
            found.append(" ".join(title[start : start + kept]))
        found.append(misspelt(" ".join(title), chance))
    words = [word for word in tokens(all_text(entity)) if len(word) > 2]
    if len(words) > 3:
        picked = sorted(chance.permutation(len(words))[: int(chance.integers(2, 5))].tolist())
        found.append(" ".join(words[place] for place in picked))
    return found


def value_of(entity: Entity, chance: np.random.Generator) -> list[str]:
    """Return one of an entity's attribute values that somebody may type, or nothing."""
    values = [text for text in attribute_texts(entity) if len(text) <= LONGEST_VALUE]
    return [values[int(chance.integers(0, len(values)))]] if values else []


def misspelt(text: str, chance: np.random.Generator) -> str:
    """Make one typo: drop, double, swap or replace a character, or drop a space."""
    if len(text) < 4:
        return text
    place = int(chance.integers(1, len(text) - 1))
    kind = int(chance.integers(0, 5))
    letter = "etaoinsrhl"[int(chance.integers(0, 10))]
    if kind == 4 and " " in text:
        return text.replace(" ", "", 1)
    edited = {
        0: text[:place] + text[place + 1 :],
        1: text[:place] + text[place] + text[place:],
        2: text[: place - 1] + text[place] + text[place - 1] + text[place + 1 :],
    }
    return edited.get(kind, text[:place] + letter + text[place + 1 :])
