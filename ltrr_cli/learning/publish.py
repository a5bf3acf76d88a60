"""What publishes: a catalog generation, and trained model_store. Both end with a fold of the journal."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from ltrr_cli.backends.encoder import open_encoder
from ltrr_cli.backends.encoder_cache import cache_root, find_encoder
from ltrr_cli.catalog.columns import Columns
from ltrr_cli.catalog.intake import Intake, read_ids
from ltrr_cli.core.clock import DAY, now_ms
from ltrr_cli.core.errors import DataError
from ltrr_cli.engine import model_store
from ltrr_cli.engine.records import IndexReport, TrainReport
from ltrr_cli.engine.snapshot import Snapshot, open_snapshot
from ltrr_cli.feedback.attribution import Tally
from ltrr_cli.feedback.guards import Suspect
from ltrr_cli.feedback.judgments import read_judged
from ltrr_cli.feedback.quarantine import Quarantine
from ltrr_cli.indexing.build import EncoderChoice, build_generation, check_bad
from ltrr_cli.learning.fold import fold, outcomes
from ltrr_cli.learning.train import Labelled, judged_examples, observe, train_model
from ltrr_cli.retrieval.memory.predicted import GIVEN, Given, read_given

if TYPE_CHECKING:
    from ltrr_cli.workspace.workspace import Workspace

Progress = Callable[[str, int, int | None], None]

RANKER = "ranker"  # trained, not folded: carried from one learned generation to the next


def index(
    workspace: Workspace,
    sources: Sequence[str | Path],
    update: bool,
    delete: str | Path | None,
    mapping: Mapping[str, str] | None,
    encoder: str | None,
    refit: bool,
    max_bad: float | None,
    predicted: str | Path | None,
    progress: Progress,
) -> IndexReport:
    """Read, check, build, publish; see ``Workspace.index``."""
    start = perf_counter()
    settings = workspace.settings
    with workspace.publishing("index"):
        # a damaged pointer stands in nobody's way but an update's: what is published now replaces it
        previous = workspace.generations.current() if update else workspace.generations.current_or_none()
        intake = Intake()
        if update:
            if previous is None:
                raise DataError("nothing to update: no catalog was indexed here", hint="leave out --update")
            old = Columns.open(workspace.generations.open().catalog / "columns")
            intake.entities = {entity.id: entity for entity in old.entities()}
        intake.read(sources, mapping, lambda lines: progress("read", lines, None))
        if delete is not None:
            intake.delete(read_ids(delete))
        quarantine = None
        if intake.refused:
            quarantine = Quarantine(workspace.home / "quarantine" / "catalog.jsonl")
            for line in intake.refused:
                quarantine.add(line.source, line.number, line.offset, line.reason, line.data)
            quarantine.close()
        check_bad(
            intake, settings.catalog.max_bad if max_bad is None else max_bad, quarantine.path if quarantine else None
        )
        given = _predictions(workspace, predicted, keep=update)
        seconds = {"read": round(perf_counter() - start, 3)}
        choice = _encoder_choice(workspace, encoder, keep=update and not refit)
        with workspace.generations.draft("catalog") as draft:
            seconds |= build_generation(intake.sorted(), draft.folder, settings, choice, progress, given)
        began = perf_counter()
        learn(workspace, progress, catalog=draft.number)
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
    )


@dataclass(frozen=True, slots=True)
class Learnt:
    """A published learned generation, what its events came to, and who acted abnormally often."""

    number: int
    tally: Tally
    suspects: list[Suspect]


def learn(
    workspace: Workspace,
    progress: Progress,
    *,
    catalog: int | None = None,
    ranker: Path | None = None,
) -> Learnt:
    """Fold the journal into a new learned generation and publish it; the lock is the caller's.

    catalog -- a drafted catalog generation to publish in the same step; None: the current one stays
    ranker  -- folder of a model to serve in place of the one carried over; one that is not there: none serves
    """
    progress("learn", 0, None)
    keep = workspace.settings.feedback.keep_days
    if keep > 0.0:
        workspace.journal.expire(round(keep * DAY), now_ms())
    generations = workspace.generations
    current = generations.current_or_none()
    number = catalog or workspace.current().catalog
    carried = None if current is None or not current.learned else generations.folder("learned", current.learned)
    broken = {damage.part for damage in generations.damages_of_learned()}
    with generations.draft("learned") as draft:
        source = ranker if ranker is not None or carried is None else carried / RANKER
        if source is not None and source.is_dir() and (ranker is not None or RANKER not in broken):
            shutil.copytree(source, draft.folder / RANKER)
        snapshot = open_snapshot(workspace.settings, generations.folder("catalog", number), None)
        tally, suspects = fold(snapshot, workspace.journal, draft.folder, number)
    generations.publish(catalog=catalog, learned=draft.number)
    return Learnt(draft.number, tally, suspects)


def train(
    workspace: Workspace,
    algorithm: str | None,
    judgments: tuple[str | Path, str | Path] | None,
    dry_run: bool,
    progress: Progress,
) -> TrainReport:
    """Train on the newest searches of the journal; see ``Workspace.train``."""
    start = perf_counter()
    settings = workspace.settings
    with workspace.publishing("train-ranker"):
        serving = workspace.snapshot()
        if judgments is not None:
            labelled = judged_examples(serving, read_judged(*judgments, clock_ms=serving.clock_ms), progress)
        else:
            labelled = past(workspace, serving, progress)
        progress("fit", 0, None)
        trained = train_model(labelled, algorithm or settings.ranking.algorithm, serving.ranker)
        number = None
        if not dry_run and trained.model is not None:
            source = "journal" if judgments is None else "judgments"
            number = model_store.keep(workspace, trained, trained.model, source)
            if trained.better:
                with model_store.serving(workspace, number) as folder:
                    learn(workspace, progress, ranker=folder)
    return TrainReport(
        model=None if number is None else model_store.name_of(number),
        algorithm=trained.algorithm,
        measures=trained.measures,
        promoted=number is not None and trained.better,
        reason=trained.reason,
        searches=trained.searches,
        seconds=round(perf_counter() - start, 3),
        importances=trained.importances,
        won=trained.won,
        lost=trained.lost,
    )


def promote(workspace: Workspace, name: str | None, progress: Progress) -> str:
    """Let a model serve; None: the one that served before. See ``Workspace.promote``."""
    with workspace.publishing("models"):
        number = model_store.before(workspace) if name is None else model_store.number_of(workspace, name)
        with model_store.serving(workspace, number, back=name is None) as folder:
            learn(workspace, progress, ranker=folder)
    return model_store.name_of(number)


def past(workspace: Workspace, serving: Snapshot, progress: Progress) -> Labelled:
    """Walk through the journal with a fresh snapshot, freezing what it knew at the newest searches."""
    settings = workspace.settings
    snapshot = workspace.open_snapshot(workspace.current(), learned=False)
    # the candidates that a ranker will meet are those that this policy lets in
    snapshot.policy, snapshot.history = serving.policy, serving.history
    snapshot.meet(workspace.journal)
    snapshot.cross = None  # it reads what a ranker has ordered, and is no feature
    past = list(outcomes(workspace.journal, settings))
    return observe(snapshot, workspace.journal, past, settings.ranking.sample, progress).labelled()


def _predictions(workspace: Workspace, source: str | Path | None, *, keep: bool) -> Given:
    """Read a file of predicted queries, else (an update) what the generation before was given."""
    if source is not None:
        return read_given(source)
    current = workspace.generations.current_or_none() if keep else None
    kept = None if current is None else workspace.generations.folder("catalog", current.catalog) / "memory" / GIVEN
    return read_given(kept) if kept is not None and kept.exists() else {}


def _encoder_choice(workspace: Workspace, name: str | None, *, keep: bool) -> EncoderChoice:
    """Decide on the encoder: an update keeps the one there is, else the flag, the settings, ``catalog``."""
    wanted = name or workspace.settings.catalog.encoder
    current = workspace.generations.current_or_none()
    if keep and current is not None and name is None:
        folder = workspace.generations.folder("catalog", current.catalog) / "encoder"
        return EncoderChoice(open_encoder(folder).name, keep=folder)
    if wanted == "catalog":
        return EncoderChoice("catalog")
    return EncoderChoice(wanted, cached=find_encoder(cache_root(), wanted))
