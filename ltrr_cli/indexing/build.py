"""Catalog files -> a sealed catalog generation, with what it knows before any feedback."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import msgspec

from ltrr_cli.backends.encoder import OnnxEncoder, open_encoder
from ltrr_cli.backends.encoder_cache import cache_root, find_encoder
from ltrr_cli.backends.encoder_catalog import fit as fit_encoder
from ltrr_cli.backends.encoder_registry import build_plugged
from ltrr_cli.backends.vector_cache import CachedEncoder, VectorCache
from ltrr_cli.catalog.columns import Columns
from ltrr_cli.catalog.faults import no_id
from ltrr_cli.catalog.intake import Intake
from ltrr_cli.core.config import Settings
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.types import Encoder, Entity
from ltrr_cli.engine.bandit_context import signal_names
from ltrr_cli.engine.snapshot import ANALYSIS, CatalogHeader, open_snapshot
from ltrr_cli.indexing.amend import Amendment, made_by
from ltrr_cli.indexing.known_items import measure, warm_start
from ltrr_cli.retrieval import strategy_registry
from ltrr_cli.retrieval.entity_texts import all_text
from ltrr_cli.retrieval.memory.predicted import Given
from ltrr_cli.retrieval.strategy import Resources
from ltrr_cli.understanding.inference.infer import build as build_inferred
from ltrr_cli.understanding.inference.infer import open_inferred
from ltrr_cli.understanding.reader import Understanding

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
    *,
    ids_only: bool = False,
) -> dict[str, float]:
    """Write every part of a catalog generation into ``folder``; return seconds per stage.

    predicted -- id -> query -> score, what the user says that entities should answer
    ids_only  -- who finds words is elsewhere: ``WORDLESS`` alone, and nothing inferred
    kept      -- what an update keeps of the generation before; None: everything is built and measured anew
    """
    names = strategies_of(ids_only=ids_only)
    seconds: dict[str, float] = {}
    clock = perf_counter()

    def stage(name: str) -> None:
        nonlocal clock
        seconds[name] = round(perf_counter() - clock, 3)
        clock = perf_counter()

    def room(name: str) -> Path:
        (folder / name).mkdir()
        return folder / name

    progress("columns", 0, None)
    Columns.build(entities, room("columns"))
    catalog = Columns.open(folder / "columns", entities)
    stage("columns")
    progress("understanding", 0, None)
    before = None if kept is None else kept.before
    Understanding.build(catalog, room("understanding"), settings.catalog.language, before)
    stage("understanding")
    progress("inferred", 0, None)
    if not ids_only:
        build_inferred(catalog, room("inferred"), before)
    stage("inferred")
    progress("encoder", 0, None)
    _encoder(catalog, folder / "encoder", choice)
    stage("encoder")
    encoder = _patient(folder / "encoder", progress)
    inferred = open_inferred(folder / "inferred")
    resources = Resources(
        catalog,
        encoder,
        settings.catalog.language,
        inferred,
        predicted or {},
        names=Understanding.open(folder / "understanding").names,
        before=before,
        sparse=_sparse(settings),
    )
    for name in names:
        progress(name, 0, None)
        strategy_registry.strategy(name).build(resources, room(name))
        stage(name)
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
    known = measure(snapshot)
    _write(folder, msgspec.structs.replace(snapshot.header, fusion=known.fusion, fusion_of_values=known.of_values))
    warm_start(snapshot, known, room("policy"))
    stage("known_items")
    return seconds


def _patient(folder: Path, progress: Progress) -> Encoder:
    """Open an encoder for a whole catalog: all cores, vectors kept for the next time, and word of how far it is."""
    encoder = open_encoder(folder, threads=0)
    if not isinstance(encoder, OnnxEncoder):
        return encoder
    cache = VectorCache(cache_root() / "vectors")
    return CachedEncoder(encoder, encoder.name, cache, lambda done, total: progress("encode", done, total))


def _sparse(settings: Settings) -> Path | None:
    """Return the folder of the sparse encoder that the settings name; raises NotFoundError."""
    return find_encoder(cache_root(), settings.catalog.sparse) if settings.catalog.sparse else None


def _write(folder: Path, header: CatalogHeader) -> None:
    (folder / "generation.json").write_bytes(msgspec.json.encode(header))


def _encoder(catalog: Columns, folder: Path, choice: EncoderChoice) -> None:
    if choice.keep is not None:
        shutil.copytree(choice.keep, folder)
    elif choice.plugin:
        build_plugged(choice.name, folder)
    elif choice.cached is not None:
        shutil.copytree(choice.cached, folder)
    else:
        fit_encoder((all_text(entity) for entity in catalog.entities()), folder)
