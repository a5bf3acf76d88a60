"""Which entities do the words of a query speak for? Naive Bayes over words that people used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray, MomentArray
from ltrr_cli.retrieval.counts.decayed_counts import COLUMNS
from ltrr_cli.retrieval.counts.sorted_table import TotalCounts, codes_of
from ltrr_cli.retrieval.counts.trend import Trend
from ltrr_cli.storage.merging import grown
from ltrr_cli.storage.packed_arrays import open_arrays, write_arrays
from ltrr_cli.storage.segments import TextLog

NAMES, COUNTS = "word-names", "words.counts"
WORD_ROWS = 500  # entities that the words alone may bring up
SMOOTHING = 1.0  # actions' worth of the background in P(word | entity)


class QueryWords:
    """Undecayed counts of (word, entity) and of words."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._pairs = TotalCounts()
        self._count = np.zeros(0)  # (words,) float64, actions
        self._file = TextLog()

    def numbers(self, words: Iterable[str]) -> tuple[int, ...]:
        """Return the numbers of distinct words, new where they are new."""
        found = tuple(self._numbers.setdefault(word, len(self._numbers)) for word in dict.fromkeys(words))
        if len(self._numbers) > len(self._count):
            self._count = grown(self._count, 2 * len(self._numbers))
        return found

    def add(self, numbers: Sequence[int] | MomentArray, rows: IntArray, weights: DoubleArray) -> None:
        """Count actions, one line per word of a query; all (n,)."""
        self._pairs.add(codes_of(numbers, rows), weights.astype(np.float32))
        np.add.at(self._count, numbers, weights)

    def posterior(
        self, words: Iterable[str], meant: Collection[str], trend: Trend, moment: int
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return (rows ascending, (n, COLUMNS) P(entity | words), (n,) share of the meant words acted on for each).

        words -- as typed and as corrected; meant -- the latter alone. A prior per half-life; rows untouched: none.
        """
        numbers = [self._numbers[word] for word in dict.fromkeys(words) if word in self._numbers]
        places = [number for number in numbers if self._count[number] > 0]  # else all that it was used for is gone
        pairs, of = self._pairs.pairs_of(places)
        if not len(pairs):
            return np.empty(0, np.int32), np.empty((0, COLUMNS), np.float32), np.empty(0, np.float32)
        rows, inverse = np.unique(self._pairs.rows(pairs), return_inverse=True)
        counts = np.zeros((len(rows), len(places)))
        counts[inverse, of] = self._pairs.totals(pairs)
        total = trend.values(rows, moment)  # (n, COLUMNS)
        background = self._count[places] / max(float(trend.totals(moment)[-1]), 1.0)
        likelihood = np.log((counts + SMOOTHING * background) / (total[:, -1:] + SMOOTHING)).sum(axis=1)
        share = np.minimum((counts > 0).sum(axis=1) / max(len(set(meant)), 1), 1.0)
        if len(rows) > WORD_ROWS:
            keep = np.sort(np.argsort(-(likelihood + np.log(total[:, -1])), kind="stable")[:WORD_ROWS])
            rows, likelihood, total, share = rows[keep], likelihood[keep], total[keep], share[keep]
        posterior = np.exp(likelihood - likelihood.max())[:, None] * total
        normalised = (posterior / np.maximum(posterior.sum(axis=0), 1e-30)).astype(np.float32)
        return rows, normalised, share.astype(np.float32)

    def save(self, path: Path) -> None:
        """Write pairs, words, and how often each was used; ``path`` has no suffix."""
        self._pairs.save(path)
        self._file.save(path.with_name(NAMES), list(self._numbers))
        write_arrays(path.with_name(COUNTS), {"count": self._count[: len(self._numbers)]})

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map what ``save`` wrote."""
        words = cls()
        words._file, names = TextLog.open(path.with_name(NAMES))
        words._numbers = {name: number for number, name in enumerate(names)}
        words._count = np.array(open_arrays(path.with_name(COUNTS))["count"])
        words._pairs = TotalCounts.open(path)
        return words

    @classmethod
    def first_format(cls, path: Path, names: Sequence[str], counts: Sequence[float]) -> Self:
        """Read the files of 0.1.0."""
        words = cls()
        words._numbers = {name: number for number, name in enumerate(names)}
        words._count, words._pairs = np.array(counts, np.float64), TotalCounts.open(path)
        return words
