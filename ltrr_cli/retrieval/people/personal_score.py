"""How much what a person did says of what the same person chooses next.

A page is taken for odds ``m(e | q)`` that know nobody; who asks multiplies them (a product of experts):

    P(e | q, u)  ~  m(e | q) exp(w . x(e, u)),    x = (affinity, affinity / (1 + n), log1p(own actions on e))

with n the number of entities the person acted on, so that short histories may count for less. Whether people come back
depends on what they did to what: a song is played again, a film is not bought twice. So the weight of own actions has a
part for each pair of (type of entity, kind of event), 0 where the log does not show it to differ. ``w`` is learnt from
the log (``personal_weights``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import DoubleArray, IntArray, MomentArray
from ltrr_cli.retrieval.people.factors import Factors

LARGEST = 5.0  # log-odds; e^5 is a hundredfold
ASPECTS = 3
_KINDS = 1 << 16  # a group is ``type * _KINDS + kind``


@dataclass(frozen=True, slots=True)
class PersonalScore:
    """How much a user's history changes the score of each entity.

    embedded -- (SIZE,) float64
    rows, strengths, kinds -- what was acted on, ascending, how much, and the kind of the newest event
    """

    embedded: DoubleArray
    rows: IntArray
    strengths: DoubleArray
    kinds: IntArray


@dataclass(frozen=True, slots=True)
class Weights:
    """The w of the formula.

    aspects   -- (ASPECTS,) float64
    groups    -- (g,) int64 ascending, pairs of (type of entity, kind of event)
    returning -- (g,) float64, what each adds to the weight of own actions
    """

    aspects: DoubleArray
    groups: MomentArray
    returning: DoubleArray

    @staticmethod
    def none() -> Weights:
        """Return the weights of a past that says nothing."""
        return Weights(np.zeros(ASPECTS), np.empty(0, np.int64), np.empty(0))

    def of(self, x: DoubleArray, group: MomentArray) -> DoubleArray:
        """Return (n,) float64 log-odds of entities: (n, ASPECTS) and the (n,) groups of own actions on them."""
        lifted: DoubleArray = x @ self.aspects
        if len(self.groups):
            at = np.minimum(np.searchsorted(self.groups, group), len(self.groups) - 1)
            lifted += x[:, -1] * np.where(self.groups[at] == group, self.returning[at], 0.0)
        return lifted


def person(factors: Factors, rows: IntArray, strengths: DoubleArray, kinds: IntArray | None = None) -> PersonalScore:
    """Embed somebody."""
    return PersonalScore(
        factors.embed(rows, strengths), rows, strengths, np.zeros(len(rows), np.int32) if kinds is None else kinds
    )


def introduced(factors: Factors, who: PersonalScore, rows: IntArray, strengths: DoubleArray) -> PersonalScore:
    """Embed somebody as if they had also acted on entities; it leaves no mark on those themselves."""
    return PersonalScore(who.embedded + factors.embed(rows, strengths), who.rows, who.strengths, who.kinds)


def affinity(factors: Factors, who: PersonalScore, rows: IntArray) -> tuple[DoubleArray, DoubleArray]:
    """Return (affinities in standard deviations, own strengths) of entities, (n,) float64 each.

    What somebody did to an entity itself is left out of the affinity to it: it would be its own proof.
    Entities that nobody acted on have an affinity of 0: nothing is known.
    """
    near, own = np.zeros(len(rows)), np.zeros(len(rows))
    if rows is factors.rows:  # all that was acted on: only the person's own needs to be found
        at, mine = np.arange(len(rows), dtype=np.int32), factors.find(who.rows)
        own[mine[mine >= 0]] = who.strengths[mine >= 0]
    elif len(who.rows):
        at, mine = factors.find(rows), np.minimum(np.searchsorted(who.rows, rows), len(who.rows) - 1)
        own = np.where(who.rows[mine] == rows, who.strengths[mine], 0.0)
    else:
        at = factors.find(rows)
    deviation = factors.deviations(who.embedded)
    if deviation:
        placed, did = at >= 0, (at >= 0) & (own != 0)
        near[placed] = factors.place[at[placed]] @ who.embedded.astype(np.float32) - factors.mean @ who.embedded
        itself = factors.place[at[did]].astype(np.float64)
        near[did] -= own[did] * factors.scale[at[did]] * np.einsum("ij,ij->i", itself, itself)
        near /= deviation
    return near, own


def aspects(factors: Factors, who: PersonalScore, rows: IntArray) -> DoubleArray:
    """Return (n, ASPECTS) float64, the x of the formula."""
    near, own = affinity(factors, who, rows)
    return np.column_stack([near, near / (1.0 + len(who.rows)), own])


def groups_of(who: PersonalScore, rows: IntArray, types: IntArray) -> MomentArray:
    """Return (n,) int64, the group of what somebody did to entities; that of kind 0 for what they did not act on.

    types -- (entities,) of the whole catalog
    """
    kind = np.zeros(len(rows), np.int64)
    if len(who.rows):
        mine = np.minimum(np.searchsorted(who.rows, rows), len(who.rows) - 1)
        kind = np.where(who.rows[mine] == rows, who.kinds[mine], 0).astype(np.int64)
    return group_codes(rows, kind, types)


def group_codes(rows: IntArray, kinds: IntArray | MomentArray, types: IntArray) -> MomentArray:
    """Return int64, the groups of (entity, kind of what was done to it), in the shape of ``rows`` and ``kinds``."""
    codes: MomentArray = types[rows].astype(np.int64) * _KINDS + kinds
    return codes
