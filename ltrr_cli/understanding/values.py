"""Which types and attribute values does the catalog have, and how many entities bear each?"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from ltrr_cli.core.types import Entity, IntArray
from ltrr_cli.storage.lookup import Groups
from ltrr_cli.storage.packed_arrays import Array, open_arrays, strings_arrays, strings_of, write_arrays
from ltrr_cli.text.grams import GramIndex
from ltrr_cli.text.normalise import tokens
from ltrr_cli.text.similarity import name_likeness

FILE = "values.bin"
_FIELDS = "fields.json"

_LONGEST = 64  # characters of a value that somebody may type; more is prose
_MOST_WORDS = 6
_MOST_VALUES = 200_000  # of one field, the most frequent
_PARTIAL = 4  # values that a single one of their words reminds of, the most frequent
_LOOKED_AT = 24  # values compared with a query that may be misspelt
_ENOUGH = 20  # occurrences from which a field's habits are judged

_CODE = re.compile(r"\d{7,}|(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{12,}")
_BARE = frozenset({"true", "false", "yes", "no", "y", "n", "0", "1", "none", "null", "n/a", "na", "unknown"})
_YEARS = range(1000, 3000)


@dataclass(frozen=True, slots=True)
class Value:
    """One (field, value) pair of the catalog.

    count -- entities that bear it
    words -- how many words it has
    """

    field: str
    value: str  # as the catalog writes it first
    count: int
    words: int


class ValueCounts:
    """Counts values while entities pass by."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)  # field -> folded words, with spaces
        self._written: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, Counter[float]] = defaultdict(Counter)

    def add(self, entity: Entity) -> list[str]:
        """Count one entity's type and attribute values; return their folded words."""
        words: list[str] = []
        for field, value in texts_of(entity):
            found = folded(value[: 4 * _LONGEST])
            words += found
            if found and len(value) <= _LONGEST and len(found) <= _MOST_WORDS:
                spelt = " ".join(found)
                self._counts[field][spelt] += 1
                self._written.setdefault((field, spelt), value)
        for field, number in entity.attributes.items():
            if isinstance(number, float):
                self._numbers[field][number] += 1
        return words

    @property
    def numbers(self) -> Mapping[str, Mapping[float, int]]:
        """Field -> number -> entities that have it."""
        return self._numbers

    def kept(self) -> Iterator[tuple[str, str, str, int]]:
        """Yield (field, value as written, folded words with spaces, entities) of values that somebody may mean."""
        for field in sorted(self._counts):
            counts = self._counts[field]
            written = [self._written[field, spelt] for spelt in counts]
            if field == "type" or not (_bare(counts) or _identifies(counts, written)):
                # by count, ties by text: the order of entities must not show
                for spelt, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_VALUES]:
                    yield field, self._written[field, spelt], spelt, count
        for field in sorted(self._numbers):
            numbers = self._numbers[field]
            if _are_years(numbers):
                yield from ((field, f"{year:.0f}", f"{year:.0f}", count) for year, count in sorted(numbers.items()))


@lru_cache(maxsize=100_000)
def folded(value: str) -> tuple[str, ...]:
    """Return the folded words of a value; values repeat, and folding is most of what a catalog costs to read."""
    return tuple(tokens(value))


def texts_of(entity: Entity) -> Iterator[tuple[str, str]]:
    """Yield (field, text) of an entity's type and of its attributes that are texts."""
    if entity.type:
        yield "type", entity.type
    for field, value in entity.attributes.items():
        if isinstance(value, str):
            yield field, value
        elif isinstance(value, tuple):
            yield from ((field, part) for part in dict.fromkeys(value))


def _bare(counts: Counter[str]) -> bool:
    """Say whether values mean nothing without their field's name (yes, no, 0, 1)."""
    return all(spelt in _BARE for spelt in counts)


def _identifies(counts: Counter[str], written: Sequence[str]) -> bool:
    """Say whether a field holds identifiers: most values are codes, or numbers that hardly repeat."""
    codes = sum(bool(_CODE.search(value)) for value in written)
    if counts.total() < _ENOUGH:
        return codes == len(written)
    if codes > len(written) / 2:
        return True
    return len(counts) > 0.9 * counts.total() and sum(spelt.isdigit() for spelt in counts) > len(counts) / 2


def _are_years(numbers: Counter[float]) -> bool:
    """Say whether numbers are years; other numbers (prices, weights) fit any query by chance."""
    plausible = sum(count for number, count in numbers.items() if number.is_integer() and int(number) in _YEARS)
    repeated = plausible < _ENOUGH or len(numbers) < plausible / 4
    return plausible == numbers.total() and len(numbers) <= 300 and repeated


class Values:
    """An open table of values, found by their glued words, by glued stems, and by single words of theirs."""

    def __init__(self, arrays: dict[str, Array], fields: Sequence[str]) -> None:
        self._fields = fields
        self._field, self._count, self._words = arrays["field"], arrays["count"], arrays["words"]
        self._written = strings_of("written", arrays)
        self._grams = GramIndex.of(arrays)
        self._exact, self._stems, self._parts = (Groups.of(name, arrays) for name in ("exact", "stems", "parts"))

    @staticmethod
    def build(folder: Path, counts: ValueCounts, stem: Callable[[str], str]) -> None:
        """Write the table."""
        kept = list(counts.kept())
        fields = sorted({field for field, *_ in kept})
        number = {field: place for place, field in enumerate(fields)}
        exact: dict[str, list[int]] = defaultdict(list)
        stems: dict[str, list[int]] = defaultdict(list)
        parts: dict[str, list[int]] = defaultdict(list)
        for place, (_, _, spelt, _) in enumerate(kept):
            words = spelt.split(" ")
            exact["".join(words)].append(place)
            stems["".join(map(stem, words))].append(place)
            if len(words) > 1:
                for word in dict.fromkeys(words):
                    parts[word].append(place)
        for places in parts.values():
            places.sort(key=lambda place: (-kept[place][3], place))
            del places[_PARTIAL:]
        arrays: dict[str, Array] = {
            "field": np.array([number[field] for field, *_ in kept], np.int32),
            "count": np.array([count for *_, count in kept], np.int32),
            "words": np.array([spelt.count(" ") + 1 for _, _, spelt, _ in kept], np.int8),
        }
        arrays |= strings_arrays("written", (value for _, value, _, _ in kept))
        arrays |= GramIndex.arrays(list(exact))
        for name, groups in (("exact", exact), ("stems", stems), ("parts", parts)):
            arrays |= Groups.arrays(name, groups)
        write_arrays(folder / FILE, arrays)
        (folder / _FIELDS).write_bytes(msgspec.json.encode(fields))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what ``build`` wrote."""
        return cls(open_arrays(folder / FILE), msgspec.json.decode((folder / _FIELDS).read_bytes(), type=list[str]))

    def __len__(self) -> int:
        return len(self._written)

    def __getitem__(self, place: int) -> Value:
        return Value(
            self._fields[self._field[place]], self._written[place], int(self._count[place]), int(self._words[place])
        )

    def exact(self, keys: Sequence[str]) -> list[IntArray]:
        """Return for each key (folded words, glued) the places of values that equal it."""
        return self._exact.find(keys)

    def stemmed(self, keys: Sequence[str]) -> list[IntArray]:
        """Return for each key (stems of folded words, glued) the places of values with these stems."""
        return self._stems.find(keys)

    def similar(self, words: Sequence[str]) -> list[tuple[IntArray, float]]:
        """Return places of values that are spelt one way, and its likeness (0..1) to folded words, best first."""
        groups, _ = self._grams.candidates("".join(words), _LOOKED_AT)
        places = [self._exact.group(group) for group in groups.tolist()]
        likeness = name_likeness(words, [" ".join(folded(self._written[some[0]])) for some in places])
        order = np.argsort(-likeness, kind="stable").tolist()
        return [(places[at], float(likeness[at])) for at in order]

    def holding(self, words: Sequence[str]) -> list[IntArray]:
        """Return for each folded word the places of longer values that hold it, the most frequent first."""
        return self._parts.find(words)
