"""What people chose that has left the catalog: it cannot be shown any more, but its words tell what was wanted.

Choices of an entity that is gone count for those that are most like it, as actions on a query that is written like
this one do: so they fade as the query gathers actions of its own. How alike entities are is told by the terms of all
that was chosen together, against those of the catalog (``Sparse.kin``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray
from ltrr_cli.retrieval.counts.decayed_counts import DecayedCounts
from ltrr_cli.retrieval.counts.sorted_table import codes_of
from ltrr_cli.retrieval.memory.predicted import summed
from ltrr_cli.retrieval.outcome_batch import OutcomeBatch
from ltrr_cli.retrieval.sparse.sparse import Sparse
from ltrr_cli.storage.segments import TableFile

KIN: Final = 50  # entities that take over what was chosen
WORTH: Final = 0.3  # of a choice to all of them together; .1 to 1 were tried on pages whose choices all were gone
FOLDER: Final = "departed"


class DepartedChoices:
    """Counts of (query, departed entity) at several half-lives. Empty, and without cost, where nothing departed."""

    def __init__(self) -> None:
        self._pairs = DecayedCounts()
        self._sparse: Sparse | None = None

    def __bool__(self) -> bool:
        return len(self._pairs) > 0

    def join(self, sparse: Sparse | None) -> None:
        """Know who knows the terms of what is gone; None: nobody does."""
        self._sparse = sparse

    def places(self, batch: OutcomeBatch) -> IntArray | None:
        """Return (n,) int32: which departed entity each outcome chose, -1 of all others; None: none did."""
        departed = None if self._sparse is None else self._sparse.departed
        if departed is None:
            return None
        gone = np.flatnonzero((batch.rows < 0) & (batch.worth > 0))
        places = np.full(len(batch), -1, np.int32)
        places[gone] = departed.find([batch[place].entity_id for place in gone.tolist()])
        return places if (places >= 0).any() else None

    def add(self, queries: Sequence[int], places: IntArray, batch: OutcomeBatch, outcomes: Sequence[int]) -> None:
        """Count choices: parallel, the numbers of queries, places of departed entities, and outcomes of the batch."""
        nobody = np.zeros(len(outcomes), np.int32)
        self._pairs.add(codes_of(queries, places), batch.times_ms[outcomes], batch.worth[outcomes], nobody)

    def joined(
        self, rows: IntArray, counts: FloatArray, query: int | None, near: IntArray, weights: FloatArray, moment: int
    ) -> tuple[IntArray, FloatArray]:
        """Add to (rows, (n, COLUMNS) counts) what entities take over from departed ones; rows ascending.

        query, near, weights -- the number of a query, of those written like it, and how much each of these counts
        """
        queries, worth = near.tolist(), weights
        if query is not None:
            queries, worth = [query, *queries], np.concatenate([np.ones(1, np.float32), weights])
        pairs, of = self._pairs.pairs_of(queries)
        if self._sparse is None or not len(pairs):
            return rows, counts
        values = self._pairs.values(pairs, moment) * worth[of, None]
        places, chosen = summed(self._pairs.rows(pairs), values)
        kin, shares = self._sparse.kin(places, chosen[:, -1], KIN)
        taken_over = (WORTH * shares[:, None] * chosen.sum(axis=0)).astype(np.float32)
        return summed(np.concatenate([rows, kin]), np.concatenate([counts, taken_over]))

    def save(self, folder: Path) -> None:
        """Write the counts, where there are some."""
        if self:
            self._pairs.save(folder / FOLDER)

    def load(self, folder: Path) -> None:
        """Map what ``save`` wrote."""
        if TableFile.saved(folder / FOLDER):
            self._pairs = DecayedCounts.open(folder / FOLDER)
