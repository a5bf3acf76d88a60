"""The default policy: a discrete-time hazard per strategy and depth block, and a knapsack over it.

``h_ab(x) = P(the wanted entity is in block b of strategy a | context x, not in a's earlier blocks)``, one Bayesian
logistic regression each, updated by a Laplace (extended Kalman) step per block that a click speaks of. One click
teaches every strategy that ran: its block says yes, the blocks before it no, deeper ones say nothing.

Exploration is marginal: a share of the budget goes to one strategy drawn uniformly, on top of its greedy depth, so the
menu has one allocation per strategy and every propensity is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import msgspec
import numpy as np

from ltrr_cli.allocation.base import Lesson, Menu, Situation
from ltrr_cli.allocation.knapsack import allocate, edges_for
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import DamagedError
from ltrr_cli.core.types import DoubleArray, IntArray
from ltrr_cli.storage.arrays import read_arrays

PRIOR_PER_5 = 0.04  # prior chance that the first five of a strategy hold what is wanted; it falls as 1 / depth
HEAVIEST = 30.0  # weight of a lesson at most: inverse propensities are heavy-tailed
DEEPEST = 1600  # last edge of the blocks kept in the model
_EDGES = edges_for(DEEPEST)
_BLOCKS = len(_EDGES) - 1


class _Header(msgspec.Struct, frozen=True):
    strategies: tuple[str, ...]
    width: int
    time_ms: int | None


class Hazard:
    """See the module."""

    name: ClassVar[str] = "hazard"

    def __init__(self, settings: AllocationSettings | None = None) -> None:
        self._settings = settings or AllocationSettings()
        self._strategies: tuple[str, ...] = ()
        self._width = 0
        self._time_ms: int | None = None
        self._mean: DoubleArray = np.empty((0, _BLOCKS, 0))
        self._covariance: DoubleArray = np.empty((0, _BLOCKS, 0, 0))

    def __str__(self) -> str:
        return f"hazard(exploration={self._settings.exploration:g})"

    # ------------------------------------------------------------ deciding

    def menu(self, situation: Situation) -> Menu:
        """Return one allocation per enabled strategy (equal ones merged), or the greedy one without exploration."""
        arms, budget = self._arms(situation), situation.budget
        edges, chance = self.chances(situation)
        count = len(arms)
        least, most = self._bounds(situation)
        share = self._settings.exploration if situation.explore else 0.0
        extra = int(np.ceil(share * budget)) if count > 1 else 0
        greedy = allocate(chance, edges, budget - extra, least, most)
        if extra == 0:
            return Menu(greedy[None], np.ones(1))
        draws = greedy + extra * np.eye(count, dtype=np.int32)
        distinct, inverse = np.unique(draws, axis=0, return_inverse=True)
        odds = np.bincount(inverse.ravel(), minlength=len(distinct)) / count
        return Menu(distinct.astype(np.int32), odds)

    def chances(self, situation: Situation) -> tuple[IntArray, DoubleArray]:
        """Return (edges (b+1,), hazards (s, b) in 0..1): what the policy believes of this situation."""
        arms = self._arms(situation)
        edges = edges_for(situation.budget)
        blocks = np.searchsorted(_EDGES, edges[:-1], side="right") - 1
        x = situation.features.astype(np.float64)
        logit = self._mean[arms][:, np.minimum(blocks, _BLOCKS - 1)] @ x
        # a budget that ends inside a block sees only a part of the block's chance
        part = np.diff(edges) / np.diff(_EDGES)[np.minimum(blocks, _BLOCKS - 1)]
        return edges, (1.0 / (1.0 + np.exp(-logit))) * np.minimum(part, 1.0)

    def _bounds(self, situation: Situation) -> tuple[IntArray, IntArray]:
        budget, settings = situation.budget, self._settings
        least = [int(settings.minimum.get(name, 0.0) * budget) for name in situation.strategies]
        most = [int(np.ceil(settings.maximum.get(name, 1.0) * budget)) for name in situation.strategies]
        return np.array(least, np.int32), np.array(most, np.int32)

    # ------------------------------------------------------------ learning

    def learn(self, lessons: Sequence[Lesson]) -> None:
        """Take one step per lesson; evidence against an entity says nothing about who may find others."""
        if self._settings.freeze:
            return
        for lesson in lessons:
            if lesson.reward > 0:
                arms = self._arms(lesson.situation)
                self._forget(lesson.situation.time_ms)
                self._step(lesson, arms)

    def _step(self, lesson: Lesson, arms: IntArray) -> None:
        start, end = _EDGES[:-1][None], _EDGES[1:][None]
        rank, depth = lesson.ranks[:, None], lesson.depths[:, None]
        found = (rank > start) & (rank <= end)
        before = np.where(rank > 0, rank > end, depth >= end)
        arm, block = np.nonzero(found | before)
        if not len(arm):
            return
        said = found[arm, block].astype(np.float64)
        x = lesson.situation.features.astype(np.float64)
        weight = min(lesson.weight * lesson.reward, HEAVIEST)
        at = (arms[arm], block)
        mean, covariance = self._mean[at], self._covariance[at]
        chance = 1.0 / (1.0 + np.exp(-(mean @ x)))
        slope = weight * chance * (1.0 - chance)
        gain = covariance @ x  # (m, d)
        scale = 1.0 / (1.0 + slope * (gain @ x))
        self._mean[at] = mean + (weight * (said - chance) * scale)[:, None] * gain
        self._covariance[at] = covariance - (slope * scale)[:, None, None] * gain[:, :, None] * gain[:, None, :]

    def _forget(self, time_ms: int) -> None:
        """Let certainty halve in a half-life: covariances grow, never above the prior's trace."""
        last, self._time_ms = self._time_ms, max(time_ms, self._time_ms or time_ms)
        elapsed = 0 if last is None else max(time_ms - last, 0)
        if elapsed < DAY / 24 and last is not None:  # too short to matter: wait until it adds up
            self._time_ms = last
            return
        growth = 2.0 ** (elapsed / (self._settings.half_life_days * DAY))
        trace = np.trace(self._covariance, axis1=2, axis2=3)
        self._covariance *= np.minimum(growth, np.maximum(self._width / np.maximum(trace, 1e-9), 1.0))[..., None, None]

    def _arms(self, situation: Situation) -> IntArray:
        """Return the model's index of every strategy; new ones, and a first feature vector, start at the prior."""
        width = len(situation.features)
        if width != self._width:
            self._strategies, self._width = (), width
            self._mean, self._covariance = np.empty((0, _BLOCKS, width)), np.empty((0, _BLOCKS, width, width))
        new = [name for name in situation.strategies if name not in self._strategies]
        if new:
            prior = np.clip(PRIOR_PER_5 * np.diff(_EDGES) / (_EDGES[:-1] + 5.0), 1e-4, 0.5)
            mean = np.zeros((len(new), _BLOCKS, width))
            mean[:, :, 0] = np.log(prior / (1.0 - prior))
            self._mean = np.concatenate([self._mean, mean])
            identity = np.broadcast_to(np.eye(width), (len(new), _BLOCKS, width, width))
            self._covariance = np.concatenate([self._covariance, identity])
            self._strategies += tuple(new)
        return np.array([self._strategies.index(name) for name in situation.strategies], np.int32)

    # ------------------------------------------------------------ disk

    def save(self, folder: Path) -> None:
        """Write means and covariances."""
        header = _Header(self._strategies, self._width, self._time_ms)
        (folder / "hazard.json").write_bytes(msgspec.json.encode(header))
        np.savez(folder / "hazard.npz", mean=self._mean, covariance=self._covariance)

    @classmethod
    def open(cls, folder: Path, settings: AllocationSettings | None = None) -> Self:
        """Read what ``save`` wrote; raises DamagedError."""
        policy = cls(settings)
        try:
            header = msgspec.json.decode((folder / "hazard.json").read_bytes(), type=_Header)
            arrays = read_arrays(folder / "hazard.npz", "ltrr ingest-feedback")
            mean, covariance = arrays["mean"], arrays["covariance"]
        except (OSError, KeyError, msgspec.MsgspecError) as error:
            raise DamagedError(f"{folder}: not a hazard policy: {error}", hint="ltrr ingest-feedback") from None
        shape = (len(header.strategies), _BLOCKS, header.width)
        if mean.shape != shape or covariance.shape != (*shape, header.width):
            raise DamagedError(f"{folder}: a hazard policy of another shape", hint="ltrr ingest-feedback")
        policy._strategies, policy._width, policy._time_ms = header.strategies, header.width, header.time_ms
        policy._mean, policy._covariance = mean, covariance
        return policy
