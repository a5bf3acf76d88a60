"""What evaluation answers: plain frozen records that are also the command line's JSON (``as_json``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ltrr_cli.core.report import Report

Measures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Versus(Report):
    """The first system minus another, over the same queries.

    low, high -- bootstrap interval at 95 %
    p         -- two-sided, of a paired randomisation test
    """

    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class Group(Report):
    """Queries of one kind: how many, and the means of every system over them."""

    queries: int
    measures: Mapping[str, Measures]


@dataclass(frozen=True, slots=True)
class EvaluateReport(Report):
    """Systems over judged queries; a system is a policy, a baseline or a run from a file.

    queries     -- judged queries, answered or not
    measures    -- system -> measure -> mean
    intervals   -- system -> measure -> (low, high), bootstrap at 95 %
    against     -- other system -> measure -> the first system compared with it
    kinds       -- split -> group -> means of every system
    strategies  -- strategy -> measure -> mean of its own list
    best_single -- the strategy behind the baseline of that name: the best by the first measure, in hindsight
    unanswered  -- judged queries that were not asked and count as empty answers
    unjudged    -- queries asked that nobody judged; they do not count
    """

    queries: int
    measures: Mapping[str, Measures]
    intervals: Mapping[str, Mapping[str, tuple[float, float]]]
    against: Mapping[str, Mapping[str, Versus]]
    kinds: Mapping[str, Mapping[str, Group]] = field(default_factory=dict)
    strategies: Mapping[str, Measures] = field(default_factory=dict)
    best_single: str | None = None
    unanswered: int = 0
    unjudged: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class PolicyValue(Report):
    """The estimated value of one policy, or the reason why none is stated.

    value, low, high -- reward a search and its interval at 95 %; None where refused
    ess              -- effective sample size, in searches
    largest          -- share of the largest weight in the sum of all
    unsupported      -- share of the policy's mass that the log never shows
    refused          -- the reason why no value is stated, or None
    """

    estimator: str
    value: float | None
    low: float | None
    high: float | None
    ess: float
    unsupported: float
    largest: float
    searches: int
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class OpeReport(Report):
    """Off-policy values; "logged" is what the log itself earned.

    left_out -- searches that cannot be used, by reason
    """

    policies: Mapping[str, PolicyValue]
    searches: int
    sessions: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CompareReport(Report):
    """Two systems interleaved.

    wins       -- searches in which more of the first's, of the second's picks were chosen
    chosen     -- picks that were chosen, in all
    preference -- share of searches won by the first, ties counting half; .5 is no preference
    low, high  -- its bootstrap interval at 95 %
    p          -- two-sided, of a randomisation test over searches
    """

    first: str
    second: str
    searches: int
    wins: tuple[int, int]
    ties: int
    chosen: tuple[int, int]
    preference: float
    low: float
    high: float
    p: float
    seconds: float = 0.0
