"""The state of a workspace as a server holds it: one open snapshot that is renewed beside the queries, not by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.engine.state import State
from ltrr_cli.storage.generations import Current


class ServedState(State):
    """Settings, generations, journal, and the snapshot that answers until another is put in place.

    learned -- False holds the catalog alone, as if nobody had ever acted
    """

    def __init__(self, home: str | Path, *, learned: bool = True, **flags: Any) -> None:
        super().__init__(home, **flags)
        self._learned = learned
        self._held: tuple[Snapshot, Current] | None = None

    def snapshot(self) -> Snapshot:
        """Return the snapshot that answers now; raises NotFoundError where nothing was indexed."""
        return self.held()[0]

    def held(self) -> tuple[Snapshot, Current]:
        """Return the snapshot that answers now and the generations that it is of."""
        if self._held is None:
            self._held = self.newer()
            assert self._held is not None
        return self._held

    def snapshot_warnings(self) -> tuple[str, ...]:
        """Return what is damaged and not used of what answers now."""
        return tuple(self.snapshot().told())

    def newer(self) -> tuple[Snapshot, Current] | None:
        """Open what is published now, apart from what answers; None where that is what answers already."""
        current = self.current()
        if self._held is not None and self._held[1] == current:
            return None
        return self.open_snapshot(current, learned=self._learned), current

    def replace(self, opened: tuple[Snapshot, Current]) -> None:
        """Let another snapshot answer from now on; whoever has the one before keeps it."""
        self._held = opened
