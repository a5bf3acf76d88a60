"""Learned sparse retrieval: query and entity as weighted terms in one inverted index, the query's terms translated.

Good across a vocabulary gap: what co-occurs with a query word in the catalog, or is borne by what people chose for it,
brings entities that lack the word itself. Little help for names.

Translation by the catalog and by feedback (as in Berger & Lafferty, SIGIR 1999, with entities in the place of
relevant documents): of each unit u of the query (a word, a span, the whole) the entities that bear it and those that
were chosen for it say how likely a term t of a wanted entity is,

    P(t | u) = (sum over bearers x_t  +  sum over chosen  n x_t  +  PRIOR P(t)) / (bearers + chosen + PRIOR)

and the unit adds ``P(t | u) ln (P(t | u) / P(t))`` to the term's weight where that is positive (the Kullback-Leibler
weight of Carpineto et al., TOIS 2001): the word itself weighs about its idf, what merely goes with it weighs less.
A SPLADE-style encoder may give the terms of both sides instead (``ltrr encoder import --sparse``, ``catalog.sparse``).
Only counts are learnt; translations are made of them when they are asked for, so none is ever out of date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from shutil import copytree
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.backends.encoder_sparse import SparseEncoder, index_texts
from ltrr_cli.core.types import FloatArray, Hits, IntArray, Outcome, Request
from ltrr_cli.retrieval.base import Resources, Strategy, best
from ltrr_cli.retrieval.postings import Postings
from ltrr_cli.retrieval.terms import terms_of, units_of
from ltrr_cli.retrieval.texts import all_text, popularity_share
from ltrr_cli.text.analyse import Analyzer
from ltrr_cli.text.lookup import Lookup
from ltrr_cli.text.normalise import query_tokens
from ltrr_cli.text.packed import open_arrays, strings_arrays, strings_of, write_arrays

ENCODER = "encoder"  # folder of an imported sparse encoder
FILE, LEARNED = "terms.bin", "chosen.bin"
PRIOR = 5.0  # entities' worth of the background in P(term | unit)
MOST_ROWS = 256  # bearers, and chosen entities, that speak for a unit
EXPANDED = 48  # terms of a translated query
FAME = 1.0  # how much more a term counts of the most popular entity than of the least
_KEPT = 2_048  # translated units


class Sparse(Strategy):
    """``sum over terms of weight in the query x weight in the entity``, a little more for popular entities."""

    name: ClassVar[str] = "sparse"
    evidence_names: ClassVar[tuple[str, ...]] = ("match",)

    def __init__(self, resources: Resources, folder: Path) -> None:
        arrays = open_arrays(folder / FILE)
        self._postings, self._lookup = Postings.of(arrays), Lookup.of("names", arrays)
        self._background: FloatArray = arrays["background"]
        self._encoder = SparseEncoder.open(folder / ENCODER) if (folder / ENCODER).is_dir() else None
        self._fame = 1.0 + np.float32(FAME) * popularity_share(resources.catalog)
        self._row_of = resources.catalog.row_of
        self._analyzer = Analyzer(resources.language)
        self._chosen: dict[str, dict[int, float]] = {}  # unit -> row -> rewarded weight
        self._translated: dict[str, tuple[IntArray, FloatArray]] = {}
        self._version = 0
        self._asked: tuple[object, FloatArray] | None = None

    # ------------------------------------------------------------ both halves on disk

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Write the terms of every entity; a term that only one entity bears translates nothing and is left out."""
        if resources.sparse is not None:
            copytree(resources.sparse, folder / ENCODER)
            encoder = SparseEncoder.open(folder / ENCODER, threads=0)
            texts = [all_text(entity) for entity in resources.catalog.entities()]
            imported = Postings.arrays(*index_texts(encoder, texts), encoder.size)
            imported["background"] = Postings.of(imported).background()
            write_arrays(folder / FILE, imported | Lookup.arrays("names", []))
            return
        analyzer = Analyzer(resources.language)
        numbers: dict[str, int] = {}
        terms: list[list[int]] = []
        weights: list[list[float]] = []
        for row, entity in enumerate(resources.catalog.entities()):
            found = terms_of(entity, analyzer, resources.inferred.of(row))
            terms.append([numbers.setdefault(term, len(numbers)) for term in found])
            weights.append(list(found.values()))
        arrays = Postings.arrays(terms, weights, len(numbers))
        arrays["background"] = Postings.of(arrays).background()
        write_arrays(folder / FILE, arrays | Lookup.arrays("names", list(numbers)))

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Map the terms, and read what was chosen."""
        opened = cls(resources, folder)
        if learned is not None and (learned / LEARNED).exists():
            opened._load(open_arrays(learned / LEARNED))
        return opened

    def save(self, folder: Path) -> None:
        """Write what was chosen for which unit."""
        counts = [len(rows) for rows in self._chosen.values()]
        arrays = strings_arrays("units", self._chosen)
        arrays["starts"] = np.cumsum([0, *counts], dtype=np.int64)
        arrays["rows"] = np.fromiter((row for rows in self._chosen.values() for row in rows), np.int32, sum(counts))
        given = (weight for rows in self._chosen.values() for weight in rows.values())
        write_arrays(folder / LEARNED, arrays | {"weights": np.fromiter(given, np.float64, sum(counts))})

    def _load(self, arrays: Mapping[str, np.ndarray]) -> None:
        units, starts = strings_of("units", arrays), arrays["starts"].tolist()
        rows, weights = arrays["rows"].tolist(), arrays["weights"].tolist()
        for place, (start, end) in enumerate(zip(starts, starts[1:], strict=False)):
            self._chosen[units[place]] = dict(zip(rows[start:end], weights[start:end], strict=True))

    # ------------------------------------------------------------ learning

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Count what was chosen for the units of each query."""
        units: dict[str, list[str]] = {}
        for outcome in outcomes:
            weight = outcome.reward * outcome.weight
            row = self._row_of(outcome.entity_id)
            if weight <= 0 or row < 0 or not outcome.query:
                continue
            if outcome.query not in units:
                units[outcome.query] = units_of(query_tokens(outcome.query), self._analyzer)
            for unit in units[outcome.query]:
                chosen = self._chosen.setdefault(unit, {})
                chosen[row] = chosen.get(row, 0.0) + weight
                self._translated.pop(unit, None)
        self._version += 1

    # ------------------------------------------------------------ finding

    def retrieve(self, request: Request, limit: int) -> Hits:
        """Bring what bears most of the translated query."""
        scores = self._scores(request)
        return best(np.flatnonzero(scores).astype(np.int32), scores[scores != 0], limit, request.allowed)

    def evidence(self, request: Request, rows: IntArray) -> FloatArray:
        """Return how well each row matches the translated query."""
        return self._scores(request)[rows][:, None]

    def _scores(self, request: Request) -> FloatArray:
        """Return (entities,) float32 (kept for the last request)."""
        asked = (request.reading.tokens, request.reading.words, self._version)
        if self._asked is None or self._asked[0] != asked:
            terms, weights = self.translate(request.reading.words)
            self._asked = (asked, self._postings.scores(terms, weights) * self._fame)
        return self._asked[1]

    def translate(self, words: Sequence[str]) -> tuple[IntArray, FloatArray]:
        """Return (terms, weights) that a query stands for, at most ``EXPANDED``, the heaviest first."""
        if self._encoder is not None:
            return self._encoder.encode(" ".join(words))
        total: dict[int, float] = {}
        for unit in units_of(words, self._analyzer):
            for term, weight in zip(*(part.tolist() for part in self._unit(unit)), strict=True):
                total[term] = total.get(term, 0.0) + weight
        heaviest = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))[:EXPANDED]
        return np.array([term for term, _ in heaviest], np.int32), np.array([w for _, w in heaviest], np.float32)

    def _unit(self, unit: str) -> tuple[IntArray, FloatArray]:
        """Return (terms, weights) of one unit, kept until somebody chooses for it."""
        known = self._translated.get(unit)
        if known is None:
            if len(self._translated) >= _KEPT:
                self._translated.clear()
            known = self._translated[unit] = self._translation(unit)
        return known

    def _translation(self, unit: str) -> tuple[IntArray, FloatArray]:
        rows, weights = _joined(self._bearers(unit), self._heaviest(unit))
        if not len(rows):
            return np.empty(0, np.int32), np.empty(0, np.float32)
        support = float(weights.sum())
        joint = self._postings.summed(rows, weights)
        likely = (joint + PRIOR * self._background) / (support + PRIOR)
        terms = np.flatnonzero(joint).astype(np.int32)
        gain = likely[terms] * np.log(likely[terms] / self._background[terms])
        order = np.lexsort((terms, -gain))[:EXPANDED]
        order = order[gain[order] > 0]
        return terms[order], gain[order].astype(np.float32)

    def _bearers(self, unit: str) -> tuple[IntArray, FloatArray]:
        """Return entities that bear a unit, evenly spread where they are many, and how much each counts."""
        term = int(self._lookup.find([unit])[0])
        rows = self._postings.rows_of(term) if term >= 0 else np.empty(0, np.int32)
        if len(rows) > MOST_ROWS:
            rows = rows[np.linspace(0, len(rows) - 1, MOST_ROWS).astype(np.int64)]
        return rows, np.ones(len(rows), np.float32)

    def _heaviest(self, unit: str) -> tuple[IntArray, FloatArray]:
        """Return the entities chosen most for a unit, and how much each counts."""
        chosen: Iterable[tuple[int, float]] = self._chosen.get(unit, {}).items()
        kept = sorted(chosen, key=lambda pair: (-pair[1], pair[0]))[:MOST_ROWS]
        return np.array([row for row, _ in kept], np.int32), np.array([weight for _, weight in kept], np.float32)


def _joined(*parts: tuple[IntArray, FloatArray]) -> tuple[IntArray, FloatArray]:
    return np.concatenate([rows for rows, _ in parts]), np.concatenate([weights for _, weights in parts])
