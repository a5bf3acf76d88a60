"""Names of entities, however they are typed: exactly, glued, split, begun, misspelt, in another order of words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray
from ltrr_cli.storage.lookup import Lookup
from ltrr_cli.storage.packed_arrays import Array, open_arrays, strings_arrays, strings_of, write_arrays
from ltrr_cli.text.grams import GramIndex
from ltrr_cli.text.normalise import query_key, query_tokens
from ltrr_cli.text.similarity import name_likeness

FILE = "names.bin"
_CANDIDATES = 72  # looked at closely, for one question
_LONGEST_COMPARED = 256  # characters
_KEPT = 4_096  # answers, of some 600 bytes each

_ADDED = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
_ARTICLES = "the|a|an|der|die|das|le|la|les|l'|el|los|las|il|lo|gli|o|os|de|het"
_ARTICLE_BEHIND = re.compile(f"^(.*), ({_ARTICLES})$", re.IGNORECASE)

_SUBTITLE = re.compile(r":\s+|\s+[-–—]\s+")
_MOST_MAIN = 12  # titles that may begin alike before their subtitle, for this beginning to be a name of each

# a name that merely holds all that was typed is this alike, and up to this when nothing else is in it
_HELD, _HELD_ALONE = 0.6, 0.9


def forms_of(title: str) -> list[str]:
    """Return the ways in which a title is a name: as it stands, without what is added in brackets, article in front.

    >>> forms_of("Shining, The (1980)"), forms_of("Seven (a.k.a. Se7en) (1995)")
    (['Shining, The (1980)', 'Shining, The', 'The Shining'], ['Seven (a.k.a. Se7en) (1995)', 'Seven'])
    """
    forms, bare = [title], title
    while (shorter := _ADDED.sub("", bare)) != bare and query_key(shorter):
        bare = shorter
    if bare != title:
        forms.append(bare)
    if moved := _ARTICLE_BEHIND.match(bare):
        forms.append(f"{moved[2]} {moved[1]}")
    return forms


def main_of(title: str) -> str:
    """Return what stands before a colon or a spaced hyphen, "" where that is nothing or all.

    >>> main_of("2001: A Space Odyssey (1968)"), main_of("Blue - Live"), main_of("Rocky II")
    ('2001', 'Blue', '')
    """
    head, _, rest = _SUBTITLE.sub("\0", title, count=1).partition("\0")
    return head if query_key(rest) and query_key(head) else ""


class NameIndex:
    """The distinct names of one catalog generation, by folded letters and digits without spaces (``query_key``).

    A title is a name in each of its usual forms (``forms_of``); what stands before a subtitle is one where no title
    is called so itself, and few begin so.

    A *name* is a number from 0, ascending by key; several rows may bear one. Rows ascend within a name. Read-only and
    safe to use from many threads.
    """

    def __init__(self, arrays: dict[str, Array]) -> None:
        self._names = strings_of("names", arrays)
        self._starts, self._rows = arrays["row_starts"], arrays["rows"]
        self._lookup = Lookup.of("keys", arrays)
        self._grams = GramIndex.of(arrays)
        self._alike: dict[tuple[str, ...], tuple[IntArray, FloatArray]] = {}

    @staticmethod
    def build(folder: Path, titles: Iterable[str]) -> None:
        """Write the index of titles, the first being row 0; those without a letter or digit bear no name."""
        rows_of: dict[str, list[int]] = {}
        spaced: dict[str, str] = {}
        main: dict[str, list[int]] = {}
        for row, title in enumerate(titles):
            for form in forms_of(title):
                words = query_tokens(form)
                key = "".join(words)
                if key and row not in rows_of.get(key, ())[-1:]:
                    rows_of.setdefault(key, []).append(row)
                    spaced.setdefault(key, " ".join(words))
            if beginning := main_of(title):
                words = query_tokens(beginning)
                main.setdefault(" ".join(words), []).append(row)
        for beginning, rows_ in main.items():
            key = beginning.replace(" ", "")
            if len(rows_) <= _MOST_MAIN and key not in rows_of:
                rows_of[key], spaced[key] = rows_, beginning
        keys = sorted(rows_of)
        starts = np.zeros(len(keys) + 1, np.int64)
        np.cumsum([len(rows_of[key]) for key in keys], out=starts[1:])
        rows = np.fromiter((row for key in keys for row in rows_of[key]), np.int32, int(starts[-1]))
        arrays = strings_arrays("names", (spaced[key] for key in keys))
        arrays |= {"row_starts": starts, "rows": rows}
        arrays |= Lookup.arrays("keys", keys) | GramIndex.arrays(keys)
        write_arrays(folder / FILE, arrays)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what ``build`` wrote."""
        return cls(open_arrays(folder / FILE))

    def __len__(self) -> int:
        return len(self._names)

    def exact(self, text: str) -> IntArray:
        """Return the rows whose folded name equals the folded text, ascending; spaces and punctuation do not count."""
        name = int(self.find([query_key(text)])[0])
        return self.rows(name) if name >= 0 else np.empty(0, np.int32)

    def similar(self, text: str, limit: int) -> tuple[IntArray, FloatArray]:
        """Return at most ``limit`` rows and their likeness (0..1) to the text, best first, ties by row.

        A longer list begins with the shorter one.
        """
        names, likeness = self.similar_names(query_tokens(text))
        rows = [self.rows(name) for name in names.tolist()]
        if not rows:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        together = np.concatenate(rows)
        scores = np.repeat(likeness, [len(some) for some in rows])
        order = np.lexsort((together, -scores))
        first = np.sort(np.unique(together[order], return_index=True)[1])[:limit]  # each row by its likeliest form
        return together[order][first], scores[order][first]

    def prefix(self, text: str, limit: int) -> IntArray:
        """Return at most ``limit`` rows whose name begins with the text, in order of names: shorter before longer."""
        key = query_key(text).encode("utf-8", "surrogatepass")
        found: list[int] = []
        if key:
            for name in self._from(key):
                if len(found) >= limit or not self._key(name).startswith(key):
                    break
                found += self.rows(name).tolist()
        return np.array(list(dict.fromkeys(found))[:limit], np.int32)

    # ------------------------------------------------------------ by number of the name

    def find(self, keys: Sequence[str]) -> IntArray:
        """Return (n,) int32 names of folded texts without spaces, -1 where nothing is called so."""
        return self._lookup.find(keys)

    def rows(self, name: int) -> IntArray:
        """Return the rows that bear a name, ascending."""
        return np.asarray(self._rows[self._starts[name] : self._starts[name + 1]])

    def bearers(self, name: int) -> int:
        """Return how many rows bear a name."""
        return int(self._starts[name + 1] - self._starts[name])

    def highest(self, of_rows: FloatArray) -> FloatArray:
        """Return (names,) float32: the highest of the values of a name's bearers."""
        if not len(self):
            return np.empty(0, np.float32)
        found: FloatArray = np.maximum.reduceat(of_rows[self._rows], self._starts[:-1])
        return found

    def spelt(self, name: int) -> str:
        """Return a name, folded, with the spaces of its first bearer."""
        return self._names[name]

    def similar_names(self, words: Sequence[str]) -> tuple[IntArray, FloatArray]:
        """Return names and their likeness (0..1) to folded words, best first, ties by number.

        What was asked lately is kept: who reads a query and who looks for names ask the same.
        """
        asked = tuple(words)
        known = self._alike.get(asked)
        if known is None:
            if len(self._alike) >= _KEPT:
                self._alike.clear()
            known = self._alike[asked] = self._similar_names(asked)
        return known

    def _similar_names(self, words: Sequence[str]) -> tuple[IntArray, FloatArray]:
        key = "".join(words)[:_LONGEST_COMPARED]
        names, held = self._grams.candidates(key, _CANDIDATES)
        if not len(names):
            return names, held
        spelt = [name[: 2 * _LONGEST_COMPARED] for name in self._names.many(names.tolist())]
        whole = name_likeness(words if len(key) < _LONGEST_COMPARED else [key], spelt)
        share = np.minimum(len(key) / np.array([len(name) for name in spelt]), 1.0)
        part = held * (_HELD + (_HELD_ALONE - _HELD) * share)
        likeness = np.maximum(whole, part).astype(np.float32)
        order = np.lexsort((names, -likeness))
        return names[order], likeness[order]

    def span(self, text: str) -> tuple[int, int]:
        """Return (first, one past the last) of the names that begin with a text; all for one without letters."""
        key = query_key(text).encode("utf-8", "surrogatepass")
        if not key:
            return 0, len(self)
        first = self._from(key)
        # 0xff stands in no UTF-8 text, so it comes after every continuation
        return first.start, self._from(key + b"\xff").start

    def _key(self, name: int) -> bytes:
        return self._names.raw(name).replace(b" ", b"")

    def _from(self, key: bytes) -> range:
        """Iterate over names from the first that is not below ``key`` (UTF-8 bytes sort as the characters do)."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._key(middle) < key:
                low = middle + 1
            else:
                high = middle
        return range(low, len(self))
