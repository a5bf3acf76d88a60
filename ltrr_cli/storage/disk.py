"""The one door to the disk for everything that must be whole or absent: write, fsync, rename, remove.

A test can make the n-th call fail; a full disk becomes NoSpaceError, naming the path.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ltrr_cli.core.errors import NoSpaceError

FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
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


def point(operation: str, path: Path) -> None:
    """Name a moment at which the disk may fail, for writers that cannot come through this door (SQLite)."""
    if _fault is not None:
        _fault(operation, path)


def is_full(error: OSError) -> bool:
    """Say whether an error means that there is no room; NumPy's says so without a number.

    >>> is_full(OSError(28, "No space left on device")), is_full(OSError("100 requested and 7 written"))
    (True, True)
    """
    said = str(error) if error.errno is None else ""  # a list of copies that failed, or NumPy's own words
    return error.errno in FULL or "requested and" in said or any(f"[Errno {number}]" in said for number in FULL)


def no_space(path: Path) -> NoSpaceError:
    """Return the error that names a path and how many bytes are free where it lies."""
    nearest = next((folder for folder in path.parents if folder.is_dir()), Path("/"))
    free = shutil.disk_usage(nearest).free
    hint = "make room (`ltrr gc`, the limits of files and quotas count too) and run the same command again"
    return NoSpaceError(f"{path}: no space left ({free} bytes free)", hint=hint)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn "no room" into NoSpaceError, whoever wrote what at ``path``."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise no_space(path) from error
        raise


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never half; durable on return."""
    write_parts(path, (data,))


def write_parts(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file as ``write_atomic`` does, a piece at a time; a failure leaves nothing but what was there."""
    # the temporary file sits beside its target: a rename is atomic only within one filesystem
    temporary = path.with_name(f".{path.name}.tmp")
    with translated(path):
        point("write", temporary)
        try:
            with temporary.open("wb") as file:
                for data in parts:
                    file.write(data)
                file.flush()
                point("fsync", temporary)
                os.fsync(file.fileno())
        except Exception:
            temporary.unlink(missing_ok=True)
            raise
        point("rename", path)
        temporary.replace(path)
        sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Bring one file's content to the disk."""
    with translated(path):
        point("fsync", path)
        with path.open("rb") as file:
            os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk."""
    with translated(folder):
        point("fsync", folder)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file into a folder that nobody reads yet."""
    with translated(target):
        point("copy", target)
        shutil.copyfile(source, target)


def make_folder(folder: Path) -> None:
    """Create a folder that is not there yet."""
    with translated(folder):
        point("mkdir", folder)
        folder.mkdir(parents=True)


def move_folder(source: Path, target: Path) -> None:
    """Rename a folder."""
    with translated(target):
        point("rename", target)
        source.rename(target)
        sync_folder(target.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it."""
    with translated(folder):
        point("remove", folder)
        shutil.rmtree(folder)
