"""Full text: BM25 over one stemmed field of all words, with a light title boost.

Good for names and for words that the catalog uses too. Finds nothing across a vocabulary gap or a typo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.backends.fulltext import FullText
from ltrr_cli.backends.fulltext import build as build_fulltext
from ltrr_cli.core.types import BoolArray, FloatArray, Hits, IntArray, Reading, Request
from ltrr_cli.retrieval.entity_terms import EntityTerms, TitleTerms
from ltrr_cli.retrieval.held_terms import HeldTerms
from ltrr_cli.retrieval.strategy import Look, Resources, Strategy
from ltrr_cli.text.analyse import Analyzer
from ltrr_cli.text.marks import GLUED, PART, UNBOUND, Want, wants_of

TITLE_BOOST = 0.3  # beside 1 for the field of all words, which holds the title's too
MOST_TERMS = 256  # of a question
STOP_WORD = 0.5  # weight of the commonest function words beside other words; alone they count fully
DEPTH = 1_000  # texts that are always found: what builds on the list looks no deeper


class Lexical(Strategy):
    """BM25, how well a title matches the query, and which of its words an entity has at all."""

    name: ClassVar[str] = "lexical"
    of_catalog: ClassVar[bool] = True
    scores_all_as: ClassVar[str | None] = "bm25"
    least_score: ClassVar[float | None] = 0.0  # of texts that share no word with the query
    evidence_names: ClassVar[tuple[str, ...]] = (
        "bm25", "title_coverage", "title_density", "title_exact", "held", "words", "lacking",
    )  # fmt: skip

    def __init__(
        self, resources: Resources, analyzer: Analyzer, index: FullText, titles: TitleTerms, held: HeldTerms | None
    ) -> None:
        self.within = resources.catalog.within
        self._analyzer, self.index, self.titles, self.held = analyzer, index, titles, held

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Index every entity, and keep the hashed terms of every title and of all its texts."""
        build_fulltext(folder / "fulltext", EntityTerms.write(resources, folder))

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the index."""
        index, titles = FullText.open(folder / "fulltext"), TitleTerms.open(folder)
        return cls(resources, Analyzer(resources.language), index, titles, HeldTerms.open(folder))

    def look(self, request: Request) -> LexicalLook:
        """Look for the corrected words, all of them."""
        return LexicalLook(self, self._understood(request.reading), request)

    def holding(self, words: Sequence[str], allowed: BoolArray | None, most: int) -> IntArray:
        """Return the rows, ascending, of the best ``most`` allowed entities that have all of some folded words."""
        terms = list(dict.fromkeys(self._analyzer.stems(list(words))))
        clauses = [("all", term, 1.0) for term in terms]
        return np.sort(self.index.search(clauses, most, allowed, minimum_match=len(terms))[0])

    def _understood(self, reading: Reading) -> _Asked:
        words = [*reading.words, *reading.rest]
        spoken = not all(map(self._analyzer.is_stop, words))  # in a long question function words add up
        weighted = [
            (term, STOP_WORD if spoken and self._analyzer.is_stop(word) else 1.0)
            for word in words
            for term in self._analyzer.terms(word)
        ][:MOST_TERMS]
        expanded: dict[int, dict[str, float]] = {}
        for part in reading.parts:
            of_word = expanded.setdefault(part.place, {})
            of_word.update({term: max(part.odds, of_word.get(term, 0.0)) for term in part.terms})
        wants = wants_of(reading.words, self._analyzer.stem, expanded)
        terms = tuple(term for term, _ in weighted)
        clauses = [("all", term, weight) for term, weight in weighted]
        clauses += [("title", term, TITLE_BOOST * weight) for term, weight in weighted]
        for want in wants:
            for term, surely in want.answers.items():
                field = "marks" if term[0] in (GLUED, PART) else "all"
                if (field == "marks" or term not in terms) and self.index.document_frequency(term, field):
                    clauses.append((field, term, surely))
        rarity = [self._rarity(want) for want in wants]
        stops = [self._analyzer.is_stop(want.word) for want in wants]
        weights = np.array([0.0 if stop and not all(stops) else of for stop, of in zip(stops, rarity, strict=True)])
        return _Asked(terms, clauses, tuple(wants), weights.astype(np.float32))

    def _rarity(self, want: Want) -> float:
        """Return the idf in nats of what answers a want best."""
        counts = [
            self.index.document_frequency(term, "marks" if term[0] in (GLUED, PART) else "all")
            for term, surely in want.answers.items()
            if surely >= UNBOUND
        ]
        return float(np.log1p(len(self.index) / (1.0 + max(counts, default=0))))


class LexicalLook(Look):
    """One search of the index, deep enough for all who ask."""

    def __init__(self, lexical: Lexical, asked: _Asked, request: Request) -> None:
        self._lexical, self._asked, self._request = lexical, asked, request
        self._index, self._allowed = lexical.index, request.allowed
        self._found = (0, Hits.none())  # how deep, and what was there

    def hits(self, limit: int) -> Hits:
        """Bring the best BM25 scores."""
        found = self._deep(limit)[1]
        return Hits(found.rows[:limit], found.scores[:limit])

    def _deep(self, limit: int) -> tuple[int, Hits]:
        """Return (depth, what is found down to it), at least as deep as ``limit``."""
        found = self._found
        if limit > found[0]:
            depth = max(limit, DEPTH)
            found = self._found = depth, Hits(*self._index.search(self._asked.clauses, depth, self._allowed))
        return found

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return how each row matches.

        bm25    -- NaN without a common term
        title_coverage, title_density -- how much query and title have of each other, 0..1; title_exact where all
        held    -- share of the query, by the rarity of its words, that the row has anywhere, 0..1
        words   -- the same of the words that are no numbers, codes or signs; 1 where all are
        lacking -- how many numbers, codes and words of signs it lacks
        """
        coverage, density = self._lexical.titles.overlap(self._asked.terms, rows)
        exact = (coverage == 1) & (density == 1)
        return np.column_stack([self._scores(rows), coverage, density, exact, *self._has(rows)]).astype(np.float32)

    def _has(self, rows: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        asked, held = self._asked, self._lexical.held
        if held is None or not asked.wants:
            nothing = np.full(len(rows), np.nan, np.float32)
            return nothing, nothing, nothing
        levels = held.levels(asked.wants, rows)
        for one in self._request.reading.ranges:
            within = np.isin(rows, self._lexical.within(one.field, one.low, one.high))
            for place, want in enumerate(asked.wants):
                if want.word in one.typed:
                    levels[:, place] = np.where(within, one.odds, (1.0 - one.odds) * levels[:, place])
        strict = np.array([want.strict for want in asked.wants])
        lacking = (1.0 - levels[:, strict]).sum(axis=1)
        return _share(levels, asked.weights), _share(levels[:, ~strict], asked.weights[~strict]), lacking

    def _scores(self, rows: IntArray) -> FloatArray:
        """Return (n,) float32: the index is asked again only for what its list may have left out."""
        depth, found = self._deep(DEPTH)
        order = np.argsort(found.rows)
        place = np.searchsorted(found.rows, rows, sorter=order)
        known = place < len(order)
        known[known] = found.rows[order[place[known]]] == rows[known]
        scores = np.full(len(rows), np.nan, np.float32)
        scores[known] = found.scores[order[place[known]]]
        left = ~known
        if len(found.rows) < depth:  # all that match are there, of those that are allowed
            left = left & ~self._allowed[rows] if self._allowed is not None else np.zeros_like(left)
        scores[left] = self._index.score_rows(self._asked.clauses, rows[left])
        return scores


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query as full text takes it.

    weights -- (wants,) how much each word says
    """

    terms: tuple[str, ...]
    clauses: list[tuple[str, str, float]]
    wants: tuple[Want, ...]
    weights: FloatArray


def _share(levels: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted mean of each row's levels; 1 where nothing weighs."""
    total = float(weights.sum())
    share: FloatArray = (levels @ weights / np.float32(total)) if total > 0 else np.ones(len(levels), np.float32)
    return share
