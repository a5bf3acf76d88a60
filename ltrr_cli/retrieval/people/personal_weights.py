"""What a person's past is worth, learnt from the log: the ``w`` of ``personal_score``.

``w`` maximises the likelihood of a tenth of every person's actions given factors fitted without them: the newest of the
dated ones, and any of those without a time. The alternatives are drawn from what people chose for the same query (from
all actions where there was none), which stands for ``m``: a sampled softmax whose proposal is the page itself, so no
correction is due (Bengio & Senecal, IEEE TNN 2008). Affinity is learnt among entities that the person had not acted on,
the rest given that: coming back to something says little of what else is liked.
"""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import BoolArray, DoubleArray, FloatArray, IntArray, MomentArray
from ltrr_cli.retrieval.counts.sorted_table import codes_of
from ltrr_cli.retrieval.people.actions import Actions, added_up
from ltrr_cli.retrieval.people.factors import Factors, fit, times
from ltrr_cli.retrieval.people.personal_score import ASPECTS, Weights, group_codes

HELD = 0.1  # share of a person's actions that are held back
FEWEST = 5  # actions of a person of whom any are
ENOUGH = 250_000  # actions that a few weights are learnt from
MOST = 3_000  # actions held back that are looked at
OTHERS = 20  # alternatives to each
RIDGE = 10.0  # strength of the prior w ~ N(0, 1 / RIDGE): a handful of people prove nothing
RIDGE_OF_GROUP = 3.0  # the same of what a group's weight differs by from that of all
MOST_GROUPS, FEWEST_OF_GROUP = 16, 20  # pairs of (type, kind) with a weight of their own, and choices that show it


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
    chosen = log["row"][asked]
    rows = np.column_stack([chosen, past.others(log["query"][asked], chance)])
    there = rows != chosen[:, None]
    there[:, 0] = True
    tables, kinds = past.aspects(known, log["actor"][asked], rows)
    groups = group_codes(rows, kinds, types)
    new = tables[:, :, -1] == 0.0
    weights = np.zeros(ASPECTS)
    weights[:-1] = _softmax(tables[:, :, :-1], there & new, np.zeros(there.shape), np.full(ASPECTS - 1, RIDGE))
    own, told = _by_group(np.where(there, tables[:, :, -1], 0.0), groups)
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
        self._pairs, self._strengths, self._kinds = added_up(codes_of(actor, row), weight.astype(np.float64), kind)
        liked = weight > 0
        by = np.argsort(query[liked], kind="stable")
        self._query, self._chosen = query[liked][by], row[liked][by]

    def others(self, queries: IntArray, chance: np.random.Generator) -> IntArray:
        """Draw (n, OTHERS) rows chosen for the same queries; for any, where there was no query or nobody else's."""
        start, end = (np.searchsorted(self._query, queries, side) for side in ("left", "right"))
        any_ = (queries == 0) | (end == start)
        start, end = np.where(any_, 0, start), np.where(any_, len(self._query), end)
        drawn = start[:, None] + (chance.random((len(queries), OTHERS)) * (end - start)[:, None]).astype(np.int64)
        rows: IntArray = self._chosen[drawn]
        return rows

    def aspects(self, factors: Factors, actors: IntArray, rows: IntArray) -> tuple[DoubleArray, IntArray]:
        """Return (n, m, ASPECTS) of m entities for each of n actors, and the (n, m) kinds of what was done to them.

        It is what ``personal_score.aspects`` says of one actor, for thousands at once.
        """
        who, of = np.unique(actors, return_inverse=True)
        embedded, acted = self._embedded(factors, who)
        deviation = np.sqrt(np.maximum(np.einsum("ai,ij,aj->a", embedded, factors.spread, embedded), 0.0))[of]
        embedded = embedded[of]
        pairs = codes_of(actors[:, None], rows)
        mine = np.minimum(np.searchsorted(self._pairs, pairs), len(self._pairs) - 1)
        did = self._pairs[mine] == pairs
        own = np.where(did, self._strengths[mine], 0.0)
        kinds: IntArray = np.where(did, self._kinds[mine], 0)
        at = factors.find(rows.ravel()).reshape(rows.shape)
        place = factors.place[at].astype(np.float64)
        near = np.einsum("nmk,nk->nm", place, embedded) - (embedded @ factors.mean)[:, None]
        # what was done to an entity is no proof of it
        near -= own * factors.scale[at] * np.einsum("nmk,nmk->nm", place, place)
        placed = (at >= 0) & (deviation > 0)[:, None]
        near = np.divide(near, deviation[:, None], out=np.zeros_like(near), where=placed)
        return np.stack([near, near / (1.0 + acted[of])[:, None], own], axis=2), kinds

    def _embedded(self, factors: Factors, who: IntArray) -> tuple[DoubleArray, IntArray]:
        """Return (n, SIZE) where n actors (ascending) lie, and on how many entities each acted."""
        actor = (self._pairs >> 32).astype(np.int32)
        mine = np.minimum(np.searchsorted(who, actor), len(who) - 1)
        theirs = np.flatnonzero(who[mine] == actor)
        mine, at = mine[theirs], factors.find(self._pairs[theirs].astype(np.int32))  # the lower half is the row
        acted = np.bincount(mine, minlength=len(who)).astype(np.int32)
        mine, theirs, at = mine[at >= 0], theirs[at >= 0], at[at >= 0]
        value = self._strengths[theirs] * factors.scale[at]
        return times(mine, at, value, factors.place.astype(np.float64), len(who)), acted


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
