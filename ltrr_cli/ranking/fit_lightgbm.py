"""LightGBM's lambdarank (an extra), copied into the same arrays as all other trees: it is not needed to serve."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from ltrr_cli.core.errors import DataError
from ltrr_cli.ranking.model import Examples
from ltrr_cli.ranking.subsample import searches
from ltrr_cli.ranking.trees import Tree, Trees, forest

LEVELS = 32  # distinct gains that are told apart; LightGBM wants whole-numbered labels
ROUNDS = 100


def available() -> bool:
    """Return whether LightGBM is installed."""
    return find_spec("lightgbm") is not None


def fit_lightgbm(examples: Examples, seed: int) -> Trees:
    """Train lambdarank with linear gains; raises DataError where LightGBM is not installed."""
    if not available():
        raise DataError("lightgbm is not installed", hint="pip install 'ltrr-cli[lightgbm]'")
    import lightgbm

    gains = np.unique(examples.labels)
    if len(gains) > LEVELS:
        gains = np.unique(np.quantile(examples.labels, np.linspace(0.0, 1.0, LEVELS)))
    level = np.clip(np.searchsorted(gains, examples.labels, side="right") - 1, 0, len(gains) - 1)
    options = {
        "objective": "lambdarank",
        "label_gain": gains.tolist(),
        "num_leaves": 15 if len(examples.labels) < 20_000 else 31,
        "learning_rate": 0.08,
        "min_data_in_leaf": 20,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "feature_fraction": 0.5,
        "seed": seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,  # sums in one order: the same trees on every machine
        "verbose": -1,
    }
    sizes = np.bincount(searches(examples))
    data = lightgbm.Dataset(examples.features, level, group=sizes, weight=examples.weights)
    dumped = lightgbm.train(options, data, num_boost_round=ROUNDS).dump_model()
    return Trees(forest([_copied(tree["tree_structure"]) for tree in dumped["tree_info"]]))


def _copied(root: dict[str, Any]) -> Tree:
    """Number a tree's nodes from the root down, so that children come after their parents."""
    nodes: list[dict[str, Any]] = [root]
    left: list[int] = []
    right: list[int] = []
    for node in nodes:  # grows while it is read
        own = len(left)
        inner = "split_feature" in node
        left.append(len(nodes) if inner else own)
        right.append(len(nodes) + 1 if inner else own)
        if inner:
            nodes += [node["left_child"], node["right_child"]]
    return Tree(
        feature=np.array([node.get("split_feature", 0) for node in nodes]),
        threshold=np.array([float(node.get("threshold", 0.0)) for node in nodes]),
        left=np.array(left),
        right=np.array(right),
        missing_left=np.array([_missing_left(node) for node in nodes], np.bool_),
        value=np.array([float(node.get("leaf_value", 0.0)) for node in nodes]),
    )


def _missing_left(node: dict[str, Any]) -> bool:
    """Return where NaN goes: by the node's default, or as a zero where none was met in training."""
    if node.get("missing_type") == "NaN":
        return bool(node["default_left"])
    return float(node.get("threshold", 0.0)) >= 0.0
