"""The few sentences that a report leads with, and what a ranker has shown on searches newer than its training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ltrr_cli.core.clock import DAY, iso
from ltrr_cli.evaluation.look_back import EVEN, POLICY, AnsweredSearch, LookBack
from ltrr_cli.ranking.trained import Ranker

if TYPE_CHECKING:
    from ltrr_cli.ranking.model import Model

MEASURE = "RR@10"
EQUAL = 0.0005  # below it two figures of three decimals are the same


def summary(past: LookBack, ranker: Model | None) -> tuple[str, ...]:
    """Return five sentences; one where nobody acted on a search yet."""
    days, actions = sorted(past.traffic.days), sum(past.traffic.kinds.values())
    span = f" from {iso(days[0] * DAY)[:10]} to {iso(days[-1] * DAY)[:10]}" if days else ""
    searches = sum(past.traffic.origin.values())
    begin = f"The journal holds {searches:,} searches and {actions:,} actions{span}."
    if not past.moments:
        return (f"{begin[:-1]}; no search was acted on yet, so nothing can be said of quality.",)
    served, fused = mean_of(past.moments, "served"), mean_of(past.moments, "fused")
    quality = (
        f"What was chosen stands on pages as they are served at a reciprocal rank of {served:.3f} (1 is the first "
        f"place), {against(served, fused)} plain rank fusion with {fused:.3f}."
    )
    policy, even = (float(np.mean([one.found[name] for one in past.moments])) for name in (POLICY, EVEN))
    allocation = f"The bandit's candidates hold {policy:.0%} of what was chosen, those of an even split {even:.0%}."
    known = float(np.mean([one.seen for one in past.moments]))
    memory = f"{known:.0%} of the searches looked at asked what had been asked and acted on before."
    return begin, quality, newer(past.moments, ranker), allocation, memory


def newer(moments: Sequence[AnsweredSearch], ranker: Model | None) -> str:
    """Say what the serving ranker does on searches that are newer than all it was trained on."""
    if ranker is None:
        return "No ranker serves yet: fusion orders the page (`ltrr train-ranker`)."
    until = ranker.trained_until_ms if isinstance(ranker, Ranker) else None
    if until is None:
        return "The ranker was trained without dates, so it may have seen the searches looked at."
    later = [one for one in moments if one.time_ms > until]
    trained = f"The ranker was trained on searches up to {iso(until)[:10]}"
    if not later:
        return f"{trained}; none looked at is newer, so how it orders what it has not seen is not known yet."
    served, without = mean_of(later, "served"), mean_of(later, "unranked")
    return (
        f"{trained}; on the {len(later):,} newer ones looked at it reaches {served:.3f}, {against(served, without)} "
        f"the same pages without it with {without:.3f}."
    )


def mean_of(moments: Sequence[AnsweredSearch], page: str) -> float:
    """Return the mean reciprocal rank of pages "served", "unranked" or "fused"."""
    return float(np.mean([getattr(one, page)[MEASURE] for one in moments]))


def against(one: float, other: float) -> str:
    """Say how a figure stands to another; higher is better.

    >>> against(0.5, 0.4), against(0.4, 0.5), against(0.4, 0.4001)
    ('better than', 'worse than', 'as good as')
    """
    if abs(one - other) < EQUAL:
        return "as good as"
    return "better than" if one > other else "worse than"
