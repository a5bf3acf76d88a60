"""What happened in similar contexts: the newest examples, and an allocation that covers those most like the present.

A regression per strategy cannot see that two strategies find the same things: it learns how well each does alone. A
example can, for it holds the wanted entity's rank in every strategy, so that what any allocation would have found is
known exactly. Situations are alike where the hazard model expects the same of every strategy; so what matters is
learnt, not chosen. The model itself takes part as one example more, of a fixed weight: where nothing alike happened, it
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

from ltrr_cli.allocation.models.regressions import HEAVIEST
from ltrr_cli.allocation.models.stored import MEND, read_header, read_tables, write_header
from ltrr_cli.allocation.policy import BanditExample
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.errors import DamagedError
from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray

KEPT = 2_000  # newest examples
NEAREST = 100  # of them decide
LIKENESS = 0.25  # root of the mean square by which expectations (log-odds) of two contexts may differ
BELIEF = 10.0  # examples' worth of what the model expects
SOFTNESS = 0.35  # of a rank, on a logarithmic scale: found at 10 would often have been found at 7 or 14
STRETCH = 1.3  # allocations are filled up with distinct candidates, so more of each list comes in than was given
_STEPS = (0, 2, 4, 7, 11, 16, 23, 33, 50)  # half as much again from there on; finer ones would follow the noise
_NEVER = 1e-4


class _Header(msgspec.Struct, frozen=True):
    names: tuple[str, ...]
    count: int


class SimilarExamples:
    """A ring of examples, over the strategies that were ever met.

    A line per strategy, so that what is asked of one strategy lies together.

    _expected -- (s, KEPT) log-odds that the model gave every strategy to find it, as of learning
    _ranks    -- (s, KEPT) where the wanted entity was found, 0 for not at all
    _weight, _time -- (KEPT,)
    """

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self._count = 0
        self._expected: FloatArray = np.zeros((0, KEPT), np.float32)
        self._ranks: IntArray = np.zeros((0, KEPT), np.int32)
        self._weight, self._time = np.zeros(KEPT), np.zeros(KEPT)

    def __len__(self) -> int:
        return min(self._count, KEPT)

    def learn(self, example: BanditExample, edges: IntArray, hazard: DoubleArray) -> None:
        """Keep an example with what the model (edges (b+1,), hazards (s, b)) expected of its context."""
        strategies = example.bandit_context.strategies
        new = tuple(name for name in strategies if name not in self.names)
        if new:
            self.names += new
            room = ((0, len(new)), (0, 0))
            self._expected, self._ranks = np.pad(self._expected, room), np.pad(self._ranks, room)
        place, lines = self._count % KEPT, self._lines(strategies)
        self._expected[:, place], self._ranks[:, place] = 0.0, 0
        self._expected[lines, place] = expected(hazard)
        self._ranks[lines, place] = example.ranks
        self._weight[place] = min(example.weight * example.reward, HEAVIEST)
        self._time[place] = example.bandit_context.time_ms
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
        rows, weight = self._alike(strategies, expected(hazard), time_ms, half_life_days)
        ranks = np.minimum(self._ranks[self._lines(strategies)].take(rows, axis=1), found.shape[1] - 1)  # (s, n)
        chance = np.empty((len(strategies), len(steps), len(rows) + 1), np.float32)
        chance[:, :, :-1] = found.take(ranks, axis=1).transpose(1, 0, 2)
        chance[:, :, -1] = _reached(edges, hazard, steps)  # what the model believes
        draws = _cover(chance, np.append(weight, BELIEF), steps, budget)
        return draws if draws.any() else np.ones_like(draws)

    def _alike(
        self, strategies: tuple[str, ...], wanted: DoubleArray, time_ms: int, half_life_days: float
    ) -> tuple[IntArray, DoubleArray]:
        """Return (rows (n,), weights (n,)) of the nearest examples, ascending by row."""
        size = len(self)
        apart = self._expected[self._lines(strategies), :size] - wanted[:, None].astype(np.float32)
        apart *= apart
        distance = apart.sum(axis=0) / (2.0 * LIKENESS**2 * len(strategies))
        moments = self._time[:size]
        age = np.where(moments > 0, np.maximum(time_ms - moments, 0.0), 0.0) / (half_life_days * DAY)
        weight = self._weight[:size] * np.exp(-distance - np.log(2.0) * age)
        if size <= NEAREST:
            return np.arange(size, dtype=np.int32), weight
        rows = np.sort(np.argpartition(weight, size - NEAREST)[size - NEAREST :]).astype(np.int32)
        return rows, weight[rows]

    def knows(self, strategies: tuple[str, ...]) -> bool:
        """Say whether there is any example about all of these."""
        return self._count > 0 and set(strategies) <= set(self.names)

    def _lines(self, strategies: tuple[str, ...]) -> slice | IntArray:
        """Return where known names are; a slice where that spares a copy."""
        if strategies == self.names:
            return slice(None)
        return np.array([self.names.index(name) for name in strategies], np.int32)

    def save(self, folder: Path) -> None:
        """Write ``similar.json`` and ``similar.npz``."""
        size = len(self)
        write_header(folder / "similar.json", _Header(self.names, self._count))
        np.savez(
            folder / "similar.npz",
            expected=self._expected[:, :size].T.astype(np.float64),
            ranks=self._ranks[:, :size].T.astype(np.float64),
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
        similar._expected, similar._ranks = np.zeros((wide, KEPT), np.float32), np.zeros((wide, KEPT), np.int32)
        similar._expected[:, :size], similar._ranks[:, :size] = arrays["expected"].T, np.maximum(arrays["ranks"].T, 0)
        similar._weight[:size], similar._time[:size] = arrays["moments"]
        return similar


def expected(hazard: DoubleArray) -> DoubleArray:
    """Return (s,) log-odds of finding it at all, from hazards (s, b); within -9.2..9.2.

    >>> expected(np.array([[0.5, 0.0], [0.5, 0.5]])).round(2).tolist()
    [0.0, 1.1]
    """
    missed = np.minimum(np.maximum(np.prod(1.0 - hazard, axis=1), _NEVER), 1.0 - _NEVER)
    odds: DoubleArray = np.log1p(-missed) - np.log(missed)
    return odds


def _reached(edges: IntArray, hazard: DoubleArray, steps: IntArray) -> DoubleArray:
    """Return (s, e): the chance to have found it at every step; the hazard is even inside a block."""
    missed = np.log1p(-np.minimum(hazard, 1.0 - 1e-9)) @ _blocks(edges.tobytes(), steps.tobytes())
    return 1.0 - np.exp(missed)


@lru_cache(maxsize=16)
def _blocks(edges: bytes, steps: bytes) -> DoubleArray:
    """Return (b, e): the share of every block that lies before a step."""
    edge, depth = np.frombuffer(edges, np.int32)[:, None], STRETCH * np.frombuffer(steps, np.int32)[None]
    part: DoubleArray = np.clip((depth - edge[:-1]) / np.diff(edge, axis=0), 0.0, 1.0)
    return part


@lru_cache(maxsize=16)
def _table(budget: int) -> tuple[IntArray, FloatArray]:
    """Return (steps (e,), found (e, r)): depths that are tried, and the chance that each reaches rank r."""
    steps = list(_STEPS)
    while steps[-1] < budget:
        steps.append(steps[-1] * 3 // 2)
    tried = np.unique(np.minimum(steps, budget)).astype(np.int32)
    ranks = np.arange(1, 8 * budget + 2)
    far = (np.log(STRETCH * tried + 0.5)[:, None] - np.log(ranks)[None]) / SOFTNESS
    found = np.zeros((len(tried), len(ranks) + 1), np.float32)
    found[:, 1:] = np.where(tried[:, None] > 0, 0.5 * (1.0 + np.tanh(0.5 * far)), 0.0)
    return tried, found


@np.errstate(invalid="ignore")  # all is finite; what a BLAS kernel reads past the end of a vector need not be
def _cover(chance: FloatArray, weight: DoubleArray, steps: IntArray, budget: int) -> IntArray:
    """Return (s,) depths that cover most of the weight: what gains most per candidate first, ties to the first.

    chance -- (s, e, n): of each example, the chance that a strategy taken to a step has it; budget -- candidates
    """
    strategies, deepest, examples = chance.shape
    more = chance.copy()  # the chance that a deeper step has what its strategy misses as it stands
    flat = more.reshape(strategies * deepest, examples)
    heavy = weight.astype(np.float32)  # times the odds that nobody has it yet
    missed = np.ones((strategies, examples), np.float32)
    costs, inverses = _costs(steps.tobytes())
    at, left, inverse = [0] * strategies, float(budget), np.repeat(inverses[:1], strategies, axis=0)
    worth = np.empty((strategies, deepest), np.float32)
    line = worth.reshape(-1)
    while True:
        np.dot(flat, heavy, out=line)
        worth *= inverse
        best = int(line.argmax())
        if line[best] <= 0.0:
            return steps[at]
        arm, step = divmod(best, deepest)
        if costs[at[arm], step] > left:
            inverse[costs[at] > left] = 0.0
            continue
        left -= float(costs[at[arm], step])
        at[arm] = step
        had = chance[arm, step]
        misses = np.maximum(1.0 - had, _NEVER)
        heavy *= misses / missed[arm]
        missed[arm] = misses
        deeper = more[arm, step + 1 :]
        np.subtract(chance[arm, step + 1 :], had, out=deeper)
        deeper /= misses
        inverse[arm] = inverses[step]


@lru_cache(maxsize=16)
def _costs(steps: bytes) -> tuple[FloatArray, FloatArray]:
    """Return (cost (e, e), 1 / cost) from each step to each; 1 / cost is 0 for those that lie behind."""
    depth = np.frombuffer(steps, np.int32).astype(np.float32)
    cost = depth[None] - depth[:, None]
    return cost, np.where(cost > 0, 1.0 / np.maximum(cost, 1.0), 0.0).astype(np.float32)
