"""Memory: what was freed is given back to the system, and garbage is looked for rarely."""

from __future__ import annotations

import gc
import sys

COLLECT = (50_000, 20, 20)  # objects made since, young collections, older ones


def collect_rarely() -> None:
    """Let Python look for cycles of garbage rarely, in a process of our own; a library leaves it to its user.

    Answering and learning make many small objects and hardly a cycle: looking for some every 700 objects, as Python
    does by itself, takes a twentieth of all time.
    """
    gc.set_threshold(*COLLECT)


def trim_heap() -> None:
    """Ask the C library to return what it holds free; of use between two stages that need much memory each.

    glibc keeps freed blocks below the newest one for itself, so the pages that a journal was written through would
    stand beside all that a fold needs. Elsewhere nothing happens.
    """
    import ctypes  # one command of many asks for it

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
