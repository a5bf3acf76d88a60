"""The words of a catalog: how many entities have each, where they stand, and which are spelt alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from ltrr_cli.core.types import IntArray
from ltrr_cli.storage.lookup import Lookup
from ltrr_cli.storage.packed_arrays import Array, open_arrays, strings_arrays, strings_of, write_arrays
from ltrr_cli.text.similarity import edits
from ltrr_cli.text.spelling_index import SpellingIndex, allowed_edits

FILE = "words.bin"
_OFFERED_FROM = 3  # entities that a word of running text needs before it is offered as a correction


class Neighbour(NamedTuple):
    """A known word spelt like another.

    edits     -- 1 or 2
    frequency -- entities that have it
    """

    word: str
    edits: int
    frequency: int


class WordCounts:
    """Counts words while entities pass by."""

    def __init__(self) -> None:
        self.entities = 0
        self.anywhere: Counter[str] = Counter()
        self.titles: Counter[str] = Counter()
        self.values: Counter[str] = Counter()

    def add(self, title: Iterable[str], values: Iterable[str], text: Iterable[str]) -> None:
        """Count the folded words of one entity's title, of its type and attribute values, and of its text."""
        in_title, in_values = set(title), set(values)
        self.entities += 1
        self.titles.update(in_title)
        self.values.update(in_values)
        self.anywhere.update(in_title | in_values | set(text))

    def take_away(self, title: Iterable[str], values: Iterable[str], text: Iterable[str]) -> None:
        """Count one entity less; words that no entity has any more are forgotten."""
        in_title, in_values = set(title), set(values)
        self.entities -= 1
        for counts, words in (
            (self.titles, in_title), (self.values, in_values), (self.anywhere, in_title | in_values | set(text)),
        ):  # fmt: skip
            for word in words:
                counts[word] -= 1
                if counts[word] <= 0:
                    del counts[word]


class Vocabulary:
    """An open vocabulary. Words are numbered by UTF-8 order; read-only and safe to use from many threads.

    entities  -- of the catalog
    anywhere, titles, values -- (words,) int32, entities that have the word at all, in the title, in type or attributes
    """

    def __init__(self, arrays: dict[str, Array]) -> None:
        self.entities = int(arrays["entities"][0])
        self.anywhere: IntArray = arrays["anywhere"]
        self.titles: IntArray = arrays["titles"]
        self.values: IntArray = arrays["values"]
        self._words = strings_of("words", arrays)
        self._lookup = Lookup.of("words", arrays)
        self._spelling = SpellingIndex.of(arrays)

    @staticmethod
    def build(folder: Path, counts: WordCounts) -> None:
        """Write the vocabulary."""
        words = sorted(counts.anywhere)
        arrays: dict[str, Array] = {"entities": np.array([counts.entities], np.int64)}
        for name, counted in (("anywhere", counts.anywhere), ("titles", counts.titles), ("values", counts.values)):
            arrays[name] = np.fromiter((counted[word] for word in words), np.int32, len(words))
        arrays |= strings_arrays("words", words) | Lookup.arrays("words", words)
        common = (arrays["anywhere"] >= _OFFERED_FROM) | (arrays["titles"] > 0) | (arrays["values"] > 0)
        # a number is not a slip of another number
        spelt = [bool(usual) and not word.isdigit() for word, usual in zip(words, common, strict=True)]
        write_arrays(folder / FILE, arrays | SpellingIndex.arrays(words, spelt))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what ``build`` wrote."""
        return cls(open_arrays(folder / FILE))

    def counted(self) -> WordCounts:
        """Return the counts that the vocabulary was built of."""
        found, words = WordCounts(), self._words[:]
        found.entities = self.entities
        for into, counts in (
            (found.anywhere, self.anywhere), (found.titles, self.titles), (found.values, self.values),
        ):  # fmt: skip
            into.update({word: count for word, count in zip(words, counts.tolist(), strict=True) if count})
        return found

    def __len__(self) -> int:
        return len(self._words)

    def find(self, words: Sequence[str]) -> IntArray:
        """Return (n,) int32 places of folded words, -1 of unknown ones."""
        return self._lookup.find(words)

    def frequencies(self, words: Sequence[str]) -> IntArray:
        """Return (n,) int32: how many entities have each word, 0 of unknown ones."""
        return self.frequencies_at(self.find(words))

    def frequencies_at(self, places: IntArray) -> IntArray:
        """Return (n,) int32: how many entities have the word at each place, 0 for -1."""
        if not len(self):
            return np.zeros(len(places), np.int32)
        counted: IntArray = np.where(places >= 0, self.anywhere[places], 0).astype(np.int32, copy=False)
        return counted

    def idf(self, frequency: float) -> float:
        """Return ln((entities + 1) / (frequency + 1)): 0 of a word in all entities, the most of an unknown one."""
        return float(np.log((self.entities + 1) / (frequency + 1)))

    def word(self, place: int) -> str:
        """Return the word at a place."""
        return self._words[place]

    def neighbours(self, word: str, most: int) -> list[Neighbour]:
        """Return other known words within one edit (two from six characters on), nearest and most frequent first."""
        places = self._spelling.candidates(word)
        if not len(places):
            return []
        offered = self._words.many(places.tolist())
        distances = edits(word, offered, allowed_edits(word))
        near = np.flatnonzero((distances <= allowed_edits(word)) & (distances > 0))
        order = near[np.lexsort((near, -self.anywhere[places[near]], distances[near]))][:most]
        counts = self.anywhere[places]
        return [Neighbour(offered[at], int(distances[at]), int(counts[at])) for at in order.tolist()]
