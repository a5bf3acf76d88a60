"""How alike two short strings are; the door to rapidfuzz."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cdist

from ltrr_cli.core.types import FloatArray, IntArray

# a name whose words stand in another order is almost, not quite, the same name
REORDERED = 0.97


def edits(typed: str, offered: Sequence[str], most: int) -> IntArray:
    """Return (n,) int32: insertions, deletions, substitutions and swaps of neighbours from one word to each other.

    Optimal string alignment distance; what is above ``most`` is told as ``most + 1``.

    >>> edits("tayler", ["taylor", "tyler", "tailor", "love"], 2).tolist()
    [1, 1, 2, 3]
    """
    found: IntArray = cdist([typed], offered, scorer=OSA.distance, score_cutoff=most, dtype=np.int32)[0]
    return found


def alike(left: str, right: str) -> float:
    """Return 0..1: 1 - edits / length of the longer.

    >>> alike("beatles", "beetles") > 0.85 > alike("beatles", "eagles")
    True
    """
    return float(OSA.normalized_similarity(left, right))


def closeness(typed: str, offered: Sequence[str]) -> FloatArray:
    """Return (n,) float32 in 0..1: Jaro-Winkler, which forgives a left-out letter more than a wrong one.

    >>> swift, soft = closeness("swft", ["swift", "soft"]).tolist()
    >>> swift > 0.93 > 0.87 > soft
    True
    """
    found: FloatArray = cdist([typed], offered, scorer=JaroWinkler.similarity, dtype=np.float32)[0]
    return found


def name_likeness(typed: Sequence[str], names: Sequence[str]) -> FloatArray:
    """Return (n,) float32 in 0..1: how alike what was typed is to each name, as a whole.

    typed -- folded tokens; names -- folded, with spaces.
    Spaces do not count, and the order of words hardly does: the better of two alignments, as they stand and sorted.

    >>> name_likeness(["x", "box"], ["xbox", "x box one"]).tolist()[0]
    1.0
    >>> bool(name_likeness(["swift", "tayler"], ["taylor swift"])[0] > 0.85)
    True
    """
    if not names:
        return np.empty(0, np.float32)
    glued = [name.replace(" ", "") for name in names]
    likeness: FloatArray = _against("".join(typed), glued)
    if len(typed) > 1:
        in_order = ["".join(sorted(name.split(" "))) for name in names]
        likeness = np.maximum(likeness, REORDERED * _against("".join(sorted(typed)), in_order))
    return likeness


def _against(text: str, others: Sequence[str]) -> FloatArray:
    found: FloatArray = cdist([text], others, scorer=OSA.normalized_similarity, dtype=np.float32)[0]
    return found
