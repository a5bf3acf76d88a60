"""What every backend does to files: write whole and surely, read only what is as long as it should be."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from ltrr_cli.core.errors import DamagedError, DataError, LtrrError
from ltrr_cli.core.types import FloatArray
from ltrr_cli.storage import disk

FEW_BYTES = 1 << 16  # a disk with less than this left is taken to be full when a native writer fails without a reason
REBUILD = "ltrr index CATALOG builds it anew; ltrr verify names what else is damaged"


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, force it to the disk, then rename it.

    The temporary file sits beside its target: a rename is atomic only within one filesystem.
    Raises NoSpaceError when the disk is full, DataError for other failures of the disk.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise disk_error(error, path) from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a small JSON object whole."""
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False)
    write_whole(path, lambda file: file.write(text.encode()))


def read_json(path: Path) -> dict[str, Any]:
    """Read what ``write_json`` wrote; raises DamagedError when it is missing or no JSON object."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedError(f"{path}: cannot be read: {error}", hint=REBUILD) from None
    if not isinstance(content, dict):
        raise DamagedError(f"{path}: not a JSON object", hint=REBUILD)
    return content


def field(content: Mapping[str, Any], name: str, kind: type, path: Path) -> Any:
    """Return one value of a header; raises DamagedError when it is missing or of another type."""
    value = content.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise DamagedError(f"{path}: {name} is missing or not of type {kind.__name__}", hint=REBUILD)
    return value


def write_matrix(path: Path, matrix: FloatArray) -> None:
    """Write an array as .npy whole (a memory map is copied a piece at a time)."""
    write_whole(path, lambda file: np.lib.format.write_array(file, matrix, allow_pickle=False))


def map_matrix(path: Path, shape: tuple[int, ...], kind: type[np.generic] = np.float32) -> Any:
    """Map an .npy read-only after checking its type, shape and length; raises DamagedError."""
    try:
        # an empty array cannot be mapped
        array = np.load(path, mmap_mode="r" if 0 not in shape else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DamagedError(f"{path}: cannot be read: {error}", hint=REBUILD) from None
    if array.shape != shape or array.dtype != np.dtype(kind) or not array.flags.c_contiguous:
        raise DamagedError(f"{path}: holds {array.dtype}{array.shape}, expected {np.dtype(kind)}{shape}", hint=REBUILD)
    # a plain view: every slice of a numpy.memmap pays for a Python-level hook
    return np.asarray(array)


def disk_error(error: BaseException, path: Path) -> LtrrError:
    """Translate a failure to write: a full disk is NoSpaceError, anything else DataError naming the file.

    Native writers report a full disk without an error number, so the disk itself is asked.
    """
    full = isinstance(error, OSError) and disk.is_full(error)
    said = any(words in str(error) for words in ("No space left", "File too large"))
    if full or said or _free_bytes(path) < FEW_BYTES:
        return disk.no_space(path)
    return DataError(f"{path}: cannot be written: {error}")


def _free_bytes(path: Path) -> int:
    for folder in (path, *path.parents):
        if folder.is_dir():
            return shutil.disk_usage(folder).free
    return 0


def read_secret(name: str, file: str) -> str:
    """Return what stands in a remote retriever's ``secret_file``; raises DataError where it cannot be read."""
    try:
        return Path(file).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"retrieval.remote.{name}: secret_file: {error}") from None
