"""Words that are glued together: which words of the catalog end in this one, and of which is this one made?

German, Dutch, the Scandinavian languages, Finnish and others write one word for a shoe and for a lady's shoe. Which
words are glued is read off the catalog's own vocabulary: ``schuhe`` is answered by ``damenschuhe``, and where nobody
sells ``lederschuhe``, by what has ``leder`` and ``schuhe``. In other languages only words that the catalog does not
have are looked for inside its own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.spans import Part
from ltrr_cli.storage.packed_arrays import Array, open_arrays, strings_arrays, strings_of, write_arrays

FILE = "endings.bin"
GLUING = frozenset({"af", "da", "de", "et", "fi", "hu", "is", "nb", "nl", "nn", "no", "sv"})

_SHORTEST = 4  # letters of a stem that ends other words
_SHORTEST_GLUED = 3  # the same in a language that glues
_BEFORE = 3  # letters before such an ending
_LOOKED_AT, _MOST = 256, 12  # words with an ending that are looked at, and that are taken: the most frequent
_ENDS, _ENDS_UNGLUED = 0.8, 0.6  # odds that who asks for a word means what ends in it
_MADE_OF = 0.7  # odds that who asks for a glued word means what has its parts
_LINKS = ("", "s", "es", "n", "en", "e", "er", "ens", "a", "o")
_BEHIND = "babab"
_ENDINGS = "ens"
_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"))  # as people type ä, ö, ü and å


class Compounds:
    """The stems of a catalog's words, by their ends. Read-only and safe to use from many threads.

    glues -- whether the language does
    """

    def __init__(self, arrays: dict[str, Array], language: str) -> None:
        self._backwards = _Sorted(strings_of("backwards", arrays))
        self._counts = arrays["counts"]
        self.glues = language in GLUING

    @staticmethod
    def build(folder: Path, words: Sequence[str], counts: Array, stem: Callable[[list[str]], list[str]]) -> None:
        """Write the table of distinct words, each with how many entities have it; stem -- of many words at once."""
        long = [place for place, word in enumerate(words) if word.isalpha() and len(word) >= _SHORTEST_GLUED]
        of_stem: dict[str, int] = {}
        for one, place in zip(stem([words[place] for place in long]), long, strict=True):
            of_stem[one] = of_stem.get(one, 0) + int(counts[place])
        backwards = sorted((one[::-1], count) for one, count in of_stem.items())
        arrays: dict[str, Array] = {"counts": np.array([count for _, count in backwards], np.int32)}
        write_arrays(folder / FILE, arrays | strings_arrays("backwards", (text for text, _ in backwards)))

    @classmethod
    def open(cls, folder: Path, language: str) -> Self | None:
        """Map what ``build`` wrote; None for a generation from before there was such a table."""
        return cls(open_arrays(folder / FILE), language) if (folder / FILE).exists() else None

    def parts(self, words: Sequence[str], known: Sequence[int], stem: Callable[[str], str]) -> tuple[Part, ...]:
        """Return what else answers each word of a query.

        known -- how many entities have each word
        """
        found: list[Part] = []
        for place, (word, count) in enumerate(zip(words, known, strict=True)):
            if not word.isalpha() or not (self.glues or count == 0):
                continue
            ending = self._ending(word, stem, unknown=count == 0)
            if ending:
                found.append(Part(place, ending, _ENDS if self.glues else _ENDS_UNGLUED))
            elif self.glues and count == 0 and (made := self._made_of(word, stem)):
                found.append(Part(place, made, _MADE_OF))
        return tuple(found)

    def _ending(self, word: str, stem: Callable[[str], str], *, unknown: bool) -> tuple[str, ...]:
        """Return the most frequent stems that end in a word's, and the stems of the word with its umlauts."""
        typed = (word, *(self._with_umlauts(word) if self.glues and unknown else ()))
        # a stemmer cuts more of a long word: an ending is looked for as it is cut behind other letters, too
        cuts = (cut for one in typed for cut in (stem(one), stem(_BEHIND + one).removeprefix(_BEHIND)))
        spelt = list(dict.fromkeys(cuts))
        if not self.glues and len(word) > _SHORTEST + 1 and word[-1] in _ENDINGS:  # a word of another language, perhaps
            spelt.append(word[:-1])
        found: dict[str, int] = {}
        for one in spelt:
            least = _SHORTEST_GLUED if self.glues else _SHORTEST
            if len(one) < least:
                continue
            for at in self._backwards.beginning(one[::-1], _LOOKED_AT):
                longer = self._backwards[at][::-1]
                if len(longer) >= len(one) + _BEFORE or (longer == one and one != stem(word)):
                    found[longer] = int(self._counts[at])
        return tuple(sorted(found, key=lambda longer: (-found[longer], longer))[:_MOST])

    def _with_umlauts(self, word: str) -> list[str]:
        """Return a word with two letters folded to the one that they are typed for."""
        return [word.replace(typed, meant) for typed, meant in _UMLAUTS if typed in word]

    def _made_of(self, word: str, stem: Callable[[str], str]) -> tuple[str, ...]:
        """Return the stems of the two words that make up one that nobody has, or of its longest known ending.

        An ending that stands only behind others (``schuhe`` of ``damenschuhe``) is answered by these.
        """
        for cut in range(_BEFORE, len(word) - _SHORTEST_GLUED):
            ending = stem(word[cut:])
            if len(ending) < _SHORTEST:
                continue
            known = (ending,) if self._has(ending) else self._ending(word[cut:], stem, unknown=False)
            if not known:
                continue
            for link in _LINKS:
                beginning = stem(word[:cut].removesuffix(link)) if word[:cut].endswith(link) else ""
                if len(beginning) >= _SHORTEST_GLUED and self._has(beginning):
                    return beginning, *known
            return known
        return ()

    def _has(self, stem: str) -> bool:
        at = bisect_left(self._backwards, stem[::-1])
        return at < len(self._backwards) and self._backwards[at] == stem[::-1]


class _Sorted(Sequence[str]):
    """Sorted texts on the disk."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, at: int) -> str:  # type: ignore[override]
        return self._texts[at]

    def beginning(self, text: str, most: int) -> range:
        """Return the places of at most so many texts that begin with a text."""
        start = bisect_left(self._texts, text)
        end = bisect_left(self._texts, text + "\U0010ffff", start)
        return range(start, min(end, start + most))
