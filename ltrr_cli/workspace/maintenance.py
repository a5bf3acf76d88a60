"""Keeping a workspace well: back to an older generation, all learning anew, old files away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec

from ltrr_cli.core.errors import DamagedError, NotFoundError, UsageError
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.report import Report
from ltrr_cli.engine.executor import open_executor
from ltrr_cli.engine.snapshot import LearnedHeader
from ltrr_cli.learning import checkpoint
from ltrr_cli.learning.publish import RANKER, kept, learn
from ltrr_cli.storage import segments
from ltrr_cli.storage.generations import Current
from ltrr_cli.storage.journal_schema import Forget
from ltrr_cli.storage.manifest import MANIFEST, Manifest

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State


@dataclass(frozen=True, slots=True)
class RollbackReport(Report):
    """Which generations serve again, and which ones did before."""

    catalog: int
    learned: int
    was_catalog: int
    was_learned: int


@dataclass(frozen=True, slots=True)
class RebuildReport(Report):
    """A fold of the whole journal: ``same`` says that it came to what served before, byte for byte."""

    learned: int  # the new generation
    digest: str  # SHA-256 over what was learnt
    before: str | None  # the digest of what served before
    same: bool
    events: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ForgetReport(Report):
    """What left the journal, and the generation that was folded without it; None where nothing left.

    ranker -- whether a trained ranker serves on, which may have learnt from what is gone
    counts -- rows of daily counts; they name nobody, so none leaves with a user
    """

    events: int
    impressions: int
    users: int
    learned: int | None
    journal_digest: str
    ranker: bool
    seconds: float
    counts: int = 0


@dataclass(frozen=True, slots=True)
class GcReport(Report):
    """What was removed, what was kept because somebody reads it, and how many bytes came free."""

    removed: tuple[str, ...]
    held: tuple[str, ...]
    freed: int  # bytes


def rollback(state: State, to: int | None) -> RollbackReport:
    """Publish an older learned generation and the catalog it belongs to; see ``Workspace.rollback``."""
    with state.publishing("rollback"):
        current = state.current()
        numbers = [number for number in state.generations.numbers("learned") if number < current.learned]
        chosen = to if to is not None else next(iter(numbers), None)
        if chosen is None:
            raise NotFoundError("no older generation to go back to", hint="`ltrr gc` may have removed them")
        state.generations.adopt("learned", chosen)
        catalog = _fold(state, chosen).catalog
        state.generations.adopt("catalog", catalog)
        state.generations.publish(catalog=catalog, learned=chosen)
    return RollbackReport(catalog, chosen, current.catalog, current.learned)


def rebuild(state: State, progress: Progress, engine: str | None = None) -> RebuildReport:
    """Fold the whole journal anew; see ``Workspace.rebuild``."""
    start = perf_counter()
    with open_executor(engine or state.settings.engine, beside=True) as executor, state.publishing("rebuild"):
        before = learned_digest(state, state.current())
        learnt = learn(state, progress, anew=True, executor=executor)
        after = learned_digest(state, state.current())
    events = state.journal.counts().events
    return RebuildReport(learnt.number, after or "", before, before == after, events, round(perf_counter() - start, 3))


def forget(state: State, what: Forget, progress: Progress) -> ForgetReport:
    """Let go of events and impressions and fold the rest anew; see ``Workspace.forget``."""
    if what.user is None and what.source is None and what.between is None:
        raise UsageError("nothing said to forget", hint="--user, --source or --between")
    if what.between is not None and what.between[0] >= what.between[1]:
        raise UsageError("--between: it ends before it begins", hint="--between FROM TO")
    start = perf_counter()
    state.current()
    with state.publishing("forget"):
        gone = state.journal.forget(what)
        learnt = learn(state, progress) if any((gone.events, gone.impressions, gone.counts, gone.users)) else None
    serves = state.snapshot().ranker is not None
    digest, seconds = state.journal.digest(), round(perf_counter() - start, 3)
    number = None if learnt is None else learnt.number
    return ForgetReport(gone.events, gone.impressions, gone.users, number, digest, serves, seconds, gone.counts)


def gc(state: State, keep: int) -> GcReport:
    """Remove generations that neither serve, nor lie ``keep`` steps back, nor may be gone on from."""
    with state.publishing("gc"):
        current = state.current()
        older = [number for number in state.generations.numbers("learned") if number < current.learned][:keep]
        known = kept(state) if keep else {"learned": {current.learned}, "checkpoints": set[int]()}
        learned, catalogs = known["learned"], {current.catalog}
        for number in older:
            try:
                catalogs.add(_fold(state, number).catalog)
            except DamagedError:  # no way back leads there
                continue
            learned.add(number)
        swept = state.generations.sweep(
            {
                "catalog": catalogs,
                "learned": learned,
                "checkpoints": known["checkpoints"],
                "models": _models(state),
            }
        )
    return GcReport(_within(state.home, swept.removed), _within(state.home, swept.held), swept.freed)


def _within(home: Path, paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(str(path.relative_to(home)) for path in paths)


def learned_digest(state: State, current: Current) -> str | None:
    """Return a SHA-256 over all that was learnt by folding (the trained ranker aside).

    None where nothing was, or where what was is damaged.
    It is over what was learnt, not over bytes: what stands in which file depends on how often it was written.
    """
    folder = state.generations.folder("learned", current.learned)
    try:
        files = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest).files
    except (OSError, msgspec.MsgspecError):
        return None
    left_out = (f"{RANKER}/", checkpoint.FILE)
    if any(damage.part not in (RANKER, checkpoint.FILE) for damage in state.generations.damages_of_learned()):
        return None
    learnt = {name: file.sha256 for name, file in files.items() if not name.startswith(left_out)}
    total = hashlib.sha256()
    for name, sha256 in sorted(segments.contents(folder, learnt).items()):
        total.update(f"{name} {sha256}\n".encode())
    return total.hexdigest()


def _fold(state: State, number: int) -> LearnedHeader:
    path = state.generations.folder("learned", number) / "fold.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=LearnedHeader)
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedError(f"{path}: {error}", hint="ltrr rebuild") from None


def _models(state: State) -> list[int]:
    return state.generations.numbers("models")  # every ranker is kept: they are small, and the only copy
