"""The state of a workspace as a server holds it: one open snapshot that is renewed beside the queries, not by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ltrr_cli.engine.live_snapshot import LiveSnapshot
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.engine.state import State
from ltrr_cli.storage.generations import Current


class ServedState(State):
    """Settings, generations, journal, and the snapshot that answers until another is put in place.

    learned -- False holds the catalog alone, as if nobody had ever acted
    """

    def __init__(self, home: str | Path, *, learned: bool = True, **flags: Any) -> None:
        super().__init__(home, **flags)
        self._learned = self.expects_events = learned

    def snapshot(self) -> Snapshot:
        """Return the snapshot that answers now; raises NotFoundError where nothing was indexed."""
        return self.held()[0]

    def held(self) -> tuple[Snapshot, Current]:
        """Return the snapshot that answers now and the generations that it is of."""
        with self._opening:
            if self._open is None:
                self._open = self.open_live(self.current())
            live, current = self._open
        return live.view(), current

    def opened(self) -> tuple[LiveSnapshot, Current] | None:
        """Return what answers, until another is put in its place."""
        return self._open

    def snapshot_warnings(self) -> tuple[str, ...]:
        """Return what is damaged and not used of what answers now."""
        return tuple(self.snapshot().told())

    def newer(self) -> tuple[LiveSnapshot, Current] | None:
        """Open what is published now, apart from what answers; None where that is what answers already."""
        current = self.current()
        return None if self._open is not None and self._open[1] == current else self.open_live(current)

    def replace(self, opened: tuple[LiveSnapshot, Current]) -> None:
        """Let another snapshot answer from now on; whoever has the one before keeps it."""
        self._open = opened

    def open_snapshot(self, current: Current, *, learned: bool = True) -> Snapshot:
        """Open generations afresh, as ``learned`` says."""
        return super().open_snapshot(current, learned=learned and self._learned)
