"""What a retrieval strategy is: one shape for all, held by tests/contracts.

1.  ``retrieve`` returns at most ``limit`` hits, best first, distinct, ties by row; a longer list begins with the shorter.
2.  The same request gives the same hits (what explores takes its seed from the request).
3.  Only allowed rows are brought (``request.allowed``), and never fewer than exist among what the strategy would bring.
4.  An empty query is no error.
5.  What was learnt survives ``save`` and ``open``.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.inferred import Inferred
from ltrr_cli.core.types import BoolArray, Catalog, Encoder, FloatArray, Hits, IntArray, Outcome, Profile, Request
from ltrr_cli.text.names import NameIndex


@dataclass(frozen=True, slots=True)
class Resources:
    """What the engine lends to strategies while they are built and open.

    names     -- the index of all titles that whoever reads queries uses too; None: a strategy keeps one of its own
    predicted -- while building: id -> query -> score > 0, what a user says that entities should answer
    """

    catalog: Catalog
    encoder: Encoder
    language: str = "en"
    inferred: Inferred = field(default_factory=Inferred.none)
    predicted: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    names: NameIndex | None = None
    sparse: Path | None = None  # folder of a sparse encoder that gives terms instead of learnt ones


class Strategy:
    """One way of retrieval. Subclasses override what they need; the defaults describe one that keeps nothing.

    name     -- the registry's name, also the name of its folder
    exploring -- brings what nobody knows to be good: it never leads a page by its own word
    second_wave -- asked after the others, with their best hits as ``request.seeds``
    scores_all_as -- which of these is the score by which it retrieves, of any row
    evidence_names -- columns of what it can say of any row, brought or not: features of the ranker
    """

    name: ClassVar[str]
    evidence_names: ClassVar[tuple[str, ...]] = ()
    scores_all_as: ClassVar[str | None] = None
    exploring: ClassVar[bool] = False
    second_wave: ClassVar[bool] = False

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Write the catalog-bound half into ``folder`` (slow; writes nothing elsewhere)."""

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open both halves; ``learned`` is None before any feedback (quick; reads only)."""
        raise NotImplementedError

    def retrieve(self, request: Request, limit: int) -> Hits:
        """Bring at most ``limit`` rows, best first."""
        raise NotImplementedError

    def retrieve_many(self, requests: Sequence[Request], limit: int) -> list[Hits]:
        """Bring what ``retrieve`` brings, for each request; only who is quicker asked together overrides it."""
        return [self.retrieve(request, limit) for request in requests]

    def evidence(self, request: Request, rows: IntArray) -> FloatArray:
        """Return (len(rows), len(evidence_names)) float32, NaN where it has nothing to say."""
        return np.empty((len(rows), 0), np.float32)

    def signals(self, request: Request) -> Mapping[str, float]:
        """Return cheap facts known before retrieval (finite), features of the bandit; the names never vary."""
        return {}

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Take in outcomes, in time order; what is asked afterwards at a later moment sees them."""

    def join(self, company: Mapping[str, Strategy]) -> None:
        """Know the open strategies of one snapshot, by name: what several of them learn alike may be held once."""

    def meet(self, people: Sequence[Profile]) -> None:
        """Take in what is said of people, before any outcome; it counts from its own moment on."""

    def save(self, folder: Path) -> None:
        """Write the learned half into ``folder`` (nothing where it learns nothing)."""


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
