"""Worker processes on this machine: functions of modules run there, and come back as futures.

Workers are spawned, not forked (open databases, threads and native libraries do not survive a fork), use one thread of
BLAS each, leave Control-C to their parent, and end when it does, however it ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any

# every library counts its threads by a variable of its own; they read it when they are loaded
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "RAYON_NUM_THREADS")


class ProcessPool:
    """So many workers, started with the first task; where one died, all are replaced with the next task."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._starting = threading.Lock()

    def submit(self, function: Callable[..., Any], *given: Any) -> Future[Any]:
        """Run a function of a module in a worker; arguments and result are copied."""
        with self._starting:
            try:
                return self._started().submit(function, *given)
            except BrokenProcessPool:  # a worker died (of a signal, of too little memory): what all of them did is lost
                self.close()
                return self._started().submit(function, *given)

    def says(self) -> str:
        """Return how many workers there are, and of how many processors."""
        return f"{self.workers} workers, {os.cpu_count()} processors"

    def drop(self) -> None:
        """Drop what waits, and let what runs end; workers come anew with the next task."""
        self.close()

    def close(self) -> None:
        """Drop what waits, let what runs end, and end the workers."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, context, initializer=begin)
        return self._pool


def begin() -> None:
    """Make a fresh process a worker; runs before anything heavy is loaded."""
    for name in THREADS:
        os.environ[name] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)  # nobody is left to whom anything could be said
