"""Full text: BM25 over one stemmed field of all words, with a light title boost.

Good for names and for words that the catalog uses too. Finds nothing across a vocabulary gap or a typo.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.backends.fulltext import FullText
from ltrr_cli.backends.fulltext import build as build_fulltext
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import BoolArray, FloatArray, Hits, IntArray, Reading, Request
from ltrr_cli.retrieval.entity_texts import all_text
from ltrr_cli.retrieval.strategy import Look, Resources, Strategy
from ltrr_cli.text.analyse import Analyzer

TITLE_BOOST = 0.3  # beside 1 for the field of all words, which holds the title's too
MOST_TERMS = 256  # of a question
STOP_WORD = 0.5  # weight of the commonest function words beside other words; alone they count fully
DEPTH = 1_000  # texts that are always found: what builds on the list looks no deeper


class Lexical(Strategy):
    """BM25, and how well a title matches the query."""

    name: ClassVar[str] = "lexical"
    scores_all_as: ClassVar[str | None] = "bm25"
    evidence_names: ClassVar[tuple[str, ...]] = ("bm25", "title_coverage", "title_density", "title_exact")

    def __init__(self, analyzer: Analyzer, index: FullText, titles: _Titles) -> None:
        self._analyzer, self._index, self._titles = analyzer, index, titles

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

    def look(self, request: Request) -> LexicalLook:
        """Look for the corrected words, all of them."""
        return LexicalLook(self._index, self._titles, self._weighted(request.reading), request.allowed)

    def _weighted(self, reading: Reading) -> list[tuple[str, float]]:
        """Return terms with weights: in a long question function words add up to more than what is asked about."""
        words = (*reading.words, *reading.rest)
        spoken = not all(map(self._analyzer.is_stop, words))
        return [
            (term, STOP_WORD if spoken and self._analyzer.is_stop(word) else 1.0)
            for word in words
            for term in self._analyzer.terms(word)
        ][:MOST_TERMS]


class LexicalLook(Look):
    """One search of the index, deep enough for all who ask."""

    def __init__(
        self, index: FullText, titles: _Titles, terms: Sequence[tuple[str, float]], allowed: BoolArray | None
    ) -> None:
        self._index, self._titles, self._allowed = index, titles, allowed
        self._terms = [term for term, _ in terms]
        self._clauses = [
            *(("all", term, weight) for term, weight in terms),
            *(("title", term, TITLE_BOOST * weight) for term, weight in terms),
        ]
        self._found, self._depth = Hits.none(), 0

    def hits(self, limit: int) -> Hits:
        """Bring the best BM25 scores."""
        if limit > self._depth:
            self._depth = max(limit, DEPTH)
            self._found = Hits(*self._index.search(self._clauses, self._depth, self._allowed))
        return Hits(self._found.rows[:limit], self._found.scores[:limit])

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return BM25 (NaN without a common term) and how much query and title have of each other."""
        coverage, density = self._titles.overlap(self._terms, rows)
        return np.column_stack([self._scores(rows), coverage, density, (coverage == 1) & (density == 1)]).astype(
            np.float32
        )

    def _scores(self, rows: IntArray) -> FloatArray:
        """Return (n,) float32: the index is asked again only for what its list may have left out."""
        self.hits(DEPTH)
        found = self._found
        order = np.argsort(found.rows)
        place = np.searchsorted(found.rows, rows, sorter=order)
        known = place < len(order)
        known[known] = found.rows[order[place[known]]] == rows[known]
        scores = np.full(len(rows), np.nan, np.float32)
        scores[known] = found.scores[order[place[known]]]
        left = ~known
        if len(found.rows) < self._depth:  # all that match are there, of those that are allowed
            left = left & ~self._allowed[rows] if self._allowed is not None else np.zeros_like(left)
        scores[left] = self._index.score_rows(self._clauses, rows[left])
        return scores


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


def _hash(term: str) -> int:
    return seed_of(term) & 0xFFFFFFFF
