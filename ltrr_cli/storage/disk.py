"""The one door to the disk for everything that must be whole or absent: write, fsync, rename, remove.

A test can make the n-th call fail; a full disk becomes NoSpaceError, naming the path.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ltrr_cli.core.errors import NoSpaceError

_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_fault: Callable[[str, Path], None] | None = None


class SimulatedDeath(BaseException):
    """The process died here (tests only): nothing may be cleaned up on the way out."""


@contextmanager
def faults(nth: int, error: BaseException) -> Iterator[list[str]]:
    """Let the ``nth`` call (from 1) of this door raise ``error``; yields the calls made, for counting."""
    global _fault  # noqa: PLW0603 -- one switch for the whole process is the point of a door
    calls: list[str] = []

    def hook(operation: str, path: Path) -> None:
        calls.append(f"{operation} {path.name}")
        if len(calls) == nth:
            raise error

    _fault = hook
    try:
        yield calls
    finally:
        _fault = None


def _pass(operation: str, path: Path) -> None:
    if _fault is not None:
        _fault(operation, path)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            free = shutil.disk_usage(path.parent if path.parent.is_dir() else Path("/")).free
            raise NoSpaceError(
                f"{path}: no space left ({free} bytes free)", hint="free some space and run the same command again"
            ) from error
        raise


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never half; durable on return."""
    # the temporary file sits beside its target: a rename is atomic only within one filesystem
    temporary = path.with_name(f".{path.name}.tmp")
    with _translated(path):
        _pass("write", temporary)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            _pass("fsync", temporary)
            os.fsync(file.fileno())
        _pass("rename", path)
        temporary.replace(path)
        sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Bring one file's content to the disk."""
    with _translated(path):
        _pass("fsync", path)
        with path.open("rb") as file:
            os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk."""
    with _translated(folder):
        _pass("fsync", folder)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Create a folder that is not there yet."""
    with _translated(folder):
        _pass("mkdir", folder)
        folder.mkdir(parents=True)


def move_folder(source: Path, target: Path) -> None:
    """Rename a folder."""
    with _translated(target):
        _pass("rename", target)
        source.rename(target)
        sync_folder(target.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it."""
    with _translated(folder):
        _pass("remove", folder)
        shutil.rmtree(folder)
