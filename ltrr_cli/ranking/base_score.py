"""A ranker corrects the score that served before it; it does not begin anew.

What a log teaches of text and attributes can be too good to be true (the catalog may have been written after the
clicks, or from them); the untrained score owes nothing to that. So both speak, as a product of experts, and how loud
the untrained score is, the *anchor*, is chosen for each workspace (``ranking.anchor``).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ltrr_cli.core.types import DoubleArray, FloatArray

ANCHOR: Final = 2.0  # weight of the untrained score beside a ranker where nothing speaks for less
FLOOR = 1e-6  # of the untrained score, which may be 0


def offset(baseline: FloatArray, anchor: float = ANCHOR) -> DoubleArray:
    """Return (n,) float64: what the untrained score adds to a ranker's (log-odds), ``anchor * log(baseline)``."""
    added: DoubleArray = anchor * np.log(np.maximum(baseline, FLOOR).astype(np.float64))
    return added


def corrected(model: FloatArray, baseline: FloatArray, anchor: float = ANCHOR) -> FloatArray:
    """Return (n,) float32: a ranker's scores beside the untrained score that they correct.

    >>> corrected(np.array([0.0, 1.0], np.float32), np.array([1.0, 1.0], np.float32)).tolist()
    [0.0, 1.0]
    """
    scores: FloatArray = (model + offset(baseline, anchor)).astype(np.float32)
    return scores
