"""LambdaMART on scikit-learn's decision trees (Burges, From RankNet to LambdaRank to LambdaMART, MSR-TR-2010-82).

A regression tree fitted to ``gradient / Hessian`` with the Hessian as sample weight has the Newton step as its leaf
mean and the Newton gain as its split gain; so the exact method needs no boosting library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltrr_cli.core.types import DoubleArray
from ltrr_cli.ranking.base_score import offset
from ltrr_cli.ranking.model import Examples
from ltrr_cli.ranking.subsample import searches
from ltrr_cli.ranking.trees import Tree, Trees, forest

TREES = 100
RATE = 0.12
LEAVES = 15
SHARE = 0.7  # of the lines that each tree sees
TREE_LINES = 20_000  # and at most so many: more would make trees slower, hardly better
TRUNCATION = 30  # pairs without a candidate among the first 30 teach nothing about the page
PAIRS = 4_000_000  # kept at most, drawn evenly: memory
STEEPEST = 5.0  # a leaf's Newton step; where the Hessian vanishes it would run away

LineArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class LinePairs:
    """All (better, worse) pairs of lines of one search, and the gain at stake.

    better, worse -- (p,) lines
    stake         -- (p,) float64: difference in gain / ideal DCG of the search, times the weight of the better line
    """

    better: LineArray
    worse: LineArray
    stake: DoubleArray


def fit_lambdamart(examples: Examples, seed: int) -> Trees:
    """Train LambdaMART for nDCG with linear gains."""
    from sklearn.tree import DecisionTreeRegressor

    chance = np.random.default_rng(seed)
    lines, group = len(examples.labels), searches(examples)
    pairs = pairs_of(examples, group, chance)
    # pairs are judged beside the score that the model will correct; what ties is ordered by chance, not by line
    score = offset(examples.baseline) + chance.normal(0.0, 1e-6, lines)
    trees = []
    for _ in range(TREES):
        gradient, hessian = lambdas(score, group, pairs)
        seen = np.flatnonzero((hessian > 1e-12) & (chance.random(lines) < SHARE))
        if len(seen) > TREE_LINES:
            seen = np.sort(chance.choice(seen, TREE_LINES, replace=False))
        if len(seen) == 0:
            break
        tree = DecisionTreeRegressor(
            max_leaf_nodes=LEAVES,
            min_samples_leaf=20 if lines > 400 else 5,
            splitter="random",
            random_state=int(chance.integers(2**31)),
        )
        tree.fit(examples.features[seen], gradient[seen] / hessian[seen], sample_weight=hessian[seen])
        score += RATE * np.clip(tree.predict(examples.features), -STEEPEST, STEEPEST)
        trees.append(copied(tree.tree_))
    return Trees(forest(trees))


def pairs_of(examples: Examples, group: LineArray, chance: np.random.Generator) -> LinePairs:
    """Pair every line with those of its search that have a smaller label.

    An inverse propensity belongs to what was rewarded (Joachims, Swaminathan & Schnabel, WSDM 2017), and a line that
    stands for others that were left out belongs to what was not: a pair weighs the product of both.
    """
    gain = examples.labels.astype(np.float64)
    start = np.flatnonzero(np.diff(group, prepend=-1))
    ends = np.append(start[1:], len(group))
    better, worse = [], []
    for first, end in zip(start.tolist(), ends.tolist(), strict=True):
        own = gain[first:end]
        high, low = np.nonzero(own[:, None] > own[None])
        better.append(high + first)
        worse.append(low + first)
    chosen, other = np.concatenate(better), np.concatenate(worse)
    if len(chosen) > PAIRS:
        kept = np.sort(chance.choice(len(chosen), PAIRS, replace=False))
        chosen, other = chosen[kept], other[kept]
    ideal = np.bincount(group, gain[np.lexsort((-gain, group))] * _discounts(group), int(group[-1]) + 1)
    stake = (gain[chosen] - gain[other]) / np.maximum(ideal, 1e-12)[group[chosen]]
    weights = examples.weights / examples.weights[chosen].mean()
    return LinePairs(chosen, other, stake * weights[chosen] * examples.weights[other])


def lambdas(score: DoubleArray, group: LineArray, pairs: LinePairs) -> tuple[DoubleArray, DoubleArray]:
    """Return (gradient, Hessian), each (n,): how far lines should move up, and how sure that is.

    A pair counts by the change in nDCG that swapping it would make, over the distance of its scores, and a search's
    sum is damped by its logarithm, both as LightGBM does (``lambdarank_norm``).
    """
    rank = np.empty(len(score), np.intp)
    rank[np.lexsort((-score, group))] = _ranks(group)
    discount = 1.0 / np.log2(rank + 1.0)
    near = np.flatnonzero(np.minimum(rank[pairs.better], rank[pairs.worse]) <= TRUNCATION)
    better, worse = pairs.better[near], pairs.worse[near]
    margin = score[better] - score[worse]
    change = pairs.stake[near] * np.abs(discount[better] - discount[worse]) / (0.01 + np.abs(margin))
    wrong = 1.0 / (1.0 + np.exp(np.clip(margin, -50.0, 50.0)))  # the odds that the pair stands the wrong way round
    push, firm = change * wrong, change * wrong * (1.0 - wrong)
    count = len(score)
    gradient = _sums(better, push, count) - _sums(worse, push, count)
    hessian = _sums(better, firm, count) + _sums(worse, firm, count)
    total = _sums(group[better], 2.0 * push, int(group[-1]) + 1)
    damping: DoubleArray = np.where(total > 0, np.log2(1.0 + total) / np.maximum(total, 1e-12), 1.0)[group]
    return gradient * damping, hessian * damping


def _sums(line: LineArray, amount: DoubleArray, count: int) -> DoubleArray:
    total: DoubleArray = np.bincount(line, amount, count).astype(np.float64)
    return total


def _ranks(group: LineArray) -> LineArray:
    """Return 1, 2, 3 ... within every search."""
    start = np.flatnonzero(np.diff(group, prepend=-1))
    return np.arange(len(group)) - np.repeat(start, np.diff(np.append(start, len(group)))) + 1


def _discounts(group: LineArray) -> DoubleArray:
    rank = _ranks(group)
    discount: DoubleArray = np.where(rank <= TRUNCATION, 1.0 / np.log2(rank + 1.0), 0.0)
    return discount


def copied(tree: Any, rate: float = RATE) -> Tree:
    """Copy the ``tree_`` of a scikit-learn regression tree, its (bounded) leaf values times ``rate``."""
    left, right = tree.children_left, tree.children_right
    leaf, own = left < 0, np.arange(len(left))  # leaves have children numbered -1
    return Tree(
        feature=np.where(leaf, 0, tree.feature),
        threshold=np.where(leaf, 0.0, tree.threshold),
        left=np.where(leaf, own, left),
        right=np.where(leaf, own, right),
        missing_left=tree.missing_go_to_left.astype(np.bool_),
        value=np.where(leaf, rate * np.clip(tree.value[:, 0, 0], -STEEPEST, STEEPEST), 0.0),
    )
