"""Trained rankers as plain arrays: served with NumPy alone, checked before they are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ltrr_cli.core.errors import DamagedError, DataError
from ltrr_cli.core.types import FloatArray
from ltrr_cli.ranking.base_score import ANCHOR
from ltrr_cli.ranking.linear import Linear
from ltrr_cli.ranking.model import Model, Schema
from ltrr_cli.ranking.name_odds import heard
from ltrr_cli.ranking.ranker_registry import open_plugged
from ltrr_cli.ranking.trees import Trees

NOTE = "served.json"  # which model serves and which did before; beside the model, or alone where none serves
FORMAT = 1
_HINT = "ltrr train-ranker"
_KINDS: dict[str, type[Trees] | type[Linear]] = {"trees": Trees, "linear": Linear}

Part = Trees | Linear


class PartHeader(msgspec.Struct, frozen=True):
    """What ``model.json`` says of one part; its arrays are ``NUMBER.NAME`` in ``model.npz``."""

    kind: str  # "trees" or "linear"
    weight: float


class Header(msgspec.Struct, frozen=True):
    """``model.json``: what a trained model consists of."""

    format: int
    algorithm: str
    columns: tuple[str, ...]
    digest: str
    parts: tuple[PartHeader, ...]
    trained_until_ms: int | None = None
    measures: dict[str, dict[str, float]] = {}
    anchor: float = ANCHOR
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Ranker:
    """A trained model: the weighted sum of its parts (one, or several in a blend).

    trained_until_ms -- the moment of the newest search it has seen, None where unknown
    measures         -- candidate algorithm -> measure -> value, where it was chosen among several
    anchor           -- weight of the untrained score beside it
    silent           -- it says the less, the likelier a query that nobody acted on asks for one thing by its name
    """

    algorithm: str
    schema: Schema
    parts: tuple[tuple[float, Part], ...]
    trained_until_ms: int | None = None
    measures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    anchor: float = ANCHOR
    silent: bool = False

    def score(self, features: FloatArray) -> FloatArray:
        """Return (n,) float32, larger is better; what is not finite counts as missing.

        features -- (n, f) float32; raises DataError where f is not the schema's
        """
        if features.ndim != 2 or features.shape[1] != len(self.schema.names):
            wanted = len(self.schema.names)
            raise DataError(f"features of shape {features.shape} for a model of {wanted} columns", hint=_HINT)
        clean = finite(features)
        total = np.zeros(len(clean))
        for weight, part in self.parts:
            total += weight * part.score(clean)
        if self.silent:
            total *= heard(self.schema, clean)
        return total.astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and ``model.npz`` (never pickle)."""
        header = Header(
            FORMAT,
            self.algorithm,
            self.schema.names,
            self.schema.digest,
            tuple(PartHeader(part.kind, weight) for weight, part in self.parts),
            self.trained_until_ms,
            {name: dict(values) for name, values in self.measures.items()},
            self.anchor,
            self.silent,
        )
        (folder / "model.json").write_bytes(msgspec.json.encode(header))
        stored: dict[str, Any] = {
            f"{number}.{name}": array
            for number, (_, part) in enumerate(self.parts)
            for name, array in part.arrays().items()
        }
        np.savez(folder / "model.npz", **stored)


def finite(features: FloatArray) -> FloatArray:
    """Return float32 features in which all that is not finite is NaN."""
    narrow = np.asarray(features, np.float32)
    broken = np.isinf(narrow)
    return np.where(broken, np.float32(np.nan), narrow) if broken.any() else narrow


def holds_model(folder: Path) -> bool:
    """Say whether a model lies in a folder: where fusion was put into service only a note of that does."""
    return folder.is_dir() and any(path.name != NOTE for path in folder.iterdir())


def open_model(folder: Path) -> Model:
    """Read a model; raises DamagedError for anything that could not have been saved here.

    Indices are checked, so that an altered file can neither read outside its arrays nor walk for ever.
    """
    plugged = open_plugged(folder)
    if plugged is not None:
        return plugged
    try:
        header = msgspec.json.decode((folder / "model.json").read_bytes(), type=Header)
        # opened here, because np.load leaves a file open that turns out not to be one of its own
        with (folder / "model.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except Exception as error:  # zipfile, zlib, NumPy and msgspec each have errors of their own for a damaged file
        raise DamagedError(f"{folder}: not a model: {_line(error)}", hint=_HINT) from None
    schema = Schema(header.columns)
    if header.format > FORMAT or schema.digest != header.digest:
        raise DamagedError(f"{folder}: a model of another format or with altered columns", hint=_HINT)
    try:
        parts = tuple(_part(number, header.parts, arrays, len(schema.names)) for number in range(len(header.parts)))
    except (KeyError, ValueError) as error:
        raise DamagedError(f"{folder}: {_line(error)}", hint=_HINT) from None
    if not parts:
        raise DamagedError(f"{folder}: a model without parts", hint=_HINT)
    if not 0.0 <= header.anchor < np.inf:
        raise DamagedError(f"{folder}: an anchor of {header.anchor}", hint=_HINT)
    until_ms, measures = header.trained_until_ms, header.measures
    return Ranker(header.algorithm, schema, parts, until_ms, measures, header.anchor, header.silent)


def _part(
    number: int, headers: Sequence[PartHeader], arrays: Mapping[str, NDArray[Any]], columns: int
) -> tuple[float, Part]:
    header = headers[number]
    if not np.isfinite(header.weight):
        raise ValueError("a weight that is no number")
    prefix = f"{number}."
    own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    return header.weight, _KINDS[header.kind].opened(own, columns)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
