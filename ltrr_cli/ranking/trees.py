"""Decision trees as flat arrays, walked all at once with NumPy: (candidates x trees), one step a level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltrr_cli.core.types import BoolArray, DoubleArray, FloatArray, IntArray

_LARGEST = float(np.finfo(np.float32).max)
_DEEPEST = 4_096  # nodes of one tree; far above anything that is trained here


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees side by side, shorter ones padded with leaves that nothing reaches.

    feature      -- (trees, nodes) int32, column that an inner node looks at
    threshold    -- (trees, nodes) float32: left if value <= threshold
    left, right  -- (trees, nodes) int32: a child's number is larger than its parent's, a leaf points to itself
    missing_left -- (trees, nodes) bool: where NaN goes
    value        -- (trees, nodes) float64, of leaves; the score is their sum
    """

    feature: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    missing_left: BoolArray
    value: DoubleArray


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree as a trainer hands it over; the arrays are those of ``Forest``, with thresholds still float64."""

    feature: NDArray[Any]
    threshold: DoubleArray
    left: NDArray[Any]
    right: NDArray[Any]
    missing_left: NDArray[Any]
    value: DoubleArray


def forest(trees: list[Tree]) -> Forest:
    """Pad trees to one shape; thresholds are rounded down to float32, which no float32 value can tell from exact.

    >>> stump = Tree(np.array([1, 0, 0]), np.array([0.5, 0, 0]), np.array([1, 1, 2]), np.array([2, 1, 2]),
    ...              np.array([True, False, False]), np.array([0.0, -1.0, 1.0]))
    >>> Trees(forest([stump])).score(np.array([[9, 0.5], [9, 0.6], [9, np.nan]], np.float32)).tolist()
    [-1.0, 1.0, -1.0]
    """
    shape = (len(trees), max((len(tree.feature) for tree in trees), default=1))
    own = np.broadcast_to(np.arange(shape[1], dtype=np.int32), shape)
    padded = Forest(
        np.zeros(shape, np.int32),
        np.zeros(shape, np.float32),
        own.copy(),
        own.copy(),
        np.zeros(shape, np.bool_),
        np.zeros(shape),
    )
    for number, tree in enumerate(trees):
        place = (number, slice(len(tree.feature)))
        padded.feature[place] = tree.feature
        padded.threshold[place] = rounded_down(tree.threshold)
        padded.left[place], padded.right[place] = tree.left, tree.right
        padded.missing_left[place] = tree.missing_left
        padded.value[place] = tree.value
    return padded


def rounded_down(values: DoubleArray) -> FloatArray:
    """Return the largest finite float32 that is not above each value.

    >>> float(rounded_down(np.array([0.1]))[0]) <= 0.1 < float(np.nextafter(rounded_down(np.array([0.1]))[0], 1))
    True
    """
    bounded = np.clip(values, -_LARGEST, _LARGEST)
    near = bounded.astype(np.float32)
    lower: FloatArray = np.where(near > bounded, np.nextafter(near, np.float32(-_LARGEST)), near)
    return lower


class Trees:
    """A sum of decision trees.

    A walk takes as many steps as its tree is deep, and trees are sorted by depth, so that late steps move few. A
    missing value is read from one of two copies of its column, in which it stands above or below every threshold.
    """

    kind = "trees"

    def __init__(self, forest: Forest, bias: float = 0.0) -> None:
        """Take over a forest; raises ValueError where its arrays do not fit together."""
        depth = checked(forest)
        self.forest, self.bias = forest, bias
        order = np.argsort(-depth, kind="stable")
        trees, nodes = forest.feature.shape
        start = (np.arange(trees) * nodes)[:, None]  # (trees, 1) offsets into flat arrays
        self._active = [int((depth > level).sum()) for level in range(int(depth.max(initial=0)))]
        self._start = start
        self._copy = (2 * forest.feature[order] + forest.missing_left[order]).ravel().astype(np.intp)
        self._threshold = forest.threshold[order].ravel()
        self._child = np.stack([forest.left[order] + start, forest.right[order] + start], axis=-1).ravel()
        self._value = forest.value[order].ravel()

    def score(self, features: FloatArray) -> DoubleArray:
        """Return (n,) float64; ``features`` (n, f) are finite or NaN."""
        lines, columns = features.shape
        missing = np.isnan(features.T)
        copies = np.empty((columns, 2, lines), np.float32)  # of each column: missing above, missing below
        copies[:, 0] = np.where(missing, np.float32(np.inf), features.T)
        copies[:, 1] = np.where(missing, np.float32(-np.inf), features.T)
        flat, first = copies.ravel(), self._copy * lines
        shape = (len(self._start), lines)
        node, at = np.empty(shape, np.intp), np.empty(shape, np.intp)
        value, threshold = np.empty(shape, np.float32), np.empty(shape, np.float32)
        right = np.empty(shape, np.bool_)
        node[:] = self._start
        line = np.arange(lines)[None]
        for active in self._active:
            n, a, v, t, r = node[:active], at[:active], value[:active], threshold[:active], right[:active]
            # every index was checked when the forest was taken over; "clip" only spares NumPy a buffer
            np.take(first, n, out=a, mode="clip")
            np.add(a, line, out=a)
            np.take(flat, a, out=v, mode="clip")
            np.take(self._threshold, n, out=t, mode="clip")
            np.greater(v, t, out=r)
            np.multiply(n, 2, out=n)
            np.add(n, r, out=n)
            np.take(self._child, n, out=a, mode="clip")
            n[:] = a
        total: DoubleArray = np.take(self._value, node).sum(axis=0) + self.bias
        return total

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what is saved."""
        f = self.forest
        return {
            "feature": f.feature,
            "threshold": f.threshold,
            "left": f.left,
            "right": f.right,
            "missing_left": f.missing_left,
            "value": f.value,
            "bias": np.float64(self.bias).reshape(1),
        }

    @classmethod
    def opened(cls, arrays: Mapping[str, NDArray[Any]], columns: int) -> Trees:
        """Take over arrays of unknown origin; raises ValueError or KeyError where they are not a forest."""
        kinds = {"feature": "i", "threshold": "f", "left": "i", "right": "i", "missing_left": "b", "value": "f"}
        for name, kind in kinds.items():
            if arrays[name].dtype.kind != kind or arrays[name].ndim != 2:
                raise ValueError(f"tree array {name} is of another type")
        stored = Forest(
            arrays["feature"].astype(np.int32),
            arrays["threshold"].astype(np.float32),
            arrays["left"].astype(np.int32),
            arrays["right"].astype(np.int32),
            arrays["missing_left"],
            arrays["value"].astype(np.float64),
        )
        bias = arrays["bias"]
        if bias.shape != (1,) or bias.dtype != np.float64 or not np.isfinite(bias).all():
            raise ValueError("a bias that is no number")
        if stored.feature.size and int(stored.feature.max()) >= columns:
            raise ValueError("trees look at columns that do not exist")
        return cls(stored, float(bias[0]))


def checked(forest: Forest) -> IntArray:
    """Return (trees,) depths; raises ValueError where a walk could leave the arrays or never end.

    Children have larger numbers than their parents, so there are no circles, whatever the file says.
    """
    left, right, shape = forest.left, forest.right, forest.feature.shape
    arrays = (forest.threshold, left, right, forest.missing_left, forest.value)
    if any(array.shape != shape for array in arrays) or len(shape) != 2:
        raise ValueError("tree arrays of different shapes")
    if not 0 < shape[1] <= _DEEPEST:
        raise ValueError("trees without nodes, or with too many")
    own = np.arange(shape[1])[None]
    leaf = (left == own) & (right == own)
    inner = (left > own) & (right > own) & (left < shape[1]) & (right < shape[1])
    if not (leaf | inner).all() or (forest.feature < 0).any():
        raise ValueError("tree nodes point outside")
    if not np.isfinite(forest.threshold).all() or not np.isfinite(forest.value).all():
        raise ValueError("tree nodes hold numbers that are not finite")
    depth = np.zeros(shape, np.int32)
    tree = np.arange(shape[0])
    for node in range(shape[1]):  # parents come first
        for child in (left, right):
            below = np.where(leaf[:, node], depth[:, node], depth[:, node] + 1)
            depth[tree, child[:, node]] = np.maximum(depth[tree, child[:, node]], below)
    deepest: IntArray = depth.max(axis=1, initial=0)
    return deepest
