"""Rankers that other packages add: a class with ``fit`` and ``open``, under a name for ``--algorithm``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import msgspec

from ltrr_cli.core.errors import DamagedError, DataError
from ltrr_cli.core.plugins import PluginRegistry
from ltrr_cli.core.types import FloatArray
from ltrr_cli.ranking.base_score import ANCHOR
from ltrr_cli.ranking.model import Examples, Schema, Scorer

RANKERS = PluginRegistry(
    "ranker",
    "ltrr.rankers",
    {
        "pointwise": "ltrr_cli.ranking.fit_pointwise:fit_pointwise",
        "linear": "ltrr_cli.ranking.fit_pointwise:fit_linear",
        "lambdamart": "ltrr_cli.ranking.fit_lambdamart:fit_lambdamart",
        "lightgbm": "ltrr_cli.ranking.fit_lightgbm:fit_lightgbm",
    },
    "ltrr_cli.ranking.ranker_registry:TrainedRanker",
)


class TrainedRanker(Scorer, Protocol):
    """A ranker of another package: a ``Scorer`` that is made by ``fit`` and read back by ``open``.

    ``algorithm`` is the name it is registered under. ``save`` may write any files but ``card.json``,
    ``served.json`` and ``ranker.json``; ``score`` must give the same for the same features after ``open``.
    """

    @classmethod
    def fit(cls, examples: Examples, schema: Schema, seed: int) -> Self:
        """Train; the same examples and seed give the same model."""
        ...

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what ``save`` wrote; raises DamagedError where it makes no sense."""
        ...


def ranker(name: str) -> type[TrainedRanker]:
    """Load a ranker's class; raises DataError for an unknown name or one that does not load."""
    found = RANKERS.load(name)
    if not (isinstance(found, type) and all(hasattr(found, part) for part in ("fit", "open", "score", "save"))):
        raise DataError(f"ranker {name!r} does not follow {RANKERS.base}")
    return found


NOTE = "ranker.json"  # says whose model a folder holds


class _Note(msgspec.Struct, frozen=True):
    ranker: str
    anchor: float = ANCHOR


@dataclass(frozen=True, slots=True)
class PluggedRanker:
    """A model of another package, kept with a note of the name under which it opens again."""

    algorithm: str
    model: TrainedRanker
    anchor: float = ANCHOR
    silent: bool = False  # what it says of names is its own affair

    @property
    def schema(self) -> Schema:
        """Return the columns that it was trained on."""
        return self.model.schema

    def score(self, features: FloatArray) -> FloatArray:
        """Return (n,) float32; larger is better."""
        return self.model.score(features)

    def save(self, folder: Path) -> None:
        """Let the model write its files, and add the note."""
        self.model.save(folder)
        (folder / NOTE).write_bytes(msgspec.json.encode(_Note(self.algorithm, self.anchor)))


def open_plugged(folder: Path) -> PluggedRanker | None:
    """Open the model of another package; None where the folder holds one of ours. Raises DamagedError."""
    path = folder / NOTE
    if not path.exists():
        return None
    try:
        note = msgspec.json.decode(path.read_bytes(), type=_Note)
        return PluggedRanker(note.ranker, ranker(note.ranker).open(folder), note.anchor)
    except (DataError, msgspec.MsgspecError, OSError, ValueError, KeyError) as error:
        raise DamagedError(
            f"{folder}: {error}", hint="install the package it came from, or ltrr train-ranker"
        ) from None
