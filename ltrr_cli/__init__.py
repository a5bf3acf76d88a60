"""ltrr learns to retrieve and rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ltrr_cli.workspace.workspace import Workspace

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def open(home: str | Path = ".ltrr") -> Workspace:  # noqa: A001 -- the name users type: ltrr_cli.open(home)
    """Open (or prepare to create) the workspace in a folder."""
    from ltrr_cli.workspace.workspace import Workspace

    return Workspace(home)
