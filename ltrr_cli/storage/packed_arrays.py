"""Many arrays in one file that opens at once: a JSON head, then the arrays' bytes, mapped and never parsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ltrr_cli.core.errors import DamagedError
from ltrr_cli.storage.strings import Strings

_MAGIC = b"ltrrpack"
_ALIGN = 64  # bytes: a cache line, and more than any dtype asks for

Array = np.ndarray[Any, np.dtype[Any]]


class _Part(msgspec.Struct, array_like=True):
    name: str
    dtype: str
    shape: list[int]
    offset: int  # from the end of the head
    size: int  # bytes


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write all arrays into one file; little-endian, in the order given."""
    parts: list[_Part] = []
    place = 0
    for name, array in arrays.items():
        parts.append(_Part(name, array.dtype.newbyteorder("<").str, list(array.shape), place, array.nbytes))
        place += array.nbytes + -array.nbytes % _ALIGN
    head = msgspec.json.encode(parts)
    head += b" " * (-(len(_MAGIC) + 8 + len(head)) % _ALIGN)
    with path.open("wb") as file:
        file.write(_MAGIC + len(head).to_bytes(8, "little") + head)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)  # without a copy, mostly
            file.write(bytes(-array.nbytes % _ALIGN))


def open_arrays(path: Path, *, writable: bool = False) -> dict[str, Array]:
    """Map what ``write_arrays`` wrote; raises DamagedError where the file does not hold what its head says.

    writable -- arrays may be changed, which costs memory for the pages that are, and changes nothing in the file
    """
    hint = "ltrr index builds it anew"
    try:
        # a plain array over the map: slicing the np.memmap class itself costs ten times as much
        whole = np.asarray(np.memmap(path, np.uint8, "c" if writable else "r"))
    except (OSError, ValueError) as error:
        raise DamagedError(f"{path}: cannot be read: {error}", hint=hint) from None
    start = len(_MAGIC) + 8
    length = int.from_bytes(whole[len(_MAGIC) : start].tobytes(), "little")
    try:
        if whole[: len(_MAGIC)].tobytes() != _MAGIC or start + length > len(whole):
            raise ValueError("not a file of arrays")
        parts = msgspec.json.decode(whole[start : start + length].tobytes(), type=list[_Part])
        base = whole[start + length :]
        return {
            part.name: base[part.offset : part.offset + part.size].view(part.dtype).reshape(part.shape)
            for part in parts
        }
    except (ValueError, TypeError, msgspec.DecodeError) as error:
        raise DamagedError(f"{path}: {error}", hint=hint) from None


def map_array(path: Path) -> Array:
    """Map one ``.npy`` read-only, as a plain array: every slice of a ``np.memmap`` pays for a Python-level hook."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def strings_arrays(name: str, texts: Iterable[str]) -> dict[str, Array]:
    """Return the two arrays of a table of strings, for ``write_arrays``."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    return {f"{name}.blob": np.frombuffer(b"".join(encoded), np.uint8), f"{name}.offsets": offsets}


def strings_of(name: str, arrays: Mapping[str, Array]) -> Strings:
    """Return the table that ``strings_arrays`` described."""
    return Strings(arrays[f"{name}.blob"], arrays[f"{name}.offsets"])
