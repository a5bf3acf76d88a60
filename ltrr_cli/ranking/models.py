"""Trained rankers as plain arrays: served with NumPy alone, checked before they are used."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from ltrr_cli.core.errors import DamagedError
from ltrr_cli.core.types import BoolArray, DoubleArray, FloatArray, IntArray
from ltrr_cli.ranking.base import Model, Schema
from ltrr_cli.storage.arrays import read_arrays

FORMAT = 1
_HINT = "ltrr train-ranker"


class Header(msgspec.Struct, frozen=True):
    """``model.json``."""

    format: int
    algorithm: str
    kind: str  # "trees" or "linear"
    columns: tuple[str, ...]
    digest: str
    depth: int = 0


class Trees:
    """A sum of decision trees, all walked at once.

    feature, left, right -- (trees, nodes) int32; a leaf points to itself
    threshold            -- (trees, nodes) float64: left if value <= threshold
    missing_left         -- (trees, nodes) bool: where NaN goes
    value                -- (trees, nodes) float64, of leaves
    depth                -- steps after which every walk has reached a leaf
    """

    def __init__(
        self,
        schema: Schema,
        algorithm: str,
        feature: IntArray,
        threshold: DoubleArray,
        left: IntArray,
        right: IntArray,
        missing_left: BoolArray,
        value: DoubleArray,
        depth: int,
    ) -> None:
        self.schema, self.algorithm, self.depth = schema, algorithm, depth
        self._feature, self._threshold, self._left, self._right = feature, threshold, left, right
        self._missing_left, self._value = missing_left, value
        trees, nodes = feature.shape
        self._root = (np.arange(trees, dtype=np.int64) * nodes)[:, None]  # (trees, 1) offsets into flat arrays

    def score(self, features: FloatArray) -> FloatArray:
        """Return (n,) float32: the sum of one leaf per tree."""
        if len(features) == 0:
            return np.empty(0, np.float32)
        columns = np.ascontiguousarray(features.T)  # (f, n)
        lines = np.arange(len(features))[None]
        node = np.broadcast_to(self._root, (len(self._root), len(features)))
        feature, threshold = self._feature.ravel(), self._threshold.ravel()
        left, right = self._left.ravel() + np.repeat(self._root, self._feature.shape[1]), self._right.ravel()
        right = right + np.repeat(self._root, self._feature.shape[1])
        missing = self._missing_left.ravel()
        for _ in range(self.depth):
            value = columns[feature[node], lines]
            goes_left = (value <= threshold[node]) | (np.isnan(value) & missing[node])
            node = np.where(goes_left, left[node], right[node])
        total: FloatArray = self._value.ravel()[node].sum(axis=0).astype(np.float32)
        return total

    def save(self, folder: Path) -> None:
        """Write arrays and header."""
        header = Header(FORMAT, self.algorithm, "trees", self.schema.names, self.schema.digest, self.depth)
        (folder / "model.json").write_bytes(msgspec.json.encode(header))
        np.savez(
            folder / "model.npz",
            feature=self._feature,
            threshold=self._threshold,
            left=self._left,
            right=self._right,
            missing_left=self._missing_left,
            value=self._value,
        )


class Linear:
    """``b + w . z`` with z standardised, missing as 0 beside an indicator.

    mean, scale -- (f,); weight -- (2 f,): of values, then of "is missing"
    """

    def __init__(self, schema: Schema, mean: DoubleArray, scale: DoubleArray, weight: DoubleArray, bias: float) -> None:
        self.schema, self.algorithm = schema, "linear"
        self._mean, self._scale, self._weight, self._bias = mean, scale, weight, bias

    def score(self, features: FloatArray) -> FloatArray:
        """Return (n,) float32."""
        total: FloatArray = (prepared(features, self._mean, self._scale) @ self._weight + self._bias).astype(np.float32)
        return total

    def save(self, folder: Path) -> None:
        """Write arrays and header."""
        header = Header(FORMAT, self.algorithm, "linear", self.schema.names, self.schema.digest)
        (folder / "model.json").write_bytes(msgspec.json.encode(header))
        np.savez(
            folder / "model.npz", mean=self._mean, scale=self._scale, weight=self._weight, bias=np.float64(self._bias)
        )


def prepared(features: FloatArray, mean: DoubleArray, scale: DoubleArray) -> DoubleArray:
    """Return (n, 2 f): standardised values clipped to five deviations (missing: 0), and whether they are missing."""
    missing = np.isnan(features)
    values = np.clip((features - mean) / scale, -5.0, 5.0)
    return np.concatenate([np.where(missing, 0.0, values), missing], axis=1)


def open_model(folder: Path) -> Model:
    """Read a model; raises DamagedError for anything that could not have been saved here.

    Indices are checked, so that an altered file can neither read outside its arrays nor walk for ever.
    """
    try:
        header = msgspec.json.decode((folder / "model.json").read_bytes(), type=Header)
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedError(f"{folder}: not a model: {error}", hint=_HINT) from None
    arrays = read_arrays(folder / "model.npz", _HINT)
    schema = Schema(header.columns)
    if header.format > FORMAT or schema.digest != header.digest:
        raise DamagedError(f"{folder}: a model of another format or with altered columns", hint=_HINT)
    try:
        if header.kind == "linear":
            return _linear(schema, arrays)
        return _trees(schema, header, arrays)
    except (KeyError, ValueError) as error:
        raise DamagedError(f"{folder}: {error}", hint=_HINT) from None


def _linear(schema: Schema, arrays: dict[str, DoubleArray]) -> Linear:
    width = len(schema.names)
    if arrays["mean"].shape != (width,) or arrays["weight"].shape != (2 * width,) or arrays["scale"].shape != (width,):
        raise ValueError("weights of another shape")
    return Linear(schema, arrays["mean"], arrays["scale"], arrays["weight"], float(arrays["bias"]))


def _trees(schema: Schema, header: Header, arrays: dict[str, DoubleArray]) -> Trees:
    names = ("feature", "threshold", "left", "right", "missing_left", "value")
    feature, threshold, left, right, missing_left, value = (arrays[name] for name in names)
    if len({array.shape for array in (feature, threshold, left, right, missing_left, value)}) != 1 or feature.ndim != 2:
        raise ValueError("tree arrays of different shapes")
    nodes = feature.shape[1]
    inside = bool((feature >= 0).all() and (feature < len(schema.names)).all())
    for child in (left, right):
        inside = inside and bool((child >= 0).all() and (child < nodes).all())
    if not inside or not 0 <= header.depth <= nodes:
        raise ValueError("tree nodes point outside")
    return Trees(
        schema,
        header.algorithm,
        feature.astype(np.int32),
        threshold.astype(np.float64),
        left.astype(np.int32),
        right.astype(np.int32),
        missing_left.astype(np.bool_),
        value.astype(np.float64),
        header.depth,
    )
