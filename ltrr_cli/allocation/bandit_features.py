"""What the bandit may look at, as one vector: named signals, time and user, squashed to the order of 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ltrr_cli.core.clock import DAY
from ltrr_cli.core.types import Context, FloatArray

TIME = ("hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "weekend", "season_sin", "season_cos")
WHO = ("user_known",)
WORDLESS = ("wordless", "wordless_known", "wordless_history", "like")
_THURSDAY = 3 * DAY  # 1970-01-01 was a Thursday: weeks begin on Monday
_WEEK, _YEAR = 7 * DAY, 365.2425 * DAY
LARGEST = 4.0  # a squashed value at most


def feature_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns of :func:`context_features`.

    >>> feature_names(["tokens"])[:2]
    ('constant', 'tokens')
    """
    return ("constant", *names, *TIME, *WHO, *WORDLESS)


def context_features(
    names: Sequence[str],
    signals: Mapping[str, float],
    context: Context,
    *,
    wordless: bool = False,
) -> FloatArray:
    """Return (d,) float32: a constant 1, the named signals, time and the user.

    A signal that is missing or no number is 0; those without a name here are ignored. Where there are no words all of
    these are 0 but the constant, and there are features of their own: who finds what somebody wants who says nothing
    tells nothing of who finds it by words. "More like this" does not share the constant either: a strategy that is good
    for all else may not know what goes with an entity.
    """
    known = float(context.user is not None)
    if wordless:
        constant, silent = float(context.like is None), len(names) + len(TIME) + len(WHO)
        values = [constant, *[0.0] * silent, *_wordless(context, known, signals)]
    else:
        asked = (squash(signals.get(name, 0.0)) for name in names)
        values = [1.0, *asked, *_time(context.time_ms), known, *[0.0] * len(WORDLESS)]
    return np.array(values, np.float32)


def _wordless(context: Context, known: float, signals: Mapping[str, float]) -> tuple[float, ...]:
    if context.like is not None:
        return 0.0, 0.0, 0.0, 1.0
    return 1.0, known, squash(signals.get("personal.history", 0.0)), 0.0


def squash(value: float) -> float:
    """Keep [-1, 1] as it is, and let the rest grow like a logarithm, to 4 at most; NaN is 0.

    >>> squash(0.5), round(squash(10.0), 2), squash(-1e9)
    (0.5, 3.3, -4.0)
    """
    size = abs(value)
    if size <= 1.0:
        return float(value)
    if size != size:
        return 0.0
    return float(np.copysign(min(1.0 + np.log(size), LARGEST), value))


def _time(moment: int) -> tuple[float, ...]:
    """Return hour, weekday and season as points on circles, and whether it is Saturday or Sunday (all UTC)."""
    into_week = (moment + _THURSDAY) % _WEEK
    day, week, year = (2.0 * np.pi * part for part in (moment % DAY / DAY, into_week / _WEEK, moment % _YEAR / _YEAR))
    circles = (np.sin(day), np.cos(day), np.sin(week), np.cos(week), into_week >= 5 * DAY, np.sin(year), np.cos(year))
    return tuple(map(float, circles))
