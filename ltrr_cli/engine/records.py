"""What the workspace answers: plain frozen records that are also the command line's JSON (``as_json``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ltrr_cli.core.types import Plan, Reading


class Report:
    """A record whose fields are the keys of its JSON document."""

    __slots__ = ()

    def as_json(self) -> dict[str, Any]:
        """Return plain dictionaries, lists and numbers; a plan says what ran only where not all did."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        plan = document.get("plan")
        if isinstance(plan, dict) and plan.get("ran") is None:
            plan.pop("ran", None)
        return document


@dataclass(frozen=True, slots=True)
class IndexReport(Report):
    """A published catalog generation.

    duplicates  -- lines whose id came again (the last one counts)
    quarantined -- bad lines, kept with reasons in ``quarantine_file``
    seconds     -- stage -> wall time
    """

    generation: int
    entities: int
    quarantined: int
    seconds: Mapping[str, float]
    duplicates: int = 0
    deleted: int = 0
    quarantine_file: str | None = None


@dataclass(frozen=True, slots=True)
class Source(Report):
    """Where one strategy had a result: rank from 1, score comparable only inside the strategy."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Result(Report):
    """One line of a page; ``odds`` is the chance (0..1) that it was shown at this position; None: not known."""

    position: int
    id: str
    title: str
    type: str
    score: float
    odds: float | None
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Page(Report):
    """An answered search; ``impression_id`` is None where nothing was logged."""

    impression_id: str | None
    query: str
    reading: Reading
    plan: Plan
    results: tuple[Result, ...]
    took_ms: Mapping[str, float]
    ranker: str = "fusion"
    candidates: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchReport(Report):
    """A file of queries answered into a TREC run."""

    queries: int
    results: int
    empty: int  # queries without any result
    run: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody who acted abnormally often on one day.

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
    """

    accepted: int
    duplicates: int
    conflicts: int
    orphans: int
    late: int
    quarantined: int
    outcomes: int
    learned: int | None
    quarantine_file: str | None = None
    seconds: float = 0.0
    skipped: int = 0
    journal_seconds: float = 0.0
    formats: Mapping[str, str] = field(default_factory=dict)
    suspects: tuple[Busy, ...] = ()


@dataclass(frozen=True, slots=True)
class LogFinding:
    """What one check found in one log.

    severity -- "error", "warning" or "note"
    count    -- how often; ``examples`` are at most five, with the line of the first
    """

    source: str
    check: str
    severity: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ValidateReport(Report):
    """What all checks found; ``ok`` where nothing is an error.

    with_catalog -- whether entities were looked up in an indexed catalog
    """

    ok: bool
    findings: tuple[LogFinding, ...]
    with_catalog: bool


@dataclass(frozen=True, slots=True)
class TrainReport(Report):
    """A training: the held-out measures of every contender, and whether the new model serves now."""

    model: str | None
    algorithm: str
    measures: Mapping[str, Mapping[str, float]]
    promoted: bool
    reason: str = ""
    searches: int = 0
    seconds: float = 0.0
    importances: Mapping[str, float] = field(default_factory=dict)
    won: tuple[tuple[str, float], ...] = ()
    lost: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Status(Report):
    """The workspace in a dozen facts.

    worth   -- marginal worth of each strategy over the newest searches that were acted on: one mapping a strategy
               (strategy, brought, rewarded, only, per_1000, per_second, ms); empty unless asked for
    beliefs -- kind of query -> one mapping a strategy (strategy, edges, chances, found); empty unless asked for
    features -- names of what the bandit looks at, as kept with what it learnt; empty unless asked for
    """

    catalog_generation: int | None
    learned_generation: int | None
    entities: int
    impressions: int
    events: int
    memory_pairs: int
    policy: str
    encoder: str
    ranker: str
    journal_digest: str
    home: str = ""
    strategies: tuple[str, ...] = ()
    rewards: Mapping[str, float] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    users: int = 0
    shadows: tuple[str, ...] = ()
    worth: tuple[Mapping[str, Any], ...] = ()
    beliefs: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Damaged(Report):
    """A file that is not what its manifest says, and the command that mends it."""

    path: str
    reason: str
    mend: str


@dataclass(frozen=True, slots=True)
class VerifyReport(Report):
    """Every file of both current generations and of the journal, hashed."""

    ok: bool
    damaged: tuple[Damaged, ...]
    files: int = 0


@dataclass(frozen=True, slots=True)
class Explanation(Report):
    """The funnel of one search: reading, plan, what each strategy brought, the page, and what people did with it.

    page   -- one mapping a shown entity: position, id, title, score, odds, inclusion, ranks, actions, inferred (values
              that the query may ask for and that the entity is only believed to have)
    memory -- what the memory knew of the query: one mapping a pair (id, count, prior share, score)
    funnel -- from the catalog to what people did: one mapping a stage (stage, entities, strategies {name: entities})
    beliefs -- what the bandit believes of this question now: one mapping a strategy (strategy, edges, chances, found,
               because)
    shadows -- what policies and rankers beside the serving ones would have done (name, draws, page, same, chosen)
    """

    impression_id: str
    time: str | None
    query: str
    user: str | None
    session: str | None
    origin: str
    plan: Plan | None
    page: tuple[Mapping[str, Any], ...]
    events: tuple[Mapping[str, Any], ...]
    brought: Mapping[str, int] = field(default_factory=dict)
    reading: Reading | None = None
    memory: tuple[Mapping[str, Any], ...] = ()
    funnel: tuple[Mapping[str, Any], ...] = ()
    beliefs: tuple[Mapping[str, Any], ...] = ()
    shadows: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class MemoryReport(Report):
    """What the memory believes of one query.

    key         -- the folded query that it is kept under
    entities    -- all that the memory thought of; ``lines`` are the best of them
    actions     -- on this very query; near_actions -- weighted ones on queries written like it
    support     -- actions in the formula of the score, the neighbours' share included
    prior_share -- 0..1, how much of every score is prediction
    lines       -- one mapping an entity: id, title, score, own, near, bayes, predicted, against, users, last
    """

    query: str
    key: str
    time: str
    entities: int
    actions: float
    near_actions: float
    support: float
    prior_share: float
    lines: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ReplayReport(Report):
    """A search log answered, scored and learnt from, in that order.

    measures  -- "MAP@5", "RR@10", "R@10", "nDCG@10" over the scored searches
    curve     -- the same over all that was scored so far, with their number as "searches"
    stretches -- the same between one point of the curve and the next
    """

    searches: int
    clicks: int
    measures: Mapping[str, float]
    curve: tuple[Mapping[str, float], ...]
    trained: int = 0
    seconds: float = 0.0
    stretches: tuple[Mapping[str, float], ...] = ()
