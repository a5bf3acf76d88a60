"""Action features: what each strategy lately did for queries of this class.

The context says what the query looks like; this says what such queries were last won by, and how much each strategy
had to offer, which moves faster than a regression over the context can. A class is intent x length x exact name, read
from the features themselves, so that what was logged with an impression suffices to learn from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from ltrr_cli.allocation.bandit_features import squash
from ltrr_cli.allocation.models.stored import MEND, read_header, read_tables, write_header
from ltrr_cli.allocation.policy import BanditExample
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.errors import DamagedError
from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray

PAST = ("past.success", "past.results", "past.shape", "past.purity")
CLASSES = 12  # 3 intents x 2 lengths x exact name or not
LONG = 3  # tokens from which a query is long
HEAD = 10.0  # rank at which a find is worth half of one at the top
SUPPORT = 10.0  # examples' worth of the strategy's mean over all classes that a class starts from
PRIOR = np.array([0.1, 0.5, 0.5, 0.5])  # of a strategy of which nothing is known, in the order of PAST
FIRST = 10  # hits whose types are compared
_HEAVIEST = 30.0


class _Header(msgspec.Struct, frozen=True):
    strategies: tuple[str, ...]
    half_life_days: float
    time_ms: int | None


class StrategyHistory:
    """Decayed weight (CLASSES, s, p) and sum (CLASSES, s, p) of every thing in ``PAST``, per class and strategy."""

    def __init__(self, half_life_days: float = 7.0) -> None:
        self._half_life_days = half_life_days
        self._strategies: tuple[str, ...] = ()
        self._time_ms: int | None = None
        self._weight: DoubleArray = np.zeros((CLASSES, 0, len(PAST)))
        self._sum: DoubleArray = np.zeros((CLASSES, 0, len(PAST)))

    def of(self, strategies: Sequence[str], features: Mapping[str, float]) -> FloatArray:
        """Return (s, p) float32 in -1..1: means for this class less the prior, so that "nothing known" is 0.

        features -- squashed, by name
        """
        kind = class_of(features)
        weight, total = self._weight.sum(axis=0), self._sum.sum(axis=0)
        overall = (total + SUPPORT * PRIOR) / (weight + SUPPORT)
        mean = (self._sum[kind] + SUPPORT * overall) / (self._weight[kind] + SUPPORT) - PRIOR
        found = np.zeros((len(strategies), len(PAST)), np.float32)
        for line, name in enumerate(strategies):
            if name in self._strategies:
                found[line] = mean[self._strategies.index(name)]
        return found

    def start_like(self, likes: Mapping[str, str]) -> None:
        """Let strategies that were never met start with what is known of others; likes -- name -> whom it is like."""
        for name, like in likes.items():
            if name not in self._strategies and like in self._strategies:
                place = self._strategies.index(like)
                self._strategies += (name,)
                self._weight = np.concatenate([self._weight, self._weight[:, [place]]], axis=1)
                self._sum = np.concatenate([self._sum, self._sum[:, [place]]], axis=1)

    def learn(self, examples: Sequence[BanditExample], features: Sequence[str]) -> None:
        """Take in examples in time order; ``features`` names their contexts' columns."""
        for example in examples:
            if example.reward > 0.0 and len(example.bandit_context.features) == len(features):
                self._take(
                    example, class_of(dict(zip(features, example.bandit_context.features.tolist(), strict=True)))
                )

    def _take(self, example: BanditExample, kind: int) -> None:
        strategies = example.bandit_context.strategies
        new = tuple(name for name in strategies if name not in self._strategies)
        if new:
            room = ((0, 0), (0, len(new)), (0, 0))
            self._strategies += new
            self._weight, self._sum = np.pad(self._weight, room), np.pad(self._sum, room)
        self._age(example.bandit_context.time_ms)
        ran = np.flatnonzero(example.depths > 0)
        places = np.array([self._strategies.index(strategies[place]) for place in ran.tolist()], np.int64)
        weight = min(example.weight * example.reward, _HEAVIEST)
        self._weight[kind, places, 0] += weight
        self._sum[kind, places, 0] += weight * observed_worth(example.ranks[ran].astype(np.float64))
        if example.shapes is not None:
            self._weight[kind, places, 1:] += 1.0
            self._sum[kind, places, 1:] += example.shapes[ran]

    def _age(self, moment: int) -> None:
        if moment <= 0:  # it has no time
            return
        if self._time_ms is not None and moment > self._time_ms:
            keep = 2.0 ** (-(moment - self._time_ms) / (self._half_life_days * DAY))
            self._weight *= keep
            self._sum *= keep
        self._time_ms = moment if self._time_ms is None else max(moment, self._time_ms)

    def save(self, folder: Path) -> None:
        """Write ``history.json`` and ``history.npz``."""
        write_header(folder / "history.json", _Header(self._strategies, self._half_life_days, self._time_ms))
        np.savez(folder / "history.npz", weight=self._weight, sum=self._sum)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what ``save`` wrote; raises DamagedError."""
        header = read_header(folder / "history.json", _Header)
        arrays = read_tables(folder / "history.npz", weight=3, sum=3)
        if any(array.shape != (CLASSES, len(header.strategies), len(PAST)) for array in arrays.values()):
            raise DamagedError(f"{folder}: the parts of the history do not fit together", hint=MEND)
        history = cls(header.half_life_days)
        history._strategies, history._time_ms = header.strategies, header.time_ms
        history._weight, history._sum = arrays["weight"], arrays["sum"]
        return history


def observed_worth(ranks: DoubleArray) -> DoubleArray:
    """Return 0..1 for ranks from 1 (0: not found): near 1 at the top, half of that ten places below.

    >>> observed_worth(np.array([0.0, 1.0, 11.0])).round(3).tolist()
    [0.0, 1.0, 0.5]
    """
    return np.where(ranks > 0, HEAD / (HEAD + ranks - 1.0), 0.0)


def shape(scores: FloatArray, types: IntArray, depth: int) -> tuple[float, float, float]:
    """Return what a list looks like, each 0..1: how full, how steeply scores fall, how much of one type.

    scores -- (n,) best first; types -- (n,) type of every hit; depth -- how many were asked for

    >>> shape(np.array([4.0, 2.0, 2.0], np.float32), np.array([1, 1, 2], np.int32), 6)
    (0.5, 0.5, 0.6666666666666666)
    """
    if not len(scores):
        return 0.0, 0.0, 0.0
    top, middle = float(scores[0]), float(scores[len(scores) // 2])
    fall = (top - middle) / max(abs(top), abs(middle), 1e-9)
    head = types[:FIRST].tolist()
    most = max(map(head.count, set(head)))
    return min(len(scores) / max(depth, 1), 1.0), min(max(fall, 0.0), 1.0), most / len(head)


def class_of(features: Mapping[str, float]) -> int:
    """Return 0..CLASSES-1 from squashed features: intent (topic, spearfishing, other), length, exact name.

    >>> class_of({}), class_of({"intent_topic": 0.9, "tokens": 4.0, "exact_name": 1.0})
    (8, 3)
    """
    topic, spear = features.get("intent_topic", 0.0), features.get("intent_spearfishing", 0.0)
    intent = 0 if topic >= max(spear, 0.5) else 1 if spear >= 0.5 else 2
    long = int(features.get("tokens", 0.0) > squash(LONG - 0.5))
    return intent * 4 + long * 2 + int(features.get("exact_name", 0.0) > 0.0)
