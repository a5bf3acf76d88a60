"""The domain's words: frozen, slotted, with units and ranges beside the fields.

A *row* is an int32 that names an entity inside one catalog generation (rows ascend with entity ids);
entity ids cross generations. Moments are integer milliseconds UTC (``ltrr_cli.core.clock``).
Positions and ranks count from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ltrr_cli.core.memo import Memo
from ltrr_cli.core.remote import RemoteAnswer
from ltrr_cli.core.spans import Part, Range

IntArray = NDArray[np.int32]
FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
MomentArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

AttributeValue = str | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entity:
    """What can be found: an artist, a product, a document."""

    id: str
    title: str
    type: str = ""
    text: str = ""
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    popularity: float | None = None  # >= 0, any unit, larger is more popular
    created_ms: int | None = None


class Catalog(Protocol):
    """The open columns of one catalog generation: what a strategy may know of the entities.

    ids         -- sorted, so that a row is an id's rank
    popularity  -- (size,) float32, NaN where unknown
    created_ms  -- (size,) int64, -1 where unknown
    types       -- (size,) int32, index into type_names
    """

    ids: Sequence[str]
    titles: Sequence[str]
    popularity: FloatArray
    created_ms: MomentArray
    types: IntArray
    type_names: Sequence[str]

    def __len__(self) -> int: ...

    def row_of(self, entity_id: str) -> int:
        """Return the row of an id, or -1."""
        ...

    def entity(self, row: int) -> Entity:
        """Return one entity whole (reads the disk)."""
        ...

    def entities(self) -> Iterator[Entity]:
        """Iterate over all entities in row order."""
        ...

    def within(self, field: str, low: float, high: float) -> IntArray:
        """Return the rows whose number in a field lies between two, both included; none for an unknown field."""
        ...


class Encoder(Protocol):
    """Text to unit vectors."""

    @property
    def name(self) -> str:
        """Return the encoder's name."""
        ...

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return (len(texts), dimension) float32; rows have length 1, or 0 where a text has no known token."""
        ...


# ---------------------------------------------------------------- what was asked


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition the user set: ``genre=jazz``, ``year>=2000``, ``type=artist``; it holds for every strategy."""

    field: str
    op: str  # one of = != < <= > >=
    value: str


@dataclass(frozen=True, slots=True)
class Context:
    """The user, session, time and filters of a query."""

    time_ms: int
    user: str | None = None
    session: str | None = None
    locale: str | None = None
    filters: tuple[Filter, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    hide_seen: bool = False
    like: str | None = None  # an entity id: "more like this"
    remote: Mapping[str, RemoteAnswer] = field(default_factory=dict)  # what retrievers elsewhere answered


@dataclass(frozen=True, slots=True)
class Slot:
    """A span of the query read as (field, value); evidence, never a hard filter."""

    field: str  # "title", "id", "type" or an attribute's name
    value: str  # as the catalog writes it
    odds: float  # 0..1, the chance that this span means this
    start: int  # first token
    end: int  # one past the last token


@dataclass(frozen=True, slots=True)
class Interpretation:
    """One way of reading the whole query: slots that do not overlap, and their joint odds (0..1)."""

    slots: tuple[Slot, ...]
    odds: float


@dataclass(frozen=True, slots=True)
class Correction:
    """A typed token and what the catalog's vocabulary offers instead."""

    typed: str
    offered: tuple[str, ...]  # one token, or several where it was glued
    odds: float  # 0..1


@dataclass(frozen=True, slots=True)
class Reading:
    """What the query may mean.

    tokens   -- folded tokens as typed
    words    -- tokens with the likeliest corrections applied (equal to tokens where there are none)
    rest     -- what a long question goes on with: searched for, but not interpreted or corrected
    key      -- the folded query without spaces and punctuation: the memory's key
    intent   -- odds of "spearfishing" (one entity is wanted), "topic" (many will do), "mixed"; sum to 1
    parts    -- terms that hold a word, or that it is made of
    ranges   -- spans that are bounds of a number
    phrases  -- what was typed in quotation marks, as folded words
    excluded -- what was typed with a minus before it, likewise
    """

    tokens: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    key: str = ""
    corrections: tuple[Correction, ...] = ()
    slots: tuple[Slot, ...] = ()  # all spans with a meaning, overlapping ones too
    interpretations: tuple[Interpretation, ...] = ()  # likeliest first
    intent: Mapping[str, float] = field(default_factory=lambda: {"spearfishing": 0.0, "topic": 0.0, "mixed": 1.0})
    language: str = "en"  # ISO 639-1
    signals: Mapping[str, float] = field(default_factory=dict)  # named query features for bandit and ranker
    parts: tuple[Part, ...] = ()
    ranges: tuple[Range, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()
    rest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """All that a strategy may know of a query.

    allowed -- (entities,) bool from filters and hidden entities, or None when everything is allowed
    seeds   -- rows of the best hits of the first wave, best first, for strategies of the second wave
    memo    -- what strategies have worked out about this request; ``dataclasses.replace`` begins a new one
    of_text -- what those who know nothing but the catalog have worked out about this text, whoever asked it; None
        where something else than the text decides
    """

    query: str
    context: Context
    reading: Reading
    seed: int = 0
    allowed: BoolArray | None = None
    seeds: IntArray | None = None
    of_text: Memo | None = field(default=None, compare=False, repr=False)
    memo: Memo = field(default_factory=Memo, init=False, compare=False, repr=False)

    def seeded(self, seeds: IntArray | None) -> Request:
        """Return the same request for the second wave."""
        request = replace(self, seeds=seeds)
        object.__setattr__(request, "memo", self.memo)
        return request


# ---------------------------------------------------------------- what was found


@dataclass(frozen=True, slots=True)
class Hits:
    """What one strategy brought: parallel arrays, best first, ties by row.

    rows   -- (n,) int32, distinct
    scores -- (n,) float32, comparable only inside the strategy
    """

    rows: IntArray
    scores: FloatArray

    @staticmethod
    def none() -> Hits:
        """Return the empty list."""
        return Hits(np.empty(0, np.int32), np.empty(0, np.float32))


@dataclass(frozen=True, slots=True)
class Plan:
    """The drawn allocation: how many candidates each strategy may bring, and the odds of this very draw."""

    policy: str  # name with its options
    draws: Mapping[str, int]  # strategy -> candidates
    odds: float  # 0 < odds <= 1
    ran: tuple[str, ...] | None = None  # the strategies that were asked; None: all, and every propensity is exact


@dataclass(frozen=True, slots=True)
class Candidates:
    """The union: one line per distinct row, with provenance.

    strategies -- names, the columns of ranks and scores
    rows       -- (n,) int32
    ranks      -- (n, s) float32, from 1; NaN where the strategy did not bring the row
    scores     -- (n, s) float32; NaN likewise
    inclusion  -- (n,) float64, the chance over the menu that the row is a candidate at all
    """

    strategies: tuple[str, ...]
    rows: IntArray
    ranks: FloatArray
    scores: FloatArray
    inclusion: DoubleArray


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of a page.

    odds      -- the chance that this entity stood at this position (exposure)
    inclusion -- the chance that it was a candidate at all
    ranks     -- rank in every strategy that had it, whether or not it was drawn
    places    -- position -> chance, of every position where it could have stood; empty where unknown
    """

    entity_id: str
    position: int
    score: float | None = None
    odds: float | None = None
    inclusion: float | None = None
    ranks: Mapping[str, int] = field(default_factory=dict)
    places: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a policy or ranker that does not serve would have done for a search."""

    name: str
    draws: Mapping[str, int]
    page: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppliedRule:
    """An editors' rule that held for a search; ``changes`` where it also boosted, or searched for synonyms."""

    name: str
    pinned: tuple[str, ...] = ()  # ids that it put on the page
    blocked: tuple[str, ...] = ()  # ids that it kept away
    changes: bool = False


@dataclass(frozen=True, slots=True)
class Impression:
    """One answered search, as the journal keeps it.

    origin   -- "trial" (a person at the terminal), "live", or "imported" (a log from before ltrr)
    shown    -- the page, by position; None where the log does not say what was shown
    features -- (len(shown), n) float32 as of serving, columns named by the schema; None where unknown
    context -- (d,) float32, what the bandit saw; None where unknown
    page_odds -- the chance of this very page, whichever draw led to it; None where unknown
    seed, filters -- what the draw and random strategies were seeded with, and the conditions that were set
    part     -- it tells one line of its page and not the page; such a line without a position has position 0
    """

    impression_id: str
    time_ms: int | None
    query: str
    origin: str
    user: str | None = None
    session: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    plan: Plan | None = None
    shown: tuple[Shown, ...] | None = None
    schema: str | None = None
    features: FloatArray | None = None
    bandit_context_schema: str | None = None
    bandit_context: FloatArray | None = None
    page_odds: float | None = None
    seed: int | None = None
    filters: tuple[Filter, ...] = ()
    shadows: tuple[Shadow, ...] = ()
    part: bool = False
    rules: tuple[AppliedRule, ...] = ()
    remote: Mapping[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)  # strategy -> (id, score)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a user did.

    kind  -- "click", "play", "like", "add", "purchase", "skip", ...
    value -- how much of it (plays, seconds, money), or None
    """

    event_id: str
    kind: str
    time_ms: int | None
    entity_id: str
    impression_id: str | None = None
    query: str | None = None
    position: int | None = None
    user: str | None = None
    session: str | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What a log says of a user, apart from their actions.

    time_ms -- since when it holds; None: always
    """

    user: str
    attributes: Mapping[str, AttributeValue]
    time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one action (or one examined and passed-over entity) proves; memory, bandit, ranker and off-policy
    evaluation all consume it, so attribution and reward are defined once.

    reward      -- -1..1, negative is evidence against
    weight      -- 0..1, what the guards leave of it (repeated actions of one user count less)
    inclusion   -- odds of having been retrieved; 1 where unknown
    exposure    -- odds of having been shown at this position; 1 where unknown
    examination -- 0..1, the chance that the position was looked at; 1 where unknown
    ranks       -- rank in each strategy as of serving; empty where unknown
    value       -- how much of it (plays, seconds, money), or None
    page        -- ids of all that stood on the page, by position; empty where unknown
    """  # noqa: D205

    event_id: str
    time_ms: int
    query: str
    entity_id: str
    reward: float
    kind: str = "click"
    weight: float = 1.0
    user: str | None = None
    session: str | None = None
    impression_id: str | None = None
    position: int | None = None
    inclusion: float = 1.0
    exposure: float = 1.0
    examination: float = 1.0
    imported: bool = False
    ranks: Mapping[str, int] = field(default_factory=dict)
    value: float | None = None
    page: tuple[str, ...] = ()
