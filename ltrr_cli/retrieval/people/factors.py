"""An embedding of entities learnt from who acted on what: truncated SVD of the graph of actions.

``X[u, i] = log1p(strength) / df_i^DISCOUNT``, rows of length 1, ``df`` the number of people who acted on i. The right
singular vectors place entities so that what the same people choose lies together: a spectral embedding of the
bipartite graph (a person's walk to entities and back), of weighted implicit feedback. A direction counts
``1 - edge / s^2`` of its singular value s, where ``edge`` is what rows of length 1 without any structure reach
(Marchenko & Pastur, Math. USSR-Sbornik 1967): small catalogs keep few directions, chance keeps none. NumPy alone, by
subspace iteration (Halko, Martinsson & Tropp, SIAM Review 2011, algorithm 4.4), for ``scipy`` costs more to import than
most folds take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray
from ltrr_cli.retrieval.counts.sorted_table import codes_of

Numbers = TypeVar("Numbers", FloatArray, DoubleArray)

SIZE = 32  # factors; 24 to 48 hardly differ
DISCOUNT = 0.35  # of what everybody chooses; .25 to .5 hardly differ
OVERSAMPLED, ROUNDS = 8, 4  # of the subspace iteration
_CHUNK = 8_192  # links multiplied at a time, few enough for a processor's cache


@dataclass(frozen=True, slots=True)
class Factors:
    """The embedding of all entities that were acted on.

    rows   -- (n,) int32 ascending
    place  -- (n, SIZE) float32, right singular vectors, each times the root of what it counts
    scale  -- (n,) float32, what one unit of strength counts in a person's embedding
    people -- (n,) float32, how many acted on each
    mean   -- (SIZE,) float64, of the places, each weighted by its people
    spread -- (SIZE, SIZE) float64, their covariance
    """

    rows: IntArray
    place: FloatArray
    scale: FloatArray
    people: FloatArray
    mean: DoubleArray
    spread: DoubleArray

    def find(self, rows: IntArray) -> IntArray:
        """Return (n,) int32 indices into ``rows``, -1 for entities that nobody acted on."""
        if not len(self.rows):
            return np.full(len(rows), -1, np.int32)
        at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        found: IntArray = np.where(self.rows[at] == rows, at, -1).astype(np.int32)
        return found

    def embed(self, rows: IntArray, strengths: DoubleArray) -> DoubleArray:
        """Return (SIZE,) float64, where somebody lies who did this; 0 where nothing of it is placed."""
        at = self.find(rows)
        known = at >= 0
        embedded: DoubleArray = (strengths[known] * self.scale[at[known]]) @ self.place[at[known]].astype(np.float64)
        return embedded

    def deviations(self, embedded: DoubleArray) -> float:
        """Return the standard deviation of the affinity to what people act on; 0 for an embedding of nothing."""
        return float(np.sqrt(max(float(embedded @ self.spread @ embedded), 0.0)))


def none() -> Factors:
    """Return the embedding of nothing."""
    empty = np.empty(0, np.float32)
    return Factors(np.empty(0, np.int32), np.empty((0, SIZE), np.float32), empty, empty, np.zeros(SIZE),
                   np.zeros((SIZE, SIZE)))  # fmt: skip


def fit(actors: IntArray, rows: IntArray, weights: FloatArray) -> Factors:
    """Embed the entities of parallel arrays of actions (any order, repeats add up, what sums below 0 is no link)."""
    if not len(rows):
        return none()
    pairs, inverse = np.unique(codes_of(actors, rows), return_inverse=True)
    total = np.bincount(inverse, weights, len(pairs))
    pairs, total = pairs[total > 0], total[total > 0]
    people, actor = np.unique(pairs >> 32, return_inverse=True)
    entities, item = np.unique((pairs & 0xFFFFFFFF).astype(np.int32), return_inverse=True)
    if len(people) < 2 or len(entities) < 2:
        return none()
    degree = np.bincount(item, minlength=len(entities)).astype(np.float64)
    scale = degree**-DISCOUNT
    value = np.log1p(total) * scale[item]
    value /= np.sqrt(np.bincount(actor, value**2, len(people)))[actor]
    shape = (len(people), len(entities))
    place = _directions(_Links(actor.astype(np.int32), item.astype(np.int32), value.astype(np.float32), shape))
    mean = degree @ place / degree.sum()
    off = place - mean
    spread = (off * (degree / degree.sum())[:, None]).T @ off
    return Factors(
        entities, place.astype(np.float32), scale.astype(np.float32), degree.astype(np.float32), mean, spread
    )


def _directions(links: _Links) -> DoubleArray:
    """Return (entities, SIZE) float64: the strongest directions times the root of what they count; 0 beyond them."""
    size = min(SIZE + OVERSAMPLED, *links.shape)
    basis = generator("factors", size).standard_normal((links.shape[1], size)).astype(np.float32)
    for _ in range(ROUNDS):
        people = links.forth(basis)  # = q r, and the transpose times q is (the transpose times people) r^-1
        basis = np.linalg.qr(links.back(people) @ np.linalg.pinv(_triangle(people)))[0]
    _, value, turned = np.linalg.svd(_triangle(links.forth(basis)))
    less, more = sorted(links.shape)
    edge = links.shape[0] / less * (1.0 + np.sqrt(less / more)) ** 2
    counts = np.sqrt(np.maximum(1.0 - edge / np.maximum(value, 1e-9) ** 2, 0.0))
    place = np.zeros((links.shape[1], SIZE))
    kept = min(SIZE, size)
    place[:, :kept] = basis @ turned.T[:, :kept] * counts[:kept]
    return place


def _triangle(tall: FloatArray) -> FloatArray:
    """Return r of ``tall = q r``, piece by piece: q is as large as ``tall``, and LAPACK wants it several times."""
    pieces = [np.linalg.qr(tall[start : start + _CHUNK], "r") for start in range(0, len(tall), _CHUNK)]
    return np.asarray(np.linalg.qr(np.concatenate(pieces), "r"), np.float32)


class _Links:
    """A sparse matrix (people, entities), sorted both ways."""

    def __init__(self, actor: IntArray, item: IntArray, value: FloatArray, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._forth = (actor, item, value)  # pairs come sorted by actor
        order = np.argsort(item, kind="stable")
        self._back = (item[order], actor[order], value[order])

    def forth(self, dense: FloatArray) -> FloatArray:
        """Multiply with (entities, m)."""
        return times(*self._forth, dense, self.shape[0])

    def back(self, dense: FloatArray) -> FloatArray:
        """Multiply the transpose with (people, m)."""
        return times(*self._back, dense, self.shape[1])


def times(to: IntArray, of: IntArray, value: Numbers, dense: Numbers, size: int) -> Numbers:
    """Return (size, m), the sums of ``value * dense[of]`` by ``to``, which ascends; ``dense`` is (n, m)."""
    product = np.zeros((size, dense.shape[1]), dense.dtype)
    for start in range(0, len(to), _CHUNK):
        part = slice(start, start + _CHUNK)
        owner = to[part]
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        product[owner[first]] += np.add.reduceat(value[part, None] * dense[of[part]], first)
    return product
