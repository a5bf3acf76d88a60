"""Drawing rows without replacement, each by its weight, in an order that does not depend on how many are wanted."""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray

LEAST = 1e-12  # of the luck: its logarithm must be finite


def keys(luck: DoubleArray, weights: FloatArray) -> DoubleArray:
    """Return (n,) float64: ``u ** (1 / weight)`` as its logarithm, a scale that does not run out of digits."""
    drawn: DoubleArray = np.log(np.maximum(luck, LEAST)) / weights
    return drawn


def first(luck: DoubleArray, weights: FloatArray, wanted: int) -> IntArray:
    """Return the places of the ``wanted`` highest keys, in no order, perhaps with a few more.

    luck -- (n,) uniform in 0..1; weights -- (n,) > 0

    A key is a logarithm, and most need not be taken: a key of at least t needs luck of at least ``exp(t x heaviest)``,
    and any ``wanted`` keys show that t is no lower than the least of them.
    Efraimidis & Spirakis, Information Processing Letters 2006.

    >>> luck = np.append(np.full(20, 0.5), [0.99, 0.98])
    >>> sorted(first(luck, np.ones(22), 2).tolist())
    [20, 21]
    """
    if wanted >= len(luck) // 4:
        return np.arange(len(luck), dtype=np.int32)
    lucky = np.flatnonzero(luck >= 1.0 - 2.0 * wanted / len(luck))
    if wanted < 1 or len(lucky) < wanted:
        return np.arange(len(luck), dtype=np.int32) if wanted > 0 else np.empty(0, np.int32)
    found = keys(luck[lucky], weights[lucky])
    least = float(np.partition(found, len(found) - wanted)[len(found) - wanted])
    return np.flatnonzero(luck >= np.exp(least * float(weights.max())) * (1.0 - 1e-9)).astype(np.int32)
