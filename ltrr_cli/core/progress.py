"""How long work says how far it is: a callback ``(stage, done, total)``; the command line draws a bar of it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]  # total is None where it is not known


def quiet(stage: str, done: int, total: int | None) -> None:
    """Report progress to nobody."""
