"""How much what a person did says of what the same person chooses next: learnt, not set.

A page is taken for odds ``m(e | q)`` that know nobody; who asks multiplies them (a product of experts):

    P(e | q, u)  ~  m(e | q) exp(w . x(e, u)),    x = (affinity, affinity / (1 + n), log1p(own actions on e))

with n the number of entities the person acted on, so that short histories may count for less. Whether people come back
depends on what they did to what: a song is played again, a film is not bought twice. So the weight of own actions has a
part for each pair of (type of entity, kind of event), 0 where the log does not show it to differ. ``w`` maximises the
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
from ltrr_cli.retrieval.people.actions import Actions, added_up
from ltrr_cli.retrieval.people.factors import Factors, fit

HELD = 0.1  # share of a person's actions that are held back
FEWEST = 5  # actions of a person of whom any are
ENOUGH = 250_000  # actions that a few weights are learnt from
MOST = 3_000  # actions held back that are looked at
OTHERS = 20  # alternatives to each
RIDGE = 10.0  # strength of the prior w ~ N(0, 1 / RIDGE): a handful of people prove nothing
RIDGE_OF_GROUP = 3.0  # the same of what a group's weight differs by from that of all
LARGEST = 5.0  # log-odds; e^5 is a hundredfold
ASPECTS = 3
MOST_GROUPS, FEWEST_OF_GROUP = 16, 20  # pairs of (type, kind) with a weight of their own, and choices that show it
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
    groups: MomentArray = types[rows].astype(np.int64) * _KINDS + kind
    return groups


def learn(actions: Actions, size: int, types: IntArray) -> Weights:
    """Return the w of the formula, from the first ``size`` actions; types -- (entities,) of the whole catalog."""
    chance = generator("lift", size)
    some: slice | BoolArray = slice(None)
    if size > ENOUGH:  # of people, each with all they did
        actor = actions.column("actor", size)
        some = (chance.random(int(actor.max()) + 1) < ENOUGH / size)[actor]
    log = {name: actions.column(name, size)[some] for name in ("actor", "row", "query", "weight", "time_ms", "kind")}
    held = _held(log["actor"], log["time_ms"], chance)
    known = fit(log["actor"][~held], log["row"][~held], log["weight"][~held])
    asked = np.flatnonzero(held & (log["weight"] > 0))
    if len(asked) > MOST:
        asked = np.sort(chance.permutation(asked)[:MOST])
    if not len(known.rows) or not len(asked):
        return Weights.none()
    past = _Past(*(log[name][~held] for name in ("actor", "row", "query", "weight", "kind")))
    others = past.others(log["query"][asked], chance)
    tables = np.zeros((len(asked), OTHERS + 1, ASPECTS))
    there = np.zeros(tables.shape[:2], np.bool_)
    groups = np.zeros(tables.shape[:2], np.int64)
    for group, (place, drawn) in enumerate(zip(asked.tolist(), others, strict=True)):
        who = person(known, *past.of(int(log["actor"][place])))
        rows = np.concatenate([log["row"][place : place + 1], drawn[drawn != log["row"][place]]])
        tables[group, : len(rows)] = aspects(known, who, rows)
        groups[group, : len(rows)] = groups_of(who, rows, types)
        there[group, : len(rows)] = True
    new = tables[:, :, -1] == 0.0
    weights = np.zeros(ASPECTS)
    weights[:-1] = _softmax(tables[:, :, :-1], there & new, np.zeros(there.shape), np.full(ASPECTS - 1, RIDGE))
    own, told = _by_group(tables[:, :, -1], groups)
    returning = _softmax(own, there, tables @ weights, np.array([RIDGE] + [RIDGE_OF_GROUP] * len(told)))
    weights[-1] = returning[0]
    return Weights(weights, told, returning[1:])


def _by_group(own: DoubleArray, groups: MomentArray) -> tuple[DoubleArray, MomentArray]:
    """Return (own strengths over all and apart for each group that is met often, these groups ascending).

    own, groups -- (choices, m); the answer is (choices, m, 1 + g), g = 0 where all that is met is of one group
    """
    met = np.unique(groups[own != 0])
    counts = np.array([((own != 0) & (groups == one)).any(axis=1).sum() for one in met], np.int64)
    often = met[np.lexsort((met, -counts))][:MOST_GROUPS]
    told = np.sort(often[counts[np.searchsorted(met, often)] >= FEWEST_OF_GROUP]) if len(met) > 1 else met[:0]
    return np.stack([own, *(np.where(groups == one, own, 0.0) for one in told)], axis=2), told


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

    def __init__(self, actor: IntArray, row: IntArray, query: IntArray, weight: FloatArray, kind: IntArray) -> None:
        order = np.argsort(actor, kind="stable")
        self._actor, self._row, self._weight, self._kind = actor[order], row[order], weight[order], kind[order]
        liked = weight > 0
        by = np.argsort(query[liked], kind="stable")
        self._query, self._chosen = query[liked][by], row[liked][by]

    def of(self, actor: int) -> tuple[IntArray, DoubleArray, IntArray]:
        """Return (rows ascending, strengths, kinds) of one actor."""
        part = slice(*np.searchsorted(self._actor, [actor, actor + 1]))
        return added_up(self._row[part], self._weight[part].astype(np.float64), self._kind[part])

    def others(self, queries: IntArray, chance: np.random.Generator) -> IntArray:
        """Draw (n, OTHERS) rows chosen for the same queries; for any, where there was no query or nobody else's."""
        start, end = (np.searchsorted(self._query, queries, side) for side in ("left", "right"))
        any_ = (queries == 0) | (end == start)
        start, end = np.where(any_, 0, start), np.where(any_, len(self._query), end)
        drawn = start[:, None] + (chance.random((len(queries), OTHERS)) * (end - start)[:, None]).astype(np.int64)
        rows: IntArray = self._chosen[drawn]
        return rows


def _softmax(tables: DoubleArray, there: BoolArray, given: DoubleArray, ridge: DoubleArray) -> DoubleArray:
    """Maximise the ridged likelihood that the first of every group was chosen, by Newton's method (it is concave).

    tables -- (groups, m, a); there -- (groups, m), which of the m are alternatives; given -- (groups, m) log-odds;
    ridge -- (a,) strength of the prior of each weight. A group without its first, or with nothing else, tells nothing.
    """
    telling = there[:, 0] & there[:, 1:].any(axis=1)
    tables, there, given = tables[telling], there[telling], given[telling]
    weights = np.zeros(tables.shape[2])
    for _ in range(20):
        score = np.where(there, tables @ weights + given, -np.inf)
        odds = np.exp(score - score.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        mean = np.einsum("gm,gma->ga", odds, tables)
        slope = (tables[:, 0] - mean).sum(axis=0) - ridge * weights
        curve = np.einsum("gm,gma,gmb->ab", odds, tables, tables) - np.einsum("ga,gb->ab", mean, mean) + np.diag(ridge)
        step = np.clip(np.linalg.solve(curve, slope), -1.0, 1.0)
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    return weights
