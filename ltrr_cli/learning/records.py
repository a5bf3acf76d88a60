"""Reports on ingested logs: records that are also the command line's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ltrr_cli.core.report import Report
from ltrr_cli.feedback.type_counts import TypeCount


@dataclass(frozen=True, slots=True)
class Busy:
    """A user, session or anonymous source with abnormally many actions on one day.

    kind    -- "user", "session" or "anonymous"
    day     -- a date in UTC
    counted -- the sum of the weights of those ``actions``: what they could teach
    """

    kind: str
    name: str
    day: str
    actions: int
    counted: float


@dataclass(frozen=True, slots=True)
class IngestReport(Report):
    """What became of the lines of a feedback log.

    learned         -- number of the published learned generation, None where nothing was learnt (dry run, nothing new)
    skipped         -- well-formed lines that are no feedback: catalog data, page views
    journal_seconds -- of ``seconds``: until the journal had every line
    suspects        -- who acted abnormally often, in the whole journal, the busiest first
    formats -- log -> the format that it was read in
    types   -- type of event -> how often it was read, the most frequent first, and what it is worth
    counted -- of what was accepted: rows of daily counts; ``replaced`` are those that were known with other numbers
    notes   -- what has to be said of the logs: how positions and times were read, how pages were put together
    """

    accepted: int  # new events and rows of counts
    duplicates: int  # those that were known already
    conflicts: int  # events whose id was known with another content
    orphans: int  # events that name a page nobody knows
    late: int  # events after the window of their page
    quarantined: int  # bad lines
    outcomes: int  # what all events of the journal came to
    learned: int | None
    quarantine_file: str | None = None
    seconds: float = 0.0
    skipped: int = 0
    journal_seconds: float = 0.0
    formats: Mapping[str, str] = field(default_factory=dict)
    suspects: tuple[Busy, ...] = ()
    types: Mapping[str, TypeCount] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    counted: int = 0
    replaced: int = 0
