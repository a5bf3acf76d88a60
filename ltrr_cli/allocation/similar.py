"""What happened in similar situations: the newest lessons, and an allocation that covers those most like the present.

A regression per strategy cannot see that two strategies find the same things: it learns how well each does alone. A
lesson can, for it holds the wanted entity's rank in every strategy, so that what any allocation would have found is
known exactly. Situations are alike where the hazard model expects the same of every strategy; so what matters is
learnt, not chosen. The model itself takes part as one lesson more, of a fixed weight: where nothing alike happened, it
decides.

Covering most is submodular, and taking what gains most per candidate is within 1 - 1/e of the best; Nemhauser, Wolsey &
Fisher, Mathematical Programming 1978.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from ltrr_cli.allocation.base import Lesson
from ltrr_cli.allocation.disk import MEND, read_header, read_tables, write_header
from ltrr_cli.allocation.regressions import HEAVIEST
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.errors import DamagedError
from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray

KEPT = 2_000  # newest lessons
NEAREST = 100  # of them decide
LIKENESS = 0.25  # root of the mean square by which expectations (log-odds) of two situations may differ
BELIEF = 10.0  # lessons' worth of what the model expects
SOFTNESS = 0.35  # of a rank, on a logarithmic scale: found at 10 would often have been found at 7 or 14
STRETCH = 1.3  # allocations are filled up with distinct candidates, so more of each list comes in than was given
_STEPS = (0, 1, 2, 3, 5, 8, 12, 17, 25, 35, 50, 75, 100, 150, 200)  # half as much again from there on
_NEVER = 1e-4


class _Header(msgspec.Struct, frozen=True):
    names: tuple[str, ...]
    count: int


class Similar:
    """A ring of lessons, over the strategies that were ever met.

    _expected -- (KEPT, s) log-odds that the model gave every strategy to find it, as of learning
    _ranks    -- (KEPT, s) where the wanted entity was found, 0 for not at all
    _weight, _time -- (KEPT,)
    """

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self._count = 0
        self._expected: DoubleArray = np.zeros((KEPT, 0))
        self._ranks: IntArray = np.zeros((KEPT, 0), np.int32)
        self._weight, self._time = np.zeros(KEPT), np.zeros(KEPT)

    def __len__(self) -> int:
        return min(self._count, KEPT)

    def learn(self, lesson: Lesson, edges: IntArray, hazard: DoubleArray) -> None:
        """Keep a lesson with what the model (edges (b+1,), hazards (s, b)) expected of its situation."""
        strategies = lesson.situation.strategies
        new = tuple(name for name in strategies if name not in self.names)
        if new:
            self.names += new
            room = ((0, 0), (0, len(new)))
            self._expected, self._ranks = np.pad(self._expected, room), np.pad(self._ranks, room)
        place, columns = self._count % KEPT, self._columns(strategies)
        self._expected[place], self._ranks[place] = 0.0, 0
        self._expected[place, columns] = expected(hazard)
        self._ranks[place, columns] = lesson.ranks
        self._weight[place] = min(lesson.weight * lesson.reward, HEAVIEST)
        self._time[place] = lesson.situation.time_ms
        self._count += 1

    def depths(
        self,
        strategies: tuple[str, ...],
        edges: IntArray,
        hazard: DoubleArray,
        budget: int,
        time_ms: int,
        half_life_days: float,
    ) -> IntArray:
        """Return (s,) candidates per strategy, not all 0, that sum to the budget at most.

        edges, hazard -- (b+1,), (s, b): what the model expects
        """
        steps, found = _table(budget)
        believed = _reached(edges, hazard, np.minimum(STRETCH * steps, edges[-1]))  # (s, e)
        rows, weight = self._alike(strategies, expected(hazard), time_ms, half_life_days)
        ranks = np.minimum(self._ranks[rows[:, None], self._columns(strategies)[None]], len(found) - 1)
        chance = np.concatenate([believed[None], found[ranks]])  # (n + 1, s, e)
        draws = _cover(chance, np.concatenate([[BELIEF], weight]), steps, budget)
        return draws if draws.any() else np.ones_like(draws)

    def _alike(
        self, strategies: tuple[str, ...], wanted: DoubleArray, time_ms: int, half_life_days: float
    ) -> tuple[IntArray, DoubleArray]:
        """Return (rows (n,), weights (n,)) of the nearest lessons, ascending by row."""
        size = len(self)
        apart = self._expected[:size, self._columns(strategies)] - wanted
        distance = np.einsum("ns,ns->n", apart, apart) / (2.0 * LIKENESS**2 * len(strategies))
        age = np.maximum(time_ms - self._time[:size], 0.0) / (half_life_days * DAY)
        weight = self._weight[:size] * np.exp(-distance - np.log(2.0) * age)
        if size <= NEAREST:
            return np.arange(size, dtype=np.int32), weight
        rows = np.sort(np.argpartition(weight, size - NEAREST)[size - NEAREST :]).astype(np.int32)
        return rows, weight[rows]

    def knows(self, strategies: tuple[str, ...]) -> bool:
        """Say whether there is any lesson about all of these."""
        return self._count > 0 and set(strategies) <= set(self.names)

    def _columns(self, strategies: tuple[str, ...]) -> IntArray:
        return np.array([self.names.index(name) for name in strategies], np.int32)

    def save(self, folder: Path) -> None:
        """Write ``similar.json`` and ``similar.npz``."""
        size = len(self)
        write_header(folder / "similar.json", _Header(self.names, self._count))
        np.savez(
            folder / "similar.npz",
            expected=self._expected[:size],
            ranks=self._ranks[:size].astype(np.float64),
            moments=np.stack([self._weight[:size], self._time[:size]]),
        )

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what ``save`` wrote, nothing where it wrote nothing; raises DamagedError."""
        similar = cls()
        if not (folder / "similar.json").exists():
            return similar
        header = read_header(folder / "similar.json", _Header)
        arrays = read_tables(folder / "similar.npz", expected=2, ranks=2, moments=2)
        size, wide = min(header.count, KEPT), len(header.names)
        shapes = {"expected": (size, wide), "ranks": (size, wide), "moments": (2, size)}
        if header.count < 0 or any(arrays[name].shape != shape for name, shape in shapes.items()):
            raise DamagedError(f"{folder}: the parts of what was similar do not fit together", hint=MEND)
        similar.names, similar._count = header.names, header.count
        similar._expected, similar._ranks = np.zeros((KEPT, wide)), np.zeros((KEPT, wide), np.int32)
        similar._expected[:size], similar._ranks[:size] = arrays["expected"], np.maximum(arrays["ranks"], 0)
        similar._weight[:size], similar._time[:size] = arrays["moments"]
        return similar


def expected(hazard: DoubleArray) -> DoubleArray:
    """Return (s,) log-odds of finding it at all, from hazards (s, b); within -9.2..9.2.

    >>> expected(np.array([[0.5, 0.0], [0.5, 0.5]])).round(2).tolist()
    [0.0, 1.1]
    """
    missed = np.clip(np.prod(1.0 - hazard, axis=1), _NEVER, 1.0 - _NEVER)
    odds: DoubleArray = np.log1p(-missed) - np.log(missed)
    return odds


def _reached(edges: IntArray, hazard: DoubleArray, steps: DoubleArray) -> FloatArray:
    """Return (s, e): the chance to have found it at every step; the hazard is even inside a block."""
    missed = np.zeros((len(hazard), len(edges)))
    np.cumsum(np.log1p(-np.minimum(hazard, 1.0 - 1e-9)), axis=1, out=missed[:, 1:])
    block = np.clip(np.searchsorted(edges, steps, "left") - 1, 0, len(edges) - 2)
    part = (steps - edges[block]) / (edges[block + 1] - edges[block])
    line = missed[:, block] + part * (missed[:, block + 1] - missed[:, block])
    return (1.0 - np.exp(line)).astype(np.float32)


@lru_cache(maxsize=16)
def _table(budget: int) -> tuple[IntArray, FloatArray]:
    """Return (steps (e,), found (r, e)): depths that are tried, and the chance that each reaches rank r."""
    steps = list(_STEPS)
    while steps[-1] < budget:
        steps.append(steps[-1] * 3 // 2)
    tried = np.unique(np.minimum(steps, budget)).astype(np.int32)
    ranks = np.arange(1, 8 * budget + 2)
    far = (np.log(STRETCH * tried + 0.5)[None] - np.log(ranks)[:, None]) / SOFTNESS
    found = np.zeros((len(ranks) + 1, len(tried)), np.float32)
    found[1:] = np.where(tried > 0, 0.5 * (1.0 + np.tanh(0.5 * far)), 0.0)
    return tried, found


def _cover(chance: FloatArray, weight: DoubleArray, steps: IntArray, budget: float) -> IntArray:
    """Return (s,) depths that cover most of the weight: what gains most per candidate first, ties to the first.

    chance -- (n, s, e): of each lesson, the chance that a strategy taken to a step has it; budget -- candidates
    """
    lessons, strategies, deepest = chance.shape
    rest = chance.copy()  # each strategy's chance over the odds that it misses as it stands
    flat = rest.reshape(lessons, strategies * deepest)
    heavy = weight.astype(np.float32)  # times the odds that nobody has it yet
    missed = np.ones((lessons, strategies), np.float32)
    at, every, left = np.zeros(strategies, np.int64), np.arange(strategies), budget
    costs, inverses = _costs(steps.tobytes())
    cost, inverse = np.tile(costs[0], (strategies, 1)), np.tile(inverses[0], (strategies, 1))
    while True:
        inverse[cost > left] = 0.0
        covered = (heavy @ flat).reshape(strategies, deepest)
        worth = (covered - covered[every, at][:, None]) * inverse
        best = int(worth.argmax())
        if worth.flat[best] <= 0.0:
            break
        arm, step = divmod(best, deepest)
        left -= float(cost[arm, step])
        at[arm] = step
        now = np.maximum(1.0 - chance[:, arm, step], _NEVER)
        ratio = now / missed[:, arm]
        missed[:, arm] = now
        heavy *= ratio
        rest[:, arm] /= ratio[:, None]
        cost[arm], inverse[arm] = costs[step], inverses[step]
    return steps[at]


@lru_cache(maxsize=16)
def _costs(steps: bytes) -> tuple[FloatArray, FloatArray]:
    """Return (cost (e, e), 1 / cost) from each step to each; 1 / cost is 0 for those that lie behind."""
    depth = np.frombuffer(steps, np.int32).astype(np.float32)
    cost = depth[None] - depth[:, None]
    return cost, np.where(cost > 0, 1.0 / np.maximum(cost, 1.0), 0.0).astype(np.float32)
