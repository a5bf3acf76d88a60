"""Progress of long work: a bar where somebody looks, silence elsewhere."""

from __future__ import annotations

import sys
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ltrr_cli.cli.render import console

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


FIRST_S = 10.0  # of work before a line says how far it is, where no bar is drawn
LONGEST_S = 300.0  # between two such lines


class Bar:
    """A progress callback ``(stage, done, total or None)`` for a ``with`` block.

    On a terminal it draws one line that disappears at the end, with the rate and the time that is left. Elsewhere, in a
    file or a pipe, it says from time to time how far long work is, ever more seldom. With ``verbose`` it also leaves a
    line per stage.
    """

    def __init__(self, *, quiet: bool, verbose: bool, color: bool) -> None:
        self._console = console(sys.stderr, color)
        self._drawn = not quiet and sys.stderr.isatty()
        self._verbose = verbose and not quiet
        self._told = not quiet and not self._drawn
        self._start = perf_counter()
        self._next = self._start + FIRST_S  # when to say how far the work is
        self._pause = FIRST_S
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._stage = ""
        self._began = perf_counter()

    def __enter__(self) -> Self:
        if self._drawn:
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                SpinnerColumn,
                TextColumn,
                TimeRemainingColumn,
            )

            self._progress = Progress(
                SpinnerColumn(style="dim"),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}", style="dim"),
                TimeRemainingColumn(compact=True),
                console=self._console,
                transient=True,
            )
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish_stage()
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Take in where the work stands."""
        if stage != self._stage:
            self._finish_stage()
            self._stage, self._began = stage, perf_counter()
            if self._progress is not None:
                if self._task is not None:
                    self._progress.remove_task(self._task)
                self._task = self._progress.add_task(stage, total=total, rate="")
        if self._progress is not None and self._task is not None:
            rate = per_second(done, perf_counter() - self._began)
            self._progress.update(self._task, completed=done, total=total, rate=rate)
        if self._told and (now := perf_counter()) >= self._next:
            self._pause = min(2 * self._pause, LONGEST_S)
            self._next = now + self._pause
            told = f"after {now - self._start:,.0f} s: {how_far(stage, done, total, now - self._began)}"
            self._console.print(told, style="dim", soft_wrap=True)

    def _finish_stage(self) -> None:
        if self._verbose and self._stage:
            self._console.print(f"{self._stage}: {perf_counter() - self._began:.2f} s", style="dim")
        self._stage = ""


def how_far(stage: str, done: int, total: int | None, seconds: float) -> str:
    """Say in one line where a stage stands.

    >>> how_far("read", 120_000, 480_000, 60.0), how_far("fit", 0, None, 20.0)
    ('read 120,000 of 480,000 (25 %), 2,000/s', 'fit')
    """
    if not done:
        return stage
    share = f" of {total:,} ({done / total:.0%})".replace("%", " %") if total else ""
    rate = per_second(done, seconds)
    return f"{stage} {done:,}{share}" + (f", {rate}" if rate else "")


def per_second(done: int, seconds: float) -> str:
    """Write a rate, "" while it says nothing.

    >>> per_second(120_000, 2.0), per_second(3, 2.0), per_second(5, 0.0)
    ('60,000/s', '1.5/s', '')
    """
    if not done or seconds < 0.2:  # less is chance
        return ""
    rate = done / seconds
    return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"
