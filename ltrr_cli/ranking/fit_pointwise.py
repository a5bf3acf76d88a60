"""Pointwise training: a small gradient boosting (or a linear model) that predicts the reward of a single candidate."""

from __future__ import annotations

from typing import Any

import numpy as np

from ltrr_cli.core.types import DoubleArray, FloatArray
from ltrr_cli.ranking.linear import Linear, scaling
from ltrr_cli.ranking.model import Examples
from ltrr_cli.ranking.subsample import thinned
from ltrr_cli.ranking.trees import Tree, Trees, forest

FEW_LINES = 20_000  # below which trees of 15 leaves learn lines by heart
BINS = 255  # of a column: what scikit-learn's histograms hold
LINEAR_LINES = 40_000  # what a linear model needs to see at most


def graded(labels: FloatArray) -> bool:
    """Return whether labels are grades (then the gain is predicted), not shares of one click."""
    return bool(labels.max(initial=0.0) > 1.0)


def click_weights(examples: Examples) -> DoubleArray:
    """Return (n,) weights with mean 1; a rewarded line counts as much as its label (half a click is half a line)."""
    weights = examples.weights * np.where(examples.labels > 0, np.maximum(examples.labels, 1e-3), 1.0)
    scaled: DoubleArray = (weights / weights.mean()).astype(np.float64)
    return scaled


def binned(features: FloatArray) -> tuple[FloatArray, list[DoubleArray]]:
    """Return (codes (n, f), cuts of each column): a value's code is the number of cuts below it; NaN stays.

    Cuts lie between neighbouring values, at most ``BINS`` - 1 a column, so that bins hold about as many lines each.
    scikit-learn looks for bins by weight, column by column, which took three quarters of a training's time; codes are
    so few that it takes them as they are. A column without a single value is 0: nothing splits on it.

    >>> codes, cuts = binned(np.array([[0.5], [np.nan], [2.5], [0.5]], np.float32))
    >>> codes.ravel().tolist(), cuts[0].tolist()
    ([0.0, nan, 1.0, 0.0], [1.5])
    """
    codes, cuts = np.full(features.shape, np.nan, np.float32), list[DoubleArray]()
    for place, column in enumerate(features.T):
        known = ~np.isnan(column)
        ordered = np.sort(column[known]).astype(np.float64)
        first = np.flatnonzero(np.diff(ordered, prepend=-np.inf) > 0)[1:]  # where each value but the least begins
        if len(first) >= BINS:
            wanted = np.arange(1, BINS) * len(ordered) // BINS
            first = first[np.unique(np.minimum(np.searchsorted(first, wanted), len(first) - 1))]
        cuts.append((ordered[first - 1] + ordered[first]) / 2.0)
        codes[known, place] = np.searchsorted(cuts[-1], column[known])
        if not known.any():
            codes[:, place] = 0.0
    return codes, cuts


def fit_pointwise(examples: Examples, seed: int) -> Trees:
    """Train a small histogram gradient boosting: logistic loss on clicks, squared loss on grades."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    options: dict[str, Any] = {
        "max_iter": 120,
        "learning_rate": 0.08,
        "max_leaf_nodes": 6 if len(examples.labels) < FEW_LINES else 15,
        "min_samples_leaf": 20,
        "l2_regularization": 5.0,
        "max_features": 0.2,
        "early_stopping": False,
        "random_state": seed % 2**32,
    }
    codes, cuts = binned(examples.features)
    # on a busy machine threads that wait for each other take ten times as long as one; and one is repeatable
    with threadpool_limits(1):
        if graded(examples.labels):
            model = HistGradientBoostingRegressor(**options)
            model.fit(codes, examples.labels, sample_weight=examples.weights)
        else:
            model = HistGradientBoostingClassifier(**options)
            model.fit(codes, examples.labels > 0, sample_weight=click_weights(examples))
    return from_histogram(model, cuts)


def from_histogram(model: Any, cuts: list[DoubleArray]) -> Trees:
    """Copy the trees of a HistGradientBoosting model over ``binned`` codes; the score is its raw prediction.

    A split between two codes is the cut between them.
    """
    width = max(map(len, cuts)) + 1  # the last is infinite: what lies above is missing
    cut = np.array([np.pad(own, (0, width - len(own)), constant_values=np.inf) for own in cuts])
    trees = []
    for predictors in model._predictors:
        for predictor in predictors:
            nodes = predictor.nodes
            own, leaf = np.arange(len(nodes)), nodes["is_leaf"].astype(np.bool_)
            code = np.where(leaf, 0.0, np.minimum(nodes["num_threshold"], width - 1)).astype(np.intp)
            trees.append(
                Tree(
                    feature=np.where(leaf, 0, nodes["feature_idx"]),
                    threshold=np.where(leaf, 0.0, cut[nodes["feature_idx"], code]),
                    left=np.where(leaf, own, nodes["left"]),
                    right=np.where(leaf, own, nodes["right"]),
                    missing_left=nodes["missing_go_to_left"].astype(np.bool_),
                    value=np.where(leaf, nodes["value"], 0.0),
                )
            )
    return Trees(forest(trees), float(np.ravel(model._baseline_prediction)[0]))


def fit_linear(examples: Examples) -> Linear:
    """Train a logistic regression on clicks, a ridge regression on grades, over standardised values."""
    from sklearn.linear_model import LogisticRegression, Ridge

    examples = thinned(examples, LINEAR_LINES)
    scale = scaling(examples.features)
    prepared = scale.prepared(examples.features)
    if graded(examples.labels):
        model = Ridge(alpha=max(1.0, 0.04 * len(examples.labels)))
        weights = examples.weights / examples.weights.mean()
        model.fit(prepared, examples.labels.astype(np.float64), sample_weight=weights)
        return Linear(scale, model.coef_.astype(np.float64), float(model.intercept_))
    model = LogisticRegression(C=0.3, max_iter=200, tol=1e-3)
    model.fit(prepared, examples.labels > 0, sample_weight=click_weights(examples))
    return Linear(scale, model.coef_[0].astype(np.float64), float(model.intercept_[0]))
