"""Full text: BM25 over one stemmed field of all words, with a light title boost.

Good for names and for words that the catalog uses too. Finds nothing across a vocabulary gap or a typo.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.backends.fulltext import FullText
from ltrr_cli.backends.fulltext import build as build_fulltext
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import FloatArray, Hits, IntArray, Request
from ltrr_cli.retrieval.entity_texts import all_text
from ltrr_cli.retrieval.strategy import Resources, Strategy
from ltrr_cli.text.analyse import Analyzer

TITLE_BOOST = 0.3  # beside 1 for the field of all words, which holds the title's too
MOST_TERMS = 256  # of a question
STOP_WORD = 0.5  # weight of the commonest function words beside other words; alone they count fully


class Lexical(Strategy):
    """BM25, and how well a title matches the query."""

    name: ClassVar[str] = "lexical"
    scores_all_as: ClassVar[str | None] = "bm25"
    evidence_names: ClassVar[tuple[str, ...]] = ("bm25", "title_coverage", "title_density", "title_exact")

    def __init__(self, analyzer: Analyzer, index: FullText, titles: _Titles) -> None:
        self._analyzer, self._index, self._titles = analyzer, index, titles
        self._asked: tuple[tuple[str, ...], tuple[tuple[str, float], ...]] = ((), ())
        self._reach = 0  # hits that are looked up at least, since a companion will ask for them
        self._found: tuple[tuple[tuple[str, float], ...], int, Hits] | None = None

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Index every entity, and keep the hashed terms of every title."""
        analyzer = Analyzer(resources.language)
        titles: list[list[str]] = []

        def documents() -> Iterator[tuple[list[str], list[str]]]:
            for entity in resources.catalog.entities():
                title = analyzer.terms(entity.title)
                titles.append(title)
                yield title, analyzer.terms(all_text(entity))

        build_fulltext(folder / "fulltext", documents())
        _Titles.write(folder, titles)

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the index."""
        return cls(Analyzer(resources.language), FullText.open(folder / "fulltext"), _Titles.open(folder))

    def retrieve(self, request: Request, limit: int) -> Hits:
        """Bring the best BM25 scores."""
        reach = max(limit, self._reach)
        if request.allowed is not None:
            return Hits(*self._index.search(self._clauses(request), limit, request.allowed))
        terms, known = self._weighted(request), self._found
        if known is None or known[0] != terms or known[1] < limit:
            known = self._found = (terms, reach, Hits(*self._index.search(self._clauses(request), reach)))
        return Hits(known[2].rows[:limit], known[2].scores[:limit])

    def expect(self, limit: int) -> None:
        """Look up so many hits for every request at once: somebody else will ask for them (kept for the last one)."""
        self._reach = limit

    def evidence(self, request: Request, rows: IntArray) -> FloatArray:
        """Return BM25 (NaN without a common term) and how much query and title have of each other."""
        scores = self._index.score_rows(self._clauses(request), rows)
        coverage, density = self._titles.overlap(self._terms(request), rows)
        return np.column_stack([scores, coverage, density, (coverage == 1) & (density == 1)]).astype(np.float32)

    def _terms(self, request: Request) -> tuple[str, ...]:
        return tuple(term for term, _ in self._weighted(request))

    def _weighted(self, request: Request) -> tuple[tuple[str, float], ...]:
        """Terms of the corrected words with their weights (kept for the last request).

        In a long question function words add up to more than what is asked about.
        """
        words = (*request.reading.words, *request.reading.rest)
        if self._asked[0] != words:
            spoken = not all(map(self._analyzer.is_stop, words))
            self._asked = (
                words,
                tuple(
                    (term, STOP_WORD if spoken and self._analyzer.is_stop(word) else 1.0)
                    for word in words
                    for term in self._analyzer.terms(word)
                )[:MOST_TERMS],
            )
        return self._asked[1]

    def _clauses(self, request: Request) -> list[tuple[str, str, float]]:
        terms = self._weighted(request)
        whole = [("all", term, weight) for term, weight in terms]
        return whole + [("title", term, TITLE_BOOST * weight) for term, weight in terms]


class _Titles:
    """Hashed terms of every title, flat, so that overlap with a query is array work."""

    def __init__(self, hashes: np.ndarray, starts: np.ndarray) -> None:
        self._hashes, self._starts = hashes, starts

    @staticmethod
    def write(folder: Path, titles: list[list[str]]) -> None:
        """Write distinct terms per title."""
        distinct = [sorted({_hash(term) for term in title}) for title in titles]
        np.save(folder / "title_starts.npy", np.cumsum([0, *map(len, distinct)], dtype=np.int64))
        np.save(folder / "title_terms.npy", np.array([term for title in distinct for term in title], np.uint32))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map both arrays."""
        names = ("title_terms", "title_starts")
        return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in names))

    def overlap(self, terms: tuple[str, ...], rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return (share of the distinct query terms in each title, share of each title's terms in the query), 0..1."""
        wanted = np.unique(np.array([_hash(term) for term in terms], np.uint32))
        starts = self._starts[rows]
        lengths = (self._starts[rows + 1] - starts).astype(np.int64)
        owner = np.repeat(np.arange(len(rows)), lengths)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        hit = np.isin(self._hashes[starts[owner] + offset], wanted)
        common = np.bincount(owner[hit], minlength=len(rows)).astype(np.float32)
        return common / np.float32(max(len(wanted), 1)), common / np.maximum(lengths, 1).astype(np.float32)


def _hash(term: str) -> int:
    return seed_of(term) & 0xFFFFFFFF
