"""The graph of actions as strategies use it: the log, the embedding learnt from it, and what it says of a person.

Fits are lazy and on the log's schedule; what was fitted to the same actions is fitted once in a process, whichever
strategy asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.types import Context, DoubleArray, IntArray, Outcome, Request
from ltrr_cli.retrieval.people import personal_score
from ltrr_cli.retrieval.people.actions import Actions
from ltrr_cli.retrieval.people.factors import Factors, fit, none
from ltrr_cli.retrieval.people.first_format import old_fit
from ltrr_cli.retrieval.people.personal_score import LARGEST, PersonalScore, Weights, affinity, groups_of, person
from ltrr_cli.storage.packed_arrays import open_arrays, write_arrays
from ltrr_cli.storage.segments import link

FITTED, OLD_FIT, LOG = "factors.bin", "factors.npz", "actions"

NEWEST = 300_000  # settled actions that place entities: more of them move hardly anything, and cost seconds and memory

PARTS = ("rows", "place", "scale", "people", "mean", "spread")  # of factors

_Fitted = tuple[int, Factors, Weights]


class ActionGraph:
    """The log of actions, and the embedding of entities and users that is learnt from it.

    types -- (entities,) of the whole catalog
    """

    def __init__(self, row_of: Callable[[str], int], types: IntArray, actions: Actions | None = None) -> None:
        self._row_of, self._types = row_of, types
        self.actions = actions or Actions()
        self._fitted: _Fitted = (0, none(), Weights.none())
        self._file: Path | None = None  # where that stands on the disk
        self.live = False  # what is fitted stays as it is

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Take in outcomes, in time order."""
        self.actions.learn(outcomes, self._row_of)

    @property
    def factors(self) -> Factors:
        """The embedding as of the newest settled action."""
        return self._settled()[1]

    @property
    def weights(self) -> Weights:
        """How much a person's past says of the next choice; see ``lift``."""
        return self._settled()[2]

    def lift(self, aspect: DoubleArray, who: PersonalScore, rows: IntArray) -> DoubleArray:
        """Return (n,) float64, the log-odds that somebody's past adds to entities; aspect -- of them (``aspects``)."""
        return np.clip(self.weights.of(aspect, groups_of(who, rows, self._types)), -LARGEST, LARGEST)

    def who(self, context: Context) -> PersonalScore | None:
        """Return what is known of who asks, or None."""
        if context.user is None and context.session is None:
            return None
        rows, strengths, kinds = self.actions.of(context.user, context.session, context.time_ms)
        return person(self.factors, rows, strengths, kinds) if len(rows) else None

    def _settled(self) -> _Fitted:
        size = self.actions.settled()
        if self._fitted[0] != size and not self.live:
            self._fitted, self._file = (size, *_fit(_Prefix(self.actions, size, self._types))), None
        return self._fitted

    def save(self, folder: Path) -> None:
        """Write the log and what was fitted to it."""
        size, factors, weights = self._settled()
        self.actions.save(folder / LOG)
        if not link(self._file, folder / FITTED):
            parts = {name: getattr(factors, name) for name in PARTS}
            learnt = {"weights": weights.aspects, "groups": weights.groups, "returning": weights.returning}
            write_arrays(folder / FITTED, {"size": np.array([size]), **learnt, **parts})

    @classmethod
    def open(cls, folder: Path, row_of: Callable[[str], int], types: IntArray) -> Self:
        """Read what ``save`` wrote, or what 0.1.0 did; nothing where there is nothing."""
        graph = cls(row_of, types)
        if (folder / OLD_FIT).exists():
            graph.actions, (size, stored) = Actions.open(folder / LOG), old_fit(folder / OLD_FIT)
        elif (folder / FITTED).exists():
            graph.actions, graph._file = Actions.open(folder / LOG), folder / FITTED
            stored = open_arrays(folder / FITTED)
            size = int(stored["size"][0])
        else:
            return graph
        weights, none = [], Weights.none()
        for name, nothing in (("weights", none.aspects), ("groups", none.groups), ("returning", none.returning)):
            weights.append(np.array(stored.get(name, nothing)))
        graph._fitted = (size, Factors(*(stored[name] for name in PARTS)), Weights(*weights))
        return graph


def factors_for(graph: ActionGraph, request: Request) -> Factors:
    """Return the embedding by which all strategies answer a request, though somebody may act meanwhile."""
    return request.memo.once((graph, "factors"), lambda: graph.factors)


def near_seeds(graph: ActionGraph, request: Request, seeds: IntArray) -> DoubleArray:
    """Return (n,) float64: the affinity of all ``factors_for(...).rows`` to the best hits of a request.

    Worked out once for a request, whichever strategy asks; 0 everywhere where nobody acted on any of the seeds.
    """
    factors = factors_for(graph, request)

    def work() -> DoubleArray:
        return affinity(factors, person(factors, *weighted(seeds)), factors.rows)[0]

    return request.memo.once((graph, "near seeds"), work)


def weighted(seeds: IntArray) -> tuple[IntArray, DoubleArray]:
    """Return (rows ascending, strengths that sum to 1) of the best hits, best first: they count ``1 / rank``."""
    strengths = 1.0 / np.arange(1, len(seeds) + 1)
    order = np.argsort(seeds)
    return seeds[order], (strengths / strengths.sum())[order]


class _Prefix:
    """The first actions of a log, equal to any other prefix of the same content."""

    def __init__(self, actions: Actions, size: int, types: IntArray) -> None:
        self.actions, self.size, self.types = actions, size, types
        digest = hashlib.blake2b(digest_size=16)
        for name in ("actor", "row", "query", "weight", "kind"):
            digest.update(actions.column(name, size).data)
        digest.update(types[actions.column("row", size)].tobytes())
        self.digest = digest.digest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Prefix) and self.digest == other.digest


@lru_cache(maxsize=1)
def _fit(prefix: _Prefix) -> tuple[Factors, Weights]:
    actions, size = prefix.actions, prefix.size
    columns = (actions.column(name, size)[-NEWEST:] for name in ("actor", "row", "weight"))
    return fit(*columns), personal_score.learn(actions, size, prefix.types)
