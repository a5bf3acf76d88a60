"""What an allocation policy is: given a context it states a menu of allocations with odds; it never rolls dice.

``draw.py`` holds the one function that does. A policy that never samples cannot forget its propensities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class BanditContext:
    """The features that a policy may use; all of them are known before retrieval.

    strategies -- names of the strategies that are enabled, in a fixed order
    budget     -- K, distinct candidates wanted
    features   -- (d,) float32, finite, named by ``allocation.features``; the first is a constant 1
    past       -- (s, p) float32, what each strategy did for such queries, named by ``allocation.history.PAST``;
                  None: nothing is known of it
    lead       -- (s,) float32 >= 0, sums to 1: shares that are right where nobody clicked yet; None: not known
    time_ms    -- the moment of the question
    seed       -- for policies whose menu is itself sampled (posterior draws)
    absent     -- names of strategies that have no answer to this search: they get nothing, and are taught nothing
    explore    -- False: the menu is the one allocation the policy holds best, with odds 1
    """

    strategies: tuple[str, ...]
    budget: int
    features: FloatArray
    time_ms: int
    seed: int = 0
    explore: bool = True
    past: FloatArray | None = None
    lead: FloatArray | None = None
    absent: frozenset[str] = frozenset()

    def inputs(self) -> DoubleArray:
        """Return (s, d + p) float64: a line per strategy, the same features and its own past."""
        width = len(self.features)
        found = np.empty((len(self.strategies), width + (0 if self.past is None else self.past.shape[1])))
        found[:, :width] = self.features
        if self.past is not None:
            found[:, width:] = self.past
        return found


@dataclass(frozen=True, slots=True)
class Menu:
    """The allocations that may be drawn.

    draws -- (a, s) int32, candidates per strategy; every row sums to the budget
    odds  -- (a,) float64, > 0, sums to 1
    """

    draws: IntArray
    odds: DoubleArray


@dataclass(frozen=True, slots=True)
class BanditExample:
    """What the bandit learns from one rewarded entity.

    ranks  -- (s,) int32, its rank in every strategy, 0 where the strategy did not have it down to ``depths``
    depths -- (s,) int32, how deep each strategy was run (0: it did not run, so nothing is known of it)
    weight -- > 0, reward / (inclusion x examination), clipped by the policy
    reward -- -1..1
    context -- as of serving
    shapes -- (s, 3) float32, what each strategy's list looked like (``allocation.history.shape``); None: not known
    real   -- False: made up from the catalog, no person wanted it
    """

    bandit_context: BanditContext
    ranks: IntArray
    depths: IntArray
    weight: float
    reward: float = 1.0
    shapes: FloatArray | None = None
    real: bool = True


class Policy(Protocol):
    """Decides how many candidates each strategy contributes.

    name    -- the registry's name; ``str(policy)`` gives it with its options, in a form that parses back
    stem    -- of the files it keeps (``STEM.json``): policies that share a stem share what was learnt
    options -- option -> what it means; None: any name is an option
    """

    name: ClassVar[str]
    stem: ClassVar[str]
    options: ClassVar[Mapping[str, str] | None]

    def __init__(self, settings: AllocationSettings, features: Sequence[str] | None = None, **options: float) -> None:
        """Make one that has learnt nothing; raises UsageError for options out of range.

        features -- names of the columns of ``BanditContext.inputs()``; None: unnamed
        """
        ...

    def menu(self, bandit_context: BanditContext) -> Menu:
        """State the allocations and their odds; deterministic."""
        ...

    def learn(self, examples: Sequence[BanditExample]) -> None:
        """Take in examples, in (time, event id) order."""
        ...

    def start(self, examples: Sequence[BanditExample]) -> None:
        """Take in, at once, what is known before anybody acted; in no order, all of the same strategies."""
        ...

    def save(self, folder: Path) -> None:
        """Write the learned state (npz / json, never pickle)."""
        ...

    @classmethod
    def open(
        cls, folder: Path, settings: AllocationSettings, features: Sequence[str] | None = None, **options: float
    ) -> Self:
        """Read what ``save`` wrote; raises DamagedError where it does not fit."""
        ...


@runtime_checkable
class StartsLike(Protocol):
    """A policy that knows of each strategy apart, and so can start one that was never measured as another is now."""

    def start_like(self, likes: Mapping[str, str]) -> None:
        """Let strategies that were never met start as others are now; likes -- name -> whom it is like."""
        ...


def start_like(policy: object, likes: Mapping[str, str]) -> None:
    """Do so, where the policy can."""
    if isinstance(policy, StartsLike):
        policy.start_like(likes)
