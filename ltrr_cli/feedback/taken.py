"""What became of the lines of logs that were read, what is said aloud of them, and when too many are bad."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ltrr_cli.core.clock import iso, parse_time
from ltrr_cli.core.errors import DataError
from ltrr_cli.text.lines import BadLine

# what is said of a log as a whole, by its key
SAYINGS = {
    "times": "times: {count:,} read as {example}",
    "from_zero": "positions count from 0, for {example}; they are kept as 1, 2, 3 ...",
    "unknown_zero": "positions of 0 are taken for unknown, for the pages that are known count from 1 ({example})",
    "parts": "{count:,} events that an entity came into view: no choice, but a line of its page",
}


FORMS = {form: f"epoch {form}" for form in ("seconds", "microseconds", "nanoseconds")}


@dataclass(slots=True)
class Taken:
    """What became of all lines.

    counted  -- of what was accepted: rows of daily counts; ``replaced`` are those known with other numbers
    skipped  -- well-formed lines that are no feedback (catalog data, page views)
    refused  -- lines that could not be used; ``first`` is the first of them, with its source
    formats  -- source -> the format that its lines were read in
    kinds    -- type of event -> how many were read, known ones too
    said     -- (source, key of ``SAYINGS``) -> how often, and an example
    searches -- (time or None, line number over all sources, impression id, entities acted on in that very line) of
                every search and impression line; filled by ``take_in`` alone
    """

    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    counted: int = 0
    replaced: int = 0
    skipped: int = 0
    refused: int = 0
    first: tuple[str, BadLine] | None = None
    formats: dict[str, str] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    said: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    searches: list[tuple[int | None, int, str, tuple[str, ...]]] = field(default_factory=list)

    def say(self, source: str, key: str, example: str = "", count: int = 1) -> None:
        """Note what has to be said of a log; the first example stays."""
        before, first = self.said.get((source, key), (0, example))
        self.said[source, key] = before + count, first

    def sayings(self) -> tuple[str, ...]:
        """Return all that has to be said, one sentence each."""
        return tuple(
            f"{source}: " + SAYINGS[key].format(count=count, example=example)
            for (source, key), (count, example) in self.said.items()
        )


def time_told(form: str, written: str) -> str:
    """Say how a time was read.

    >>> time_told("seconds", "1714557700")
    'epoch seconds (1714557700 is 2024-05-01T10:01:40.000Z)'
    """
    return f"{FORMS.get(form, form)} ({written} is {iso(parse_time(written))})"


def check(taken: Taken, share: float, quarantine: Path | None) -> None:
    """Raise DataError where more than ``share`` of all lines are bad."""
    if taken.first is None or taken.refused <= share * taken.lines:
        return
    source, first = taken.first
    raise DataError(
        f"{taken.refused} of {taken.lines} lines are bad (allowed: {share:.2%}); first: {source}, "
        f"line {first.number}: {first.reason}; nothing was taken in",
        hint=f"see {quarantine}, mend the lines or raise --max-bad" if quarantine else "raise --max-bad",
    )
