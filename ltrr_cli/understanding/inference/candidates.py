"""Which values may an entity lack? The likeliest of each field, the likeliest mentioned, and those missing in lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import DoubleArray, IntArray
from ltrr_cli.storage.packed_arrays import Array
from ltrr_cli.understanding.inference.bayes import Bayes
from ltrr_cli.understanding.inference.calibration import BESIDE, MENTIONED, Scored, joined
from ltrr_cli.understanding.inference.cases import PLACES, Cases
from ltrr_cli.understanding.inference.value_counts import within

UNSEEN = 1e-3  # weight, beside the best value's 1, of all values that nothing speaks for
LEAST_SCORE = -5.0  # of a value beside others, below which it is not looked at
MOST_NATS = 300.0  # evidence beyond which more says nothing
CELLS = 500_000  # scores held at a time, few enough for a processor's cache
_CERTAIN = 1e-9  # log-odds are told of shares no nearer to 1

Evidence = tuple[Array, IntArray, DoubleArray]  # as ``Bayes.evidence`` returns it


def candidates(cases: Cases, model: Bayes, rows: Array) -> Scored:
    """Score some rows, as many at a time as ``CELLS`` allows."""
    parts = np.array_split(rows, max(1, -(-len(rows) * len(cases.values) // CELLS)))
    found, several = [], bool(cases.several.any())
    for part in parts:
        evidence = model.evidence(cases, part)
        found.append(_of_fields(cases, model, part, evidence))
        if several:
            found.append(_besides(cases, model, part, evidence))
    return joined(found)


@dataclass(frozen=True, slots=True)
class _Fields:
    """What speaks for the values of every (entity, field) of which anything does; parallel arrays but for ``odds``.

    code        -- (n,) rows index x fields + field, ascending
    odds        -- of every cell: nats of each label that anything speaks for
    best, value -- (n,) the likeliest label, and its nats
    rest        -- (n,) weight of all other labels beside the best one's 1
    """

    code: Array
    odds: DoubleArray
    best: Array
    value: DoubleArray
    rest: DoubleArray


def _of_fields(cases: Cases, model: Bayes, rows: Array, evidence: Evidence) -> Scored:
    """Return the best label of each field that anything speaks for, and the best that is mentioned.

    The best one is told as what is mentioned where it is; else both are told, each as often right as its kind is.
    """
    labels, width = len(cases.values), len(cases.fields)
    cell, says, nats = evidence
    strange = says != cases.field_of[cell % labels]  # as if the field were lacking
    total = np.bincount(cell[strange], nats[strange], len(rows) * labels).astype(np.float64, copy=False)
    cell = np.flatnonzero(total)
    if not len(cell):
        return Scored.none()
    fields = _fields(cases, model, cell, total[cell])
    presence = model.presence.of(cases, rows)
    of, mentioned = cases.mentioned.pairs(rows)
    said = of * labels + mentioned // PLACES
    row, field = np.divmod(fields.code, width)
    score = np.minimum(fields.value, 0.0) - np.log(fields.rest + UNSEEN)
    silent = ~within(said, row * labels + fields.best)
    plain = Scored(rows[row], field, fields.best, score.astype(np.float32), presence[row, field].astype(np.float32))
    return joined([plain.only(silent), _mentioned(cases, fields, cell, said, mentioned % PLACES, rows, presence)])


def _fields(cases: Cases, model: Bayes, cell: Array, total: DoubleArray) -> _Fields:
    """Compare the labels of each field; cells (rows index x labels + label) ascend.

    What nothing speaks for has its prior alone, so the most frequent label of a field stands for all of these.
    """
    labels, width = len(cases.values), len(cases.fields)
    label = cell % labels
    code = cell // labels * width + cases.field_of[label]
    start = np.flatnonzero(np.diff(code, prepend=-1))
    segment = np.repeat(np.arange(len(start)), np.diff(start, append=len(code)))
    field, odds = code[start] % width, total + model.prior[label]
    value = np.maximum.reduceat(odds, start)
    places = np.flatnonzero(odds == value[segment])
    best = label[places[np.searchsorted(segment[places], np.arange(len(start)))]]
    usual = model.usual[field]
    better = (model.prior[usual] > value) | ((model.prior[usual] == value) & (usual < best))
    best, value = np.where(better, usual, best), np.where(better, model.prior[usual], value)
    odd = np.exp(model.prior)
    silent = np.add.reduceat(odd, cases.bounds[:-1])[field] - np.add.reduceat(odd[label], start)
    rest = np.add.reduceat(np.exp(odds - value[segment]), start) + np.maximum(silent, 0.0) * np.exp(-value) - 1.0
    return _Fields(code[start], odds, best, value, np.maximum(rest, 0.0))


def _mentioned(
    cases: Cases, fields: _Fields, cell: Array, said: Array, place: IntArray, rows: Array, presence: DoubleArray
) -> Scored:
    """Return of each field the likeliest label that is mentioned, and where; ``said`` are cells, ascending."""
    labels, width = len(cases.values), len(cases.fields)
    odds = fields.odds[np.searchsorted(cell, said)]
    code = said // labels * width + cases.field_of[said % labels]
    order = np.lexsort((-odds, code))
    first = order[np.flatnonzero(np.diff(code[order], prepend=-1))]
    at = np.searchsorted(fields.code, code[first])
    behind = np.minimum(odds[first] - fields.value[at] - np.log1p(fields.rest[at] + UNSEEN), -_CERTAIN)
    score = np.minimum(odds[first], 0.0) + behind - np.log1p(-np.exp(behind))
    row, field = np.divmod(code[first], width)
    kind = (MENTIONED + place[first]) * width
    there = presence[row, field].astype(np.float32)
    return Scored(rows[row], kind + field, said[first] % labels, score.astype(np.float32), there)


def _besides(cases: Cases, model: Bayes, rows: Array, evidence: Evidence) -> Scored:
    """Return labels of fields of several values, for entities that state some of these.

    Each is weighed against the labels that the entity does not state, so that one that it does state is scored as if it
    were the one that is missing.
    """
    labels, width = len(cases.values), len(cases.fields)
    cell, _, nats = evidence
    stating, stated = cases.labels.pairs(rows)
    there = np.zeros((len(rows), width), np.bool_)
    there[stating, cases.field_of[stated]] = True
    field = cases.field_of[cell % labels]
    listed = there[cell // labels, field] & cases.several[field]
    total = np.bincount(cell[listed], nats[listed], len(rows) * labels)
    cell = np.flatnonzero(total)
    label = cell % labels
    odds = np.minimum(total[cell] + model.prior[label], MOST_NATS)
    code = cell // labels * width + cases.field_of[label]
    _, segment = np.unique(code, return_inverse=True)
    lacked = np.where(within(np.sort(stating * labels + stated), cell), 0.0, np.exp(odds))
    rest = np.bincount(segment, lacked)[segment] - lacked
    score = np.minimum(odds, 0.0) + odds - np.log(np.maximum(rest, 0.0) + UNSEEN * np.exp(odds))
    likely = np.flatnonzero(score > LEAST_SCORE)
    cell, label = cell[likely], label[likely]
    score = score[likely].astype(np.float32)
    return Scored(rows[cell // labels], BESIDE * width + cases.field_of[label], label, score, np.zeros_like(score))
