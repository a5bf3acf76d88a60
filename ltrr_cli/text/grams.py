"""Which of many short strings share the rare groups of three characters with this one?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray
from ltrr_cli.storage.packed_arrays import Array

LONGEST = 200  # characters of a string that are looked at
_POSTINGS = 40_000  # read for one question at most, those of the rarest grams first
_STEP = 100_000  # strings taken apart at a time


def _codes(texts: Sequence[str]) -> tuple[Array, Array]:
    """Return (n,) uint32 hashes of all grams of all texts, and (n,) int32 places of the texts they belong to."""
    marked = ["\x02" + text[:LONGEST] + "\x03" for text in texts]
    flat = np.frombuffer("".join(marked).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    owner = np.repeat(np.arange(len(texts), dtype=np.int32), [len(text) for text in marked])
    if len(flat) < 3:
        return np.empty(0, np.uint32), np.empty(0, np.int32)
    # 21 bits a character make 63: no two groups of three share a number before it is mixed down to 32 bits
    grams = (flat[:-2] << np.uint64(42)) | (flat[1:-1] << np.uint64(21)) | flat[2:]
    mixed = ((grams ^ (grams >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)
    inside = owner[:-2] == owner[2:]
    return mixed[inside].astype(np.uint32), owner[:-2][inside]


def distinct(codes: Array) -> Array:
    """Return distinct codes, ascending; of millions that hardly repeat, sorting is quicker than ``np.unique``."""
    ordered = np.sort(codes)
    first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


class GramIndex:
    """An inverted index from character trigrams (with marks of begin and end) to strings, weighted by rarity.

    The weight of a gram is ln(1 + strings / strings that have it), a string's length the root of its squared weights.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._grams, self._starts = arrays["grams"], arrays["gram_starts"]
        self._members: IntArray = arrays["gram_members"]
        self._weights: FloatArray = arrays["gram_weights"]
        self._lengths: FloatArray = arrays["gram_lengths"]

    @staticmethod
    def arrays(texts: Sequence[str]) -> dict[str, Array]:
        """Return the arrays to be written, of non-empty strings."""
        pairs = [np.empty(0, np.uint64)]
        for start in range(0, len(texts), _STEP):
            codes, owner = _codes(texts[start : start + _STEP])
            pairs.append(distinct((codes.astype(np.uint64) << np.uint64(32)) | (owner + start).astype(np.uint64)))
        together = np.sort(np.concatenate(pairs), kind="stable")  # stable: a merge of runs that are sorted already
        members = (together & np.uint64(0xFFFFFFFF)).astype(np.int32)
        grams, starts = np.unique((together >> np.uint64(32)).astype(np.uint32), return_index=True)
        starts = np.append(starts, len(members)).astype(np.int64)
        counts = np.diff(starts)
        weights = np.log1p(len(texts) / counts).astype(np.float32)
        squared = np.bincount(members, np.repeat(weights.astype(np.float64) ** 2, counts), len(texts))
        return {
            "grams": grams,
            "gram_starts": starts,
            "gram_members": members,
            "gram_weights": weights,
            "gram_lengths": np.sqrt(squared).astype(np.float32),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        """Return the index that ``arrays`` described."""
        return cls(arrays)

    def candidates(self, text: str, most: int) -> tuple[IntArray, FloatArray]:
        """Return at most ``most`` places of strings, and how much of the text's grams (by weight, 0..1) each holds.

        Two thirds are the nearest by cosine, the rest (long strings that hold a short text) those that hold most of it.
        Ascending by place.
        """
        codes = np.unique(_codes([text])[0])
        at = np.minimum(np.searchsorted(self._grams, codes), max(len(self._grams) - 1, 0))
        at = at[self._grams[at] == codes] if len(self._grams) else at[:0]
        nowhere = (len(codes) - len(at)) * float(np.log1p(len(self._lengths))) ** 2
        if not len(at):
            return np.empty(0, np.int32), np.empty(0, np.float32)
        sizes = self._starts[at + 1] - self._starts[at]
        # rarest first, until there is enough to read: what only common grams share is hardly alike
        order = np.argsort(sizes, kind="stable")
        at, sizes = at[order], sizes[order]
        kept = max(int(np.searchsorted(np.cumsum(sizes), _POSTINGS, "right")), 1)
        at, sizes = at[:kept], sizes[:kept]
        members = np.concatenate([self._members[self._starts[gram] : self._starts[gram + 1]] for gram in at])
        squared = self._weights[at].astype(np.float64) ** 2
        shared = np.bincount(members, np.repeat(squared, sizes), len(self._lengths))
        places = np.flatnonzero(shared)
        shared = shared[places]
        near = _highest(shared / self._lengths[places], most - most // 3)
        total = squared.sum() + nowhere
        holding = _highest(shared / total - 1e-4 * self._lengths[places], most // 3)  # of equal ones the shorter
        chosen = np.union1d(near, holding)
        return places[chosen].astype(np.int32), (shared[chosen] / total).astype(np.float32)


def _highest(scores: Array, most: int) -> Array:
    """Return the places of the ``most`` highest scores; of equal ones, the first."""
    if len(scores) <= most:
        return np.arange(len(scores))
    if not most:
        return np.empty(0, np.int64)
    edge = np.partition(scores, len(scores) - most)[len(scores) - most]
    above = np.flatnonzero(scores > edge)
    return np.concatenate((above, np.flatnonzero(scores == edge)[: most - len(above)]))
