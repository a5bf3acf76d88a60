"""How often are inferences right? Scores against the entities whose value is known, and what is believed by that.

A catalog states only some of what is so. Of the entities that lack a field, those like the ones that state it have it
all the same, as often as

    P(has it | lacks it) = (1 - c) / c x a / (1 - a),

where ``a`` is the share of entities like this one that state the field, and ``c`` the share of those that have it that
do: that of the entities which surely have it (Elkan & Noto, KDD 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import BoolArray, DoubleArray, FloatArray
from ltrr_cli.storage.packed_arrays import Array
from ltrr_cli.understanding.inference.cases import LEAST, PLACES, Cases
from ltrr_cli.understanding.inference.value_counts import StatedValues, within

BESIDE, MENTIONED = 1, 2  # kinds of candidates, beside 0: one value more, and what is mentioned, by where
KINDS = MENTIONED + PLACES
PRECISION = 0.05  # of an inference that is told; such a value ranks behind all that are surer
MISSING = 0.3  # share of the values of a list that is taken to be missing: a catalog cannot say
BINS = 20  # of equal numbers of known cases, by score
SUREST = 0.25  # of the known cases, which surely have the field
UNSEEN = 0.5  # cases that do not state what they have, where there is none yet
FEW = 3.0  # cases' worth of doing as all values do
_CERTAIN = 1e-9  # odds are told of shares no nearer to 1


@dataclass(frozen=True, slots=True)
class Scored:
    """Likely labels of a field of an entity, where anything speaks for one: parallel arrays.

    field -- of the label, plus the kind of candidate x the number of fields
    score -- log-odds against the labels of the field that the entity does not state
    there -- log-odds, up to a constant of the field, that an entity like it has the field at all
    """

    row: Array
    field: Array
    label: Array
    score: FloatArray
    there: FloatArray

    @classmethod
    def none(cls) -> Scored:
        """Return no candidates."""
        whole, score = np.empty(0, np.int64), np.empty(0, np.float32)
        return cls(whole, whole, whole, score, score)

    def only(self, which: Array) -> Scored:
        """Return some of the candidates."""
        return Scored(self.row[which], self.field[which], self.label[which], self.score[which], self.there[which])


def joined(parts: Sequence[Scored]) -> Scored:
    """Put parts together, field by field."""
    row, field, label, score, there = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("row", "field", "label", "score", "there")
    )
    order = np.lexsort((row, field))
    return Scored(row[order], field[order], label[order], score[order], there[order])


@dataclass(frozen=True, slots=True)
class Scale:
    """How often scores are right, for every kind of candidate of every field.

    edges, fits  -- (kinds x fields, BINS - 1) of ``score`` and of ``there`` of known cases
    sure, stated -- (kinds x fields, BINS) how often right where the field is stated; how often it is; 0: not known
    unstated     -- (fields,) odds that who surely has the field does not state it
    doubt, rare  -- (kinds x labels,) factors <= 1 of labels that do worse than scores like theirs
    """

    edges: DoubleArray
    fits: DoubleArray
    sure: DoubleArray
    stated: DoubleArray
    unstated: DoubleArray
    doubt: DoubleArray
    rare: DoubleArray

    @classmethod
    def blank(cls, fields: int, labels: int) -> Scale:
        """Return a scale by which nothing is believed."""
        edges, fits = (np.zeros((KINDS * fields, BINS - 1)) for _ in range(2))
        sure, stated = (np.zeros((KINDS * fields, BINS)) for _ in range(2))
        return cls(edges, fits, sure, stated, np.zeros(fields), np.ones(KINDS * labels), np.ones(KINDS * labels))

    def worth(self, scored: Scored, fields: int, labels: int) -> DoubleArray:
        """Return (n,) how often candidates are right of entities that state nothing of the kind."""
        field, kind = scored.field, scored.field // fields
        label = scored.label + labels * kind
        bins = (scored.score[:, None] > self.edges[field]).sum(axis=1)
        fit = (scored.there[:, None] > self.fits[field]).sum(axis=1)
        sure = self.sure[field, bins] * self.doubt[label]
        share = np.minimum(self.stated[field, fit] * self.rare[label], 1.0 - _CERTAIN)
        lacked = np.minimum(self.unstated[field % fields] * share / (1.0 - share), 1.0)
        # most of those that bear a value of a list state it: what is left is right less often
        rest = sure * MISSING / (1.0 - sure * (1.0 - MISSING))
        worth: DoubleArray = np.where(kind == BESIDE, rest, sure * lacked)
        return worth


def calibrate(cases: Cases, known: StatedValues, scored: Scored) -> Scale:
    """Calibrate every field by the entities whose value is known."""
    labels, width = len(cases.values), len(cases.fields)
    has_all = within(known.fields, scored.row * width + scored.field % width)
    right_all = has_all & within(known.labels, scored.row * labels + scored.label)
    scale = Scale.blank(width, labels)
    bounds = np.searchsorted(scored.field, np.arange(KINDS * width + 1))
    for field in range(KINDS * width):
        part, kind = slice(bounds[field], bounds[field + 1]), field // width
        has, right, guess = has_all[part], right_all[part], scored.label[part] + labels * kind
        if has.sum() < LEAST or (kind != BESIDE and has.all()):
            continue
        value, guess = np.unique(guess, return_inverse=True)
        scale.edges[field], bins = _binned(scored.score[part], has)
        scale.sure[field], scale.doubt[value] = _shares(right, has, bins, guess)
        if kind == BESIDE:
            continue  # who states other values has the field
        scale.fits[field], bins = _binned(scored.there[part], has)
        scale.stated[field], scale.rare[value] = _shares(has, np.ones(len(has), np.bool_), bins, guess)
    whole = scored.field // width != BESIDE
    scale.unstated[:] = _unstated(scored.field[whole] % width, scored.there[whole], has_all[whole], width)
    return scale


def _unstated(field: Array, there: FloatArray, has: BoolArray, fields: int) -> DoubleArray:
    """Return (fields,) odds that who surely has a field does not state it: those that fit it best tell."""
    order = np.lexsort((-there, field))
    bounds = np.searchsorted(field[order], np.arange(fields + 1))
    odds = np.zeros(fields)
    for one in range(fields):
        stated = has[order[bounds[one] : bounds[one + 1]]]
        surest = np.cumsum(stated) <= SUREST * stated.sum()
        odds[one] = ((surest & ~stated).sum() + UNSEEN) / ((surest & stated).sum() + UNSEEN)
    return odds


def _binned(scores: FloatArray, known: BoolArray) -> tuple[DoubleArray, Array]:
    """Return (edges of bins of equally many known cases, bin of every case)."""
    edges: DoubleArray = np.quantile(scores[known], np.linspace(0, 1, BINS + 1)[1:-1])
    return edges, np.searchsorted(edges, scores)


def _shares(right: BoolArray, counted: BoolArray, bins: Array, values: Array) -> tuple[DoubleArray, DoubleArray]:
    """Return ((BINS,) how often cases of each bin of scores are right, (values,) how much less those of a value are).

    Only cases that are counted speak. A bin counts one case more that does as all do, and none is right less often than
    one of lower scores (isotonic regression); a value with few cases does as all do (``FEW``).
    """
    good: BoolArray = right & counted
    usual = good.sum() / (counted.sum() + 1.0)
    cases = np.bincount(bins, counted, BINS).astype(np.float64) + 1.0
    by_bin = _isotonic((np.bincount(bins, good, BINS) + usual) / cases, cases)
    seen = np.bincount(values, good)
    expected = np.bincount(values, np.where(counted, by_bin[bins], 0.0))
    return by_bin, np.minimum((seen + FEW) / (expected + FEW), 1.0)


def _isotonic(values: DoubleArray, weights: DoubleArray) -> DoubleArray:
    """Return (n,) the nearest values, by weighted squares, that never fall: pool adjacent violators.

    Ayer et al., "An empirical distribution function for sampling with incomplete information", 1955. A library's would
    cost seconds to import, for twenty numbers.

    >>> _isotonic(np.array([1.0, 3.0, 2.0]), np.array([1.0, 1.0, 3.0])).tolist()
    [1.0, 2.25, 2.25]
    """
    pools: list[tuple[float, float, int]] = []  # (mean, weight, how many values)
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, total, size = value, weight, 1
        while pools and pools[-1][0] >= mean:
            before, its, many = pools.pop()
            mean, total, size = (before * its + mean * total) / (its + total), its + total, size + many
        pools.append((mean, total, size))
    return np.repeat([mean for mean, _, _ in pools], [size for _, _, size in pools])


def believed(cases: Cases, known: StatedValues, scale: Scale, scored: Scored) -> tuple[Array, Array, DoubleArray]:
    """Return (rows, labels, how often such a score is right) of what is right often enough and was not known."""
    labels, width = len(cases.values), len(cases.fields)
    beside = scored.field // width == BESIDE
    stated = within(known.fields, scored.row * width + scored.field % width)
    stated[beside] = within(known.labels, scored.row[beside] * labels + scored.label[beside])
    hopeful = (scale.sure.max(axis=1) >= PRECISION)[scored.field]
    lacked = scored.only(np.flatnonzero(~stated & hopeful))
    worth = scale.worth(lacked, width, labels)
    keep = worth >= PRECISION
    return lacked.row[keep], lacked.label[keep], worth[keep]
