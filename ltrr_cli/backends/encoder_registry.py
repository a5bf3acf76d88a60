"""Encoders that other packages add, under a name for ``ltrr index --encoder``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from ltrr_cli.backends.encoder_card import Card, digest_of, write_card
from ltrr_cli.core.errors import DamagedError, DataError
from ltrr_cli.core.plugins import PluginRegistry
from ltrr_cli.core.types import FloatArray

ENCODERS = PluginRegistry(
    "encoder",
    "ltrr.encoders",
    {"catalog": "ltrr_cli.backends.encoder_catalog:fit"},
    "ltrr_cli.backends.encoder_registry:PluginEncoder",
)
_SAMPLE = ("red running shoes", "the weather in Paris")


class PluginEncoder(Protocol):
    """An encoder of another package. A catalog generation keeps the folder that it builds."""

    @classmethod
    def build(cls, folder: Path) -> None:
        """Write all that ``open`` needs; the content names the model: equal files give equal vectors."""
        ...

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open what ``build`` wrote (quick; reads only)."""
        ...

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return (len(texts), dimension) float32 rows of length 1; a vector depends on its text alone."""
        ...


@dataclass(frozen=True, slots=True)
class PluggedEncoder:
    """An open encoder of another package, with what its card says."""

    card: Card
    inner: PluginEncoder

    @property
    def name(self) -> str:
        """The name it is registered under."""
        return self.card.name

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self.card.dimension

    @property
    def digest(self) -> str:
        """SHA-256 of the encoder's files."""
        return self.card.digest

    def encode(self, texts: Sequence[str], progress: Callable[[int], object] | None = None) -> FloatArray:
        """Return (len(texts), dimension) float32; raises DataError for vectors of another shape."""
        if not len(texts):
            return np.empty((0, self.dimension), np.float32)
        vectors = np.asarray(self.inner.encode(texts), np.float32)
        if vectors.shape != (len(texts), self.dimension) or not np.isfinite(vectors).all():
            raise DataError(f"encoder {self.name!r} gave vectors of shape {vectors.shape}, or what is no number")
        if progress is not None:
            progress(len(texts))
        return vectors


def build_plugged(name: str, folder: Path) -> None:
    """Let an encoder of another package fill a folder, try it out and write its card; raises DataError."""
    kind: Any = ENCODERS.load(name)
    if not all(hasattr(kind, part) for part in ("build", "open", "encode")):
        raise DataError(f"encoder {name!r} does not follow {ENCODERS.base}")
    folder.mkdir(parents=True, exist_ok=True)
    kind.build(folder)
    vectors = np.asarray(kind.open(folder).encode(_SAMPLE), np.float32)
    if vectors.ndim != 2 or len(vectors) != len(_SAMPLE) or not np.allclose((vectors**2).sum(axis=1), 1.0, atol=1e-3):
        raise DataError(f"encoder {name!r} gives no vectors of length 1")
    write_card(folder, Card("plugin", name, vectors.shape[1], 8_192, digest_of(folder)))


def open_plugged(folder: Path, card: Card) -> PluggedEncoder:
    """Open an encoder folder of kind "plugin"; raises DamagedError where its package is not installed."""
    try:
        return PluggedEncoder(card, ENCODERS.load(card.name).open(folder))
    except DataError as error:
        raise DamagedError(f"{folder}: {error}", hint=f"install the package of the encoder {card.name!r}") from None
