"""What content understanding learns from: features and (field, value) labels of every entity, as flat arrays."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import BoolArray, Catalog, Entity, IntArray
from ltrr_cli.storage.packed_arrays import Array
from ltrr_cli.text.normalise import tokens
from ltrr_cli.understanding.values import ValueCounts, folded

LEAST = 3  # entities that have a feature, below which nothing is learnt of it, or bear a value that it could speak for
MOST_WORDS = 64  # of title, and of text
LONGEST = 64  # characters of a value
PLACES = 3  # where a value is mentioned: as the first words of a title, in it, in the text
LONGEST_SPAN = 4  # words of a value that may be mentioned
MOST_LABELS = 20_000  # (field, value) pairs, the most frequent


@dataclass(frozen=True, slots=True)
class RaggedArray:
    """Rows of numbers, flat: those of row r stand at starts[r] to starts[r + 1]."""

    starts: Array
    members: IntArray

    def pairs(self, rows: Array) -> tuple[Array, IntArray]:
        """Return (index into ``rows``, member) of all members of some rows."""
        index, place = self.spread(rows)
        return index, self.members[place]

    def spread(self, rows: Array) -> tuple[Array, Array]:
        """Return (index into ``rows``, place among ``members``) of all members of some rows."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        ends = np.cumsum(lengths)
        place = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(self.starts[rows] - (ends - lengths), lengths)
        return np.repeat(np.arange(len(rows)), lengths), place


@dataclass(frozen=True, slots=True)
class Cases:
    """What is learnt from: labels are (field, value) pairs, grouped by field.

    features, labels -- of every entity
    mentioned -- labels whose words stand in an entity's title or text, one after the other: label x PLACES + place
    field_of         -- (labels,) int32; bounds -- (fields + 1,) first label of each field
    own              -- (features,) int32, the field whose value a feature is, -1 for a word
    itself           -- (features,) int32, the label that a feature is, -1 where it is none
    several          -- (fields,) bool, whether entities have several values in a field
    """

    features: RaggedArray
    labels: RaggedArray
    mentioned: RaggedArray
    fields: list[str]
    values: list[str]
    field_of: IntArray
    bounds: Array
    own: IntArray
    itself: IntArray
    several: BoolArray


def read(catalog: Catalog) -> Cases:
    """Number features and labels in one pass over the entities; what does not repeat is sorted out afterwards."""
    counts, features, spoken = ValueCounts(), _Numbered(), _Numbered()
    for entity in catalog.entities():
        counts.add(entity)
        title, text = tokens(entity.title, MOST_WORDS), tokens(entity.text, MOST_WORDS)
        words = dict.fromkeys((*title, *text)[:MOST_WORDS])
        features.add((*words, f"\x1f{entity.type}", *(f"{field}\x1f{value}" for field, value in _labels(entity))))
        spoken.add((*title, "", *text, ""))  # a gap that no span crosses
    kept = [(field, spelt, count, value) for field, value, spelt, count in counts.kept()]
    kept = sorted(sorted(kept, key=lambda label: (-label[2], label[0], label[1]))[:MOST_LABELS])
    fields = sorted({field for field, *_ in kept})
    place_of = {field: place for place, field in enumerate(fields)}
    field_of = np.array([place_of[field] for field, *_ in kept], np.int32)
    most = len(catalog) / 2  # what half of all entities have tells nothing apart
    repeated = (name for name, count in zip(features.numbers, features.counts().tolist(), strict=True)
                if LEAST <= count <= most)  # fmt: skip
    names = sorted(repeated)
    own = [place_of.get(name.partition("\x1f")[0], -1) if "\x1f" in name else -1 for name in names]
    spelled = [f"{field}\x1f{spelt}" for field, spelt, *_ in kept]
    labels, number = features.only(spelled), {name: place for place, name in enumerate(spelled)}
    owner, label = labels.pairs(np.arange(len(catalog)))
    codes, values = np.unique(owner * max(len(fields), 1) + field_of[label], return_counts=True)
    listed = np.bincount(codes[values > 1] % max(len(fields), 1), minlength=len(fields))
    return Cases(
        features.only(names),
        labels,
        _mentioned(spoken, [spelt for _, spelt, *_ in kept]),
        fields,
        [value for *_, value in kept],
        field_of,
        np.searchsorted(field_of, np.arange(len(fields) + 1)),
        np.array(own, np.int32),
        np.array([number.get(name, -1) for name in names], np.int32),
        listed >= LEAST,
    )


class _Numbered:
    """Names of every entity, in four bytes each."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self._members, self._lengths = array("i"), array("i")

    def add(self, names: Sequence[str]) -> None:
        """Add the names of the next entity."""
        known = self.numbers
        self._members.extend([known.setdefault(name, len(known)) for name in names])
        self._lengths.append(len(names))

    def counts(self) -> Array:
        """Return how often each name was added, by number."""
        return np.bincount(self.members, minlength=len(self.numbers))

    @property
    def members(self) -> IntArray:
        """(n,) int32: numbers of all names, entity by entity."""
        return np.frombuffer(self._members, np.int32) if len(self._members) else np.empty(0, np.int32)

    def __len__(self) -> int:
        return len(self._lengths)

    def owners(self) -> IntArray:
        """Return (n,) int32, the entity of each of ``members``."""
        return np.repeat(np.arange(len(self._lengths), dtype=np.int32), self._lengths)

    def only(self, names: Sequence[str]) -> RaggedArray:
        """Return the places among some names of those that each entity has."""
        place = np.full(len(self.numbers), -1, np.int32)
        there = [(self.numbers[name], at) for at, name in enumerate(names) if name in self.numbers]
        number, at = np.array(there, np.int32).reshape(-1, 2).T
        place[number] = at
        places = place[self.members]
        keep = places >= 0
        return _grouped(self.owners()[keep], places[keep], len(self._lengths))


def _mentioned(spoken: _Numbered, spelt: Sequence[str]) -> RaggedArray:
    """Return the labels, given by their words, of which each entity says the words one after the other.

    Labels are a trie of words; every word of every entity goes down it as far as the next words lead.
    """
    children: list[dict[tuple[int, int], int]] = [{} for _ in range(LONGEST_SPAN)]  # (node, word) -> node
    at_node: list[list[int]] = [[]]
    for place, words in enumerate(label.split(" ") for label in spelt):
        if len(words) > LONGEST_SPAN or not all(word and word in spoken.numbers for word in words):
            continue
        node = 0
        for depth, word in enumerate(words):
            node = children[depth].setdefault((node, spoken.numbers[word]), len(at_node))
            if node == len(at_node):
                at_node.append([])
        at_node[node].append(place)
    labels, said = flat(at_node), spoken.members
    owners, found = spoken.owners(), [np.empty(0, np.int64)]
    start, nodes = np.arange(len(said)), np.zeros(len(said), np.int64)
    place_of = _places(owners, said == spoken.numbers.get("", -1))
    for depth, edges in enumerate(children):
        inside = start + depth < len(said)
        start, nodes = start[inside], nodes[inside]
        codes = np.array(sorted((node << 32 | word, child) for (node, word), child in edges.items()), np.int64)
        if not len(codes) or not len(start):
            break
        code = nodes << 32 | said[start + depth]
        at = np.minimum(np.searchsorted(codes[:, 0], code), len(codes) - 1)
        on = codes[at, 0] == code
        start, nodes = start[on], codes[at[on], 1]
        of, label = labels.pairs(nodes)
        found.append((owners[start[of]].astype(np.int64) * len(spelt) + label) * PLACES + place_of[start[of]])
    pairs = np.unique(np.concatenate(found))
    pairs = pairs[np.diff(pairs // PLACES, prepend=-1) != 0]  # the first place alone
    size = max(len(spelt), 1) * PLACES
    return _grouped(pairs // size, (pairs % size).astype(np.int32), len(spoken))


def _places(owners: IntArray, gap: BoolArray) -> IntArray:
    """Return (n,) where every word stands: 0 first in the title, 1 later in it, 2 in the text behind the gap."""
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    gaps: IntArray = np.cumsum(gap) - np.repeat((np.cumsum(gap) - gap)[first], np.diff(first, append=len(owners)))
    places: IntArray = np.where(gaps == 0, 1, 2)
    places[first[~gap[first]]] = 0
    return places


def _grouped(owners: Array, members: IntArray, size: int) -> RaggedArray:
    """Put parallel arrays, owners ascending, into rows."""
    return RaggedArray(np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=size))]), members)


def _labels(entity: Entity) -> Iterator[tuple[str, str]]:
    """Yield (field, folded value) of an entity, years too."""
    found: set[tuple[str, str]] = set()
    for name, value in entity.attributes.items():  # not its type, which is never inferred
        if isinstance(value, float):
            found.add((name, f"{value:.0f}"))
        else:
            parts = (value,) if isinstance(value, str) else value
            found |= {(name, " ".join(folded(part))) for part in parts if len(part) <= LONGEST}
    yield from sorted(found)


def flat(lists: list[list[int]]) -> RaggedArray:
    """Join one list per row."""
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(found) for found in lists], out=starts[1:])
    return RaggedArray(starts, np.fromiter((each for found in lists for each in found), np.int32, int(starts[-1])))
