"""Measures of ranked lists: judged ones by ir-measures (its only door), per-click ones as the contests count them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import ir_measures
import numpy as np

from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.types import DoubleArray

Qrels = Mapping[str, Mapping[str, int]]
Run = Mapping[str, Sequence[str] | Mapping[str, float]]  # query id -> ids, best first, or id -> score


def parse_measures(names: Sequence[str]) -> list[ir_measures.Measure]:
    """Read measures by ir-measures' names ("nDCG@10", "R@100", "RR"); raises UsageError for an unknown one."""
    found = []
    for name in names:
        try:
            measure = ir_measures.parse_measure(name)
            measure.validate_params()  # it asserts; and a parameter that it does not know breaks it later
            found.append(measure)
        except (ValueError, NameError, SyntaxError, TypeError, AttributeError, AssertionError, KeyError) as error:
            raise UsageError(f"unknown measure {name!r}: {error}", hint="for example nDCG@10, RR@10, R@100") from None
    return found


def depth_of(names: Sequence[str]) -> int:
    """Return the deepest cutoff of the measures, 0 where none has one.

    >>> depth_of(["nDCG@10", "R@100", "RR"])
    100
    """
    cutoffs = [measure.params.get("cutoff") for measure in parse_measures(names)]
    return max((cutoff for cutoff in cutoffs if isinstance(cutoff, int)), default=0)


class Judge:
    """Judgments and measures made ready once, for any number of runs; all measures in one pass of ir-measures.

    queries -- every judged query, in the judgments' order; a query that a run lacks gets the measure's default (0)
    scale   -- (measures,): what makes a mean the aggregate of ir-measures, which sums counts such as NumRet
    """

    def __init__(self, qrels: Qrels, names: Sequence[str]) -> None:
        self.queries = tuple(qrels)
        self.names = tuple(dict.fromkeys(names))
        measures = parse_measures(self.names)
        # an alias and its measure ("MRR", "RR") are one for ir-measures, and two columns for who asked for both
        self._columns: dict[ir_measures.Measure, list[int]] = {}
        for column, measure in enumerate(measures):
            self._columns.setdefault(measure, []).append(column)
        summed = np.array([type(measure.aggregator()).__name__ == "SumAgg" for measure in measures], np.bool_)
        self.scale: DoubleArray = np.where(summed, float(len(self.queries)), 1.0)
        self._row = {query: row for row, query in enumerate(self.queries)}
        try:
            judged = {query: dict(grades) for query, grades in qrels.items()}
            self._evaluator = ir_measures.evaluator(list(self._columns), judged) if judged and measures else None
        except (ValueError, RuntimeError, AssertionError) as error:
            reason = str(error).split("The following")[0].strip()
            raise UsageError(reason, hint="for example nDCG@10, RR@10, R@100, AP, P@5, Success@10, Judged@10") from None

    def table(self, run: Run) -> DoubleArray:
        """Return (queries, measures) float64 of one run."""
        values = np.zeros((len(self.queries), len(self.names)))
        if self._evaluator is not None:
            # a page without results is no page: ir-measures would divide by its length
            scored = {query: scores for query, page in run.items() if (scores := as_scores(page))}
            for metric in self._evaluator.iter_calc(scored):
                values[self._row[metric.query_id], self._columns[metric.measure]] = metric.value
        return values

    def mean(self, table: DoubleArray) -> DoubleArray:
        """Return (measures,): the aggregates that ir-measures gives, over the rows of ``table``."""
        if not len(table):
            return np.zeros(len(self.names))
        scale = self.scale * len(table) / len(self.queries)
        means: DoubleArray = table.mean(axis=0) * np.where(self.scale == 1.0, 1.0, scale)
        return means


def as_scores(page: Sequence[str] | Mapping[str, float]) -> dict[str, float]:
    """Return entity -> score; the places of a page without scores become scores, best first.

    >>> as_scores(["a", "b"])
    {'a': 0.0, 'b': -1.0}
    """
    if isinstance(page, Mapping):
        return dict(page)
    return {entity: float(-place) for place, entity in enumerate(page)}


def per_query(run: Run, qrels: Qrels, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return measure -> query id -> value; a judged query that the run lacks counts 0."""
    judge = Judge(qrels, names)
    table = judge.table(run)
    return {name: dict(zip(judge.queries, table[:, column].tolist(), strict=True))
            for column, name in enumerate(judge.names)}  # fmt: skip


def measure(run: Run, qrels: Qrels, names: Sequence[str]) -> dict[str, float]:
    """Return the mean of each measure over the judged queries.

    >>> measure({"q": ["a", "b"]}, {"q": {"b": 1}}, ["RR", "nDCG@10"])
    {'RR': 0.5, 'nDCG@10': 0.63...}
    """
    judge = Judge(qrels, names)
    return dict(zip(judge.names, judge.mean(judge.table(run)).tolist(), strict=True))


@dataclass(slots=True)
class ClickMeasures:
    """Running means over clicks (MAP@5, RR@10, R@10) and searches (nDCG@10) of a replayed log.

    MAP@5 per click, as in search contests: precision at the clicked entity's rank, 0 below the fifth.
    """

    searches: int = 0
    clicks: int = 0
    _sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("MAP@5", "RR@10", "R@10", "nDCG@10"), 0.0))

    def add(self, page: Sequence[str], clicked: Iterable[str]) -> None:
        """Score one answered search by what was clicked in it."""
        place = {entity: rank for rank, entity in enumerate(page[:10], 1)}
        ranks = [place.get(entity, 0) for entity in dict.fromkeys(clicked)]
        if not ranks:
            return
        self.searches += 1
        self.clicks += len(ranks)
        for rank in filter(None, ranks):
            self._sums["MAP@5"] += 1.0 / rank if rank <= 5 else 0.0
            self._sums["RR@10"] += 1.0 / rank
            self._sums["R@10"] += 1.0
        gain = sum(1.0 / np.log2(rank + 1) for rank in ranks if rank)
        ideal = sum(1.0 / np.log2(rank + 1) for rank in range(1, min(len(ranks), 10) + 1))
        self._sums["nDCG@10"] += gain / ideal

    def means(self) -> dict[str, float]:
        """Return the measures so far (0 before the first click).

        >>> scores = ClickMeasures()
        >>> scores.add(["a", "b"], ["b"])
        >>> scores.means()["MAP@5"]
        0.5
        """
        per = {"nDCG@10": self.searches}
        return {name: float(value / max(per.get(name, self.clicks), 1)) for name, value in self._sums.items()}
