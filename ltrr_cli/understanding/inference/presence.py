"""Does an entity have a field at all? Naive Bayes over its words and the values of its other fields.

A laptop lacks the kind of ink for a reason, headphones lack their kind by neglect: nine in ten of them state it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ltrr_cli.core.types import DoubleArray
from ltrr_cli.storage.packed_arrays import Array
from ltrr_cli.understanding.inference.cases import Cases, RaggedArray

SMOOTHING = 1.0  # entities' worth of the usual share in P(field | feature)
_EDGE = 1e-6  # of a share


@dataclass(frozen=True, slots=True)
class Presence:
    """How much each feature says for or against an entity having a field.

    beside  -- fields of every feature
    company -- parallel to its members: what the feature adds to the log-odds of the field, more than ``alone``
    alone   -- (features,) what a feature adds to the log-odds of any field that it never stood beside
    """

    beside: RaggedArray
    company: DoubleArray
    alone: DoubleArray

    @classmethod
    def learn(cls, cases: Cases, pairs: Array, together: Array, share: DoubleArray, count: Array) -> Self:
        """Learn from counts.

        pairs, together -- codes feature x fields + field, ascending, and how many entities have both
        share, count    -- (fields,) of the entities that have each; (features,) entities that have each
        A value says nothing of its own field.
        """
        width = len(cases.fields)
        feature, field = pairs // width, pairs % width
        usual = np.clip(share, _EDGE, 1.0 - _EDGE)[field]
        odds = (together + SMOOTHING * usual) / (count[feature] - together + SMOOTHING * (1.0 - usual))
        adds = np.where(cases.own[feature] == field, 0.0, np.log(odds * (1.0 - usual) / usual))
        alone = -np.log1p(count)
        starts = np.searchsorted(feature, np.arange(len(cases.own) + 1))
        return cls(RaggedArray(starts, field.astype(np.int32)), adds - alone[feature], alone)

    def of(self, cases: Cases, rows: Array) -> DoubleArray:
        """Return (rows, fields) log-odds that entities like these have a field, but for a constant of the field."""
        owner, feature = cases.features.pairs(rows)
        at, beside = self.beside.spread(feature)
        width = len(cases.fields)
        cell = owner[at] * width + self.beside.members[beside]
        odds = np.zeros((len(rows), width))
        odds += np.bincount(cell, self.company[beside], len(rows) * width).reshape(len(rows), width)
        odds += np.bincount(owner, self.alone[feature], len(rows))[:, None]
        return odds
