"""What policies keep: a JSON header and arrays, refused when damaged."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from ltrr_cli.core.errors import DamagedError
from ltrr_cli.core.types import DoubleArray
from ltrr_cli.storage.npz import read_arrays

MEND = "ltrr rebuild"  # what is learnt is a fold of the journal

T = TypeVar("T", bound=msgspec.Struct)


def write_header(path: Path, header: msgspec.Struct) -> None:
    """Write a struct as JSON."""
    path.write_bytes(msgspec.json.encode(header))


def read_header(path: Path, kind: type[T]) -> T:
    """Read a struct; raises DamagedError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedError(f"{path}: cannot be read: {error}", hint=MEND) from None


def read_tables(path: Path, **dimensions: int) -> dict[str, DoubleArray]:
    """Read named float64 arrays of the dimensions given; raises DamagedError."""
    arrays = read_arrays(path, MEND)
    for name, dimension in dimensions.items():
        array = arrays.get(name)
        if array is None or array.dtype != np.float64 or array.ndim != dimension or not np.isfinite(array).all():
            raise DamagedError(f"{path}: no sound array {name!r}", hint=MEND)
    return arrays
