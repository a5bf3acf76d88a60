"""Rich's console, which says in its own way that nobody reads any more; ours lets the command line say it."""

from __future__ import annotations

from rich.console import Console


class Screen(Console):
    """A console that passes a closed pipe on, so that a table ends a command as plain text does."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError where Rich would leave with exit code 1."""
        raise BrokenPipeError
