"""The optional last stage: a cross-encoder reads the query and the first candidates together."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ltrr_cli.backends.encoder_cache import cache_root
from ltrr_cli.backends.encoder_cross import CrossEncoder, find_cross
from ltrr_cli.core.errors import LtrrError
from ltrr_cli.core.types import Catalog, FloatArray, IntArray
from ltrr_cli.retrieval.entity_texts import prose

FIRST = 20  # candidates that are read
CHARACTERS = 1_000  # of a text; what is behind them would be cut as tokens anyway


@dataclass(frozen=True, slots=True)
class Reranker:
    """An open cross-encoder; without one, scores stay as they are.

    warnings -- why it is not used, or what failed; each is told once
    """

    cross: CrossEncoder | None = None
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, name: str) -> Reranker:
        """Open the cross-encoder of a name, none for ""; one that is absent or damaged is named in ``warnings``."""
        if not name:
            return cls()
        try:
            return cls(CrossEncoder.open(find_cross(cache_root(), name)))
        except LtrrError as error:
            return cls(None, [f"cross-encoder not used: {error}"])

    def rerank(self, catalog: Catalog, query: str, rows: IntArray, scores: FloatArray) -> FloatArray:
        """Return scores in which the first 20 have changed places, as the cross-encoder and what ranked them agree.

        Both count alike (standardised over the 20), and the 20 take each other's scores: nothing below moves. All
        draws share these scores, so that the odds of a page stay exact. A failure is named once, and the scores stay.
        """
        if self.cross is None or self.warnings or len(rows) < 2 or not query.strip():
            return scores
        first = np.lexsort((rows, -scores))[:FIRST]
        try:
            read = self.cross.score(query, [prose(catalog.entity(int(rows[place])))[:CHARACTERS] for place in first])
        except LtrrError as error:
            self.warnings.append(f"cross-encoder not used: {error}")
            return scores
        agreed = first[np.lexsort((rows[first], -(_standard(read) + _standard(scores[first]))))]
        changed = scores.copy()
        changed[agreed] = scores[first]
        return changed


def _standard(values: FloatArray) -> FloatArray:
    standard: FloatArray = (values - values.mean()) / max(float(values.std()), 1e-9)
    return standard
