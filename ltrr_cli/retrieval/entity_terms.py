"""The terms of every entity as full text takes them, and hashed ones of its title: what an update keeps of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.backends.fulltext import joined
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import Entity, FloatArray, IntArray
from ltrr_cli.retrieval.entity_texts import all_text
from ltrr_cli.retrieval.held_terms import HeldTerms, Writer
from ltrr_cli.retrieval.strategy import Resources
from ltrr_cli.storage.packed_arrays import map_array
from ltrr_cli.storage.strings import Strings
from ltrr_cli.text.analyse import Analyzer
from ltrr_cli.text.marks import Marks, found_by, marks_of_number
from ltrr_cli.text.normalise import tokens

YEARS = frozenset(map(float, range(1500, 2101)))
DOCUMENTS = "documents"  # the terms of each entity, as the index was given them: title, everything, marks
_BETWEEN = "\n"  # of these three; it stands in no term

Document = tuple[str, str, str]


class EntityTerms:
    """Takes texts apart; those of entities that did not change are read from the generation before."""

    def __init__(self, language: str) -> None:
        self._analyzer = Analyzer(language)
        self._marks, self._numbers = Marks(self._analyzer.stem), _Numbers(self._analyzer.stem)
        self._titles: list[list[int]] = []
        self._held = Writer()

    @classmethod
    def write(cls, resources: Resources, folder: Path) -> Iterator[Document]:
        """Yield the document of every entity; when that is done, write all tables into ``folder``."""
        terms, before, catalog = cls(resources.language), resources.before, resources.catalog
        kept = None if before is None else _Kept.open(before.folder / folder.name)
        documents: list[str] = []
        for row in range(len(catalog)):
            there = -1 if before is None else int(before.rows[row])
            document = terms.take_apart(catalog.entity(row)) if kept is None or there < 0 else terms.keep(kept, there)
            documents.append(_BETWEEN.join(document))
            yield document
        Strings.write(folder / DOCUMENTS, documents)
        TitleTerms.write(folder, terms._titles)
        terms._held.write(folder)

    def take_apart(self, entity: Entity) -> Document:
        """Return the document of an entity."""
        title, words = self._analyzer.terms(entity.title), tokens(all_text(entity))
        terms, marked = self._analyzer.stems(words), self._marks.of(words)
        self._titles.append(sorted({_hash(term) for term in title}))
        self._held.add(dict.fromkeys((*terms, *marked, *self._numbers.of(entity))))  # ordered: the same each time
        return joined(title), joined(terms), joined(list(filter(found_by, marked)))

    def keep(self, kept: _Kept, row: int) -> Document:
        """Return the document that stood in a row of the generation before."""
        self._titles.append(kept.titles.of_row(row))
        self._held.keep(kept.held.of_row(row))
        title, everything, marks = kept.documents[row].split(_BETWEEN)
        return title, everything, marks


class _Kept:
    """What the generation before holds of every entity."""

    def __init__(self, documents: Strings, titles: TitleTerms, held: HeldTerms) -> None:
        self.documents, self.titles, self.held = documents, titles, held

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """Map it; None where something is not there."""
        held = HeldTerms.open(folder)
        if held is None or not (folder / f"{DOCUMENTS}.blob.npy").exists():
            return None
        return cls(Strings.open(folder / DOCUMENTS), TitleTerms.open(folder), held)


class TitleTerms:
    """Hashed terms of every title, flat, so that overlap with a query is array work."""

    def __init__(self, hashes: np.ndarray, starts: np.ndarray) -> None:
        self._hashes, self._starts = hashes, starts

    @staticmethod
    def write(folder: Path, titles: Sequence[Sequence[int]]) -> None:
        """Write the distinct hashes of each title, ascending."""
        np.save(folder / "title_starts.npy", np.cumsum([0, *map(len, titles)], dtype=np.int64))
        np.save(folder / "title_terms.npy", np.array([term for title in titles for term in title], np.uint32))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map both arrays."""
        names = ("title_terms", "title_starts")
        return cls(*(map_array(folder / f"{name}.npy") for name in names))

    def of_row(self, row: int) -> list[int]:
        """Return the distinct hashes of one title, ascending."""
        return list(self._hashes[self._starts[row] : self._starts[row + 1]].tolist())

    def overlap(self, terms: Sequence[str], rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return (share of the distinct query terms in each title, share of each title's terms in the query), 0..1."""
        wanted = np.unique(np.array([_hash(term) for term in terms], np.uint32))
        starts = self._starts[rows]
        lengths = (self._starts[rows + 1] - starts).astype(np.int64)
        owner = np.repeat(np.arange(len(rows)), lengths)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        hit = np.isin(self._hashes[starts[owner] + offset], wanted)
        common = np.bincount(owner[hit], minlength=len(rows)).astype(np.float32)
        return common / np.float32(max(len(wanted), 1)), common / np.maximum(lengths, 1).astype(np.float32)


class _Numbers:
    """The marks of entities' numbers; one that may be a year is a word as well."""

    def __init__(self, stem: Callable[[str], str]) -> None:
        self._stem = stem
        self._words: dict[str, list[str]] = {}  # field -> stems of its name's words

    def of(self, entity: Entity) -> Iterator[str]:
        """Yield the marks of one entity."""
        for field, value in entity.attributes.items():
            if isinstance(value, float):
                words = self._words.get(field)
                if words is None:
                    words = self._words[field] = [self._stem(word) for word in tokens(field.replace("_", " "))]
                yield from marks_of_number(value, words)
                if value in YEARS:
                    yield f"{value:.0f}"


def _hash(term: str) -> int:
    return seed_of(term) & 0xFFFFFFFF
