"""How much what a person did says of what the same person chooses next: learnt, not set.

A page is taken for odds ``m(e | q)`` that know nobody; who asks multiplies them (a product of experts):

    P(e | q, u)  ~  m(e | q) exp(w . x(e, u)),    x = (affinity, affinity / (1 + n), log1p(own actions on e))

with n the number of entities the person acted on, so that short histories may count for less. ``w`` maximises the
likelihood of a tenth of every person's actions given factors fitted without them: the newest of the dated ones, and any
of those without a time. The alternatives are drawn from what people chose for the same query (from all actions where
there was none), which stands for ``m``: a sampled softmax whose proposal is the page itself, so no correction is due
(Bengio & Senecal, IEEE TNN 2008). Affinity is learnt among entities that the person had not acted on, the rest given
that: coming back to something says little of what else is liked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import BoolArray, DoubleArray, FloatArray, IntArray, MomentArray
from ltrr_cli.retrieval.people.actions import Actions
from ltrr_cli.retrieval.people.factors import Factors, fit

HELD = 0.1  # share of a person's actions that are held back
FEWEST = 5  # actions of a person of whom any are
ENOUGH = 250_000  # actions that a few weights are learnt from
MOST = 3_000  # actions held back that are looked at
OTHERS = 20  # alternatives to each
RIDGE = 10.0  # strength of the prior w ~ N(0, 1 / RIDGE): a handful of people prove nothing
LARGEST = 5.0  # log-odds; e^5 is a hundredfold
ASPECTS = 3


@dataclass(frozen=True, slots=True)
class PersonalScore:
    """How much a user's history changes the score of each entity.

    embedded -- (SIZE,) float64
    rows, strengths -- what was acted on, ascending
    """

    embedded: DoubleArray
    rows: IntArray
    strengths: DoubleArray


def person(factors: Factors, rows: IntArray, strengths: DoubleArray) -> PersonalScore:
    """Embed somebody."""
    return PersonalScore(factors.embed(rows, strengths), rows, strengths)


def introduced(factors: Factors, who: PersonalScore, rows: IntArray, strengths: DoubleArray) -> PersonalScore:
    """Embed somebody as if they had also acted on entities; it leaves no mark on those themselves."""
    return PersonalScore(who.embedded + factors.embed(rows, strengths), who.rows, who.strengths)


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


def learn(actions: Actions, size: int) -> DoubleArray:
    """Return (ASPECTS,) float64, the w of the formula, from the first ``size`` actions."""
    chance = generator("lift", size)
    some: slice | BoolArray = slice(None)
    if size > ENOUGH:  # of people, each with all they did
        actor = actions.column("actor", size)
        some = (chance.random(int(actor.max()) + 1) < ENOUGH / size)[actor]
    log = {name: actions.column(name, size)[some] for name in ("actor", "row", "query", "weight", "time_ms")}
    held = _held(log["actor"], log["time_ms"], chance)
    known = fit(log["actor"][~held], log["row"][~held], log["weight"][~held])
    asked = np.flatnonzero(held & (log["weight"] > 0))
    if len(asked) > MOST:
        asked = np.sort(chance.permutation(asked)[:MOST])
    if not len(known.rows) or not len(asked):
        return np.zeros(ASPECTS)
    past = _Past(log["actor"][~held], log["row"][~held], log["query"][~held], log["weight"][~held])
    others = past.others(log["query"][asked], chance)
    tables = np.zeros((len(asked), OTHERS + 1, ASPECTS))
    there = np.zeros(tables.shape[:2], np.bool_)
    for group, (place, drawn) in enumerate(zip(asked.tolist(), others, strict=True)):
        who = person(known, *past.of(int(log["actor"][place])))
        rows = np.concatenate([log["row"][place : place + 1], drawn[drawn != log["row"][place]]])
        tables[group, : len(rows)] = aspects(known, who, rows)
        there[group, : len(rows)] = True
    new = tables[:, :, -1] == 0.0
    weights = np.zeros(ASPECTS)
    weights[:-1] = _softmax(tables[:, :, :-1], there & new, np.zeros(there.shape))
    weights[-1:] = _softmax(tables[:, :, -1:], there, tables @ weights)
    return weights


def _held(actor: IntArray, time_ms: MomentArray, chance: np.random.Generator) -> BoolArray:
    """Say which actions are held back."""
    undated = time_ms <= 0
    place = np.where(undated, chance.random(len(actor)), np.arange(len(actor)))  # undated ones have no order
    order = np.lexsort((place, undated, actor))
    group = actor[order] * 2 + undated[order]
    count = np.bincount(group)[group]
    nth = np.arange(len(actor)) - np.searchsorted(group, group)
    held = np.zeros(len(actor), np.bool_)
    held[order] = (count >= FEWEST) & (nth >= count - np.maximum(1, (count * HELD).astype(np.int64)))
    return held


class _Past:
    """Older actions, found by actor and by query."""

    def __init__(self, actor: IntArray, row: IntArray, query: IntArray, weight: FloatArray) -> None:
        order = np.argsort(actor, kind="stable")
        self._actor, self._row, self._weight = actor[order], row[order], weight[order]
        liked = weight > 0
        by = np.argsort(query[liked], kind="stable")
        self._query, self._chosen = query[liked][by], row[liked][by]

    def of(self, actor: int) -> tuple[IntArray, DoubleArray]:
        """Return (rows ascending, strengths) of one actor."""
        part = slice(*np.searchsorted(self._actor, [actor, actor + 1]))
        rows, inverse = np.unique(self._row[part], return_inverse=True)
        total = np.bincount(inverse, self._weight[part], len(rows))
        return rows, np.sign(total) * np.log1p(np.abs(total))

    def others(self, queries: IntArray, chance: np.random.Generator) -> IntArray:
        """Draw (n, OTHERS) rows chosen for the same queries; for any, where there was no query or nobody else's."""
        start, end = (np.searchsorted(self._query, queries, side) for side in ("left", "right"))
        any_ = (queries == 0) | (end == start)
        start, end = np.where(any_, 0, start), np.where(any_, len(self._query), end)
        drawn = start[:, None] + (chance.random((len(queries), OTHERS)) * (end - start)[:, None]).astype(np.int64)
        rows: IntArray = self._chosen[drawn]
        return rows


def _softmax(tables: DoubleArray, there: BoolArray, given: DoubleArray) -> DoubleArray:
    """Maximise the ridged likelihood that the first of every group was chosen, by Newton's method (it is concave).

    tables -- (groups, m, a); there -- (groups, m), which of the m are alternatives; given -- (groups, m) log-odds
    A group without its first, or with nothing else, tells nothing.
    """
    telling = there[:, 0] & there[:, 1:].any(axis=1)
    tables, there, given = tables[telling], there[telling], given[telling]
    weights = np.zeros(tables.shape[2])
    for _ in range(20):
        score = np.where(there, tables @ weights + given, -np.inf)
        odds = np.exp(score - score.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        mean = np.einsum("gm,gma->ga", odds, tables)
        slope = (tables[:, 0] - mean).sum(axis=0) - RIDGE * weights
        curve = (
            np.einsum("gm,gma,gmb->ab", odds, tables, tables)
            - np.einsum("ga,gb->ab", mean, mean)
            + RIDGE * np.eye(len(weights))
        )
        step = np.clip(np.linalg.solve(curve, slope), -1.0, 1.0)
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    return weights
