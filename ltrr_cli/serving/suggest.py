"""Completions of what is being typed: names, attribute values, and what several people asked; typos are forgiven."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.types import Catalog, FloatArray
from ltrr_cli.serving.records import Suggestion
from ltrr_cli.text.names import NameIndex
from ltrr_cli.text.normalise import query_key, query_tokens
from ltrr_cli.text.vocabulary import Vocabulary
from ltrr_cli.understanding.values import Values

MOST_QUERIES = 50_000  # past queries that are kept for completion
MOST_VALUES = 50_000
ALIKE_FROM = 0.5  # likeness below which a misspelt name is not offered
CORRECTIONS = 3  # of a misspelt word
LONGEST = 64  # characters of a completion


class Completions:
    """Texts sorted by their folded letters, each with a weight."""

    def __init__(self, weighted: Sequence[tuple[str, float]]) -> None:
        heaviest: dict[str, tuple[str, float]] = {}
        for text, weight in weighted:
            key = query_key(text)
            if key and len(text) <= LONGEST and weight > heaviest.get(key, ("", 0.0))[1]:
                heaviest[key] = (text, weight)
        self._keys = sorted(heaviest)
        self._texts = [heaviest[key][0] for key in self._keys]
        self._weights: FloatArray = np.array([heaviest[key][1] for key in self._keys], np.float32)

    def complete(self, key: str, limit: int) -> list[str]:
        """Return at most ``limit`` texts that begin with a folded text, the heaviest first.

        >>> Completions([("Jazz", 2.0), ("jam", 1.0), ("blues", 9.0)]).complete("ja", 5)
        ['Jazz', 'jam']
        """
        first, last = bisect_left(self._keys, key), bisect_left(self._keys, key + "\U0010ffff")
        return [self._texts[place] for place in heaviest_of(self._weights, first, last, limit)]


def heaviest_of(weights: FloatArray, first: int, last: int, limit: int) -> list[int]:
    """Return at most ``limit`` places of ``first..last``, the heaviest first, ties in order."""
    some = weights[first:last]
    if len(some) > 4 * limit > 0:  # a partition first: a single letter may begin half of all names
        near = np.flatnonzero(some >= np.partition(some, len(some) - limit)[len(some) - limit])
    else:
        near = np.arange(len(some))
    order = near[np.lexsort((near, -some[near]))][:limit]
    return (order + first).tolist()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Suggester:
    """All that can complete a query on one catalog generation; read-only, safe to use from many threads."""

    catalog: Catalog
    names: NameIndex
    known: FloatArray  # (names,) float32, the popularity of a name's best known bearer
    values: Completions
    fields: dict[str, str]  # folded value -> its field
    queries: Completions
    words: Vocabulary

    @classmethod
    def open(cls, catalog: Catalog, folder: Path, asked: Sequence[tuple[str, int]]) -> Self:
        """Open what the catalog's ``understanding`` folder holds; ``asked`` is (query, people)."""
        names, table = NameIndex.open(folder), Values.open(folder)
        most = [table[place] for place in range(min(len(table), MOST_VALUES))]
        fields = {query_key(value.value): value.field for value in reversed(most)}
        return cls(
            catalog,
            names,
            names.highest(np.nan_to_num(np.asarray(catalog.popularity), nan=0.0)),
            Completions([(value.value, float(value.count)) for value in most]),
            fields,
            Completions([(query, float(people)) for query, people in asked]),
            Vocabulary.open(folder),
        )

    def suggest(self, typed: str, limit: int) -> tuple[Suggestion, ...]:
        """Return at most ``limit`` completions, best first: queries and values that begin so, names, misspelt names."""
        key = query_key(typed)
        if not key:
            return tuple(Suggestion(text, "query") for text in self.queries.complete("", limit))
        found: dict[str, Suggestion] = {}
        for each in self._all(key, typed, limit):
            if len(found) == limit:
                break
            found.setdefault(query_key(each.text), each)
        return tuple(found.values())

    def _all(self, key: str, typed: str, limit: int) -> Iterator[Suggestion]:
        third = -(-limit // 3)
        yield from self._beginning(key, third, limit)
        for corrected in self._corrected(query_tokens(typed)):
            yield from self._beginning(corrected, third, third)
        alike, likeness = self.names.similar_names(query_tokens(typed))
        for name in alike[likeness >= ALIKE_FROM].tolist():
            yield self._name(name)

    def _beginning(self, key: str, third: int, names: int) -> Iterator[Suggestion]:
        for text in self.queries.complete(key, third):
            yield Suggestion(text, "query")
        for text in self.values.complete(key, third):
            yield Suggestion(text, "value", self.fields.get(query_key(text), ""))
        for name in heaviest_of(self.known, *self.names.span(key), names):
            yield self._name(name)

    def _corrected(self, words: Sequence[str]) -> Iterator[str]:
        """Yield what was typed with one unknown word, the first, replaced by those that are spelt like it."""
        for place, frequency in enumerate(self.words.frequencies(words).tolist()):
            if frequency == 0:
                for near in self.words.neighbours(words[place], CORRECTIONS):
                    yield "".join((*words[:place], near.word, *words[place + 1 :]))
                return

    def _name(self, name: int) -> Suggestion:
        row = int(self.names.rows(name)[0])
        bearers = self.names.bearers(name)
        return Suggestion(self.catalog.titles[row], "name", "", self.catalog.ids[row] if bearers == 1 else None)
