"""What requests and answers are made of: records from which the interface's description (/openapi.json) is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ltrr_cli.core.report import Report
from ltrr_cli.core.types import Plan, Reading
from ltrr_cli.engine.query import Source
from ltrr_cli.engine.remotes import UnknownResult
from ltrr_cli.feedback.records import LONGEST_QUERY
from ltrr_cli.workspace.explain import InferredValue

LARGEST_K = 100
LARGEST_BUDGET = 2_000
LARGEST_SEED = 2**63 - 1
LONGEST_ID = 128  # characters: an id of at most 512 bytes
MOST_EVENTS = 1_000  # in one request

Id = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
EventId = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00]+$")]
QueryText = Annotated[str, Meta(max_length=LONGEST_QUERY)]
CONDITION = r"^[^=!<>]+(=|!=|<|<=|>|>=)[^=<>].*$"
Condition = Annotated[str, Meta(max_length=512, pattern=CONDITION, description="genre=jazz, year>=2000")]
Moment = Annotated[str, Meta(max_length=64, extra_json_schema={"format": "date-time"})]


class UbiBlock(msgspec.Struct, frozen=True, omit_defaults=True):
    """The ``ubi`` block of a query, as OpenSearch takes and gives it (User Behavior Insights 1.3).

    query_id        -- the site's own id of the query; without one the server gives one
    user_query      -- what was typed, where it is not ``text``
    object_id_field -- name of the field that identifies objects; given back as it came
    """

    query_id: Annotated[str, Meta(pattern=r"^[!-~]{8,128}$")] | None = None
    user_query: QueryText | None = None
    client_id: Id | None = None
    object_id_field: Annotated[str, Meta(max_length=LONGEST_ID)] | None = None
    query_attributes: dict[str, str | int | float | bool | None] = {}


class QueryBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question; every field is what the option of ``ltrr query`` with its name is.

    text    -- what is sought; "" asks for recommendations
    at      -- the moment of the question: ISO 8601, or milliseconds since 1970
    explain -- say how it was read, who was allowed how many, and how many people chose each result for this query
    learned -- false: what the catalog alone would answer, without anything learnt (never journalled)
    """

    text: QueryText = ""
    k: Annotated[int, Meta(ge=1, le=LARGEST_K)] = 10
    budget: Annotated[int, Meta(ge=1, le=LARGEST_BUDGET)] | None = None
    user: Id | None = None
    session: Id | None = None
    at: int | Moment | None = None
    context: dict[str, Annotated[str, Meta(max_length=512)]] = {}
    filters: Annotated[list[Condition], Meta(max_length=32)] = []
    policy: Annotated[str, Meta(max_length=512)] | None = None
    seed: Annotated[int, Meta(ge=0, le=LARGEST_SEED)] | None = None
    hide_seen: bool = False
    like: Id | None = None
    live: bool = True
    log: bool = True
    explore: bool = True
    explain: bool = False
    learned: bool = True
    ubi: UbiBlock | None = None


@dataclass(frozen=True, slots=True)
class AnswerLine(Report):
    """One result.

    odds      -- 0..1, the chance that it was shown at this position; null: not known
    sources   -- strategy -> its rank (from 1) and score there
    chosen_by -- people who chose it for this very query, where ``explain`` was asked for
    pinned_by -- name of the editors' rule that put it here; "": none did
    """

    position: int
    id: str
    title: str
    type: str
    score: float | None
    odds: float | None
    sources: Mapping[str, Source]
    attributes: Mapping[str, Any]
    chosen_by: int | None = None
    pinned_by: str = ""


@dataclass(frozen=True, slots=True)
class HowAnswered(Report):
    """How a page came to be: what was understood, who was allowed how many, what ordered the candidates."""

    reading: Reading
    plan: Plan
    ranker: str
    candidates: int


@dataclass(frozen=True, slots=True)
class QueryAnswer(Report):
    """A page.

    query_id -- names it in feedback; null where nothing was journalled
    degraded -- the answer was late, and this is a plain full-text page in its place
    catalog, learned -- generations that answered
    missing  -- retrievers elsewhere that had no answer in time: the page is without what they would have brought
    unknown  -- what they brought and the catalog has not, with the fields that they sent; not ranked
    rules    -- editors' rules that held
    """

    query_id: str | None
    query: str
    results: tuple[AnswerLine, ...]
    took_ms: Mapping[str, float]
    degraded: bool
    catalog: int
    learned: int
    warnings: tuple[str, ...] = ()
    how: HowAnswered | None = None
    ubi: UbiBlock | None = None
    missing: tuple[str, ...] = ()
    unknown: tuple[UnknownResult, ...] = ()
    rules: tuple[str, ...] = ()


class FeedbackEvent(msgspec.Struct, frozen=True):
    """One thing that somebody did with a page; other keys are left alone.

    event     -- "click", "play", "like", "add", "purchase", "skip", "dislike" ...
    query_id  -- the page's, as the answer gave it (``impression_id`` is understood, too)
    event_id  -- the caller's own; without one, the same act on the same page counts once
    timestamp -- ISO 8601 or milliseconds since 1970; without one, now
    value     -- how much of it: plays, seconds, money
    """

    event: Annotated[str, Meta(pattern=r"^[!-~]{1,64}$")]
    entity_id: EventId
    query_id: EventId
    event_id: EventId | None = None
    timestamp: Moment | Annotated[int, Meta(ge=0, le=253_402_300_799_999)] | None = None
    user_id: EventId | None = None
    session_id: EventId | None = None
    position: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    value: Annotated[float, Meta(ge=-1e300, le=1e300)] | None = None


@dataclass(frozen=True, slots=True)
class Rejected(Report):
    """An event that was refused: its place in the request (from 0), a code, and why."""

    index: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class FeedbackReport(Report):
    """What became of the events of one request.

    duplicates -- known already, which changes nothing
    skipped    -- well-formed lines that are no feedback (UBI: page views, queries)
    """

    accepted: int
    duplicates: int
    rejected: tuple[Rejected, ...] = ()
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Suggestion(Report):
    """A completion; kind -- "name", "value" (of ``field``) or "query" (what others asked)."""

    text: str
    kind: str
    field: str = ""
    entity_id: str | None = None


@dataclass(frozen=True, slots=True)
class Suggestions(Report):
    """Completions of what was typed, best first."""

    query: str
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class EntityAnswer(Report):
    """One entity of the catalog; inferred -- values that it does not state and is believed to have."""

    id: str
    title: str
    type: str
    text: str
    attributes: Mapping[str, Any]
    popularity: float | None
    created: str | None
    inferred: tuple[InferredValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Health(Report):
    """Whether the process lives (``status`` "ok") and, from /readyz, what it answers with."""

    status: str
    catalog: int | None = None
    learned: int | None = None
    degraded: tuple[str, ...] = ()
