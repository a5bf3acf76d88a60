"""What content understanding learns from: features and (field, value) labels of every entity, as flat arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import Catalog, Entity, IntArray
from ltrr_cli.text.normalise import tokens
from ltrr_cli.text.packed import Array
from ltrr_cli.understanding.values import ValueCounts

LEAST = 3  # entities that bear a value, or have a feature, below which nothing is learnt of it
MOST_WORDS = 64  # of title, and of text
LONGEST = 64  # characters of a value
LONGEST_SPAN = 4  # words of a value that may be mentioned
MOST_LABELS = 20_000  # (field, value) pairs, the most frequent


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows of numbers, flat: those of row r stand at starts[r] to starts[r + 1]."""

    starts: Array
    members: IntArray

    def pairs(self, rows: Array) -> tuple[Array, IntArray]:
        """Return (index into ``rows``, member) of all members of some rows."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        ends = np.cumsum(lengths)
        place = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(self.starts[rows] - (ends - lengths), lengths)
        return np.repeat(np.arange(len(rows)), lengths), self.members[place]


@dataclass(frozen=True, slots=True)
class Cases:
    """What is learnt from: labels are (field, value) pairs, grouped by field.

    features, labels -- of every entity
    mentioned -- labels whose words stand in an entity's title or text, one after the other
    field_of         -- (labels,) int32; bounds -- (fields + 1,) first label of each field
    own              -- (features,) int32, the field whose value a feature is, -1 for a word
    """

    features: Sparse
    labels: Sparse
    mentioned: Sparse
    fields: list[str]
    values: list[str]
    field_of: IntArray
    bounds: Array
    own: IntArray


def read(catalog: Catalog) -> Cases:
    """Number features and labels: two passes over the entities, the first to see what repeats."""
    counts, words = ValueCounts(), Counter[str]()
    for entity in catalog.entities():
        counts.add(entity)
        words.update(_features(entity))
    kept = [(field, spelt, count, value) for field, value, spelt, count in counts.kept() if count >= LEAST]
    kept = sorted(sorted(kept, key=lambda label: (-label[2], label[0], label[1]))[:MOST_LABELS])
    numbers = {(field, spelt): place for place, (field, spelt, _, _) in enumerate(kept)}
    fields = sorted({field for field, *_ in kept})
    most = len(catalog) / 2  # what half of all entities have tells nothing apart
    feature = {name: place for place, name in enumerate(sorted(n for n, c in words.items() if LEAST <= c <= most))}
    of_entity: list[list[int]] = []
    labelled: list[list[int]] = []
    by_words: dict[str, list[int]] = {}
    for place, (_, spelt, _, _) in enumerate(kept):
        by_words.setdefault(spelt, []).append(place)
    mentioned: list[list[int]] = []
    for entity in catalog.entities():
        of_entity.append([feature[name] for name in _features(entity) if name in feature])
        labelled.append([numbers[pair] for pair in _labels(entity) if pair in numbers])
        mentioned.append(sorted({place for span in _spans(entity) for place in by_words.get(span, ())}))
    place_of = {field: place for place, field in enumerate(fields)}
    field_of = np.array([place_of[field] for field, *_ in kept], np.int32)
    own = [place_of.get(name.partition("\x1f")[0], -1) if "\x1f" in name else -1 for name in feature]
    bounds = np.searchsorted(field_of, np.arange(len(fields) + 1))
    written = [value for *_, value in kept]
    return Cases(
        flat(of_entity), flat(labelled), flat(mentioned), fields, written, field_of, bounds, np.array(own, np.int32)
    )


def _labels(entity: Entity) -> Iterator[tuple[str, str]]:
    """Yield (field, folded value) of an entity, years too."""
    found: set[tuple[str, str]] = set()
    for name, value in entity.attributes.items():  # not its type, which is never inferred
        if isinstance(value, float):
            found.add((name, f"{value:.0f}"))
        else:
            parts = (value,) if isinstance(value, str) else value
            found |= {(name, " ".join(tokens(part))) for part in parts if len(part) <= LONGEST}
    yield from sorted(found)


def _features(entity: Entity) -> list[str]:
    """Return the distinct words of title and text, and the values of fields (these hold a separator)."""
    words = tokens(f"{entity.title} {entity.text}", MOST_WORDS)
    return [*dict.fromkeys(words), f"\x1f{entity.type}", *(f"{field}\x1f{value}" for field, value in _labels(entity))]


def _spans(entity: Entity) -> Iterator[str]:
    """Yield all spans of up to ``LONGEST_SPAN`` words of the title and of the text."""
    for text in (entity.title, entity.text):
        words = tokens(text, MOST_WORDS)
        for length in range(1, LONGEST_SPAN + 1):
            yield from (" ".join(words[start : start + length]) for start in range(len(words) - length + 1))


def flat(lists: list[list[int]]) -> Sparse:
    """Join one list per row."""
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(found) for found in lists], out=starts[1:])
    return Sparse(starts, np.fromiter((each for found in lists for each in found), np.int32, int(starts[-1])))
