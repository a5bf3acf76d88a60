"""How much one client may ask for: token buckets, bounded in number."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from ltrr_cli.serving.problems import RefusedError

MOST_CLIENTS = 10_000  # remembered; the one that was quiet longest is forgotten first
BURST_SECONDS = 10.0  # of the rate, that may come at once


class RateLimit:
    """So many per second for each client, with bursts; used on the event loop alone."""

    def __init__(self, per_second: float, clock: Callable[[], float] = monotonic) -> None:
        self._rate, self._burst, self._clock = per_second, per_second * BURST_SECONDS, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client -> (left, as of)

    def take(self, client: str, count: int = 1) -> None:
        """Take ``count`` of what a client may still do.

        Raises RefusedError 429 with Retry-After, and 413 for more at once than a burst may hold.

        >>> limit = RateLimit(1.0, clock=lambda: 0.0)
        >>> limit.take("a", 10)
        >>> limit.take("a")
        Traceback (most recent call last):
        ltrr_cli.serving.problems.RefusedError: too many at once: 1 per second
        """
        if self._rate <= 0:
            return
        if count > self._burst:
            raise RefusedError(413, "too_large", f"more than {self._burst:.0f} at once", hint="send fewer per request")
        now = self._clock()
        left, since = self._left.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        enough = left >= count
        self._left[client] = (left - count if enough else left, now)
        if len(self._left) > MOST_CLIENTS:
            self._left.popitem(last=False)
        if not enough:
            wait = str(max(1, math.ceil((count - left) / self._rate)))
            raise RefusedError(
                429, "too_many", f"too many at once: {self._rate:g} per second", headers={"Retry-After": wait}
            )
