"""Depth blocks, and the best way to spend a budget on them.

Under independence of the strategies the log-chance of missing the wanted entity is a sum over blocks, so the best
allocation is a separable concave knapsack: fill by gain per candidate (noisy-or; Fox, Operations Research 1966).
"""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.types import DoubleArray, IntArray

EDGES = (0, 2, 5, 10, 20, 35, 50, 100, 200, 400, 800, 1600)


def edges_for(budget: int) -> IntArray:
    """Return the block edges 0, 2, 5, ... up to the budget.

    >>> edges_for(30).tolist()
    [0, 2, 5, 10, 20, 30]
    """
    edges = [edge for edge in EDGES if edge < budget]
    while edges[-1] * 2 < budget and len(edges) >= len(EDGES):
        edges.append(edges[-1] * 2)
    return np.array([*edges, budget], np.int32)


def allocate(chance: DoubleArray, edges: IntArray, budget: int, least: IntArray, most: IntArray) -> IntArray:
    """Return (s,) candidates per strategy that sum to the budget.

    chance      -- (s, b) in [0, 1): the hazard of every strategy and block
    least, most -- (s,) bounds on what a strategy may bring
    """
    strategies = len(chance)
    gain = -np.log1p(-np.clip(chance, 0.0, 1 - 1e-9))
    cost = np.diff(edges).astype(np.float64)
    steps: list[tuple[float, int, int, int]] = []  # (density, strategy, from depth, to depth)
    for arm in range(strategies):
        steps += [(density, arm, start, end) for density, start, end in _concave(gain[arm], cost, edges)]
    steps.sort(key=lambda step: (-step[0], step[2], step[1]))
    draws = np.minimum(least, budget).astype(np.int64)
    left = budget - int(draws.sum())
    for _, arm, _start, end in steps:
        room = max(min(end, int(most[arm])) - int(draws[arm]), 0)
        taken = min(room, left)
        draws[arm] += taken
        left -= taken
        if left == 0:
            break
    if left > 0:  # upper bounds leave room: the budget is spent all the same, evenly
        draws += np.array([left // strategies + (arm < left % strategies) for arm in range(strategies)])
    return draws.astype(np.int32)


def _concave(gain: DoubleArray, cost: DoubleArray, edges: IntArray) -> list[tuple[float, int, int]]:
    """Pool adjacent blocks until gain per candidate never rises with depth (pool-adjacent-violators)."""
    pools: list[list[float]] = []  # gain, cost, first block, last block
    for block, (g, c) in enumerate(zip(gain.tolist(), cost.tolist(), strict=True)):
        pools.append([g, c, block, block])
        while len(pools) > 1 and pools[-1][0] * pools[-2][1] > pools[-2][0] * pools[-1][1]:
            g2, c2, _, last = pools.pop()
            pools[-1] = [pools[-1][0] + g2, pools[-1][1] + c2, pools[-1][2], last]
    return [(g / c, int(edges[int(first)]), int(edges[int(last) + 1])) for g, c, first, last in pools]
