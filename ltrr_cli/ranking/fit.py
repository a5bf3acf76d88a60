"""Training (the only door to scikit-learn); what comes out is served without it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import DoubleArray
from ltrr_cli.ranking.base import Examples, Model, Schema
from ltrr_cli.ranking.judge import per_search
from ltrr_cli.ranking.models import Linear, Trees, prepared

ALGORITHMS = ("auto", "pointwise", "linear")
FEWEST_FOR_TREES = 100  # searches, below which trees only learn them by heart
LINEAR_LINES = 40_000  # what a linear model needs to see at most


def fit(examples: Examples, schema: Schema, algorithm: str, seed: int = 0) -> Model:
    """Train a ranker; raises DataError for an unknown algorithm or examples without both kinds of labels.

    ``auto`` picks on the newest searches, with whole searches held out.
    """
    if algorithm not in ALGORITHMS:
        raise DataError(f"no algorithm {algorithm!r}", hint=f"one of {', '.join(ALGORITHMS)}")
    if not (examples.labels > 0).any() or (examples.labels > 0).all():
        raise DataError("examples need both rewarded and unrewarded candidates")
    if algorithm == "auto":
        algorithm = validated(examples, schema, seed)
    return _pointwise(examples, schema, seed) if algorithm == "pointwise" else _linear(examples, schema)


def validated(examples: Examples, schema: Schema, seed: int) -> str:
    """Return the algorithm that does best (mean nDCG@10) on the newest third when trained on the rest."""
    groups = np.unique(examples.groups)
    if len(groups) < FEWEST_FOR_TREES:
        return "linear"
    newest = examples.groups >= groups[-(len(groups) // 3)]
    older, newer = part(examples, ~newest), part(examples, newest)
    if not (older.labels > 0).any():
        return "linear"
    figures = {
        algorithm: float(per_search(newer, fit(older, schema, algorithm, seed).score(newer.features))["nDCG@10"].mean())
        for algorithm in ("pointwise", "linear")
    }
    return max(figures, key=lambda algorithm: figures[algorithm])


def part(examples: Examples, keep: np.ndarray) -> Examples:
    """Return the lines where ``keep`` is true."""
    return Examples(
        examples.features[keep],
        examples.labels[keep],
        examples.groups[keep],
        examples.weights[keep],
        examples.baseline[keep],
    )


def _pointwise(examples: Examples, schema: Schema, seed: int) -> Model:
    """Gradient boosting on "was it rewarded" (logistic loss); graded labels become weights of the positives."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingClassifier(
        max_iter=70,
        learning_rate=0.12,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    weights = examples.weights * np.where(examples.labels > 0, np.maximum(examples.labels, 1e-3), 1.0)
    # binning fails on a column without a single value; a constant is never split on
    features = np.where(np.isnan(examples.features).all(axis=0), np.float32(0.0), examples.features)
    # on a busy machine threads that wait for each other take ten times as long as one; and one is repeatable
    with threadpool_limits(1):
        model.fit(features, examples.labels > 0, sample_weight=weights)
    return _as_trees(model, schema, "pointwise")


def _as_trees(model: Any, schema: Schema, algorithm: str) -> Trees:
    """Copy a HistGradientBoosting model's trees into arrays, every tree padded to the longest."""
    trees = [predictor.nodes for predictors in model._predictors for predictor in predictors]
    nodes = max((len(tree) for tree in trees), default=1)
    shape = (len(trees), nodes)
    feature, left, right = (np.zeros(shape, np.int32) for _ in range(3))
    threshold, value, missing = np.zeros(shape), np.zeros(shape), np.zeros(shape, np.bool_)
    depth = 0
    for number, tree in enumerate(trees):
        count, leaf = len(tree), tree["is_leaf"].astype(np.bool_)
        own = np.arange(count)
        feature[number, :count] = np.where(leaf, 0, tree["feature_idx"])
        threshold[number, :count] = np.where(leaf, 0.0, tree["num_threshold"])
        left[number, :count] = np.where(leaf, own, tree["left"])
        right[number, :count] = np.where(leaf, own, tree["right"])
        missing[number, :count] = tree["missing_go_to_left"]
        value[number, :count] = np.where(leaf, tree["value"], 0.0)
        depth = max(depth, int(tree["depth"].max(initial=0)))
    return Trees(schema, algorithm, feature, threshold, left, right, missing, value, depth)


def _linear(examples: Examples, schema: Schema) -> Model:
    """Logistic regression on standardised values and missing indicators."""
    from sklearn.linear_model import LogisticRegression

    if len(examples.labels) > LINEAR_LINES:  # whole searches, evenly over time
        step = -(-len(examples.labels) // LINEAR_LINES)
        examples = part(examples, examples.groups % step == 0)
    features = examples.features.astype(np.float64)
    known = ~np.isnan(features)
    count = np.maximum(known.sum(axis=0), 1)
    mean: DoubleArray = np.where(known, features, 0.0).sum(axis=0) / count
    scale: DoubleArray = np.sqrt(np.where(known, (features - mean) ** 2, 0.0).sum(axis=0) / count)
    scale[scale < 1e-9] = 1.0
    model = LogisticRegression(C=0.3, max_iter=200, tol=1e-3)
    weights = examples.weights * np.where(examples.labels > 0, np.maximum(examples.labels, 1e-3), 1.0)
    model.fit(prepared(examples.features, mean, scale), examples.labels > 0, sample_weight=weights)
    return Linear(schema, mean, scale, model.coef_[0].astype(np.float64), float(model.intercept_[0]))
