"""How often are inferences right? Scores against the entities whose value is known, and what is believed by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import BoolArray, DoubleArray, FloatArray
from ltrr_cli.text.packed import Array
from ltrr_cli.understanding.cases import LEAST, Cases
from ltrr_cli.understanding.counted import Known, within

PRECISION = 0.15  # of known cases that have to be right
MISSING = 0.3  # share of the values of a list that is taken to be missing: a catalog cannot say
APPLIES = 0.3  # of the entities with such a score that have the field, at least
BINS = 20  # of equal numbers of known cases, by score
FEW = 3.0  # cases' worth of doing as all values do


@dataclass(frozen=True, slots=True)
class Scored:
    """Likely labels of a field of an entity, where anything speaks for one: parallel arrays.

    field -- of the label; that plus the number of fields where the entity states other values of it
    score -- log-odds against the labels of the field that the entity does not state
    """

    row: Array
    field: Array
    label: Array
    score: FloatArray


def joined(parts: Sequence[Scored]) -> Scored:
    """Put parts together, field by field."""
    row, field, label, score = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("row", "field", "label", "score")
    )
    order = np.lexsort((row, field))
    return Scored(row[order], field[order], label[order], score[order])


@dataclass(frozen=True, slots=True)
class Scale:
    """How often scores are right.

    The first half is of whole fields that are lacking, the second of one value beside others of its field.

    edges         -- (2 x fields, BINS - 1) of the scores of known cases
    sure, applies -- (2 x fields, BINS) how often right where the field is there, how often it is there; 0: never
    doubt, rare   -- (2 x labels,) factors <= 1 of labels that do worse than scores like theirs
    """

    edges: DoubleArray
    sure: DoubleArray
    applies: DoubleArray
    doubt: DoubleArray
    rare: DoubleArray


def calibrate(cases: Cases, known: Known, scored: Scored) -> Scale:
    """Calibrate every field by the entities whose value is known."""
    labels, width = len(cases.values), len(cases.fields)
    has_all = within(known.fields, scored.row * width + scored.field % width)
    right_all = has_all & within(known.labels, scored.row * labels + scored.label)
    sure, applies = np.zeros((2 * width, BINS)), np.zeros((2 * width, BINS))
    doubt, rare = np.ones(2 * labels), np.ones(2 * labels)
    scale = Scale(np.zeros((2 * width, BINS - 1)), sure, applies, doubt, rare)
    bounds = np.searchsorted(scored.field, np.arange(2 * width + 1))
    for field in range(2 * width):
        part = slice(bounds[field], bounds[field + 1])
        has, right, guess = has_all[part], right_all[part], scored.label[part] + labels * (field >= width)
        if has.sum() < LEAST or (field < width and has.all()):
            continue
        edges = scale.edges[field] = np.quantile(scored.score[part][has], np.linspace(0, 1, BINS + 1)[1:-1])
        of = np.searchsorted(edges, scored.score[part])
        value, guess = np.unique(guess, return_inverse=True)
        sure[field], doubt[value] = _shares(right, has, of, guess)
        applies[field], rare[value] = _shares(has, np.ones(len(has), np.bool_), of, guess)
    return scale


def _shares(right: BoolArray, counted: BoolArray, bins: Array, values: Array) -> tuple[DoubleArray, DoubleArray]:
    """Return ((BINS,) how often cases of each bin of scores are right, (values,) how much less those of a value are).

    Only cases that are counted speak; a value with few of them does as all do (``FEW``).
    """
    by_bin: DoubleArray = np.bincount(bins, right & counted, BINS) / (np.bincount(bins, counted, BINS) + 1.0)
    seen = np.bincount(values, (right & counted).astype(np.float64))
    usual = np.bincount(values, np.where(counted, by_bin[bins], 0.0))
    return by_bin, np.minimum((seen + FEW) / (usual + FEW), 1.0)


def believed(cases: Cases, known: Known, scale: Scale, scored: Scored) -> tuple[Array, Array, DoubleArray]:
    """Return (rows, labels, how often such a score is right) of what is right often enough and was not known."""
    hopeful = (scale.sure >= PRECISION) & (scale.applies >= APPLIES)
    lowest = np.where(hopeful.any(axis=1), hopeful.argmax(axis=1), BINS)
    floor = np.concatenate([np.full((len(lowest), 1), -np.inf), scale.edges, np.full((len(lowest), 1), np.inf)], axis=1)
    some = np.flatnonzero(scored.score > floor[np.arange(len(lowest)), lowest][scored.field])
    labels, width = len(cases.values), len(cases.fields)
    beside = scored.field[some] >= width
    stated = within(known.fields, scored.row[some] * width + scored.field[some] % width)
    stated[beside] = within(known.labels, scored.row[some[beside]] * labels + scored.label[some[beside]])
    some, beside = some[~stated], beside[~stated]
    field, label = scored.field[some], scored.label[some]
    of = (scored.score[some, None] > scale.edges[field]).sum(axis=1)
    place = label + labels * beside
    sure = scale.sure[field, of] * scale.doubt[place]
    # most of those that bear such a value state it: what is left is right less often
    sure = np.where(beside, sure * MISSING / (1.0 - sure * (1.0 - MISSING)), sure)
    keep = (sure >= PRECISION) & (scale.applies[field, of] * scale.rare[place] >= APPLIES)
    return scored.row[some[keep]], label[keep], sure[keep]
