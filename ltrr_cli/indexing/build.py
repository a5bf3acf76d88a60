"""Catalog files -> a sealed catalog generation, with what it knows before any feedback."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import msgspec

from ltrr_cli.backends.encoder import OnnxEncoder, open_encoder
from ltrr_cli.backends.encoder_cache import cache_root, find_encoder
from ltrr_cli.backends.encoder_card import read_card
from ltrr_cli.backends.encoder_catalog import fit as fit_encoder
from ltrr_cli.backends.encoder_registry import build_plugged
from ltrr_cli.backends.encoder_static import fit_beside
from ltrr_cli.backends.vector_cache import CachedEncoder, VectorCache
from ltrr_cli.catalog.columns import Columns
from ltrr_cli.catalog.faults import no_id
from ltrr_cli.catalog.intake import Intake
from ltrr_cli.core.config import Settings
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.types import Encoder, Entity, FloatArray
from ltrr_cli.engine.bandit_context import signal_names
from ltrr_cli.engine.executor import LOCAL_EXECUTOR, Executor
from ltrr_cli.engine.snapshot import ANALYSIS, DENSE, CatalogHeader, open_snapshot
from ltrr_cli.indexing.amend import Amendment, made_by
from ltrr_cli.indexing.build_kernels import (
    ENCODE,
    FIELDS,
    INFERRED,
    STRATEGIES,
    UNDERSTANDING,
    DraftParts,
    build_strategy,
    clear,
)
from ltrr_cli.indexing.known_items import DraftSnapshot, measure, warm_start
from ltrr_cli.retrieval import strategy_registry
from ltrr_cli.retrieval.entity_texts import all_text
from ltrr_cli.retrieval.memory.predicted import Given
from ltrr_cli.retrieval.sparse.departed_terms import Departed

# strategies that need no texts of the catalog: they go by fields, or learn from people, by ids
WORDLESS = ("structured", "memory", "related", "personal", "popular", "fresh", "explore")


@dataclass(frozen=True, slots=True)
class EncoderChoice:
    """Which encoder a generation uses.

    keep -- folder of the encoder of the generation before, to be used again unchanged; None: make or fetch it
    name -- "catalog" (learnt from these entities), or the name of one in the user's cache
    """

    name: str
    keep: Path | None = None
    cached: Path | None = None
    plugin: bool = False  # an encoder of another package


def check_bad(intake: Intake, max_bad: float, quarantine: Path | None) -> None:
    """Raise DataError where more lines are bad than allowed, or none is good."""
    bad = len(intake.refused)
    if intake.refused and bad > max_bad * intake.lines:
        first = intake.refused[0]
        named = no_id(intake.keys) if first.reason == "no id" else None
        raise DataError(
            f"{bad} of {intake.lines} lines are bad (allowed: {max_bad:.2%}); first: {first.source}, line "
            f"{first.number}: {first.reason}; nothing was published",
            hint=named or (f"see {quarantine}, mend the lines or raise --max-bad" if quarantine else None),
        )
    if not intake.entities:
        raise DataError("no entity in the catalog; nothing was published", hint='one {"id", "title", ...} a line')


def strategies_of(*, ids_only: bool) -> tuple[str, ...]:
    """Return the names of the strategies that a catalog is built for."""
    return WORDLESS if ids_only else strategy_registry.names()


def build_generation(
    entities: Sequence[Entity],
    folder: Path,
    settings: Settings,
    choice: EncoderChoice,
    progress: Progress,
    predicted: Given | None = None,
    kept: Amendment | None = None,
    executor: Executor = LOCAL_EXECUTOR,
    *,
    ids_only: bool = False,
    departed: Departed | None = None,
) -> dict[str, float]:
    """Write every part of a catalog generation into ``folder``; return seconds per stage.

    Where workers build, stages overlap: each says how long it took by itself.

    predicted -- id -> query -> score, what the user says that entities should answer
    ids_only  -- who finds words is elsewhere: ``WORDLESS`` alone, and nothing inferred
    kept      -- what an update keeps of the generation before; None: everything is built and measured anew
    departed  -- id -> term -> weight, of entities that were chosen and are no longer there
    """
    names = strategies_of(ids_only=ids_only)
    seconds: dict[str, float] = {}
    clock = perf_counter()

    def stage(name: str) -> None:
        nonlocal clock
        seconds[name] = round(perf_counter() - clock, 3)
        clock = perf_counter()

    progress("columns", 0, None)
    folder = folder.resolve()  # a worker's current folder may be another one
    (folder / "columns").mkdir()
    Columns.build(entities, folder / "columns")
    stage("columns")
    before = None if kept is None else kept.before
    language, sparse = settings.catalog.language, _sparse(settings)
    parts = DraftParts(folder, language, predicted or {}, sparse, before, entities, departed or {})
    try:
        seconds |= _build_parts(parts, names, choice, progress, executor, ids_only=ids_only)
    except BaseException:
        executor.drop()  # the draft will be removed: nobody may be writing into it
        raise
    clear(folder)
    clock = perf_counter()
    if kept is not None:
        _write(folder, msgspec.structs.replace(kept.header, changed=kept.changed))
        shutil.copytree(kept.before.folder / "policy", folder / "policy")
        stage("known_items")
        return seconds
    header = CatalogHeader(
        settings.catalog.language, choice.name, names, {}, (), analysis=ANALYSIS, made_by=made_by(settings, names)
    )
    _write(folder, header)
    progress("known items", 0, None)
    # known items are asked here alone: retrievers elsewhere are taught by live traffic
    local = msgspec.structs.replace(settings, retrieval=msgspec.structs.replace(settings.retrieval, remote={}))
    snapshot = open_snapshot(local, folder, None)
    snapshot.header = msgspec.structs.replace(header, signals=signal_names(snapshot))
    _write(folder, snapshot.header)  # workers open it
    known = measure(snapshot, executor, DraftSnapshot(folder, local))
    _write(folder, msgspec.structs.replace(snapshot.header, fusion=known.fusion, fusion_of_values=known.of_values))
    (folder / "policy").mkdir()
    warm_start(snapshot, known, folder / "policy")
    stage("known_items")
    return seconds


def _build_parts(
    parts: DraftParts,
    names: Sequence[str],
    choice: EncoderChoice,
    progress: Progress,
    executor: Executor,
    *,
    ids_only: bool,
) -> dict[str, float]:
    """Build what lies between the columns and the known items; return seconds per part."""
    seconds: dict[str, float] = {}

    def note(built: Iterator[tuple[str, float]], wanted: Sequence[str]) -> None:
        for name in wanted:
            progress(name, 0, None)
            _, took = next(built)
            seconds[name] = round(took, 3)

    fields = (UNDERSTANDING,) if ids_only else (UNDERSTANDING, INFERRED)
    local = executor if parts.before is None else LOCAL_EXECUTOR  # an update keeps most of it
    here, told = lambda: parts, parts.elsewhere()
    early = local.map(FIELDS, told, fields, here)
    start = perf_counter()
    progress("encoder", 0, None)
    _encoder(parts.catalog, parts.folder / "encoder", choice)
    seconds["encoder"] = round(perf_counter() - start, 3)
    resources = parts.with_encoder(_patient(parts.folder / "encoder", progress, local))
    dense = local.beside(lambda: build_strategy(resources, parts.folder, DENSE)) if DENSE in names else None
    note(early, fields)
    others = [name for name in names if name != DENSE]
    note(local.map(STRATEGIES, told, others, here), others)
    if dense is not None:
        note(iter((dense(),)), (DENSE,))
    return seconds


def _patient(folder: Path, progress: Progress, executor: Executor) -> Encoder:
    """Open an encoder for a whole catalog: all cores, vectors kept for the next time, and word of how far it is."""
    encoder = open_encoder(folder, threads=0)
    if not isinstance(encoder, OnnxEncoder):
        return encoder

    def mapped(texts: Iterable[list[str]]) -> Iterator[FloatArray]:
        return executor.map(ENCODE, folder, texts, lambda: encoder)

    cache = VectorCache(cache_root() / "vectors")
    return CachedEncoder(encoder, encoder.name, cache, lambda done, total: progress("encode", done, total), mapped)


def _sparse(settings: Settings) -> Path | None:
    """Return the folder of the sparse encoder that the settings name; raises NotFoundError."""
    return find_encoder(cache_root(), settings.catalog.sparse).resolve() if settings.catalog.sparse else None


def _write(folder: Path, header: CatalogHeader) -> None:
    (folder / "generation.json").write_bytes(msgspec.json.encode(header))


def _encoder(catalog: Columns, folder: Path, choice: EncoderChoice) -> None:
    if choice.keep is not None:
        shutil.copytree(choice.keep, folder)
    elif choice.plugin:
        build_plugged(choice.name, folder)
    elif choice.cached is not None and read_card(choice.cached).kind != "table":
        shutil.copytree(choice.cached, folder)
    else:
        texts = (all_text(entity) for entity in catalog.entities())
        if choice.cached is None:
            fit_encoder(texts, folder)
        else:  # general vectors of words, which the catalog's own are put beside
            fit_beside(choice.cached, texts, folder)
