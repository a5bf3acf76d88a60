"""What the settings allow: the least and the most that each strategy may bring, whatever a policy believes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ltrr_cli.allocation.knapsack import apportioned
from ltrr_cli.allocation.policy import BanditContext
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import IntArray


@dataclass(frozen=True, slots=True)
class Bounds:
    """Candidates per strategy: (s,) int32 each, sum(least) <= budget <= sum(most), least <= most."""

    least: IntArray
    most: IntArray


def checked(settings: AllocationSettings) -> AllocationSettings:
    """Return the settings; raises DataError where the guardrails or shares contradict themselves."""
    if not 0.0 <= settings.exploration < 1.0:
        raise DataError(f"allocation.exploration is {settings.exploration:g}", hint="it lies between 0 and 1")
    if not settings.half_life_days > 0.0:
        raise DataError(f"allocation.half_life_days is {settings.half_life_days:g}", hint="it is above 0")
    for table, shares in (("minimum", settings.minimum), ("maximum", settings.maximum)):
        for name, share in shares.items():
            if not 0.0 <= share <= 1.0:
                raise DataError(f"allocation.{table}.{name} is {share:g}", hint="a share lies between 0 and 1")
    if (whole := sum(settings.minimum.values())) > 1.0 + 1e-9:
        raise DataError(f"allocation.minimum adds up to {whole:g}", hint="the minimum shares add up to 1 at most")
    for name in sorted(set(settings.minimum) & set(settings.maximum)):
        if settings.minimum[name] > settings.maximum[name]:
            raise DataError(f"allocation: the minimum of {name} is above its maximum", hint="see ltrr.toml")
    return settings


def bounds(settings: AllocationSettings, bandit_context: BanditContext) -> Bounds:
    """Return the bounds in candidates; a minimum is rounded down, a maximum up.

    Where the maxima of the enabled strategies do not add up to the budget they are widened in proportion: a search
    that brings too few candidates serves nobody.
    """
    budget, count = bandit_context.budget, len(bandit_context.strategies)
    if not settings.minimum and not settings.maximum and not bandit_context.absent:
        return Bounds(np.zeros(count, np.int32), np.full(count, budget, np.int32))
    floor = np.array([settings.minimum.get(name, 0.0) for name in bandit_context.strategies]) * budget
    ceiling = np.array([settings.maximum.get(name, 1.0) for name in bandit_context.strategies]) * budget
    away = np.array([name in bandit_context.absent for name in bandit_context.strategies], np.bool_)
    if not away.all():
        floor, ceiling = np.where(away, 0.0, floor), np.where(away, 0.0, ceiling)
    least = np.floor(floor + 1e-9).astype(np.int32)
    most = np.maximum(np.ceil(ceiling - 1e-9).astype(np.int32), least)
    if int(most.sum()) < budget:
        most = np.maximum(most, apportioned(np.maximum(ceiling, 1e-9), budget))
    return Bounds(least, most)


def within(draws: IntArray, bound: Bounds, budget: int) -> IntArray:
    """Return the allocation (s,) moved into its bounds, still summing to the budget.

    What is cut off goes to the others in proportion to what they have, what is missing comes from them likewise.
    """
    inside = np.minimum(np.maximum(draws, bound.least), bound.most)
    while (left := budget - int(inside.sum())) != 0:
        room = bound.most - inside if left > 0 else inside - bound.least
        share = np.where(room > 0, np.maximum(inside, 1e-6), 0.0)
        step = np.minimum(apportioned(share, abs(left)), room)
        inside = inside + step if left > 0 else inside - step
    return inside.astype(np.int32)
