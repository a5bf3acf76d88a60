"""Depth blocks, and the best way to spend a budget on them.

Under independence of the strategies the log-chance of missing the wanted entity is a sum over blocks, so the best
allocation is a separable concave knapsack: fill by gain per candidate (noisy-or; Fox, Operations Research 1966).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ltrr_cli.core.types import DoubleArray, IntArray

EDGES = (0, 2, 5, 10, 20, 35, 50, 100, 200)  # doubling from there on


def block_edges(deepest: int) -> IntArray:
    """Return the block edges 0, 2, 5, ... up to the first that reaches ``deepest``.

    >>> block_edges(30).tolist()
    [0, 2, 5, 10, 20, 35]
    >>> block_edges(500)[-3:].tolist()
    [200, 400, 800]
    """
    edges = list(EDGES)
    while edges[-1] < deepest:
        edges.append(edges[-1] * 2)
    return np.array(edges[: 1 + max(1, next(place for place, edge in enumerate(edges) if edge >= deepest))], np.int32)


def edges_for(budget: int) -> IntArray:
    """Return the block edges 0, 2, 5, ... cut at the budget.

    >>> edges_for(30).tolist()
    [0, 2, 5, 10, 20, 30]
    """
    return np.minimum(block_edges(budget), budget)


def allocate(chance: DoubleArray, edges: IntArray, budget: int, least: IntArray, most: IntArray) -> IntArray:
    """Return (s,) candidates per strategy that sum to the budget.

    chance      -- (s, b) in [0, 1]: the hazard of every strategy and block
    edges       -- (b+1,), the last at the budget
    least, most -- (s,) bounds on what a strategy may bring, with sum(least) <= budget <= sum(most)
    """
    gain = -np.log1p(-np.clip(chance, 0.0, 1.0 - 1e-9))
    return fill(slopes(gain, edges), edges, budget, least, most)


def slopes(gain: DoubleArray, edges: IntArray) -> DoubleArray:
    """Return (s, b) gain per candidate after pooling adjacent blocks until it never rises with depth.

    What pool-adjacent-violators arrives at, by its min-max formula (Barlow et al. 1972), for all strategies at once:
    the slope of block b is the least, over starts at or before b, of the greatest mean gain up to an end after b.

    >>> slopes(np.array([[1.0, 3.0, 1.0]]), np.array([0, 1, 2, 3])).tolist()
    [[2.0, 2.0, 1.0]]
    """
    total = np.zeros((len(gain), len(edges)))
    np.cumsum(gain, axis=1, out=total[:, 1:])
    width = (edges[None, 1:] - edges[:-1, None]).astype(np.float64)  # (start, end)
    rise = total[:, None, 1:] - total[:, :-1, None]  # (s, start, end)
    mean = np.where(width > 0, rise / np.where(width > 0, width, 1.0), -np.inf)
    greatest = np.maximum.accumulate(mean[:, :, ::-1], axis=2)[:, :, ::-1]
    least = np.minimum.accumulate(greatest, axis=1)
    pooled: DoubleArray = np.diagonal(least, axis1=1, axis2=2)
    return pooled


def fill(slope: DoubleArray, edges: IntArray, budget: int, least: IntArray, most: IntArray) -> IntArray:
    """Return (s,) draws: ``least`` first, then blocks by slope; ties go to the shallower, then to the first strategy.

    Bounds as for :func:`allocate`; slope never rises along a row.
    """
    start = np.maximum(edges[None, :-1], least[:, None])
    room = np.maximum(np.minimum(edges[None, 1:], most[:, None]) - start, 0)  # (s, b)
    strategies, blocks = slope.shape
    depth = np.broadcast_to(np.arange(blocks), slope.shape)
    order = np.lexsort((depth.ravel(), -slope.ravel()))  # stable: equal ones stay in the order of strategies
    offered = room.ravel()[order]
    spent_before = np.cumsum(offered) - offered
    taken = np.clip(budget - int(least.sum()) - spent_before, 0, offered)
    added = np.bincount(order // blocks, weights=taken, minlength=strategies)
    return (least + added).astype(np.int32)


def apportioned(shares: np.ndarray[Any, Any], total: int) -> IntArray:
    """Round shares (s,), not all 0, to whole numbers that sum to ``total`` (largest remainder, ties to the first).

    >>> apportioned(np.array([1.0, 1.0, 1.0]), 200).tolist()
    [67, 67, 66]
    """
    exact = shares / shares.sum() * total
    whole: IntArray = np.floor(exact).astype(np.int32)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole
