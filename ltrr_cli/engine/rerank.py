"""The optional last stage: a cross-encoder reads the query and the first candidates together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ltrr_cli.backends.encoder_cache import cache_root
from ltrr_cli.backends.encoder_cross import CrossEncoder, find_cross
from ltrr_cli.core.errors import LtrrError
from ltrr_cli.core.types import FloatArray, IntArray
from ltrr_cli.retrieval.entity_texts import prose

if TYPE_CHECKING:
    from ltrr_cli.engine.snapshot import Snapshot

FIRST = 20  # candidates that are read
CHARACTERS = 1_000  # of a text; what is behind them would be cut as tokens anyway


def open_reranker(snapshot: Snapshot) -> CrossEncoder | None:
    """Open the cross-encoder that the settings name; one that is not there or is damaged is named, and none reads."""
    name = snapshot.settings.ranking.cross
    if not name:
        return None
    try:
        return CrossEncoder.open(find_cross(cache_root(), name))
    except LtrrError as error:
        snapshot.warnings.append(f"cross-encoder not used: {error}")
        return None


def rerank(snapshot: Snapshot, query: str, rows: IntArray, scores: FloatArray) -> FloatArray:
    """Return scores in which the first 20 have changed places, as the cross-encoder and what ranked them agree.

    Both speak equally loud (standardised over the 20), and the 20 take each other's scores: nothing below moves. All
    draws share these scores, so that the odds of a page stay exact. A failure is named once, and the scores stay.
    """
    cross = snapshot.cross
    if cross is None or len(rows) < 2 or not query.strip():
        return scores
    first = np.lexsort((rows, -scores))[:FIRST]
    try:
        read = cross.score(query, [prose(snapshot.catalog.entity(int(rows[place])))[:CHARACTERS] for place in first])
    except LtrrError as error:
        snapshot.warnings.append(f"cross-encoder not used: {error}")
        snapshot.cross = None
        return scores
    agreed = first[np.lexsort((rows[first], -(_standard(read) + _standard(scores[first]))))]
    changed = scores.copy()
    changed[agreed] = scores[first]
    return changed


def _standard(values: FloatArray) -> FloatArray:
    standard: FloatArray = (values - values.mean()) / max(float(values.std()), 1e-9)
    return standard
