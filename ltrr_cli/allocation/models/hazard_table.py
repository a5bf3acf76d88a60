"""What a hazard policy believes of one context, as a table for people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ltrr_cli.allocation.models.hazard_model import HazardModel
from ltrr_cli.allocation.policy import BanditContext


@dataclass(frozen=True, slots=True)
class Belief:
    """What the bandit expects of one strategy.

    edges    -- (b+1,) depths between which the chances stand; the last is the budget
    chances  -- (b,) the chance that the wanted entity is in this block (they sum to ``found``)
    found    -- 0..1, the chance that the strategy finds it within the budget
    because  -- (feature, log-odds) of the largest contributions, largest first; for it above 0, against it below
    """

    strategy: str
    edges: tuple[int, ...]
    chances: tuple[float, ...]
    found: float
    because: tuple[tuple[str, float], ...] = ()


def table(model: HazardModel, bandit_context: BanditContext, largest: int) -> tuple[Belief, ...]:
    """Return a line per strategy, in the context's order."""
    edges, hazard = model.chances(bandit_context)
    cut = np.minimum(edges, bandit_context.budget)
    hazard = 1.0 - (1.0 - hazard) ** (np.diff(cut) / np.diff(edges))
    reached = np.cumprod(np.concatenate([np.ones((len(hazard), 1)), 1.0 - hazard[:, :-1]], axis=1), axis=1)
    chance = reached * hazard  # (s, b)
    share = chance / np.maximum(chance.sum(axis=1, keepdims=True), 1e-12)
    said = np.einsum("sb,sbd->sd", share, model.contributions(bandit_context))
    names = model.features or tuple(map(str, range(len(bandit_context.features))))
    lines = []
    for place, strategy in enumerate(bandit_context.strategies):
        order = [at for at in np.argsort(-np.abs(said[place]), kind="stable").tolist() if said[place, at]]
        because = tuple((names[at], float(said[place, at])) for at in order[:largest])
        chances = tuple(chance[place].tolist())
        lines.append(Belief(strategy, tuple(cut.tolist()), chances, float(sum(chances)), because))
    return tuple(lines)
