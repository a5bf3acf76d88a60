"""What the commands for upkeep answer: rankers, encoders, generations, health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ltrr_cli.engine.records import Report


@dataclass(frozen=True, slots=True)
class RollbackReport(Report):
    """Which generations serve again, and which ones did before."""

    catalog: int
    learned: int
    was_catalog: int
    was_learned: int


@dataclass(frozen=True, slots=True)
class RebuildReport(Report):
    """A fold of the whole journal: ``same`` says that it came to what served before, byte for byte."""

    learned: int
    digest: str
    before: str | None
    same: bool
    events: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ForgetReport(Report):
    """What left the journal, and the generation that was folded without it; None where nothing left.

    ranker -- whether a trained ranker serves on, which may have learnt from what is gone
    """

    events: int
    impressions: int
    users: int
    learned: int | None
    journal_digest: str
    ranker: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class GcReport(Report):
    """What was removed, what was kept because somebody reads it, and how many bytes came free."""

    removed: tuple[str, ...]
    held: tuple[str, ...]
    freed: int


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that a doctor looked at."""

    name: str
    ok: bool
    says: str
    hint: str


@dataclass(frozen=True, slots=True)
class DoctorReport(Report):
    """All that a doctor looked at."""

    checks: tuple[Checked, ...]

    @property
    def ok(self) -> bool:
        """Say whether nothing is wrong."""
        return all(check.ok for check in self.checks)


@dataclass(frozen=True, slots=True)
class ExportReport(Report):
    """What was written for other tools.

    lines    -- of the format, its header aside
    searches -- that they speak of: groups of training lines, judged queries; 0 for decisions
    columns  -- of training lines
    file     -- None where it went to a stream
    """

    format: str
    lines: int
    searches: int
    columns: int
    file: str | None = None


@dataclass(frozen=True, slots=True)
class EncoderFacts(Report):
    """One encoder: ``dimension`` is None where each catalog decides it; equal digests give equal vectors."""

    name: str
    kind: str
    dimension: int | None
    says: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class EncoderList(Report):
    """All encoders at hand, and where they are kept."""

    cache: str
    encoders: tuple[EncoderFacts, ...]


@dataclass(frozen=True, slots=True)
class ModelCard(Report):
    """What is known of a trained ranker.

    source      -- "journal" or "judgments"
    measures    -- on held-out searches: "trained", "serving", "difference" -> measure -> value
    importances -- feature -> loss of nDCG@10 when it is shuffled
    won, lost   -- held-out queries with the largest changes of nDCG@10
    """

    name: str
    algorithm: str
    source: str
    trained: str
    searches: int
    reason: str
    columns: int
    measures: Mapping[str, Mapping[str, float]]
    importances: Mapping[str, float]
    won: tuple[tuple[str, float], ...]
    lost: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ModelList(Report):
    """All trained rankers, newest first, and which serves ("fusion": none)."""

    serving: str
    models: tuple[ModelCard, ...]
