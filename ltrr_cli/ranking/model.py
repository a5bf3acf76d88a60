"""What a ranker is: named features in, one score a candidate out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Schema:
    """The names of the feature columns, in order; a model is served only with the schema it was trained with."""

    names: tuple[str, ...]
    digest: str = field(init=False, compare=False, repr=False)  # 16 hex digits that change with any name or their order
    places: Mapping[str, int] = field(init=False, compare=False, repr=False)  # name -> column

    def __post_init__(self) -> None:
        digest = hashlib.blake2b("\n".join(self.names).encode(), digest_size=8).hexdigest()
        object.__setattr__(self, "digest", digest)
        object.__setattr__(self, "places", {name: place for place, name in enumerate(self.names)})


@dataclass(frozen=True, slots=True)
class Examples:
    """Training data, grouped by search.

    features -- (n, f) float32, NaN where missing
    labels   -- (n,) float32, gain >= 0 (a click is 1; judgments keep their grades)
    groups   -- (n,) int32, ascending; equal numbers are one search, in time order
    weights  -- (n,) float32, > 0 (inverse propensities where known)
    baseline -- (n,) float32, the score that served (or would have served) the candidate: what to beat
    items    -- (n,) int32, a number of each candidate's entity, the same in all searches; empty where unknown
    """

    features: FloatArray
    labels: FloatArray
    groups: IntArray
    weights: FloatArray
    baseline: FloatArray
    items: IntArray = field(default_factory=lambda: np.empty(0, np.int32))


class Scorer(Protocol):
    """What a ranker is made of: scores by features, that survive the disk."""

    @property
    def algorithm(self) -> str:
        """Return the name it was trained under."""
        ...

    @property
    def schema(self) -> Schema:
        """Return the columns that it was trained on."""
        ...

    def score(self, features: FloatArray) -> FloatArray:
        """Return (n,) float32; larger is better."""
        ...

    def save(self, folder: Path) -> None:
        """Write arrays and a JSON header (never pickle)."""
        ...


class Model(Scorer, Protocol):
    """A trained ranker, served with NumPy alone."""

    @property
    def anchor(self) -> float:
        """Return the weight of the untrained score that its own scores correct, 0 or more."""
        ...

    @property
    def silent(self) -> bool:
        """Say whether it is silent on queries that ask for one thing by its name."""
        ...
