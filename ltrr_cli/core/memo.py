"""What is worked out once, by whoever needs it first, for as long as what it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

T = TypeVar("T")


class Memo:
    """Values by key. It goes with what they are of: a request, so that nothing is shared by requests, nor by threads.

    Where threads do share one, a value may be worked out more than once, and all of them are equal.

    >>> memo = Memo()
    >>> memo.once("words", lambda: ["jazz"]) is memo.once("words", list)
    True
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[Hashable, object] = {}

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return what is known under a key, worked out where nothing is; a key always stands for one type."""
        if key not in self._known:
            self._known[key] = work()
        return self._known[key]  # type: ignore[return-value]

    def known(self, key: Hashable) -> object | None:
        """Return what is known under a key; None where nothing is."""
        return self._known.get(key)

    def put(self, key: Hashable, value: object) -> None:
        """Keep what was worked out elsewhere, for many requests at once."""
        self._known[key] = value
