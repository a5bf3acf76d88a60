"""Rich's console, which says in its own way that nobody reads any more; ours lets the command line say it."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console


def open_screen(stream: TextIO, *, color: bool, width: int | None) -> Console:
    """Return a console that shows text as it is: no markup, no emoji codes, no guessed highlighting."""
    return _Screen(file=stream, no_color=not color, markup=False, emoji=False, highlight=False, width=width)


class _Screen(Console):
    """A console that passes a closed pipe on, so that a table ends a command as plain text does."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError where Rich would leave with exit code 1."""
        raise BrokenPipeError
