"""The open snapshot elsewhere: what a worker is told to open the same generations that answer here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ltrr_cli.core.config import Settings
from ltrr_cli.engine.executor import LOCAL_EXECUTOR, Executor, open_executor
from ltrr_cli.engine.snapshot import Snapshot, open_snapshot

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State


@dataclass(frozen=True, slots=True)
class SnapshotFolders:
    """The folders of a snapshot, which every worker has to see, and the settings in force here.

    learned -- None before any feedback
    damaged -- learned parts that are not read, here and there
    """

    settings: Settings
    catalog: Path
    learned: Path | None
    damaged: frozenset[str] = frozenset()

    def open(self) -> Snapshot:
        """Open the snapshot in a worker; it never opens the journal."""
        return open_snapshot(self.settings, self.catalog, self.learned, self.damaged)


def folders_of(state: State, executor: Executor) -> SnapshotFolders:
    """Return what workers open in place of ``state.snapshot()``, which is open here and holds the generations."""
    if not executor.elsewhere:  # nobody opens them: they are not checked again
        return SnapshotFolders(state.settings, state.home, None)
    opened = state.generations.open()
    damaged = frozenset(damage.part for damage in opened.damaged)
    learned = None if opened.learned is None or "fold.json" in damaged else opened.learned.resolve()
    return SnapshotFolders(state.settings, opened.catalog.resolve(), learned, damaged)


def open_answering(state: State, engine: str | None) -> Executor:
    """Return who answers from a snapshot: an engine's workers; this process where it learnt more than is published.

    engine -- its name; None: as the settings say. Raises UsageError.
    """
    executor = open_executor(engine or state.settings.engine)
    if state.live is None:
        return executor
    executor.close()
    return LOCAL_EXECUTOR
