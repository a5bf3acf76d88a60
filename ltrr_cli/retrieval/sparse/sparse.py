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

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from shutil import copytree
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.backends.encoder_sparse import SparseEncoder, index_texts
from ltrr_cli.core.types import FloatArray, Hits, IntArray, Outcome, Request
from ltrr_cli.retrieval.counted_batch import CountedBatch, expanded
from ltrr_cli.retrieval.counts.sorted_table import TotalCounts, codes_of
from ltrr_cli.retrieval.entity_texts import all_text, popularity_share
from ltrr_cli.retrieval.outcome_batch import OutcomeBatch
from ltrr_cli.retrieval.row_scores import RowScores
from ltrr_cli.retrieval.sparse.departed_terms import DepartedTerms
from ltrr_cli.retrieval.sparse.learnt_terms import FILE, learnt_terms
from ltrr_cli.retrieval.sparse.postings import Postings
from ltrr_cli.retrieval.sparse.terms import units_of
from ltrr_cli.retrieval.strategy import Look, Resources, Strategy, best
from ltrr_cli.storage.lookup import Lookup
from ltrr_cli.storage.packed_arrays import open_arrays, strings_of, write_arrays
from ltrr_cli.storage.segments import TableFile, TextLog
from ltrr_cli.text.analyse import Analyzer
from ltrr_cli.text.normalise import query_tokens

ENCODER = "encoder"  # folder of an imported sparse encoder
CHOSEN, OLD, UNITS = "chosen", "chosen.bin", "units"
PRIOR = 5.0  # entities' worth of the background in P(term | unit)
MOST_ROWS = 256  # bearers, and chosen entities, that speak for a unit
EXPANDED = 48  # terms of a translated query
FAME = 1.0  # how much more a term counts of the most popular entity than of the least
WRITINGS = 200_000  # queries as typed whose units are at hand
_KEPT = 2_048  # translated units


class Sparse(Strategy):
    """``sum over terms of weight in the query x weight in the entity``, a little more for popular entities."""

    name: ClassVar[str] = "sparse"
    evidence_names: ClassVar[tuple[str, ...]] = ("match",)

    def __init__(self, resources: Resources, folder: Path) -> None:
        arrays = open_arrays(folder / FILE)
        self._postings, self._lookup = Postings.of(arrays), Lookup.of("names", arrays)
        self._background: FloatArray = arrays["background"]
        self.departed = DepartedTerms.open(folder)
        self._encoder = SparseEncoder.open(folder / ENCODER) if (folder / ENCODER).is_dir() else None
        self._fame = 1.0 + np.float32(FAME) * popularity_share(resources.catalog)
        self._row_of = resources.catalog.row_of
        self._analyzer = Analyzer(resources.language)
        self._numbers: dict[str, int] = {}  # of units that somebody chose something for
        self._chosen = TotalCounts()  # (unit, row) -> rewarded weight
        self._units = TextLog()
        self._written: dict[str, tuple[list[str], list[int]]] = {}  # query as typed -> its units, and their numbers
        self._translated: dict[str, tuple[IntArray, FloatArray]] = {}

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
        learnt = learnt_terms(resources, folder.name)
        write_arrays(folder / FILE, learnt)
        DepartedTerms.write(folder, resources.departed, Lookup.of("names", learnt))

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Map the terms, and read what was chosen."""
        opened = cls(resources, folder)
        if learned is not None and TableFile.saved(learned / CHOSEN):
            opened._chosen = TotalCounts.open(learned / CHOSEN)
            opened._units, units = TextLog.open(learned / UNITS)
            opened._numbers = {unit: number for number, unit in enumerate(units)}
        elif learned is not None and (learned / OLD).exists():
            opened._first_format(open_arrays(learned / OLD))
        return opened

    def save(self, folder: Path) -> None:
        """Write what was chosen for which unit."""
        self._chosen.save(folder / CHOSEN)
        self._units.save(folder / UNITS, list(self._numbers))

    def _first_format(self, arrays: Mapping[str, np.ndarray]) -> None:
        starts = arrays["starts"]
        self._numbers = {unit: number for number, unit in enumerate(strings_of("units", arrays))}
        codes = codes_of(np.repeat(np.arange(len(starts) - 1), np.diff(starts)), arrays["rows"])
        order = np.argsort(codes, kind="stable")  # rows of a unit stood as they came
        self._chosen = TotalCounts(codes[order], {"total": np.array(arrays["weights"], np.float32)[order]})

    # ------------------------------------------------------------ learning

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Count what was chosen for the units of each query."""
        units: dict[str, list[int]] = {}
        numbers: list[int] = []
        places: list[int] = []  # among the outcomes, one per unit
        batch = OutcomeBatch.of(outcomes, self._row_of)
        for place in batch.wanted().tolist():
            query = batch[place].query
            of = units.get(query)
            if of is None:
                of = units[query] = self._numbered(query) if query else []
            numbers += of
            places += [place] * len(of)
        if numbers:
            self._chosen.add(codes_of(numbers, batch.rows[places]), batch.worth[places].astype(np.float32))

    def learn_counts(self, batch: CountedBatch) -> None:
        """Count what was chosen on a day for the units of each query."""
        units = [self._numbered(query) if query else [] for query in batch.queries]
        numbers, place = expanded(units, batch.query[batch.wanted])
        if len(numbers):
            at = batch.wanted[place]
            self._chosen.add(codes_of(numbers, batch.rows[at]), batch.worth[at].astype(np.float32))

    def _numbered(self, query: str) -> list[int]:
        """Return the numbers of a query's units, whose translations are no longer what they were."""
        known = self._written.get(query)
        if known is None:
            if len(self._written) >= WRITINGS:
                self._written.clear()
            units = units_of(query_tokens(query), self._analyzer)
            found = [self._numbers.setdefault(unit, len(self._numbers)) for unit in units]
            known = self._written[query] = (units, found)
        for unit in known[0] if self._translated else ():
            self._translated.pop(unit, None)
        return known[1]

    # ------------------------------------------------------------ finding

    def look(self, request: Request) -> SparseLook:
        """Look for what bears the translated query."""
        return SparseLook(self, request)

    def scores(self, words: Sequence[str]) -> RowScores:
        """Return how well entities match the translated words."""
        found = self._postings.scores(*self.translate(words))
        return RowScores(found.rows, found.scores * self._fame[found.rows])

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
        return self._telling(self._postings.summed(rows, weights), float(weights.sum()))

    def _telling(self, joint: FloatArray, support: float) -> tuple[IntArray, FloatArray]:
        """Return (terms, weights) by which some entities differ from the catalog, at most ``EXPANDED``.

        joint   -- (terms,) the sum of their terms, each entity times how much it counts; support -- of these counts
        """
        likely = (joint + PRIOR * self._background) / (support + PRIOR)
        terms = np.flatnonzero(joint).astype(np.int32)
        gain = likely[terms] * np.log(likely[terms] / self._background[terms])
        order = np.lexsort((terms, -gain))[:EXPANDED]
        order = order[gain[order] > 0]
        return terms[order], gain[order].astype(np.float32)

    def kin(self, places: IntArray, weights: FloatArray, most: int) -> tuple[IntArray, FloatArray]:
        """Return (rows ascending, shares that sum to 1): entities that are most like some departed ones together.

        places, weights -- (n,) which, as in ``departed``, and how much each counts
        """
        nobody = np.empty(0, np.int32), np.empty(0, np.float32)
        if self.departed is None:
            return nobody
        heaviest = np.lexsort((places, -weights))[:MOST_ROWS]
        joint = self.departed.summed(places[heaviest], weights[heaviest])
        joint = np.pad(joint, (0, self._postings.size - len(joint)))
        found = self._postings.scores(*self._telling(joint, float(weights[heaviest].sum())))
        alike = best(found.rows, found.scores * self._fame[found.rows], most)
        if not len(alike.rows):
            return nobody
        order = np.argsort(alike.rows)
        shares: FloatArray = (alike.scores / alike.scores.sum())[order]
        return alike.rows[order], shares

    def _bearers(self, unit: str) -> tuple[IntArray, FloatArray]:
        """Return entities that bear a unit, evenly spread where they are many, and how much each counts."""
        term = int(self._lookup.find([unit])[0])
        rows = self._postings.rows_of(term) if term >= 0 else np.empty(0, np.int32)
        if len(rows) > MOST_ROWS:
            rows = rows[np.linspace(0, len(rows) - 1, MOST_ROWS).astype(np.int64)]
        return rows, np.ones(len(rows), np.float32)

    def _heaviest(self, unit: str) -> tuple[IntArray, FloatArray]:
        """Return the entities chosen most for a unit, and how much each counts."""
        number = self._numbers.get(unit, -1)
        places, _ = self._chosen.pairs_of([number] if number >= 0 else [])
        rows, weights = self._chosen.rows(places), self._chosen.totals(places)
        order = np.lexsort((rows, -weights))[:MOST_ROWS]
        return rows[order], weights[order]


def _joined(*parts: tuple[IntArray, FloatArray]) -> tuple[IntArray, FloatArray]:
    return np.concatenate([rows for rows, _ in parts]), np.concatenate([weights for _, weights in parts])


class SparseLook(Look):
    """What bears most of the translated query."""

    def __init__(self, sparse: Sparse, request: Request) -> None:
        self._sparse, self._request = sparse, request

    @cached_property
    def _scores(self) -> RowScores:
        return self._sparse.scores(self._request.reading.words)

    def hits(self, limit: int) -> Hits:
        """Bring what bears most of the translated query."""
        return best(self._scores.rows, self._scores.scores, limit, self._request.allowed)

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return how well each row matches the translated query."""
        return self._scores.at(rows)[:, None]
