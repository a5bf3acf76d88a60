"""What is built of a catalog generation part by part, here or by workers: each part writes its own folder alone.

Workers open the draft by its folder, which all of them have to see. A part is built in a scratch folder of the draft
and renamed into its place, so that what a killed worker left behind is never taken for a part.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import perf_counter
from uuid import uuid4

from ltrr_cli.backends.encoder import open_encoder
from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.before import Before
from ltrr_cli.core.types import Encoder, Entity, FloatArray
from ltrr_cli.engine.executor import Kernel
from ltrr_cli.retrieval import strategy_registry
from ltrr_cli.retrieval.memory.predicted import Given
from ltrr_cli.retrieval.sparse.departed_terms import Departed
from ltrr_cli.retrieval.strategy import Resources
from ltrr_cli.understanding.inference.infer import build as build_inferred
from ltrr_cli.understanding.inference.infer import open_inferred
from ltrr_cli.understanding.reader import Understanding

UNDERSTANDING, INFERRED = "understanding", "inferred"
SCRATCH = ".building"  # folder of a draft that is removed once all parts are built


@dataclass(frozen=True)
class DraftParts:
    """What parts of a draft are built from; opened when it is first needed, for the draft grows.

    predicted -- id -> query -> score, what the user says that entities should answer
    sparse    -- folder of an imported sparse encoder
    before    -- what an update keeps; never where workers build
    departed  -- id -> term -> weight, of entities that were chosen and are no longer there
    entities  -- those of the catalog, where they are in memory; None: they are read from the draft
    """

    folder: Path
    language: str
    predicted: Given
    sparse: Path | None = None
    before: Before | None = None
    entities: Sequence[Entity] | None = None
    departed: Departed = field(default_factory=dict)

    @cached_property
    def catalog(self) -> Columns:
        """The columns of the draft."""
        return Columns.open(self.folder / "columns", self.entities)

    @cached_property
    def resources(self) -> Resources:
        """All that strategies are built of; queries' encoder."""
        return Resources(
            self.catalog,
            open_encoder(self.folder / "encoder"),
            self.language,
            open_inferred(self.folder / INFERRED),
            self.predicted,
            self.departed,
            names=Understanding.open(self.folder / UNDERSTANDING).names,
            before=self.before,
            sparse=self.sparse,
        )

    def elsewhere(self) -> DraftParts:
        """Return what a worker is told."""
        return replace(self, entities=None)

    def with_encoder(self, encoder: Encoder) -> Resources:
        """Return what an encoder of a whole catalog is given to: nothing that is still being built."""
        return Resources(self.catalog, encoder, self.language, before=self.before)


def _same(parts: DraftParts) -> DraftParts:
    return parts


@contextmanager
def place_of(draft: Path, name: str) -> Iterator[Path]:
    """Give an empty folder to build a part in, of the part's name; it is moved to its place when it is whole."""
    (draft / SCRATCH).mkdir(exist_ok=True)  # never the draft itself: it may have been given up
    scratch = draft / SCRATCH / uuid4().hex
    scratch.mkdir()
    (scratch / name).mkdir()
    yield scratch / name
    if not (draft / name).exists():  # another worker was given it too, and was quicker
        (scratch / name).rename(draft / name)


def clear(draft: Path) -> None:
    """Remove what workers that died left behind."""
    shutil.rmtree(draft / SCRATCH, ignore_errors=True)


def _build_field(parts: DraftParts, name: str) -> tuple[str, float]:
    """Build what strategies need of a catalog; return its name and the seconds that it took."""
    start = perf_counter()
    with place_of(parts.folder, name) as folder:
        if name == UNDERSTANDING:
            Understanding.build(parts.catalog, folder, parts.language, parts.before)
        else:
            build_inferred(parts.catalog, folder, parts.before)
    return name, perf_counter() - start


def build_strategy(resources: Resources, draft: Path, name: str) -> tuple[str, float]:
    """Build one strategy into its folder; return its name and the seconds that it took."""
    start = perf_counter()
    with place_of(draft, name) as folder:
        strategy_registry.strategy(name).build(resources, folder)
    return name, perf_counter() - start


def _build_strategy(parts: DraftParts, name: str) -> tuple[str, float]:
    return build_strategy(parts.resources, parts.folder, name)


def _encode(encoder: Encoder, texts: Sequence[str]) -> FloatArray:
    return encoder.encode(texts)


FIELDS: Kernel[DraftParts, DraftParts, str, tuple[str, float]] = Kernel(
    "understanding of a catalog", _same, _build_field
)
STRATEGIES: Kernel[DraftParts, DraftParts, str, tuple[str, float]] = Kernel("strategies", _same, _build_strategy)
ENCODE: Kernel[Path, Encoder, Sequence[str], FloatArray] = Kernel("encode texts", open_encoder, _encode)
