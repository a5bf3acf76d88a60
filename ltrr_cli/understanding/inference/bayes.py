"""Which values do words, other values and mentions speak for? One linear model of every (field, value) pair.

Naive Bayes in its pointwise form: the score of a value is its logarithmic prior plus ``ln P(feature | value)`` over the
features of the entity, and what it adds that the value itself is mentioned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import DoubleArray, IntArray
from ltrr_cli.storage.packed_arrays import Array
from ltrr_cli.understanding.inference.cases import LEAST, PLACES, Cases, RaggedArray
from ltrr_cli.understanding.inference.presence import Presence
from ltrr_cli.understanding.inference.value_counts import StatedValues, crossed, within

FEW_CASES = 10  # a feature of no more known cases speaks even by a single one
SMOOTHING = 1.0  # cases of the prior in P(value | feature)
_LEAST_MENTION = 1e-9  # what is mentioned is a candidate, however little that says


@dataclass(frozen=True, slots=True)
class Bayes:
    """Weights of features for labels.

    spoken, strength -- labels of every feature, and parallel ln P(label | feature) / P(label), > 0
    prior            -- (labels,) ln P(label) where the field is there at all
    usual            -- (fields,) the label of each that has the highest
    mention          -- (labels x PLACES,) what being mentioned adds: ln P(label | mentioned there) / P(label) > 0,
                        pooled over a field
    presence         -- whether the field is there
    """

    spoken: RaggedArray
    strength: DoubleArray
    prior: DoubleArray
    usual: Array
    mention: DoubleArray
    presence: Presence

    def evidence(self, cases: Cases, rows: Array) -> tuple[Array, IntArray, DoubleArray]:
        """Return (rows index x labels + label, field whose value says so or -1, nats) of all that speaks for labels."""
        labels = len(cases.values)
        owner, feature = cases.features.pairs(rows)
        at, spoken = self.spoken.spread(feature)
        of, mentioned = cases.mentioned.pairs(rows)
        cell = np.concatenate([owner[at] * labels + self.spoken.members[spoken], of * labels + mentioned // PLACES])
        says = np.concatenate([cases.own[feature[at]], np.full(len(of), -1, np.int32)])
        return cell, says, np.concatenate([self.strength[spoken], self.mention[mentioned]])


def learn(cases: Cases, known: StatedValues, folds: Sequence[Array]) -> list[Bayes]:
    """Count on every fold once; the model of each is made of what the others counted."""
    labels, width = len(cases.values), len(cases.fields)
    said, meant = _mentions(cases, known, folds)
    total = np.array([np.bincount(cases.labels.pairs(rows)[1], minlength=labels) for rows in folds], np.float64)
    having = np.array([np.bincount(known.of.pairs(rows)[1], minlength=width) for rows in folds], np.float64)
    count = np.array([np.bincount(cases.features.pairs(rows)[1], minlength=len(cases.own)) for rows in folds])
    sizes = np.array([len(rows) for rows in folds])
    key, joint = crossed(cases.features, cases.labels, labels, folds)
    field = cases.field_of[key % labels]
    other = cases.itself[key // labels] != key % labels  # a value says nothing new of itself
    other &= (cases.own[key // labels] != field) | cases.several[field]
    other &= total.sum(axis=0)[key % labels] >= LEAST
    key, joint = key[other], joint[:, other]
    both, with_field = crossed(cases.features, known.of, width, folds)
    group = np.searchsorted(both, key // labels * width + cases.field_of[key % labels])
    models = []
    for held in range(len(folds)):
        cells = (total, having, meant, said, joint, with_field, count, sizes)
        bearing, having_field, right, all_said, beside, of_field, counted, size = (
            cell.sum(axis=0) - cell[held] for cell in cells
        )
        prior = np.maximum(bearing, 0.5) / np.maximum(having_field[cases.field_of], 1.0)
        heard = np.maximum((right + 0.1) / (all_said + 1.0), 1e-3).reshape(width, PLACES)
        mention = np.log(heard[cases.field_of] / prior[:, None]).ravel()
        strong = _strengths(key % labels, group, beside, of_field, prior)
        keep = np.flatnonzero(strong)
        starts = np.searchsorted(key[keep] // labels, np.arange(len(cases.own) + 1))
        spoken = RaggedArray(starts, (key[keep] % labels).astype(np.int32))
        presence = Presence.learn(cases, both, of_field, having_field / max(int(size), 1), counted)
        prior = np.log(prior)
        bounds = zip(cases.bounds, cases.bounds[1:], strict=False)
        usual = np.array([first + prior[first:end].argmax() for first, end in bounds])
        models.append(Bayes(spoken, strong[keep], prior, usual, np.maximum(mention, _LEAST_MENTION), presence))
    return models


def _mentions(cases: Cases, known: StatedValues, folds: Sequence[Array]) -> tuple[DoubleArray, DoubleArray]:
    """Return (folds, fields x PLACES) each: values mentioned by entities that have the field; those that they bear."""
    labels, width = len(cases.values), len(cases.fields)
    said, meant = (np.zeros((len(folds), width * PLACES)) for _ in range(2))
    for held, rows in enumerate(folds):
        owner, mentioned = cases.mentioned.pairs(rows)
        label, place = mentioned // PLACES, mentioned % PLACES
        field = cases.field_of[label]
        hers = within(known.fields, rows[owner] * width + field)
        right = within(known.labels, rows[owner] * labels + label)
        said[held] = np.bincount((field * PLACES + place)[hers], minlength=width * PLACES)
        meant[held] = np.bincount((field * PLACES + place)[hers & right], minlength=width * PLACES)
    return said, meant


def _strengths(label: Array, group: Array, joint: Array, with_field: Array, prior: DoubleArray) -> DoubleArray:
    """Return how much every (feature, label) says, 0 where the feature tells nothing of the label's field.

    group -- which (feature, field) each belongs to; with_field -- cases of every such group
    """
    usual, cases = prior[label], with_field[group]
    told = np.maximum((joint + SMOOTHING * usual) / (cases + SMOOTHING) / usual, 1e-300)
    nats = np.bincount(group, joint * np.log(told))  # N times the Kullback-Leibler divergence, biased by what is seen
    telling = nats > np.bincount(group, joint > 0) + LEAST
    keep = telling[group] & (joint > 0) & ((joint >= 2) | (cases <= FEW_CASES))
    strength: DoubleArray = np.where(keep, np.log1p(joint / (SMOOTHING * usual)), 0.0)
    return strength  # over a value that never stood beside the feature
