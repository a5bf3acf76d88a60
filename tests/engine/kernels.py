"""Kernels of tests: functions of a module, as workers find them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from ltrr_cli.core.errors import DataError
from ltrr_cli.engine.executor import Kernel


def same(given):
    return given


def times(held: int, part: int) -> int:
    return held * part


def late(held: object, part: int) -> int:
    """The earlier parts take longer, so that they come back in another order."""
    time.sleep(0.05 * (part % 3 == 0))
    return part


def noted(held: Path, part: int) -> int:
    (held / f"{part}-{time.time_ns()}").touch()
    return part


def killed_once(held: Path, part: int) -> int:
    """Die over part 3, the first time."""
    if part == 3 and not (held / "died").exists():
        (held / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return part


def killing(held: object, part: int) -> int:
    if part == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return part


def failing(held: object, part: int) -> int:
    if part == 3:
        raise ValueError("seven is no colour")
    return part


def refusing(held: object, part: int) -> int:
    raise DataError(f"part {part} is bad", hint="mend it")


def process(held: object, part: int) -> tuple[int, list[int], bool]:
    """Return who works, the threads of its numerical libraries, and whether Control-C is left to the parent."""
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((8, 8)) @ np.ones((8, 8))
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    return os.getpid(), [one["num_threads"] for one in threadpool_info()], ignored


TIMES = Kernel("products", same, times)
LATE = Kernel("late", same, late)
NOTED = Kernel("noted", same, noted)
KILLED_ONCE = Kernel("killed", same, killed_once)
KILLING = Kernel("killing", same, killing)
FAILING = Kernel("colours", same, failing)
REFUSING = Kernel("refusing", same, refusing)
PROCESS = Kernel("process", same, process)
