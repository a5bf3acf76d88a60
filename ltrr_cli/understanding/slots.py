"""As what does the catalog know the spans of a query? Titles, types, attribute values, each with odds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import log1p, prod
from typing import NamedTuple

import numpy as np

from ltrr_cli.core.spans import Range
from ltrr_cli.core.types import FloatArray, IntArray, Slot
from ltrr_cli.text.analyse import Analyzer
from ltrr_cli.text.names import NameIndex
from ltrr_cli.text.vocabulary import Vocabulary
from ltrr_cli.understanding.ids import FIELD, Ids
from ltrr_cli.understanding.values import Values

LONGEST_SPAN = 6  # tokens of a slot at most, unless it is the whole query
_MOST_PER_SPAN, _MOST = 6, 48

_PROMINENT = 4.0  # mass of being the best known name of all: it is asked for as often as a value of exp(4) entities
_STEMMED = 0.8  # quality of a value that differs in its ending (album, albums)
_REMINDED = 0.25  # share of its mass that a value has when only one of its words was typed, spread over its words
_PLAIN, _PLAIN_WORD = 0.3, 0.5  # mass of meaning nothing but words: of any span, and of one word per log of its titles
_ALIKE_FROM, _ALIKE_FULLY = 0.6, 0.95  # likeness of a name from which, and at which, it counts fully
_ALL_KNOWN, _RARE = 0.5, 2  # quality of a merely similar name where every typed word is known in more entities
_MOST_ALIKE = 4  # values that resemble the whole query

Span = tuple[int, int]
Meaning = tuple[str, str]  # field, value


class Weight(NamedTuple):
    """The weight of one meaning of a span: mass against other meanings, and the odds that it was typed at all."""

    mass: float
    quality: float


Meanings = dict[Span, dict[Meaning, Weight]]


class Tagger:
    """Finds what the parts of a query may mean.

    prominence -- (names,) float32, 0..1: the share of entities that are less popular than a name's best bearer
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        names: NameIndex,
        values: Values,
        prominence: FloatArray,
        analyzer: Analyzer,
        ids: Ids | None = None,
    ) -> None:
        self._ids = ids
        self._vocabulary, self._names, self._values = vocabulary, names, values
        self._prominence, self._analyzer = prominence, analyzer

    def slots(
        self,
        tokens: Sequence[str],
        instead: Mapping[int, tuple[str, float]],
        alike: Sequence[tuple[int, float]],
        places: IntArray,
        frequencies: Sequence[int],
        ranges: Sequence[Range] = (),
    ) -> list[Slot]:
        """Return slots by place, then likeliest first.

        instead -- of a token, its likeliest alternative and its odds
        alike   -- names that resemble the whole query without being it, and their likeness
        places, frequencies -- of the tokens in the vocabulary
        ranges  -- spans that are bounds of a number
        """
        meanings: Meanings = defaultdict(dict)
        self._named(tokens, instead, meanings)
        self._ended(tokens, meanings)
        self._reminded(tokens, meanings)
        self._resembled(tokens, alike, meanings, min(frequencies, default=0) > _RARE)
        self._identified(tokens, meanings)
        found: list[Slot] = []
        for (start, end), weights in meanings.items():
            total = sum(weight.mass for weight in weights.values()) + self._plain(places[start:end])
            slots = [
                Slot(field, value, weight.quality * weight.mass / total, start, end)
                for (field, value), weight in weights.items()
                if weight.mass > 0
            ]
            found += sorted(slots, key=lambda slot: (-slot.odds, slot.field, slot.value))[:_MOST_PER_SPAN]
        found += [Slot(one.field, one.value, one.odds, one.start, one.end) for one in ranges]
        found = sorted(found, key=lambda slot: (-slot.odds, slot.start, slot.end, slot.field, slot.value))[:_MOST]
        return sorted(found, key=lambda slot: (slot.start, slot.end, -slot.odds, slot.field, slot.value))

    def _named(self, tokens: Sequence[str], instead: Mapping[int, tuple[str, float]], meanings: Meanings) -> None:
        """Add titles and values that equal a span, as typed or with the likeliest corrections."""
        asked: list[tuple[Span, str, float]] = []
        for start, end in _spans(len(tokens)):
            asked.append(((start, end), "".join(tokens[start:end]), 1.0))
            fixes = [instead[place] for place in range(start, end) if place in instead]
            if fixes:
                words = (instead[place][0] if place in instead else tokens[place] for place in range(start, end))
                asked.append(((start, end), "".join(words), prod(odds for _, odds in fixes)))
        keys = [key for _, key, _ in asked]
        names = self._names.find(keys).tolist()
        for (span, _, quality), name, places in zip(asked, names, self._values.exact(keys), strict=True):
            if name >= 0:
                _keep(meanings[span], ("title", self._names.spelt(name)), Weight(self._title_mass(name), quality))
            self._valued(meanings[span], places, quality)

    def _identified(self, tokens: Sequence[str], meanings: Meanings) -> None:
        """Add the entity whose id the whole query is."""
        found = None if self._ids is None or not tokens else self._ids.find("".join(tokens))
        if found is not None:
            _keep(meanings[0, len(tokens)], (FIELD, found[0]), Weight(found[1], 1.0))

    def _ended(self, tokens: Sequence[str], meanings: Meanings) -> None:
        """Add values that equal a span but for the endings of words."""
        stems = list(map(self._analyzer.stem, tokens))
        spans = _spans(len(tokens))
        for span, places in zip(spans, self._values.stemmed(["".join(stems[a:b]) for a, b in spans]), strict=True):
            self._valued(meanings[span], places, _STEMMED)

    def _valued(self, weights: dict[Meaning, Weight], places: IntArray, quality: float, part: float = 1.0) -> None:
        """Add values with one spelling: together they have (part of) the mass of all that bear it, shared by counts."""
        values = [self._values[place] for place in places.tolist()]
        total = sum(value.count for value in values)
        for value in values:
            mass = part * log1p(total) * value.count / total
            _keep(weights, (value.field, value.value), Weight(mass, quality))

    def _reminded(self, tokens: Sequence[str], meanings: Meanings) -> None:
        """Add longer values that hold a word, where they do not stand whole around it ("love": "love songs")."""
        whole = [(span, set(weights)) for span, weights in meanings.items() if span[1] - span[0] > 1]
        for place, places in enumerate(self._values.holding(tokens)):
            if len(tokens[place]) < 2 or tokens[place].isdigit() or self._analyzer.is_stop(tokens[place]):
                continue
            covered: set[Meaning] = set().union(*(found for (start, end), found in whole if start <= place < end))
            for value in (self._values[each] for each in places.tolist()):
                if (value.field, value.value) not in covered:
                    mass = log1p(value.count) * _REMINDED / value.words
                    _keep(meanings[place, place + 1], (value.field, value.value), Weight(mass, 1.0))

    def _resembled(
        self, tokens: Sequence[str], alike: Sequence[tuple[int, float]], meanings: Meanings, all_known: bool
    ) -> None:
        """Add names and values that resemble the whole query; less is believed where every word of it is known."""
        if not tokens:
            return
        # what stands whole in a part of the query resembles the query only for that
        parts = {meaning for span, found in meanings.items() if span != (0, len(tokens)) for meaning in found}
        weights = meanings[0, len(tokens)]
        believed = _ALL_KNOWN if all_known else 1.0
        for name, likeness in alike:
            meaning = ("title", self._names.spelt(name))
            if meaning not in parts and (quality := _quality(likeness)):
                weight = Weight(self._title_mass(name) * quality, quality * believed)
                _keep(weights, meaning, weight)
        for places, likeness in self._values.similar(tokens)[:_MOST_ALIKE]:
            if quality := _quality(likeness):
                self._valued(weights, places, quality * believed, quality)

    def _title_mass(self, name: int) -> float:
        return log1p(self._names.bearers(name)) + _PROMINENT * float(self._prominence[name])

    def _plain(self, places: IntArray) -> float:
        place = int(places[0]) if len(places) == 1 else -1
        return _PLAIN + (_PLAIN_WORD * log1p(self._vocabulary.titles[place]) if place >= 0 else 0.0)


def prominence(names: NameIndex, popularity: FloatArray) -> FloatArray:
    """Return (names,) float32: the share of entities less popular than a name's best bearer, 0.5 where unknown."""
    known = popularity[np.isfinite(popularity)]
    shares = np.full(len(popularity), 0.5, np.float32)
    if len(known):
        below = np.searchsorted(np.sort(known), popularity, "left") / len(known)
        shares = np.where(np.isfinite(popularity), below, 0.0).astype(np.float32)
    return names.highest(shares)


def _keep(weights: dict[Meaning, Weight], meaning: Meaning, weight: Weight) -> None:
    """Keep the better of two ways in which one meaning may have been typed."""
    before = weights.get(meaning)
    if before is None or weight.mass * weight.quality > before.mass * before.quality:
        weights[meaning] = weight


def _quality(likeness: float) -> float:
    share = (likeness - _ALIKE_FROM) / (_ALIKE_FULLY - _ALIKE_FROM)
    return float(min(max(share, 0.0), 1.0) ** 1.5)


def _spans(count: int) -> list[Span]:
    """Return all spans of at most LONGEST_SPAN tokens, and the whole."""
    spans = [(start, end) for start in range(count) for end in range(start + 1, min(start + LONGEST_SPAN, count) + 1)]
    return spans if count <= LONGEST_SPAN else [*spans, (0, count)]
