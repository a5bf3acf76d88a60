"""What the hazard policies know: one Bayesian logistic regression per strategy and depth block.

``h_ab(x) = P(the wanted entity is in block b of strategy a | context x, not in a's earlier blocks)``. One click teaches
every strategy that ran: its block says yes, the blocks before it no, deeper ones say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ltrr_cli.allocation.knapsack import block_edges
from ltrr_cli.allocation.models.laplace import fit, posterior, sigmoid
from ltrr_cli.allocation.models.regressions import HEAVIEST, Regressions
from ltrr_cli.allocation.policy import BanditContext, BanditExample
from ltrr_cli.core.types import DoubleArray, IntArray

SHARING = 0.35  # credit falls with rank to this power; simulated listeners hardly tell .25 from .5
PRIOR_PER_5 = 0.04  # prior chance that five candidates of a strategy hold what is wanted


class HazardModel(Regressions):
    """The hazards of all strategies: the names are strategies, the blocks are depth blocks."""

    stem: ClassVar[str] = "hazard"

    @staticmethod
    def prior_mean(blocks: int, width: int) -> DoubleArray:
        """Return logit(.04 c / 5) on the constant for a block of c candidates, a chance of .5 at most."""
        chance = np.minimum(PRIOR_PER_5 * np.diff(_edges_of(blocks)) / 5.0, 0.5)
        mean = np.zeros((blocks, width))
        mean[:, :1] = np.log(chance / (1.0 - chance))[:, None]
        return mean

    def logits(self, bandit_context: BanditContext) -> tuple[IntArray, DoubleArray, DoubleArray]:
        """Return (edges (b+1,), mean (s, b), variance (s, b)) of the log-odds; the last block may pass the budget."""
        edges = block_edges(bandit_context.budget)
        x = bandit_context.inputs()[:, None, :]  # (s, 1, d)
        mean, covariance = self.rows(bandit_context.strategies, len(edges) - 1, x.shape[-1])
        spread = ((covariance @ x[..., None])[..., 0] * x).sum(axis=-1)
        return edges, (mean * x).sum(axis=-1), np.maximum(spread, 0.0)

    def chances(self, bandit_context: BanditContext) -> tuple[IntArray, DoubleArray]:
        """Return (edges (b+1,), hazards (s, b) in 0..1); edges as for :meth:`logits`."""
        edges = block_edges(bandit_context.budget)
        x = bandit_context.inputs()
        means = self.means(bandit_context.strategies, len(edges) - 1, x.shape[-1])
        return edges, sigmoid((means @ x[..., None])[..., 0])

    def contributions(self, bandit_context: BanditContext) -> DoubleArray:
        """Return (s, b, d): what every feature adds to every block's log-odds."""
        x = bandit_context.inputs()
        return (
            self.means(bandit_context.strategies, len(block_edges(bandit_context.budget)) - 1, x.shape[-1])
            * x[:, None, :]
        )

    def learn(self, example: BanditExample, half_life_days: float) -> None:
        """Take one step. A example without reward, or over other features, teaches nothing."""
        bandit_context = example.bandit_context
        deepest = int(max(example.depths.max(initial=0), example.ranks.max(initial=0)))
        x = bandit_context.inputs()
        if example.reward <= 0.0 or deepest == 0 or not self.fits(x.shape[-1]):
            return
        edges = block_edges(deepest)
        blocks = len(edges) - 1
        places = self.admit(bandit_context.strategies, blocks)
        self.age(bandit_context.time_ms, half_life_days)
        weight = min(example.weight * example.reward, HEAVIEST)
        self.examples += min(weight, 1.0)
        said, share = _answers(example.ranks, example.depths, edges)
        self._step(places, x, said, weight * share)

    def start(self, examples: Sequence[BanditExample]) -> None:
        """Take in examples of the same strategies that stand in no order, all at once; only reward teaches.

        One fit per strategy and block instead of a step per example: a tenth of the work for some hundred examples.
        """
        examples = [one for one in examples if one.reward > 0.0 and one.depths.any()]
        if not examples or not self.fits(examples[0].bandit_context.inputs().shape[-1]):
            return
        depths, ranks = (np.stack([getattr(one, name) for one in examples]) for name in ("depths", "ranks"))
        edges = block_edges(int(max(depths.max(), ranks.max())))
        admitted = self.admit(examples[0].bandit_context.strategies, len(edges) - 1)
        places = np.arange(len(self.names))[admitted]
        weight = np.minimum([one.weight * one.reward for one in examples], HEAVIEST)
        self.examples += float(np.minimum(weight, 1.0).sum())
        said, share = _answers(ranks, depths, edges)  # (n, s, b)
        x = np.stack([one.bandit_context.inputs() for one in examples])  # (n, s, d)
        for arm, place in enumerate(places.tolist()):
            for block in range(len(edges) - 1):
                self._mean[place, block], self._covariance[place, block] = fit(
                    self._mean[place, block],
                    self._covariance[place, block],
                    x[:, arm],
                    said[:, arm, block],
                    weight * share[:, arm, block],
                )

    def _step(self, places: slice | IntArray, x: DoubleArray, said: DoubleArray, weight: DoubleArray) -> None:
        """Step all strategies at once, their covariances one by one: what an answer speaks of is a block's prefix.

        So every strategy's part is a view that fits a processor's cache.
        """
        where = range(len(x)) if isinstance(places, slice) else places.tolist()
        blocks = np.count_nonzero(weight, axis=1)
        spoken = np.arange(weight.shape[1]) < blocks[:, None]
        parts = [
            (self._mean[place, :count], self._covariance[place, :count])
            for place, count in zip(where, blocks.tolist(), strict=True)
        ]
        gain = np.concatenate([covariance @ line for (_, covariance), line in zip(parts, x, strict=True)])
        centre = np.concatenate([mean @ line for (mean, _), line in zip(parts, x, strict=True)])
        spread = (gain * np.repeat(x, blocks, axis=0)).sum(axis=1)
        move, shrink = posterior(centre, spread, said[spoken], weight[spoken])
        moved, shrunk = gain * move[:, None], gain * shrink[:, None]
        start = 0
        for mean, covariance in parts:
            at = slice(start, start + len(mean))
            mean += moved[at]
            covariance -= np.einsum("bi,bj->bij", shrunk[at], shrunk[at])  # quicker than by broadcasting
            start = at.stop


def _answers(ranks: IntArray, depths: IntArray, edges: IntArray) -> tuple[DoubleArray, DoubleArray]:
    """Return (said (..., s, b), share (..., s, b)): how much of a yes a block has, and how much of it is spoken of.

    ranks, depths -- (..., s) as of an example

    Several strategies may have the same entity; the knapsack takes them for independent, so they share the credit, the
    shallower the more, else three that find the same would crowd out a fourth that finds other things.
    A block that the depth cuts says no for the part that was looked at: its hazard is spread evenly inside.
    """
    start, end = edges[:-1], edges[1:]
    rank, depth = ranks[..., None], depths[..., None]
    said = (rank > start) & (rank <= end)
    looked = np.where(rank > 0, rank > end, np.clip((depth - start) / (end - start), 0.0, 1.0))
    near = np.where(rank > 0, np.maximum(rank, 1).astype(np.float64) ** -SHARING, 0.0)  # (..., s, 1)
    return said * near / np.maximum(near.sum(axis=-2, keepdims=True), 1e-9), np.where(said, 1.0, looked)


def _edges_of(blocks: int) -> IntArray:
    edges = block_edges(2)
    while len(edges) <= blocks:
        edges = block_edges(int(edges[-1]) + 1)
    return edges
