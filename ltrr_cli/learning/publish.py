"""What publishes: a catalog generation, and trained rankers. Both end with a fold of the journal."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from ltrr_cli.core.clock import DAY, now_ms
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.core.report import Report
from ltrr_cli.engine import model_store
from ltrr_cli.engine.executor import LOCAL_EXECUTOR, Executor, open_executor
from ltrr_cli.engine.snapshot import open_snapshot
from ltrr_cli.feedback.attribution import Tally
from ltrr_cli.feedback.guards import Suspect
from ltrr_cli.feedback.judgments import read_judged
from ltrr_cli.learning import checkpoint
from ltrr_cli.learning.fold import Fold
from ltrr_cli.learning.fold_elsewhere import FoldElsewhere
from ltrr_cli.learning.past_pieces import folder_of_pieces
from ltrr_cli.learning.past_searches import past_searches
from ltrr_cli.learning.timeline import rewards_of
from ltrr_cli.learning.train import guard_of, judged_examples, keep, train_model
from ltrr_cli.learning.walk_elsewhere import WalkTerms
from ltrr_cli.storage.manifest import MANIFEST
from ltrr_cli.storage.segments import link_folder

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State


MOST, OLDER = 12, 3  # learned generations that may lie there; where there are more, so many and those that are spaced
RANKER = "ranker"  # trained, not folded: carried from one learned generation to the next


@dataclass(frozen=True, slots=True)
class TrainReport(Report):
    """A training: the held-out measures of every contender, and whether the new model serves now."""

    model: str | None  # "ranker-3"; None for a dry run, or where nothing was trained
    algorithm: str
    measures: Mapping[str, Mapping[str, float]]
    promoted: bool  # whether it serves now
    reason: str = ""  # of the verdict
    searches: int = 0  # that were trained on
    seconds: float = 0.0
    importances: Mapping[str, float] = field(default_factory=dict)  # feature -> loss of nDCG@10 when it is shuffled
    won: tuple[tuple[str, float], ...] = ()  # queries with the largest gains of nDCG@10
    lost: tuple[tuple[str, float], ...] = ()  # queries with the largest losses


@dataclass(frozen=True, slots=True)
class Learnt:
    """A published learned generation, what its events came to, and who acted abnormally often."""

    number: int
    tally: Tally
    suspects: list[Suspect]


def learn(
    state: State,
    progress: Progress,
    *,
    catalog: int | None = None,
    ranker: Path | None = None,
    anew: bool = False,
    executor: Executor = LOCAL_EXECUTOR,
) -> Learnt:
    """Fold the journal into a new learned generation and publish it; the lock is the caller's.

    anew    -- from its beginning, and what was kept for training is made again when it is needed; else from the
               furthest checkpoint that nothing new reaches back before
    executor -- whose workers ask searches that teach
    catalog -- a drafted catalog generation to publish in the same step; None: the current one stays
    ranker  -- folder of a model to serve in place of the one carried over; one that is not there: none serves
    """
    progress("learn", 0, None)
    keep = state.settings.feedback.keep_days
    if keep > 0.0:
        state.journal.expire(round(keep * DAY), now_ms())
    if anew:
        state.journal.thaw()
    number = catalog or state.current().catalog
    with state.journal.reading():
        learnt = _folded(state, number, ranker, executor, anew=anew)
    state.generations.publish(catalog=catalog, learned=learnt.number)
    thin_out(state)
    return learnt


def learn_new(state: State, purpose: str = "close") -> int | None:
    """Publish a learned generation where the journal holds events that the current one does not; return its number."""
    learnt = checkpoint.read(state.generations.folder("learned", state.current().learned))
    if learnt is not None:
        now = state.journal.marks()  # pages alone teach nothing
        if now == replace(learnt.marks, impressions=now.impressions):
            return None
    with state.publishing(purpose):
        return learn(state, quiet).number


def _folded(state: State, catalog: int, ranker: Path | None, executor: Executor, *, anew: bool) -> Learnt:
    """Go on from a checkpoint, and seal what is learnt; it is not published."""
    generations, journal = state.generations, state.journal
    marks, rewards = journal.marks(), rewards_of(journal, state.settings)
    by = checkpoint.made_by(state, catalog, rewards)
    found = None if anew else checkpoint.furthest(state, by)
    begun = checkpoint.folder_of(state, found)
    if found is not None:
        generations.trust(found.kind, found.number)
    folder = generations.folder("catalog", catalog)
    snapshot = open_snapshot(state.settings, folder, begun, serving=False, texts=state.texts(folder))
    fold = Fold(snapshot, rewards, begun, 0 if found is None else found.checkpoint.marks.profiles)
    drafted: list[int] = []

    def write(drafts: ExitStack, kind: str) -> Callable[[], None]:
        """Write what strategies learnt; return what adds what the bandit did, and seals it."""
        own = ExitStack()
        drafts.push(own)
        draft = own.enter_context(generations.draft(kind))
        last = kind == checkpoint.LEARNED
        if last:
            _carry_ranker(state, ranker, draft.folder / RANKER)
            drafted.append(draft.number)
        snapshot.go_live(live=not last)  # fits are left to those who go on from here
        save_bandit = fold.save(draft.folder, journal, catalog)
        snapshot.go_live(live=False)
        learnt = fold.tally.events + fold.tally.counted
        checkpoint.write(draft.folder, checkpoint.Checkpoint(by, marks, fold.position, learnt))

        def seal() -> None:
            save_bandit()
            own.close()

        return seal

    rows, events = journal.counted_rows() - fold.tally.counted, journal.counts().events - fold.tally.events
    moments = checkpoint.stops(journal, fold.position, events, rows)
    with ExitStack() as drafts:
        stops = [
            *((moment, partial(write, drafts, checkpoint.CHECKPOINTS)) for moment in moments),
            (None, partial(write, drafts, checkpoint.LEARNED)),
        ]
        if executor.elsewhere and events >= checkpoint.FEWEST:
            with folder_of_pieces(state.home / checkpoint.CHECKPOINTS, executor) as pieces:
                begin = None if begun is None else begun.resolve()
                terms = WalkTerms(state.settings, folder.resolve(), begin, pieces.resolve(), None)
                FoldElsewhere(fold, executor, terms).run(journal, stops)
        else:
            for moment, stop in stops:
                fold.run(journal, moment)
                stop()()
    return Learnt(drafted[0], fold.tally, fold.suspects())


def _carry_ranker(state: State, ranker: Path | None, target: Path) -> None:
    """Place the model that is to serve: the one given, else the one that serves now, unless it is damaged."""
    source = ranker
    if source is None:
        current = state.generations.current_or_none()
        if current is None or not current.learned:
            return
        if RANKER in {damage.part for damage in state.generations.damages_of_learned()}:
            return
        source = state.generations.folder("learned", current.learned) / RANKER
    if source.is_dir():
        shutil.copytree(source, target)


def _place(state: State, ranker: Path, progress: Progress) -> None:
    """Publish what was learnt with another model: nothing is learnt for that, where what was learnt is sound."""
    generations, current = state.generations, state.current()
    if not current.learned or generations.damages_of_learned():
        learn(state, progress, ranker=ranker)
        return
    generations.trust(checkpoint.LEARNED, current.learned)
    with generations.draft(checkpoint.LEARNED) as draft:
        link_folder(generations.folder(checkpoint.LEARNED, current.learned), draft.folder, (RANKER, MANIFEST))
        _carry_ranker(state, ranker, draft.folder / RANKER)
    generations.publish(learned=draft.number)
    thin_out(state)


def thin_out(state: State) -> None:
    """Remove checkpoints that are too many or of no use any more, and of learned generations those beyond ``MOST``.

    The lock is the caller's.
    """
    keep = kept(state)
    learned = state.generations.numbers("learned")
    recent = learned if len(learned) <= MOST else learned[:OLDER]
    state.generations.sweep({"checkpoints": keep["checkpoints"], "learned": keep["learned"] | set(recent)})


def kept(state: State) -> dict[str, set[int]]:
    """Return the generations that a fold may have to go on from, by kind, and the current one."""
    current = state.current()
    now = checkpoint.read(state.generations.folder("learned", current.learned))
    found: dict[str, set[int]] = {checkpoint.LEARNED: {current.learned}, checkpoint.CHECKPOINTS: set()}
    if now is not None:
        for kind, number in checkpoint.kept(checkpoint.checkpoints(state), now.made_by, now.events):
            found[kind].add(number)
    return found


def train(
    state: State,
    algorithm: str | None,
    judgments: tuple[str | Path, str | Path] | None,
    dry_run: bool,
    progress: Progress,
    engine: str | None = None,
) -> TrainReport:
    """Train on the newest searches of the journal; see ``Workspace.train``."""
    start = perf_counter()
    settings = state.settings
    with open_executor(engine or settings.engine) as executor, state.publishing("train-ranker"):
        serving = state.snapshot()
        if judgments is not None:
            labelled = judged_examples(serving, read_judged(*judgments, clock_ms=serving.clock_ms), progress)
        else:
            labelled = past_searches(state, serving, progress, executor)
        progress("fit", 0, None)
        guard = guard_of(state, serving, progress)
        trained = train_model(labelled, algorithm or settings.ranking.algorithm, serving.ranker, guard)
        number = None
        if not dry_run and trained.model is not None:
            source = "journal" if judgments is None else "judgments"
            number = keep(state, trained, trained.model, source)
            if trained.better:
                with model_store.serving(state, number) as folder:
                    _place(state, folder, progress)
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


def promote(state: State, name: str | None, progress: Progress) -> str:
    """Let a model serve; None: the one that served before. See ``Workspace.promote``."""
    with state.publishing("models"):
        number = model_store.before(state) if name is None else model_store.number_of(state, name)
        with model_store.serving(state, number, back=name is None) as folder:
            _place(state, folder, progress)
    return model_store.name_of(number)
