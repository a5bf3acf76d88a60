"""The graph of actions as strategies use it: the log, the embedding learnt from it, and what it says of a person.

Fits are lazy and on the log's schedule; what was fitted to the same actions is fitted once in a process, whichever
strategy asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.types import Context, DoubleArray, IntArray, Outcome, Request
from ltrr_cli.retrieval.people import personal_weights
from ltrr_cli.retrieval.people.actions import Actions, settled
from ltrr_cli.retrieval.people.factors import Factors, fit, none
from ltrr_cli.retrieval.people.first_format import old_fit
from ltrr_cli.retrieval.people.personal_score import LARGEST, PersonalScore, Weights, affinity, groups_of, person
from ltrr_cli.retrieval.strategy import Fits
from ltrr_cli.storage.packed_arrays import open_arrays, write_arrays
from ltrr_cli.storage.segments import link

GRAPH = "graph"  # what fits of it are called, with their size
FITTED, OLD_FIT, LOG = "factors.bin", "factors.npz", "actions"

NEWEST = 300_000  # settled actions that place entities: more of them move hardly anything, and cost seconds and memory

PARTS = ("rows", "place", "scale", "people", "mean", "spread")  # of factors

GROWTH_OF_WEIGHTS = 1.25  # a few weights are stable: they are learnt anew when actions have grown by a quarter


@dataclass(frozen=True, slots=True)
class _Fitted:
    """What was learnt from the first ``size`` actions, and the weights from the first ``weighed`` of them."""

    size: int
    factors: Factors
    weighed: int
    weights: Weights

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all of it, for ``of``."""
        weights = self.weights
        learnt = {"weights": weights.aspects, "groups": weights.groups, "returning": weights.returning}
        sizes = {"size": np.array([self.size]), "weighed": np.array([self.weighed])}
        return {**sizes, **learnt, **{name: getattr(self.factors, name) for name in PARTS}}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return what ``arrays`` told; where it tells nothing of weights, they are those of nothing."""
        none = Weights.none()
        ways = (("weights", none.aspects), ("groups", none.groups), ("returning", none.returning))
        weights = Weights(*(np.array(arrays.get(name, nothing)) for name, nothing in ways))
        weighed = int(arrays["weighed"][0]) if "weighed" in arrays else 0
        return cls(int(arrays["size"][0]), Factors(*(arrays[name] for name in PARTS)), weighed, weights)


class ActionGraph:
    """The log of actions, and the embedding of entities and users that is learnt from it.

    types -- (entities,) of the whole catalog
    """

    def __init__(self, row_of: Callable[[str], int], types: IntArray, actions: Actions | None = None) -> None:
        self._row_of, self._types = row_of, types
        self.actions = actions or Actions()
        self._fitted = _Fitted(0, none(), 0, Weights.none())
        self._file: Path | None = None  # where that stands on the disk
        self.live = False  # what is fitted stays as it is
        self._told = 0  # actions when fits were last asked for
        self._ahead: dict[str, Mapping[str, np.ndarray]] = {}  # what others fitted, by its size, and is not due yet

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Take in outcomes, in time order."""
        self.actions.learn(outcomes, self._row_of)

    @property
    def factors(self) -> Factors:
        """The embedding as of the newest settled action."""
        return self._settled().factors

    @property
    def weights(self) -> Weights:
        """How much a person's past says of the next choice; see ``lift``."""
        return self._settled().weights

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
        if self._fitted.size != size and not self.live:
            self._fitted, self._file = self._fit(size), None
            self._keep_from(size + 1)
        return self._fitted

    def _keep_from(self, size: int) -> None:
        self._ahead = {name: fit for name, fit in self._ahead.items() if int(fit["size"][0]) >= size}

    def _fit(self, size: int) -> _Fitted:
        now, known = self._fitted, self._ahead.get(_name(size))
        if known is not None:
            return _Fitted.of(known)
        weights, weighed = now.weights, settled(size, GROWTH_OF_WEIGHTS)  # by it alone, whenever somebody asks
        if now.weighed != weighed:
            weights = _weights(_Prefix(self.actions, weighed, self._types))
        return _Fitted(size, _factors(_Prefix(self.actions, size)), weighed, weights)

    def fits(self, asked: bool) -> Fits:
        """Return what whoever asked since this was last called had to fit; it is fitted now."""
        told, self._told = self._told, len(self.actions)
        found = {}
        for size in self.actions.settled_since(told) if asked else ():
            if size > self._fitted.size:
                self._fitted, self._file = self._fit(size), None
            if size == self._fitted.size:
                found[_name(size)] = self._fitted.arrays()
        return found

    def take_fits(self, fits: Fits) -> None:
        """Know what others fitted; what is over without having been asked for is let go."""
        self._ahead.update({name: arrays for name, arrays in fits.items() if name.startswith(GRAPH)})
        self._keep_from(self.actions.settled())

    def save(self, folder: Path) -> None:
        """Write the log and what was fitted to it."""
        fitted = self._settled()
        self.actions.save(folder / LOG)
        if not link(self._file, folder / FITTED):
            write_arrays(folder / FITTED, fitted.arrays())

    @classmethod
    def open(cls, folder: Path, row_of: Callable[[str], int], types: IntArray) -> Self:
        """Read what ``save`` wrote, or what 0.1.0 did; nothing where there is nothing."""
        graph = cls(row_of, types)
        if (folder / OLD_FIT).exists():
            graph.actions, (size, stored) = Actions.open(folder / LOG), old_fit(folder / OLD_FIT)
            graph._fitted = _Fitted.of({**stored, "size": np.array([size])})
        elif (folder / FITTED).exists():
            graph.actions, graph._file = Actions.open(folder / LOG), folder / FITTED
            graph._fitted = _Fitted.of(open_arrays(folder / FITTED))
        graph._told = len(graph.actions)
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


def _name(size: int) -> str:
    return f"{GRAPH} {size}"


class _Prefix:
    """The first actions of a log, equal to any other prefix of the same content.

    types -- (entities,), where they matter
    """

    def __init__(self, actions: Actions, size: int, types: IntArray | None = None) -> None:
        self.actions, self.size, self.types = actions, size, np.empty(0, np.int32) if types is None else types
        digest = hashlib.blake2b(digest_size=16)
        for name in ("actor", "row", "query", "weight", "kind"):
            digest.update(actions.column(name, size).data)
        if types is not None:
            digest.update(types[actions.column("row", size)].tobytes())
        self.digest = digest.digest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Prefix) and self.digest == other.digest


@lru_cache(maxsize=1)
def _factors(prefix: _Prefix) -> Factors:
    return fit(*(prefix.actions.column(name, prefix.size)[-NEWEST:] for name in ("actor", "row", "weight")))


@lru_cache(maxsize=1)
def _weights(prefix: _Prefix) -> Weights:
    return personal_weights.learn(prefix.actions, prefix.size, prefix.types)
