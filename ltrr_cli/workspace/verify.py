"""Is everything on disk what it was when it was published?"""

from __future__ import annotations

from dataclasses import dataclass

from ltrr_cli.core.errors import DamagedError
from ltrr_cli.core.report import Report
from ltrr_cli.engine.schema import misfit
from ltrr_cli.engine.state import State
from ltrr_cli.ranking.trained import holds_model, open_model


@dataclass(frozen=True, slots=True)
class Damaged(Report):
    """A file that is not what its manifest says, and the command that mends it."""

    path: str
    reason: str
    mend: str  # the command that repairs it


@dataclass(frozen=True, slots=True)
class VerifyReport(Report):
    """Every file of both current generations and of the journal, hashed."""

    ok: bool
    damaged: tuple[Damaged, ...]
    files: int = 0


def verify(state: State) -> VerifyReport:
    """See ``Workspace.verify``."""
    if not state.home.is_dir():
        state.current()
    report = state.generations.verify()
    damaged = [Damaged(str(damage.path), damage.reason, damage.mend) for damage in report.damages]
    if not damaged:  # whole files, and yet a model may be one that cannot serve here
        damaged += _unfit(state)
    path = str(state.home / "journal.db")
    damaged += [Damaged(path, reason, "restore it from a backup") for reason in _journal(state)]
    return VerifyReport(not damaged, tuple(damaged), report.files)


def _unfit(state: State) -> list[Damaged]:
    """Return the ranker where it lies in the learned generation and cannot serve, though its files are whole."""
    current = state.generations.current_or_none()
    folder = None if current is None else state.generations.folder("learned", current.learned) / "ranker"
    if folder is None or not holds_model(folder):
        return []
    try:
        reason = misfit(state.snapshot().schema(), open_model(folder))
    except DamagedError as error:
        reason = str(error)
    return [] if reason is None else [Damaged(str(folder), reason, "ltrr train-ranker")]


def _journal(state: State) -> list[str]:
    try:
        return state.journal.check()
    except DamagedError as error:  # what cannot even be opened
        return [str(error)]
