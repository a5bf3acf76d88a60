"""What the bandit may look at, as one vector: named signals and time, squashed to the order of 1."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ltrr_cli.core.clock import DAY, HOUR
from ltrr_cli.core.types import Context, FloatArray

_WEEK = 7 * DAY
_THURSDAY = 3 * DAY  # 1970-01-01 was a Thursday: weeks begin on Monday


def situation_features(names: tuple[str, ...], signals: Mapping[str, float], context: Context) -> FloatArray:
    """Return (1 + len(names) + len(TIME),) float32: a constant 1, the named signals, and the time.

    A signal that is missing is 0; unnamed ones are ignored.
    """
    values = [1.0, *(squash(signals.get(name, 0.0)) for name in names), *_time(context)]
    return np.array(values, np.float32)


TIME = ("hour_sin", "hour_cos", "weekend", "season_sin", "season_cos", "user_known")


def squash(value: float) -> float:
    """Keep [-1, 1] as it is, and let the rest grow like a logarithm, to 4 at most.

    >>> squash(0.5), round(squash(20.0), 2)
    (0.5, 4.0)
    """
    size = abs(value)
    grown = size if size <= 1.0 else min(1.0 + np.log(size), 4.0)
    return float(np.copysign(grown, value))


def _time(context: Context) -> tuple[float, ...]:
    hour = 2 * np.pi * (context.time_ms % DAY) / (24 * HOUR)
    season = 2 * np.pi * (context.time_ms % (365 * DAY)) / (365 * DAY)
    weekend = float((context.time_ms + _THURSDAY) % _WEEK >= 5 * DAY)
    return (
        float(np.sin(hour)),
        float(np.cos(hour)),
        weekend,
        float(np.sin(season)),
        float(np.cos(season)),
        float(context.user is not None),
    )
