"""Which known words are one or two slips away from this one? Deletions of both meet in one sorted, mapped array.

Two words within k edits (neighbours swapped count one) have a common form after deleting at most k characters of
each; the same holds of their beginnings (Garbe, SymSpell, 2012). So each word's beginning is stored under the hashes
of its shortened forms, and a question looks up the hashes of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Self

import numpy as np

from ltrr_cli.core.types import IntArray
from ltrr_cli.storage.packed_arrays import Array
from ltrr_cli.text.grams import distinct

SHORTEST, LONGEST = 3, 32  # characters of a word that is corrected, or offered
_BEGINNING = 7  # characters that are shortened
_TWO_FROM = 6  # characters of a typed word in which two slips are believed
_STEP = 20_000  # words shortened at a time
_MOST = 4_000  # words compared for one question

_POWERS = np.array([pow(0x100000001B3, power, 2**64) for power in range(_BEGINNING)], np.uint64)


def allowed_edits(word: str) -> int:
    """Return how many slips are believed in a typed word: none below three characters, two from six on."""
    if not SHORTEST <= len(word) <= LONGEST:
        return 0
    return 2 if len(word) >= _TWO_FROM else 1


def _kept(length: int, deletions: int) -> Array:
    """Return (forms, _BEGINNING) int: which characters stay in each shortened form, _BEGINNING where none is left."""
    forms = []
    for count in range(min(deletions, length - 1) + 1):
        for gone in combinations(range(length), count):
            stay = [place for place in range(length) if place not in gone]
            forms.append(stay + [_BEGINNING] * (_BEGINNING - len(stay)))
    return np.array(forms, np.int64)


_FORMS = {(length, most): _kept(length, most) for length in range(1, _BEGINNING + 1) for most in (1, 2)}


def _letters(words: Sequence[str]) -> Array:
    """Return (n, _BEGINNING + 1) uint64 character numbers, the first being 1, 0 where there is none."""
    padded = "".join(word[:_BEGINNING].ljust(_BEGINNING + 1, "\0") for word in words)
    table = np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), "<u4").reshape(-1, _BEGINNING + 1)
    return table.astype(np.uint64)


def _hashes(letters: Array, length: int, deletions: int) -> Array:
    """Return (n, forms) uint32: hashes of all shortened forms of words whose beginnings have this length."""
    forms = letters[:, _FORMS[length, deletions]]  # (n, forms, _BEGINNING)
    summed = (forms * _POWERS).sum(axis=2, dtype=np.uint64)
    mixed = (summed ^ (summed >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray((mixed >> np.uint64(32)).astype(np.uint32))


class SpellingIndex:
    """Shortened forms -> places of words."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._hashes, self._members = arrays["form_hashes"], arrays["form_members"]
        self._lengths = arrays["word_lengths"]

    @staticmethod
    def arrays(words: Sequence[str], offered: Sequence[bool]) -> dict[str, Array]:
        """Return the arrays to be written; only words that are ``offered`` can be found."""
        lengths = np.array([min(len(word), 255) for word in words], np.uint8)
        usable = np.array(offered, bool) & (lengths >= SHORTEST) & (lengths <= LONGEST)
        pairs = [np.empty(0, np.uint64)]
        for length in range(SHORTEST, _BEGINNING + 1):
            of_length = lengths == length if length < _BEGINNING else lengths >= length
            places = np.flatnonzero(usable & of_length)
            for start in range(0, len(places), _STEP):
                some = places[start : start + _STEP]
                deletions = 2 if length >= _TWO_FROM - 2 else 1
                hashed = _hashes(_letters([words[place] for place in some]), length, deletions)
                keyed = (hashed.astype(np.uint64) << np.uint64(32)) | some.astype(np.uint64)[:, None]
                pairs.append(keyed.ravel())
        together = distinct(np.concatenate(pairs))
        return {
            "form_hashes": (together >> np.uint64(32)).astype(np.uint32),
            "form_members": (together & np.uint64(0xFFFFFFFF)).astype(np.int32),
            "word_lengths": lengths,
        }

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        """Return the index that ``arrays`` described."""
        return cls(arrays)

    def candidates(self, word: str) -> IntArray:
        """Return places of words that may be within ``allowed_edits``, ascending (rarely of others)."""
        most = allowed_edits(word)
        if not most or not len(self._hashes):
            return np.empty(0, np.int32)
        asked = np.unique(_hashes(_letters([word]), min(len(word), _BEGINNING), most)[0])
        starts = np.searchsorted(self._hashes, asked, "left")
        ends = np.searchsorted(self._hashes, asked, "right")
        ranges = zip(starts.tolist(), ends.tolist(), strict=True)
        some = [self._members[start:end] for start, end in ranges if end > start]
        if not some:
            return np.empty(0, np.int32)
        places = np.unique(np.concatenate(some))
        near = np.abs(self._lengths[places].astype(np.int32) - len(word)) <= most
        found: IntArray = places[near][:_MOST]
        return found
