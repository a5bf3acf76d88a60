"""Tables and logs whose cost of being written is that of what changed.

A generation holds a *base*, written in full now and then, and beside it what changed since. The next generations link
the base (a hard link costs nothing) and write the changes alone, until these are too many: then all is written anew
(a log-structured merge with two levels; O'Neil et al., 1996). What a reader sees is the same, whatever is in which
file, and so is ``content``, by which two generations are compared.

====================== =============================================================================================
name.table, .changes   rows of a sorted table; the first array is the key, ascending. Changes replace or add rows
name.log, .more        rows of a log in order; more of them
name.derived           what can be computed from the rest, kept to open quickly
====================== =============================================================================================
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.storage import disk
from ltrr_cli.storage.packed_arrays import Array, open_arrays, write_arrays

TABLE, CHANGES, LOG, MORE, DERIVED = ".table", ".changes", ".log", ".more", ".derived"
LEAST = 4_096  # rows that may have changed before a base is written anew; a sixteenth of the base where that is more
SHARE = 16

Arrays = dict[str, Array]


def link(source: Path | None, target: Path) -> bool:
    """Make ``target`` the same file as ``source``, which is sealed; False where it cannot be."""
    if source is None:
        return False
    disk.point("link", target)
    try:
        os.link(source, target)
    except OSError as error:  # gone, another file system, too many links, none at all here
        if disk.is_full(error):
            raise
        return False
    return True


def link_folder(source: Path, target: Path, left_out: Collection[str] = ()) -> None:
    """Make a folder hold the sealed files of another, without copying where that can be; but for some at its top."""
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if name.parts[0] in left_out:
            continue
        if path.is_dir():
            (target / name).mkdir()
        elif not link(path, target / name):
            shutil.copyfile(path, target / name)


class TableFile:
    """Where a sorted table stands on disk, and which of its keys changed since its base was written."""

    def __init__(self, base: Path | None = None, rows: int = 0) -> None:
        self._base, self._rows = base, rows
        self._changed: list[Array] = []

    @classmethod
    def open(cls, path: Path) -> tuple[Self, Arrays, Arrays | None]:
        """Return (file, arrays of the base, of the changes); arrays may be written to, which changes no file."""
        base, changes = open_arrays(path.with_suffix(TABLE), writable=True), path.with_suffix(CHANGES)
        file = cls(path.with_suffix(TABLE), len(_first(base)))
        late = open_arrays(changes, writable=True) if changes.exists() else None
        if late is not None:
            file.note(_first(late))
        return file, base, late

    @staticmethod
    def saved(path: Path) -> bool:
        """Say whether there is a table of this name."""
        return path.with_suffix(TABLE).exists()

    def note(self, keys: Array) -> None:
        """Remember that rows changed."""
        if self._base is not None and len(keys):
            self._changed.append(np.array(keys))

    def save(self, path: Path, every: Callable[[], Arrays], some: Callable[[Array], Arrays]) -> None:
        """Write the table, or what changed of it.

        every, some -- give all rows, those of some keys (ascending); the key comes first
        """
        changed = np.unique(np.concatenate(self._changed)) if self._changed else None
        self._changed = [] if changed is None else [changed]
        few = changed is None or len(changed) <= max(LEAST, self._rows // SHARE)
        if few and link(self._base, path.with_suffix(TABLE)):
            if changed is not None:
                write_arrays(path.with_suffix(CHANGES), some(changed))
        else:
            write_arrays(path.with_suffix(TABLE), every())


class LogFile:
    """Where a log stands on disk."""

    def __init__(self, base: Path | None = None, rows: int = 0) -> None:
        self._base, self.rows = base, rows

    @classmethod
    def open(cls, path: Path) -> tuple[Self, Arrays, Arrays | None]:
        """Return (file, arrays of the base, of what came after it), read only."""
        base, more = open_arrays(path.with_suffix(LOG)), path.with_suffix(MORE)
        late = open_arrays(more) if more.exists() else None
        return cls(path.with_suffix(LOG), len(_first(base))), base, late

    def save(self, path: Path, size: int, rows: Callable[[int], Arrays]) -> None:
        """Write ``size`` rows, or those after the base; rows -- gives all from a place on."""
        more = size - self.rows
        if more <= max(LEAST, self.rows // SHARE) and link(self._base, path.with_suffix(LOG)):
            if more:
                write_arrays(path.with_suffix(MORE), rows(self.rows))
        else:
            write_arrays(path.with_suffix(LOG), rows(0))


class TextLog:
    """A log of texts without line ends: queries, words."""

    def __init__(self, file: LogFile | None = None, texts: int = 0) -> None:
        self._file, self._texts = file or LogFile(), texts  # how many are in the base

    @classmethod
    def open(cls, path: Path) -> tuple[Self, list[str]]:
        """Return (file, all texts)."""
        file, base, more = LogFile.open(path)
        texts = _lines(base)
        return cls(file, len(texts)), texts + (_lines(more) if more is not None else [])

    def save(self, path: Path, texts: Sequence[str]) -> None:
        """Write the texts, which begin with those that were opened."""
        late = _bytes(texts[self._texts :])
        size = self._file.rows + len(late)
        self._file.save(path, size, lambda start: {"text": late if start else _bytes(texts)})


def _lines(arrays: Arrays) -> list[str]:
    return arrays["text"].tobytes().decode("utf-8", "surrogatepass").split("\n")[:-1]


def _bytes(texts: Sequence[str]) -> Array:
    return np.frombuffer("".join(f"{text}\n" for text in texts).encode("utf-8", "surrogatepass"), np.uint8)


def _first(arrays: Arrays) -> Array:
    return next(iter(arrays.values()))


# ------------------------------------------------------------ what is in it


def contents(folder: Path, files: Mapping[str, str]) -> dict[str, str]:
    """Return name -> SHA-256 of all that some files of a folder hold, the same however it is spread over them.

    files -- name -> SHA-256 of the bytes; what is derived is left out
    """
    found: dict[str, str] = {}
    for name, sha256 in files.items():
        path = folder / name
        if path.suffix == TABLE:
            changes = path.with_suffix(CHANGES)
            late = open_arrays(changes) if changes.exists() else None
            found[name] = _hashed(_replaced(open_arrays(path), late))
        elif path.suffix == LOG:
            more = path.with_suffix(MORE)
            found[name] = _hashed(_appended(open_arrays(path), open_arrays(more) if more.exists() else None))
        elif path.suffix not in (CHANGES, MORE, DERIVED):
            found[name] = sha256
    return found


def _replaced(base: Arrays, changes: Arrays | None) -> Arrays:
    if changes is None:
        return base
    key, late = _first(base), _first(changes)
    stays = ~np.isin(key, late, assume_unique=True)
    order = np.argsort(np.concatenate([key[stays], late]), kind="stable")
    return {name: np.concatenate([array[stays], changes[name]])[order] for name, array in base.items()}


def _appended(base: Arrays, more: Arrays | None) -> Arrays:
    return base if more is None else {name: np.concatenate([array, more[name]]) for name, array in base.items()}


def _hashed(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
