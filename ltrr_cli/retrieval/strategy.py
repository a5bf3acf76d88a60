"""What a retrieval strategy is: one shape for all, held by tests/contracts.

A strategy looks at a request (``look``); its look gives hits, evidence and signals of one computation.

1.  ``hits`` are at most ``limit``, best first, distinct, ties by row; a longer list begins with the shorter.
2.  Looks at the same request are the same (what explores takes its seed from the request), made alone or among many,
    in one thread or in several at once.
3.  Only allowed rows are brought (``request.allowed``), and never fewer than exist among what the strategy would bring.
4.  An empty query is no error.
5.  What was learnt survives ``save`` and ``open``.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, Self, TypeVar

import numpy as np

from ltrr_cli.core.before import Before
from ltrr_cli.core.inferred import Inferred
from ltrr_cli.core.types import BoolArray, Catalog, Encoder, FloatArray, Hits, IntArray, Outcome, Profile, Request
from ltrr_cli.retrieval.counted_batch import CountedBatch
from ltrr_cli.text.names import NameIndex


@dataclass(frozen=True, slots=True)
class Resources:
    """What the engine lends to strategies while they are built and open.

    names     -- the index of all titles that whoever reads queries uses too; None: a strategy keeps one of its own
    predicted -- while building: id -> query -> score > 0, what a user says that entities should answer
    departed  -- while building: id -> term -> weight 0..1, of entities that were chosen and are no longer there
    before    -- while an update is built: the generation before, whose parts of unchanged entities may be kept
    """

    catalog: Catalog
    encoder: Encoder
    language: str = "en"
    inferred: Inferred = field(default_factory=Inferred.none)
    predicted: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    departed: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    names: NameIndex | None = None
    before: Before | None = None
    sparse: Path | None = None  # folder of a sparse encoder that gives terms instead of learnt ones


class Look:
    """What a strategy has to say on one request, as it stands when it is asked.

    Every method may be asked in any order, or not at all. What they share is worked out when it is first needed
    (``functools.cached_property`` does that) and kept here, not in the strategy, which many threads ask at once.
    """

    def hits(self, limit: int) -> Hits:
        """Bring at most ``limit`` rows, best first."""
        raise NotImplementedError

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return (len(rows), len(evidence_names)) float32, NaN where it has nothing to say."""
        return np.empty((len(rows), 0), np.float32)

    def signals(self) -> Mapping[str, float]:
        """Return ``signal_names`` -> cheap facts known before retrieval (finite), features of the bandit."""
        return {}


class Ranked(Look):
    """The look of a strategy that simply scores entities: parallel arrays (n,), in any order, and who is allowed."""

    def __init__(self, rows: IntArray, scores: FloatArray, allowed: BoolArray | None = None) -> None:
        self.rows, self.scores, self.allowed = rows, scores, allowed

    def hits(self, limit: int) -> Hits:
        """Bring the highest scores; ties by row."""
        return best(self.rows, self.scores, limit, self.allowed)


Fits = Mapping[str, Mapping[str, np.ndarray]]  # what was fitted on a schedule: its name, which says when -> arrays


class Strategy:
    """One way of retrieval. Subclasses override what they need; the defaults describe one that keeps nothing.

    name     -- the registry's name, also the name of its folder
    live     -- it learns while it answers: what it fits on a schedule is left as it is, for fits take seconds
    exploring -- brings what nobody knows to be good: it never leads a page by its own word
    second_wave -- looks once more after the others, with their best hits as ``request.seeds``; signals come before
    evidence_names -- columns of what it can say of any row, brought or not: features of the ranker
    scores_all_as -- which of these is the score by which it retrieves, of any row
    least_score -- the lowest that this score can be; None: it has no natural beginning
    signal_names -- what it can say of a request before retrieval: features of the bandit
    of_catalog -- it goes by the words of a request and the catalog alone: its look serves whoever asks the same text,
        from any thread
    remote -- it brings what a request carries of an answer from elsewhere; without one it is absent
    weigh_like -- the strategy whose weight it has in fusion; "": its own
    """

    name: ClassVar[str]
    evidence_names: ClassVar[tuple[str, ...]] = ()
    scores_all_as: ClassVar[str | None] = None
    least_score: ClassVar[float | None] = None
    signal_names: ClassVar[tuple[str, ...]] = ()
    exploring: ClassVar[bool] = False
    live: bool = False
    second_wave: ClassVar[bool] = False
    of_catalog: ClassVar[bool] = False
    remote: ClassVar[bool] = False
    weigh_like: str = ""

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Write the catalog-bound half into ``folder`` (slow; writes nothing elsewhere)."""

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open both halves; ``learned`` is None before any feedback (quick; reads only)."""
        raise NotImplementedError

    def look(self, request: Request) -> Look:
        """Look at a request; changes nothing that another thread could see."""
        raise NotImplementedError

    def look_many(self, requests: Sequence[Request]) -> Sequence[Look]:
        """Look at many requests, one look each, in their order: for who can share work among them."""
        return [self.look(request) for request in requests]

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Take in outcomes, in time order; what is asked afterwards at a later moment sees them."""

    def learn_counts(self, batch: CountedBatch) -> None:
        """Take in a day that was counted, in time order among outcomes: for who needs not know who acted."""

    def go_live(self, live: bool) -> None:
        """Begin, or end, to learn while it answers; see ``live``."""
        self.live = live

    def fits(self, asked: bool) -> Fits:
        """Return what was due to be fitted on a schedule since this was last called, nothing where that is nothing.

        asked -- whether somebody asked meanwhile: what is fitted for an answer alone is left out where nobody did
        """
        return {}

    def take_fits(self, fits: Fits) -> None:
        """Know what others fitted to the same outcomes before they are learnt here: it is not fitted again."""

    def join(self, company: Mapping[str, Strategy]) -> None:
        """Know the open strategies of one snapshot, by name: what several of them have in common is held once."""

    def meet(self, people: Sequence[Profile]) -> None:
        """Take in what is said of people, before any outcome; it counts from its own moment on."""

    def save(self, folder: Path) -> None:
        """Write the learned half into ``folder`` (nothing where it learns nothing)."""


SomeLook = TypeVar("SomeLook", bound=Look, covariant=True)


class _Looking(Protocol[SomeLook]):
    """A strategy by what its looks are: who builds on another strategy may ask these for more than three things."""

    name: ClassVar[str]
    second_wave: ClassVar[bool]
    of_catalog: ClassVar[bool]

    def look(self, request: Request) -> SomeLook:
        """Look at a request."""
        ...


def look_of(strategy: _Looking[SomeLook], request: Request) -> SomeLook:
    """Return a strategy's look at a request, made by whoever asks first: the engine, or a strategy built on it."""
    key = _key(strategy, request)
    known = request.memo.known(key)
    if known is None:
        if strategy.of_catalog and request.of_text is not None:
            known = request.of_text.once(strategy.name, lambda: strategy.look(request))
        else:
            known = strategy.look(request)
        request.memo.put(key, known)
    return known  # type: ignore[return-value]  # a key always stands for one type


def look_ahead(strategy: Strategy, requests: Sequence[Request]) -> None:
    """Let a strategy look at many requests at once; ``look_of`` has these looks from then on."""
    for request, look in zip(requests, strategy.look_many(requests), strict=True):
        request.memo.put(_key(strategy, request), look)


def _key(strategy: _Looking[SomeLook], request: Request) -> tuple[_Looking[SomeLook], bool]:
    return strategy, strategy.second_wave and request.seeds is not None


def best(rows: IntArray, scores: FloatArray, limit: int, allowed: BoolArray | None = None) -> Hits:
    """Cut parallel arrays to the best ``limit`` allowed rows: by score down, ties by row up.

    >>> best(np.array([4, 2, 9], np.int32), np.array([1, 1, 2], np.float32), 2).rows.tolist()
    [9, 2]
    """
    if allowed is not None:
        keep = allowed[rows]
        rows, scores = rows[keep], scores[keep]
    if 0 < limit < len(rows) // 4:  # a partition first: sorting everything is what costs
        threshold = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        keep = scores >= threshold
        rows, scores = rows[keep], scores[keep]
    order = np.lexsort((rows, -scores))[:limit]
    return Hits(rows[order].astype(np.int32, copy=False), scores[order].astype(np.float32, copy=False))
