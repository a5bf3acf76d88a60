"""Keeping a workspace well: back to an older generation, all learning anew, old files away, a look at everything."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as distribution_version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec

from ltrr_cli.backends.vector_graph import library as neighbours
from ltrr_cli.core.errors import DamagedError, LockedError, LtrrError, NotFoundError, UsageError
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.report import Report
from ltrr_cli.engine.query import QueryRequest, respond
from ltrr_cli.engine.snapshot import LearnedHeader
from ltrr_cli.learning import checkpoint
from ltrr_cli.learning.publish import RANKER, kept, learn
from ltrr_cli.storage import segments
from ltrr_cli.storage.generations import Current
from ltrr_cli.storage.journal_schema import Forget
from ltrr_cli.storage.manifest import MANIFEST, Manifest

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State


NATIVE = ("numpy", "tantivy", "onnxruntime", "tokenizers", "sklearn", "rapidfuzz", "Stemmer", "zstandard")
ROOM = 2  # times the size of the current generations that should be free: a new one is built beside them


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


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that ``ltrr doctor`` checked."""

    name: str
    ok: bool
    says: str  # what was found
    hint: str  # the command that repairs it


@dataclass(frozen=True, slots=True)
class DoctorReport(Report):
    """All that ``ltrr doctor`` checked."""

    checks: tuple[Checked, ...]

    @property
    def ok(self) -> bool:
        """Say whether nothing is wrong."""
        return all(check.ok for check in self.checks)


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


def rebuild(state: State, progress: Progress) -> RebuildReport:
    """Fold the whole journal anew; see ``Workspace.rebuild``."""
    start = perf_counter()
    with state.publishing("rebuild"):
        before = learned_digest(state, state.current())
        learnt = learn(state, progress, anew=True)
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


# ------------------------------------------------------------ doctor


def doctor(state: State) -> DoctorReport:
    """Look at everything that makes ltrr work here, and say what mends what does not."""
    return DoctorReport(tuple(_checks(state)))


def _checks(state: State) -> Iterator[Checked]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Checked("python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")
    for name in NATIVE:
        yield _try(f"library {name}", partial(_library, name))
    yield _try("library for neighbours", lambda: f"{neighbours()} {distribution_version(neighbours())}")
    yield _try("settings", lambda: f"read; policy {state.settings.allocation.policy}")
    yield _try("workspace", lambda: _writable(state.home))
    if not state.home.is_dir():
        return
    yield _try("lock", lambda: _free(state))
    yield _try("generations", lambda: _sound(state))
    yield _try("journal", lambda: _journal(state))
    yield _try("answers", lambda: _answers(state))
    yield _space(state)


def _try(name: str, look: Callable[[], str]) -> Checked:
    try:
        return Checked(name, True, look(), "")
    except LtrrError as error:
        return Checked(name, False, str(error), error.hint or "")
    except Exception as error:  # noqa: BLE001 -- whatever is wrong is what a doctor is asked for
        return Checked(name, False, f"{type(error).__name__}: {error}", "install ltrr-cli anew")


def _library(name: str) -> str:
    return str(getattr(importlib.import_module(name), "__version__", "loads"))


def _writable(home: Path) -> str:
    if not home.is_dir():
        raise NotFoundError(f"no workspace at {home}", hint=f"ltrr index CATALOG --home {home}")
    if not os.access(home, os.W_OK | os.X_OK):
        return f"{home}, read-only: it answers, logs no search and learns nothing"
    return str(home)


def _free(state: State) -> str:
    if not state.writable():
        return "read-only: nothing is published from here"
    try:
        with state.publishing("doctor"):
            return "nobody publishes"
    except LockedError as error:
        return str(error)  # no fault: somebody is at work


def _sound(state: State) -> str:
    found = state.generations.verify()
    for damage in found.damages:
        raise DamagedError(f"{damage.path}: {damage.reason}", hint=damage.mend)
    current = state.current()
    return f"catalog {current.catalog}, learned {current.learned}: {found.files} files as sealed"


def _journal(state: State) -> str:
    for wrong in state.journal.check():
        raise DamagedError(wrong, hint="restore journal.db from a backup")
    counts, rows = state.journal.counts(), state.journal.counted_rows()
    beside = f", {rows:,} rows of counts" if rows else ""
    return f"{counts.impressions:,} impressions, {counts.events:,} events{beside}"


def _answers(state: State) -> str:
    start = perf_counter()
    page = respond(state, QueryRequest("", k=3, log=False, explore=False))
    for warning in page.warnings:
        raise DamagedError(warning, hint="ltrr rebuild")
    return f"{len(page.results)} results in {(perf_counter() - start) * 1e3:.0f} ms"


def _space(state: State) -> Checked:
    size = sum(path.stat().st_size for path in state.home.rglob("*") if path.is_file())
    free = shutil.disk_usage(state.home).free
    says = f"{free / 2**20:,.0f} MB free; the workspace takes {size / 2**20:,.0f} MB"
    return Checked("disk space", free > ROOM * size, says, "ltrr gc, or make room")
