"""Measures of ranked lists: judged ones by ir-measures (its only door), per-click ones as the contests count them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import ir_measures
import numpy as np

from ltrr_cli.core.errors import DataError

Qrels = Mapping[str, Mapping[str, int]]
Run = Mapping[str, Sequence[str]]


def parse_measures(names: Sequence[str]) -> list[ir_measures.Measure]:
    """Read measures by ir-measures' names ("nDCG@10", "R@100", "RR"); raises DataError for an unknown one."""
    found = []
    for name in names:
        try:
            found.append(ir_measures.parse_measure(name))
        except (ValueError, NameError, SyntaxError) as error:
            raise DataError(f"unknown measure {name!r}: {error}", hint="for example nDCG@10, RR@10, R@100") from None
    return found


def per_query(run: Run, qrels: Qrels, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return measure -> query id -> value; a judged query that the run lacks counts 0."""
    scored = {query: {entity: -float(place) for place, entity in enumerate(ids)} for query, ids in run.items()}
    table: dict[str, dict[str, float]] = {name: dict.fromkeys(qrels, 0.0) for name in names}
    by_measure = dict(zip(parse_measures(names), names, strict=True))
    if by_measure and qrels:
        judged = {query: dict(grades) for query, grades in qrels.items()}
        for metric in ir_measures.iter_calc(list(by_measure), judged, scored):
            table[by_measure[metric.measure]][metric.query_id] = float(metric.value)
    return table


def measure(run: Run, qrels: Qrels, names: Sequence[str]) -> dict[str, float]:
    """Return the mean of each measure over the judged queries.

    >>> measure({"q": ["a", "b"]}, {"q": {"b": 1}}, ["RR", "nDCG@10"])
    {'RR': 0.5, 'nDCG@10': 0.63...}
    """
    values = per_query(run, qrels, names)
    return {name: float(np.mean(list(of.values()))) if of else 0.0 for name, of in values.items()}


def read_qrels(path: str | Path) -> dict[str, dict[str, int]]:
    """Read TREC judgments: ``query_id 0 id grade`` a line; raises DataError naming the line."""
    found: dict[str, dict[str, int]] = {}
    for number, line in enumerate(Path(path).read_text("utf-8").split("\n"), 1):
        fields = line.split()
        if not fields:
            continue
        try:
            query, _, entity, grade = fields
            found.setdefault(query, {})[entity] = int(grade)
        except ValueError:
            raise DataError(f"{path}, line {number}: not `query_id 0 id grade`") from None
    return found


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
