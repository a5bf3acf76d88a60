"""What somebody typed -> a Reading: words, corrections, slots with odds, interpretations, intent, language, signals.

Everything stands in sorted, memory-mapped arrays: opening parses nothing, whatever the catalog's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from ltrr_cli.core.before import Before
from ltrr_cli.core.spans import Part
from ltrr_cli.core.types import Catalog, Correction, FloatArray, Reading
from ltrr_cli.storage.packed_arrays import open_arrays, write_arrays
from ltrr_cli.text.analyse import Analyzer
from ltrr_cli.text.names import NameIndex
from ltrr_cli.text.normalise import MAX_TOKENS, query_key, query_tokens, searched_tokens, tokens
from ltrr_cli.text.vocabulary import Vocabulary, WordCounts
from ltrr_cli.understanding.compounds import Compounds
from ltrr_cli.understanding.ids import Ids
from ltrr_cli.understanding.interpret import intent, interpretations
from ltrr_cli.understanding.language import LanguageGuess, primary
from ltrr_cli.understanding.ranges import Numbers
from ltrr_cli.understanding.signals import SIGNALS, signals_of
from ltrr_cli.understanding.slots import Tagger, prominence
from ltrr_cli.understanding.spelling import Speller, Spelling
from ltrr_cli.understanding.values import ValueCounts, Values

__all__ = ["SIGNALS", "Understanding"]

_ALIKE = 5  # names that resemble a query, looked at
_ALIKE_FROM = 0.6  # likeness below which a name says nothing
_HEARD = 3  # entities that a word counts as having which stands only inside other words
_SAME_SPELLING = 0.95  # odds of a name's own spaces where the query is that name


class Understanding:
    """The open understanding of one catalog generation; safe to use from many threads."""

    def __init__(
        self,
        language: str,
        vocabulary: Vocabulary,
        names: NameIndex,
        values: Values,
        prominent: FloatArray,
        compounds: Compounds | None = None,
        numbers: Numbers | None = None,
        ids: Ids | None = None,
    ) -> None:
        self._compounds, self._numbers = compounds, numbers or Numbers(())
        self._language, self._vocabulary, self._names = language, vocabulary, names
        self._guess, self._analyzer = LanguageGuess(language), Analyzer(language)
        self._speller = Speller(vocabulary, names, values, self._analyzer.is_stop)
        self._tagger = Tagger(vocabulary, names, values, prominent, self._analyzer, ids)

    @staticmethod
    def build(catalog: Catalog, folder: Path, language: str, before: Before | None = None) -> None:
        """Write words, names and values of the catalog (slow; writes only into ``folder``).

        before -- whose counts of words are amended by what changed
        """
        words, values = WordCounts(), ValueCounts()
        if before is not None:
            words, without = Vocabulary.open(before.folder / folder.name).counted(), ValueCounts()
            for entity in before.gone:
                words.take_away(tokens(entity.title), without.add(entity), tokens(entity.text))
        for row, entity in enumerate(catalog.entities()):
            of_values = values.add(entity)
            if before is None or before.rows[row] < 0:
                words.add(tokens(entity.title), of_values, tokens(entity.text))
        Vocabulary.build(folder, words)
        distinct = sorted(words.anywhere)
        counts = np.array([words.anywhere[word] for word in distinct], np.int32)
        Compounds.build(folder, distinct, counts, Analyzer(language).stem_each)
        created = np.asarray(catalog.created_ms)
        told = created[created >= 0]
        spread = (len(told), int(told.min(initial=0)), int(told.max(initial=0))) if len(told) else (0, 0, 0)
        Numbers.build(folder, values.numbers, spread)
        Ids.build(folder, catalog.ids)
        Values.build(folder, values, Analyzer(language).stem)
        NameIndex.build(folder, catalog.titles)
        prominent = prominence(NameIndex.open(folder), np.asarray(catalog.popularity))
        write_arrays(folder / "prominence.bin", {"prominence": prominent})
        (folder / "understanding.json").write_bytes(msgspec.json.encode({"language": primary(language)}))

    @classmethod
    def open(cls, folder: Path, ids: Sequence[str] | None = None) -> Self:
        """Map what ``build`` wrote; ids -- of the catalog, by row: without them no query is read as one."""
        header = msgspec.json.decode((folder / "understanding.json").read_bytes())
        prominent = open_arrays(folder / "prominence.bin")["prominence"]
        opened = Vocabulary.open(folder), NameIndex.open(folder), Values.open(folder)
        more = Compounds.open(folder, header["language"]), Numbers.open(folder), Ids.open(folder, ids)
        return cls(header["language"], *opened, prominent, *more)

    @property
    def names(self) -> NameIndex:
        """The index of all titles."""
        return self._names

    def read(self, query: str, locale: str | None = None) -> Reading:
        """Read a query; never fails, whatever was typed. Equal queries give equal readings."""
        typed = tuple(query_tokens(query))
        name = int(self._names.find(["".join(typed)])[0]) if typed else -1
        alike = self._alike(typed) if name < 0 else []
        places = self._vocabulary.find(typed)
        frequencies = self._vocabulary.frequencies_at(places).tolist()
        spelling = self._spell(typed, name, alike, self._heard(typed, frequencies))
        ranges = () if name >= 0 else self._numbers.ranges(typed)
        slots = self._tagger.slots(typed, spelling.instead, alike, places, frequencies, ranges)
        found = interpretations(slots, len(typed))
        intents = intent(found, len(typed), self._rarity(frequencies))
        language = self._guess(typed, locale)
        best, likeness = (name, 1.0) if name >= 0 else alike[0] if alike else (-1, 0.0)
        return Reading(
            tokens=typed,
            words=spelling.words,
            rest=tuple(searched_tokens(query)[len(typed) :]) if len(typed) >= MAX_TOKENS else (),
            key=query_key(query),
            corrections=spelling.corrections,
            slots=tuple(slots),
            interpretations=found,
            intent=intents,
            language=language,
            signals=signals_of(
                query,
                typed,
                self._vocabulary,
                places=places,
                corrected=len(spelling.instead),
                name=(likeness, self._names.bearers(best) if best >= 0 else 0),
                slots=slots,
                found=found,
                intents=intents,
                usual_language=language == self._language,
            ),
            parts=() if name >= 0 else self._parts(spelling.words, typed, frequencies),
            ranges=ranges,
        )

    def _heard(self, typed: Sequence[str], frequencies: list[int]) -> list[int]:
        """Return frequencies in which a word that ends other words of a gluing language is known: it is no slip."""
        if self._compounds is None or not self._compounds.glues or 0 not in frequencies:
            return frequencies
        ends = {part.place for part in self._compounds.parts(typed, frequencies, self._analyzer.stem)}
        return [max(count, _HEARD) if place in ends else count for place, count in enumerate(frequencies)]

    def _parts(self, words: tuple[str, ...], typed: tuple[str, ...], frequencies: list[int]) -> tuple[Part, ...]:
        """Return what else answers the words, corrected as they are; frequencies -- of those typed."""
        if self._compounds is None or not (self._compounds.glues or 0 in frequencies):
            return ()
        known = frequencies if words == typed else self._vocabulary.frequencies(words).tolist()
        return self._compounds.parts(words, known, self._analyzer.stem)

    def _alike(self, typed: tuple[str, ...]) -> list[tuple[int, float]]:
        """Return the names most similar to the whole query and their likeness, of equal ones the better known first."""
        if not typed:
            return []
        names, likeness = self._names.similar_names(typed)
        near = likeness[: 2 * _ALIKE] >= _ALIKE_FROM
        pairs = zip(names[: 2 * _ALIKE][near].tolist(), likeness[: 2 * _ALIKE][near].tolist(), strict=True)
        # a likeness of 1 is kept for the name itself
        return [(name, min(alike, 0.99)) for name, alike in list(pairs)[:_ALIKE]]

    def _spell(
        self, typed: tuple[str, ...], name: int, alike: list[tuple[int, float]], frequencies: Sequence[int]
    ) -> Spelling:
        if name >= 0:  # what is a name needs no correction, but perhaps other spaces
            spelt = tuple(self._names.spelt(name).split(" "))
            if spelt == typed:
                return Spelling(typed, (), {})
            return Spelling(spelt, (Correction(" ".join(typed), spelt, _SAME_SPELLING),), {})
        resembling = [self._names.spelt(each).split(" ") for each, _ in alike]
        return self._speller.spell(typed, frequencies, resembling)

    def _rarity(self, frequencies: Sequence[int]) -> float:
        known = [frequency for frequency in frequencies if frequency]
        rarest = self._vocabulary.idf(1)
        return min(self._vocabulary.idf(min(known)) / rarest, 1.0) if known and rarest > 0 else 0.0
