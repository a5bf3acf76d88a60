"""A weighted sum of standardised features, with a weight of its own for "is missing"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltrr_cli.core.types import DoubleArray, FloatArray

_FARTHEST = 5.0  # deviations: one absurd value must not decide alone


@dataclass(frozen=True, slots=True)
class Scaling:
    """How columns are put on one scale.

    mean, deviation -- (f,) float64, deviation > 0
    """

    mean: DoubleArray
    deviation: DoubleArray

    def prepared(self, features: FloatArray) -> DoubleArray:
        """Return (n, 2 f): standardised values clipped to five deviations (missing: 0), and whether they are missing.

        >>> Scaling(np.array([1.0]), np.array([2.0])).prepared(np.array([[3.0], [np.nan], [99.0]])).tolist()
        [[1.0, 0.0], [0.0, 1.0], [5.0, 0.0]]
        """
        missing = np.isnan(features)
        values = np.clip((features - self.mean) / self.deviation, -_FARTHEST, _FARTHEST)
        return np.concatenate([np.where(missing, 0.0, values), missing], axis=1)


def scaling(features: FloatArray) -> Scaling:
    """Measure mean and deviation of what is known of each column (constant columns keep deviation 1)."""
    known = ~np.isnan(features)
    exact = np.where(known, features, 0.0).astype(np.float64)
    count = np.maximum(known.sum(axis=0), 1)
    mean: DoubleArray = exact.sum(axis=0) / count
    deviation: DoubleArray = np.sqrt(np.where(known, (exact - mean) ** 2, 0.0).sum(axis=0) / count)
    deviation[deviation < 1e-9] = 1.0
    return Scaling(mean, deviation)


class Linear:
    """``bias + weight . prepared(features)``.

    weight -- (2 f,) float64: of values, then of "is missing"
    """

    kind = "linear"

    def __init__(self, scale: Scaling, weight: DoubleArray, bias: float = 0.0) -> None:
        self.scale, self.weight, self.bias = scale, weight, bias

    def score(self, features: FloatArray) -> DoubleArray:
        """Return (n,) float64."""
        total: DoubleArray = self.scale.prepared(features) @ self.weight + self.bias
        return total

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what is saved."""
        bias = np.float64(self.bias).reshape(1)
        return {"mean": self.scale.mean, "deviation": self.scale.deviation, "weight": self.weight, "bias": bias}

    @classmethod
    def opened(cls, arrays: Mapping[str, NDArray[Any]], columns: int) -> Linear:
        """Take over arrays of unknown origin; raises ValueError or KeyError where they do not fit."""
        shapes = {"mean": columns, "deviation": columns, "weight": 2 * columns, "bias": 1}
        for name, size in shapes.items():
            stored = arrays[name]
            if stored.shape != (size,) or stored.dtype != np.float64 or not np.isfinite(stored).all():
                raise ValueError(f"{name} does not fit the columns")
        if (arrays["deviation"] <= 0).any():
            raise ValueError("a deviation that is not positive")
        return cls(Scaling(arrays["mean"], arrays["deviation"]), arrays["weight"], float(arrays["bias"][0]))
