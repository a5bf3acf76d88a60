"""Catalog files -> a published catalog generation, with what was learnt folded anew for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from ltrr_cli.backends.encoder import open_encoder
from ltrr_cli.backends.encoder_cache import cache_root, find_encoder, list_encoders
from ltrr_cli.backends.encoder_registry import ENCODERS
from ltrr_cli.catalog.columns import Columns
from ltrr_cli.catalog.intake import Intake, read_ids
from ltrr_cli.catalog.remarks import Remark
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.report import Report
from ltrr_cli.core.types import Entity
from ltrr_cli.engine.executor import open_executor
from ltrr_cli.engine.snapshot import CATALOG_ENCODER, header_of
from ltrr_cli.engine.state import State
from ltrr_cli.feedback.quarantine import Quarantine
from ltrr_cli.indexing.amend import Amendment, amendment
from ltrr_cli.indexing.build import EncoderChoice, build_generation, check_bad, strategies_of
from ltrr_cli.indexing.departed import departed
from ltrr_cli.learning.publish import learn
from ltrr_cli.retrieval.memory.predicted import GIVEN, Given, read_given

MINILM = "minilm"  # what is suggested for prose
PROSE_WORDS, PROSE_SHARE = 20, 1 / 3  # a text of so many words is prose; a catalog where so many entities have one, too


@dataclass(frozen=True, slots=True)
class IndexReport(Report):
    """A published catalog generation.

    duplicates  -- lines whose id came again (the last one counts)
    quarantined -- bad lines, kept with reasons in ``quarantine_file``
    seconds     -- stage -> wall time
    remarks     -- what was noticed of the values: what was taken as meant, and what was left out
    """

    generation: int  # number of the new generation
    entities: int  # in all
    quarantined: int
    seconds: Mapping[str, float]
    duplicates: int = 0
    deleted: int = 0  # entities removed by --delete
    quarantine_file: str | None = None
    remarks: tuple[Remark, ...] = ()
    whole: str | None = None  # why an update was built as a whole; None: it was amended, or it was no update
    catalog_digest: str = ""  # SHA-256 over all entities, the same in whatever form they were given


def index(
    state: State,
    sources: Sequence[Any],
    update: bool,
    delete: str | Path | None,
    mapping: Mapping[str, str] | None,
    encoder: str | None,
    refit: bool,
    max_bad: float | None,
    predicted: str | Path | None,
    progress: Progress,
    *,
    ids_only: bool = False,
    engine: str | None = None,
) -> IndexReport:
    """Read, check, build, publish; see ``Workspace.index``."""
    start = perf_counter()
    settings = state.settings
    with open_executor(engine or settings.engine) as executor, state.publishing("index"):
        # a damaged pointer stands in nobody's way but an update's: what is published now replaces it
        previous = state.generations.current() if update else state.generations.current_or_none()
        intake = Intake(columns=settings.catalog.columns)
        folder: Path | None = None
        old: list[Entity] = []
        if update:
            if previous is None:
                raise DataError("nothing to update: no catalog was indexed here", hint="leave out --update")
            folder = state.generations.open().catalog
            old = list(Columns.open(folder / "columns").entities())
            intake.entities = {entity.id: entity for entity in old}
            ids_only = ids_only or "lexical" not in header_of(folder).strategies
        intake.read(sources, {**settings.catalog.map, **(mapping or {})}, lambda lines: progress("read", lines, None))
        for fault in intake.faults() if not ids_only else ():  # such as titles that are missing
            raise DataError(f"{fault}; nothing was published", hint=fault.hint)
        intake.settle(settings.catalog.html)
        if delete is not None:
            intake.delete(read_ids(delete))
        quarantine = None
        if intake.refused:
            quarantine = Quarantine(state.home / "quarantine" / "catalog.jsonl")
            for line in intake.refused:
                quarantine.add(line.source, line.number, line.offset, line.reason, line.data)
            quarantine.close()
        check_bad(
            intake, settings.catalog.max_bad if max_bad is None else max_bad, quarantine.path if quarantine else None
        )
        given = _predictions(state, predicted, keep=update)
        seconds = {"read": round(perf_counter() - start, 3)}
        choice = _encoder_choice(state, encoder, keep=update and not refit)
        entities, kept = intake.sorted(), None
        prose = sum(entity.text.count(" ") >= PROSE_WORDS - 1 for entity in entities)
        if choice == EncoderChoice(CATALOG_ENCODER) and not ids_only and prose > PROSE_SHARE * len(entities):
            intake.remarks.tell("prose", "text", _better_encoder(), prose)
        if ids_only:  # no texts are kept
            entities = [replace(entity, text="") for entity in entities]
        if folder is not None:
            name, strategies = choice.name if choice.keep else None, strategies_of(ids_only=ids_only)
            kept = amendment(folder, old, entities, settings, name, strategies)
        gone = {} if ids_only else departed(state, entities)
        with state.generations.draft("catalog") as draft:
            amended = kept if isinstance(kept, Amendment) else None
            seconds |= build_generation(
                entities, draft.folder, settings, choice, progress, given, amended, executor, ids_only=ids_only,
                departed=gone,
            )  # fmt: skip
        began = perf_counter()
        learn(state, progress, catalog=draft.number, executor=executor)
        seconds["learn"] = round(perf_counter() - began, 3)
    seconds["total"] = round(perf_counter() - start, 3)
    return IndexReport(
        generation=draft.number,
        entities=len(intake.entities),
        quarantined=len(intake.refused),
        seconds=seconds,
        duplicates=intake.duplicates,
        deleted=intake.deleted,
        quarantine_file=str(quarantine.path) if quarantine else None,
        remarks=tuple(intake.remarks),
        whole=kept if isinstance(kept, str) else None,
        catalog_digest=state.catalog_digest(),
    )


def _predictions(state: State, source: str | Path | None, *, keep: bool) -> Given:
    """Read a file of predicted queries, else (an update) what the generation before was given."""
    if source is not None:
        return read_given(source)
    current = state.generations.current_or_none() if keep else None
    kept = None if current is None else state.generations.folder("catalog", current.catalog) / "memory" / GIVEN
    return read_given(kept) if kept is not None and kept.exists() else {}


def _encoder_choice(state: State, name: str | None, *, keep: bool) -> EncoderChoice:
    """Decide on the encoder: an update keeps the one there is, else the flag, the settings, ``catalog``."""
    wanted = name or state.settings.catalog.encoder
    current = state.generations.current_or_none()
    if keep and current is not None and name is None:
        folder = state.generations.folder("catalog", current.catalog) / "encoder"
        return EncoderChoice(open_encoder(folder).name, keep=folder)
    if wanted == CATALOG_ENCODER:
        return EncoderChoice(CATALOG_ENCODER)
    if wanted in ENCODERS.others():
        return EncoderChoice(wanted, plugin=True)
    return EncoderChoice(wanted, cached=find_encoder(cache_root(), wanted))


def _better_encoder() -> str:
    """Return what to type for an encoder that knows more than the catalog's own words."""
    pulled = any(card.name == MINILM for card in list_encoders(cache_root()))
    return f"--encoder {MINILM}" if pulled else f"--encoder {MINILM} (after ltrr encoder pull {MINILM})"
