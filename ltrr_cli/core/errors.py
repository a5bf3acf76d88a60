"""Every failure a user can meet, with its exit code and a hint.

LtrrError                1   unexpected failure
├── UsageError           2   the command was typed wrongly
├── DataError            3   bad data or settings
├── NotFoundError        4   no such workspace, model, impression
├── DamagedError         5   damaged or incompatible state
├── LockedError          6   another process is publishing
├── NoSpaceError         7   the disk is full
└── GateError            8   a quality gate was not met

They are caught once, in ``ltrr_cli.cli.main``; anything else is a bug and keeps its traceback.
"""

from __future__ import annotations


class LtrrError(Exception):
    """One clear line, an exit code, and optionally the next command to type.

    >>> str(NotFoundError("no workspace at .ltrr", hint="ltrr index CATALOG"))
    'no workspace at .ltrr'
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(LtrrError):
    """The command or call was formed wrongly."""

    exit_code = 2


class DataError(LtrrError):
    """Input data or settings cannot be used."""

    exit_code = 3


class NotFoundError(LtrrError):
    """A workspace, model, impression or entity does not exist."""

    exit_code = 4


class DamagedError(LtrrError):
    """State on disk is damaged, or of a format this version does not know."""

    exit_code = 5


class LockedError(LtrrError):
    """Another process holds the publication lock."""

    exit_code = 6


class NoSpaceError(LtrrError):
    """The disk is full."""

    exit_code = 7


class GateError(LtrrError):
    """A quality gate was not met."""

    exit_code = 8
