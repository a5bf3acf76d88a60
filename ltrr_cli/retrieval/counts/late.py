"""What people choose of late: counts at several half-lives as one, that of each where enough people came within it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.clock import HOUR
from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray, MomentArray
from ltrr_cli.retrieval.counts.decayed_counts import COLUMNS, HALF_LIVES_H, DecayedCounts
from ltrr_cli.retrieval.counts.sorted_table import DistinctCounts, codes_of, mixed
from ltrr_cli.storage.segments import TableFile

LATE = 5.0  # people's worth of a longer past beside a shorter one, for every entity among which choices are spread
LEAST = 1e-9  # actions within a half-life that say nothing
STAY = int(HALF_LIVES_H[-1] * HOUR)  # milliseconds in which a person comes to a query once
SHORTEST = HALF_LIVES_H.index(4.0)  # half-life that is heard


def as_of_late(counts: FloatArray, people: FloatArray) -> FloatArray:
    """Return (n,) float32 of the same sum as undecayed counts (n, COLUMNS), leaning to what people choose of late.

    people -- (COLUMNS,) how many came, decayed as the counts are: one who chooses a hundred things in a row is one

    Each half-life says what was chosen lately, and takes what the longer one says for ``LATE`` people of its own for
    every entity among which choices are spread (Simpson's reciprocal index): what few choose among many is chance. The
    more of the longer one's people came within the shorter one, the less it has to add. So where people choose as they
    always did nothing changes; where many come the last hours speak, and where few do, all of the past.
    MacKay & Peto, A hierarchical Dirichlet language model, 1995.

    >>> counts = np.array([[0, 0, 0, 0, 0, 0, 600], [0, 0, 0, 300, 300, 300, 300]], np.float32)
    >>> as_of_late(counts, counts.sum(axis=0)).round().tolist()
    [212.0, 688.0]
    >>> as_of_late(counts, np.ones(COLUMNS, np.float32)).round().tolist()
    [600.0, 300.0]
    """
    total = counts.sum(axis=0)
    shares = counts / np.maximum(total, LEAST)
    late, longer = shares[:, -1], float(people[-1])
    worth = LATE / max(float(late @ late), LEAST)
    for column in range(COLUMNS - 2, SHORTEST - 1, -1):
        came = float(people[column])
        if total[column] > LEAST and came < longer:
            weight = came / (came + worth) * (1.0 - came / longer)
            late = weight * shares[:, column] + (1.0 - weight) * late
        longer = came
    chosen: FloatArray = (late * total[-1]).astype(np.float32)
    return chosen


class VisitCounts:
    """How many people came to each query, at every half-life; who comes again within some weeks is still there."""

    def __init__(self) -> None:
        self._counts = DecayedCounts()  # by (query, 0)
        self._known = DistinctCounts()  # hashes of (who, query, weeks)

    def add(self, queries: Sequence[int], times_ms: MomentArray, weights: DoubleArray, who: np.ndarray) -> None:
        """Count actions in time order, the first of each visit; all (n,), who -- uint64 hashes."""
        codes = _codes(queries)
        came = self._known.add(mixed(mixed(who, codes), times_ms // STAY))
        self._counts.add(codes[came], times_ms[came], weights[came], np.zeros(int(came.sum()), np.int32))

    def add_people(self, queries: MomentArray, times_ms: MomentArray, people: IntArray) -> None:
        """Count so many people at once; nobody knows who."""
        self._counts.add(_codes(queries), times_ms, people.astype(np.float64), np.zeros(len(people), np.int32))

    def of(self, queries: Sequence[int], time_ms: int) -> FloatArray:
        """Return (n, COLUMNS) float32 decayed to a moment; 0 of queries to which nobody came."""
        places, found = self._counts.find(_codes(queries)), np.zeros((len(queries), COLUMNS), np.float32)
        found[places >= 0] = self._counts.values(places[places >= 0], time_ms)
        return found

    def save(self, folder: Path) -> None:
        """Write ``visits`` and ``visitors``."""
        self._counts.save(folder / "visits")
        self._known.save(folder / "visitors")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what ``save`` wrote; where nobody was counted yet all of the past counts alike."""
        visits = cls()
        if TableFile.saved(folder / "visits"):
            visits._counts = DecayedCounts.open(folder / "visits")
            visits._known = DistinctCounts.open(folder / "visitors")
        return visits


def _codes(queries: Sequence[int] | MomentArray) -> MomentArray:
    return codes_of(queries, np.zeros(len(queries), np.int32))
