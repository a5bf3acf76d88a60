"""What a day's counts prove, by the same rules as single actions (``rewards``, ``guards``).

One person's actions on one entity for one query and day are one proof, as strong as the strongest of them. Counts do
not say who did what, but how many people did it: so a type counts as often as people did it, not as often as it was
done, and who did the weaker thing (looked) is taken to be among those who did the stronger (bought), as in a funnel:
with rewards r1 > r2 > ... and people u1, u2 ..., the proof is the sum of (r_i - r_i+1) max(u1 .. u_i).

Where nobody counted people, n actions count 1 + 1/2 + ... + 1/n, as those of a log without people do. What a person
did on other entities of that day is not known, so no daily cap applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from ltrr_cli.core.counted import CountedDay, end_of
from ltrr_cli.core.types import DoubleArray, Event, IntArray, MomentArray
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.storage.journal_counts import DayCounts
from ltrr_cli.storage.packed_arrays import Array

HELD = 1_000_000  # texts that are at hand
EXACT = 64  # actions whose harmonic number stands in a table
EULER = 0.5772156649015329

TextsOf = Callable[[Iterable[int]], Iterable[str]]


class CountWeights:
    """Weighs the counts of one day after another.

    texts_of -- from hashes, as the journal has them, to texts
    """

    def __init__(self, rewards: Rewards, texts_of: TextsOf) -> None:
        self._rewards, self._texts_of = rewards, texts_of
        self._texts: dict[int, str] = {}

    def of(self, counts: DayCounts) -> CountedDay:
        """Return what the counts of a day prove, in the order of their hashes."""
        entities, entity = np.unique(counts.entity, return_inverse=True)
        queries, query = np.unique(counts.query, return_inverse=True)
        pair, first = _groups(query, entity)
        reward = self._reward_of(counts.kind)
        size = len(first)
        worth, people = _proof(pair, size, np.maximum(reward, 0.0), counts)
        against, _ = _proof(pair, size, np.maximum(-reward, 0.0), counts)
        return CountedDay(
            end_of(counts.day),
            self._texts_at(queries),
            query[first].astype(np.int32),
            self._texts_at(entities),
            entity[first].astype(np.int32),
            worth,
            against,
            people,
            _shown(pair, size, counts),
            len(counts.query),
        )

    def _reward_of(self, kinds: MomentArray) -> DoubleArray:
        distinct, of = np.unique(kinds, return_inverse=True)
        rewards = [self._rewards.of(Event("", kind, 0, "")) for kind in self._texts_at(distinct)]
        return np.array(rewards, np.float64)[of] if len(distinct) else np.empty(0)

    def _texts_at(self, hashes: MomentArray) -> list[str]:
        wanted = hashes.tolist()
        if len(self._texts) > HELD:
            self._texts.clear()
        new = [one for one in wanted if one not in self._texts]
        self._texts.update(zip(new, self._texts_of(new), strict=True))
        return [self._texts[one] for one in wanted]


def _groups(query: Array, entity: Array) -> tuple[IntArray, IntArray]:
    """Return ((n,) group of each row, (groups,) first row of each): rows of one query and entity stand together."""
    begins = np.ones(len(query), np.bool_)
    begins[1:] = (query[1:] != query[:-1]) | (entity[1:] != entity[:-1])
    return (np.cumsum(begins) - 1).astype(np.int32), np.flatnonzero(begins).astype(np.int32)


def _shown(pair: IntArray, size: int, counts: DayCounts) -> MomentArray:
    """Return (size,) how often each pair was shown: every type of a channel says it again, and channels add up."""
    channels, channel = np.unique(counts.channel, return_inverse=True)
    places, of = np.unique(pair.astype(np.int64) * max(len(channels), 1) + channel, return_inverse=True)
    most = np.zeros(len(places), np.int64)
    np.maximum.at(most, of, counts.shown)  # where nobody counted (-1) it stays 0
    shown: MomentArray = np.zeros(size, np.int64)
    np.add.at(shown, places // max(len(channels), 1), most)
    return shown


def _proof(pair: IntArray, size: int, reward: DoubleArray, counts: DayCounts) -> tuple[DoubleArray, IntArray]:
    """Return ((size,) what rows of one sign prove, (size,) people) for each pair."""
    kept = np.flatnonzero((reward > 0) & (counts.actions > 0))
    if not len(kept):
        return np.zeros(size), np.zeros(size, np.int32)
    order = kept[np.lexsort((counts.kind[kept], -reward[kept], pair[kept]))]
    same = np.zeros(len(order), np.bool_)  # as the row before: another channel
    same[1:] = (pair[order][1:] == pair[order][:-1]) & (counts.kind[order][1:] == counts.kind[order][:-1])
    kind = np.cumsum(~same) - 1
    first = order[~same]
    known = counts.users[order] > 0  # nobody known: a count of people who are known by no name
    people = np.bincount(kind, np.where(known, np.minimum(counts.users, counts.actions)[order], 0))
    nameless = np.bincount(kind, np.where(known, 0, counts.actions[order]))
    found, of, rewards = people + harmonic(nameless), pair[first], reward[first]
    begins = np.ones(len(first), np.bool_)
    begins[1:] = of[1:] != of[:-1]
    starts = np.flatnonzero(begins).astype(np.int32)
    most = _running_maximum(found, starts)
    below = np.append(rewards[1:], 0.0)
    below[np.append(starts[1:], len(first)) - 1] = 0.0
    worth = np.zeros(size)
    worth[of[starts]] = np.add.reduceat((rewards - below) * most, starts)
    acted = np.zeros(size, np.int32)
    acted[of[starts]] = np.minimum(np.maximum.reduceat(people + nameless, starts), 2**31 - 1).astype(np.int32)
    return worth, acted


def _running_maximum(values: DoubleArray, starts: IntArray) -> DoubleArray:
    """Return the largest value so far, in each of the parts that begin at ``starts``."""
    most = values.copy()
    sizes = np.diff(np.append(starts, len(values)))
    for step in range(1, int(sizes.max())):  # as many as a pair has types of actions
        at = starts[sizes > step] + step
        most[at] = np.maximum(most[at], most[at - 1])
    return most


def harmonic(n: Array) -> DoubleArray:
    """Return 1 + 1/2 + ... + 1/n, 0 for 0.

    >>> harmonic(np.array([0, 1, 2, 1000])).round(3).tolist()
    [0.0, 1.0, 1.5, 7.485]
    """
    table = np.append(0.0, np.cumsum(1.0 / np.arange(1, EXACT)))
    large = np.maximum(n, EXACT).astype(np.float64)
    return np.where(n < EXACT, table[np.minimum(n, EXACT - 1).astype(np.int64)], np.log(large) + EULER + 0.5 / large)
