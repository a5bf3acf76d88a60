"""Asks somebody who fails more and more rarely, until they are back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

FAILURES = 3  # in a row, after which it is asked rarely
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds


class CircuitBreaker:
    """Closed (everybody may ask), open (nobody may), or half open: after a pause one may ask, and decides.

    Every failure while it is open doubles the pause. Threads may share it.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = 0.0
        self._until = 0.0
        self.failed = self.answered = 0  # in all

    @property
    def open(self) -> bool:
        """Whether it is being asked rarely."""
        return self._failures >= FAILURES

    def may_ask(self) -> bool:
        """Say whether to ask now; where it is open, one caller after each pause may."""
        with self._lock:
            if not self.open:
                return True
            if self._clock() < self._until:
                return False
            self._until = self._clock() + self._pause  # the others wait for what this one finds
            return True

    def success(self) -> None:
        """Note an answer."""
        with self._lock:
            self.answered += 1
            self._failures, self._pause = 0, 0.0

    def failure(self) -> None:
        """Note that there was none."""
        with self._lock:
            self.failed += 1
            self._failures += 1
            if self.open:
                self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
                self._until = self._clock() + self._pause
