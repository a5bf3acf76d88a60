"""A ranker corrects the score that served before it; it does not begin anew.

What a log teaches of text and attributes can be too good to be true (the catalog may have been written after the
clicks, or from them); the untrained score owes nothing to that. So both speak, as a product of experts.
"""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.types import DoubleArray, FloatArray

# of the untrained score beside a ranker. A shop's log would have less (MAP@5 on older days .764 at .5, .761 at 2), but
# end to end on a catalog written from its own clicks .5 cost tag variants .05 nDCG: what is safe is kept
ANCHOR = 2.0
FLOOR = 1e-6  # of the untrained score, which may be 0


def offset(baseline: FloatArray) -> DoubleArray:
    """Return (n,) float64: what the untrained score adds to a ranker's (log-odds), ``ANCHOR * log(baseline)``."""
    added: DoubleArray = ANCHOR * np.log(np.maximum(baseline, FLOOR).astype(np.float64))
    return added


def corrected(model: FloatArray, baseline: FloatArray) -> FloatArray:
    """Return (n,) float32: a ranker's scores beside the untrained score that they correct.

    >>> corrected(np.array([0.0, 1.0], np.float32), np.array([1.0, 1.0], np.float32)).tolist()
    [0.0, 1.0]
    """
    scores: FloatArray = (model + offset(baseline)).astype(np.float32)
    return scores
