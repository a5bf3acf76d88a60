"""What was worked out about texts that are asked again and again, as far as it depends on the catalog alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from ltrr_cli.core.memo import Memo
from ltrr_cli.core.types import Reading

MOST = 1_024  # texts, of some 20 kB each


@dataclass(frozen=True, slots=True)
class CachedQuery:
    """How a text is read, and what strategies that know nothing but the catalog found for it."""

    reading: Reading
    looks: Memo = field(default_factory=Memo)


class QueryCache:
    """The texts that were asked of one catalog generation lately; any number of threads may ask.

    Few texts are most of what people type, and what they read as does not change before the catalog does.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None], CachedQuery] = {}
        self._changing = Lock()

    def of(self, text: str, locale: str | None, read: Callable[[str, str | None], Reading]) -> CachedQuery:
        """Return what is known of a text; ``read`` is asked where that is nothing."""
        key = text, locale
        known = self._known.get(key)
        if known is not None:
            return known
        known = CachedQuery(read(text, locale))
        with self._changing:
            while len(self._known) >= MOST:
                del self._known[next(iter(self._known))]  # the one that was first asked longest ago
            self._known[key] = known
        return known
