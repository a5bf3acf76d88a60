"""Lines that could not be used, kept with their reasons: never lost, never silent."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from ltrr_cli.core.errors import LtrrError, NoSpaceError

LONGEST = 2_000  # bytes kept of a line; ``bytes`` says how long it was, source and offset where the whole stands


class Quarantine:
    r"""Appends to a JSON-lines file ``{source, line, offset, reason, bytes, data}``, whole lines only.

    The file and its folder appear with the first line. Bytes that are not UTF-8 are kept as ``\xNN``.
    Raises NoSpaceError on a full disk, LtrrError where the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: int | None = None

    def add(self, source: str, line: int, offset: int, reason: str, data: bytes) -> None:
        """Append one line; ``line`` counts from 1, ``offset`` in bytes from 0."""
        kept = data[:LONGEST].decode("utf-8", "backslashreplace")
        record = {"source": source, "line": line, "offset": offset, "reason": reason, "bytes": len(data), "data": kept}
        with _translated(self.path):
            if self._file is None:
                self._file = _open(self.path)
            _append(self._file, msgspec.json.encode(record) + b"\n")
        self.count += 1

    def close(self) -> None:
        """Make sure that the lines are on the disk."""
        if self._file is not None:
            file, self._file = self._file, None
            with _translated(self.path):
                try:
                    os.fsync(file)
                finally:
                    os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o644)
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        os.write(file, b"\n")  # a writer died in mid-line: the new line must not hang on to the old
    return file


def _append(file: int, data: bytes) -> None:
    """Write in one call, so that lines of several processes do not mix; what a full disk cut short is taken back."""
    size = os.fstat(file).st_size
    written = os.write(file, data)
    if written < len(data):
        if os.fstat(file).st_size == size + written:  # nobody else has appended since
            os.ftruncate(file, size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class _translated(contextlib.AbstractContextManager[None]):  # noqa: N801 -- used as a word of the language
    """Errors of the file system as errors of the house."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoSpaceError(f"{self._path}: no space left", hint="free some space and run it again") from None
            raise LtrrError(f"{self._path}: {error.strerror or error}") from None
