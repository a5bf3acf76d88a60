"""Named arrays in one file, read whole, without pickle, and refused when damaged."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ltrr_cli.core.errors import DamagedError


def read_arrays(path: Path, hint: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return all arrays of an .npz; raises DamagedError with ``hint``, the command that mends it."""
    try:
        # opened here: NumPy would leave the file open when it is damaged
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DamagedError(f"{path}: cannot be read: {error}", hint=hint) from None
