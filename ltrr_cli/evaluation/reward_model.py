"""Predicted rewards for doubly robust estimates: small models, each asked only of searches it did not see.

A wrong model costs no bias, only variance, so these are closed forms: ridge regression under the position-based
model, and shrunken means for plain bandit logs. Folds are of whole sessions.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ltrr_cli.core.types import BoolArray, DoubleArray
from ltrr_cli.evaluation.offpolicy import Places

FOLDS = 5
RIDGE = 3.0  # pseudo-observations per column
SHRINK = 20.0  # pseudo-observations of the overall mean


def ridge_by_fold(
    features: DoubleArray, reward: DoubleArray, examined: DoubleArray, cluster: Places, asked: DoubleArray, of: Places
) -> tuple[DoubleArray, DoubleArray]:
    """Fit ``reward ~ examined * (features . beta)`` on other folds; predict rewards if examined, clipped to -1..1.

    features, reward, examined, cluster -- (n, d) and (n,): what was logged, and its session
    asked, of                           -- (m, d) and (m,): what else is to be predicted, and its session

    Returns (n,) and (m,).
    """
    logged, other = np.zeros(len(features)), np.zeros(len(asked))
    scaled = features * examined[:, None]
    for mine, theirs in _folds(cluster, of):
        seen = scaled[~mine]
        gram = seen.T @ seen + RIDGE * np.eye(features.shape[1])
        beta = np.linalg.solve(gram, seen.T @ reward[~mine])
        logged[mine], other[theirs] = features[mine] @ beta, asked[theirs] @ beta
    return np.clip(logged, -1.0, 1.0), np.clip(other, -1.0, 1.0)


def means_by_fold(group: Places, reward: DoubleArray, cluster: Places) -> tuple[DoubleArray, Places]:
    """Return (folds, groups) mean rewards of each group on the other folds, shrunken to their overall mean; and folds.

    group -- (n,) 0..g-1, such as the action of a bandit

    The second is (n,): the fold of every row, whose line of the table did not see it.
    """
    fold = cluster % FOLDS
    groups = int(group.max(initial=-1)) + 1
    table = np.zeros((FOLDS, groups))
    for number in range(FOLDS):
        others = fold != number
        total = np.bincount(group[others], reward[others], minlength=groups)
        count = np.bincount(group[others], minlength=groups)
        overall = float(reward[others].mean()) if others.any() else 0.0
        table[number] = (total + SHRINK * overall) / (count + SHRINK)
    return table, fold


def _folds(cluster: Places, of: Places) -> Iterator[tuple[BoolArray, BoolArray]]:
    for number in range(FOLDS):
        yield cluster % FOLDS == number, of % FOLDS == number
