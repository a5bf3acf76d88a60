"""Memory that was freed, given back to the system."""

from __future__ import annotations

import ctypes
import sys


def trim_heap() -> None:
    """Ask the C library to return what it holds free; of use between two stages that need much memory each.

    glibc keeps freed blocks below the newest one for itself, so the pages that a journal was written through would
    stand beside all that a fold needs. Elsewhere nothing happens.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
