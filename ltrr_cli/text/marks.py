"""What tells things apart that share their words: numbers with what they count, codes and their parts, words of signs.

A text says ``5 pin``, ``5-pin`` or ``5pin`` and means one thing; a query may be part of a code (``m5799`` of
``WF-M5799DWF``). So beside its terms a text has *marks*: ``=5pin``, a number glued to the stem of its neighbour, and
``~5799``, a part of a longer word. The signs keep marks and terms apart, for no term begins with one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

GLUED, PART = "=", "~"

_RUNS = re.compile(r"\d+|[^\W\d_]+")
_SIZES = re.compile(r"\d+(?:\.\d+)?(?:x\d+(?:\.\d+)?)+")
_MOST_RUNS = 6  # of a code that is taken apart everywhere
_LARGEST = 1e6  # number of an attribute that has marks
_MOST_WORDS = 2  # of the name of a field whose numbers have marks
_MOST_KEPT = 100_000  # words of which something is kept
_LONGEST = 32  # characters of a word that has marks
_SHORTEST_CODE, _SHORTEST_WORD = 2, 3  # characters of a part with a digit, and of one of letters

# how surely an entity has what was asked, where it has it in another way than as typed
UNBOUND = 0.75  # the number, but not beside the word that it stands beside in the query
PART_OF_CODE, PART_OF_WORD, WITHOUT_SIGN = 0.9, 0.5, 0.5

Stem = Callable[[str], str]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Want:
    """One word of a query, and what in an entity answers it.

    word    -- as read
    answers -- term or mark -> how surely an entity that has it has what was asked, 0..1
    strict  -- whether it tells things apart: a number, a code, a word of signs
    """

    word: str
    answers: Mapping[str, float]
    strict: bool


@lru_cache(maxsize=65_536)
def is_strict(word: str) -> bool:
    """Say whether a folded word tells apart what it stands in from what it does not.

    >>> [is_strict(word) for word in ("cable", "5", "m5799dwf", "c++", "80x30", "東京")]
    [False, True, True, True, True, False]
    """
    return not word.isalpha() and (not word.isalnum() or any(map(str.isdigit, word)))


@lru_cache(maxsize=65_536)
def parts_of(word: str) -> tuple[str, ...]:
    """Return the parts of a word by which somebody may ask for it, without the word itself.

    >>> parts_of("m5799dwf"), parts_of("5mm"), parts_of("80x30"), parts_of("$100"), parts_of("3.0"), parts_of("r&b")
    (('m5799', '5799', '5799dwf', 'dwf'), ('5',), ('80', '30'), ('100',), ('3',), ('rb', 'rnb'))
    """
    if len(word) > _LONGEST or not is_strict(word):
        return ()
    if "&" in word:
        return word.replace("&", ""), word.replace("&", "n")
    if _SIZES.fullmatch(word):
        return tuple(word.split("x"))
    if not word.isalnum():
        bare = word.strip(".+#$€£¥%")
        whole, dot, rest = bare.partition(".")
        if bare == word:
            return (whole,) if dot and not rest.strip("0") else ()
        return (bare,) if len(bare) >= _SHORTEST_WORD or bare.isdigit() else ()
    runs = _RUNS.findall(word)
    count = len(runs)
    if count < 2:
        return ()
    if count <= _MOST_RUNS:
        found = ["".join(runs[start:end]) for start in range(count) for end in range(start + 1, count + 1)]
    else:  # by its beginnings and ends alone
        found = [part for cut in range(1, count) for part in ("".join(runs[:cut]), "".join(runs[cut:]))]
    counted = runs[0] if runs[0].isdigit() else ""  # however short: 5 of 5mm
    return tuple(part for part in dict.fromkeys(found) if part != word and (_tells(part) or part == counted))


def _tells(part: str) -> bool:
    return len(part) >= (_SHORTEST_CODE if any(map(str.isdigit, part)) else _SHORTEST_WORD)


def found_by(mark: str) -> bool:
    """Say whether full text needs a mark to find what has it; numbers beside words are found by both.

    >>> found_by("~5799"), found_by("=5mm"), found_by("=rtx3080ti")
    (True, False, True)
    """
    return mark[0] == PART or len(_RUNS.findall(mark)) > 2


class Marks:
    """Finds the marks of many texts; what single words and their stems give is kept."""

    def __init__(self, stem: Stem) -> None:
        self._stem = stem
        self._alone: dict[str, tuple[str, ...]] = {}  # word -> marks that it has wherever it stands
        self._written: dict[str, str] = {}  # word -> as it stands in a mark

    def of(self, words: Sequence[str]) -> list[str]:
        """Return the marks of a text's folded words, repeats kept.

        >>> Marks(str).of(["cable", "5", "pins"]), Marks(str).of(["5mm"])
        (['=cable5', '=5pins'], ['~5', '=5mm'])
        """
        found: list[str] = []
        last = len(words) - 1
        for place, word in enumerate(words):
            if word.isalpha() or not is_strict(word):
                continue
            found += self._of_word(word)
            written = self._as_written(word)
            if place > 0:
                found.append(GLUED + self._as_written(words[place - 1]) + written)
            if place < last and not is_strict(words[place + 1]):
                found.append(GLUED + written + self._as_written(words[place + 1]))
        return found

    def _of_word(self, word: str) -> tuple[str, ...]:
        found = self._alone.get(word)
        if found is None:
            own = _own_glue(word, self._stem)
            found = tuple(PART + part for part in parts_of(word)) + ((own,) if own else ())
            _kept(self._alone)[word] = found
        return found

    def _as_written(self, word: str) -> str:
        found = self._written.get(word)
        if found is None:
            found = _kept(self._written)[word] = word if is_strict(word) else self._stem(word)
        return found


def _kept(cache: dict[str, _T]) -> dict[str, _T]:
    """Return a cache that has room."""
    if len(cache) >= _MOST_KEPT:
        cache.clear()
    return cache


def marks_of_number(number: float, stems: Sequence[str]) -> Iterator[str]:
    """Yield the marks of an attribute that is a whole number: it counts what its name says.

    stems -- of the words of the field's name; long names say what a number means, not what it counts

    >>> list(marks_of_number(5.0, ["pin"]))
    ['=5pin', '=pin5']
    """
    if len(stems) <= _MOST_WORDS and number.is_integer() and number < _LARGEST:
        written = f"{number:.0f}"
        for word in stems:
            yield f"{GLUED}{written}{word}"
            yield f"{GLUED}{word}{written}"


def _glue(left: str, right: str, stem: Stem) -> str:
    return GLUED + "".join(word if is_strict(word) else stem(word) for word in (left, right))


def _own_glue(word: str, stem: Stem) -> str:
    """Return the mark of a number that is written together with its neighbour."""
    runs = _RUNS.findall(word)
    number, _, _ = word.partition(runs[-1]) if runs else ("", "", "")
    if not number or not word.endswith(runs[-1]) or runs[-1].isdigit() or len(runs) > 3 or not number[0].isdigit():
        return ""
    return GLUED + number + stem(runs[-1]) if not number.endswith(".") else ""


def wants_of(words: Sequence[str], stem: Stem, expanded: Mapping[int, Mapping[str, float]]) -> list[Want]:
    """Return what a query of folded words asks for, one want a word.

    expanded -- place of a word -> further terms that answer it, and how surely

    >>> [dict(want.answers) for want in wants_of(["5", "pin"], str, {})]
    [{'5': 0.75, '~5': 0.5, '=5pin': 1.0}, {'pin': 1.0, '~pin': 0.5, '=5pin': 1.0}]
    >>> dict(wants_of(["rtx3080ti"], str, {})[0].answers)
    {'rtx3080ti': 1.0, '~rtx3080ti': 0.9, '=rtx3080ti': 1.0}
    """
    found = []
    for place, word in enumerate(words):
        left = words[place - 1] if place else ""
        right = words[place + 1] if place + 1 < len(words) else ""
        answers = _answers(word, left, right, stem)
        for term, surely in expanded.get(place, {}).items():
            answers[term] = max(answers.get(term, 0.0), surely)
        found.append(Want(word, answers, is_strict(word)))
    return found


def _answers(word: str, left: str, right: str, stem: Stem) -> dict[str, float]:
    if not is_strict(word):
        answers = {stem(word): 1.0, PART + word: PART_OF_WORD}
        for pair in ((left, word), (word, right)):
            if all(pair) and any(map(is_strict, pair)):
                answers[_glue(*pair, stem)] = 1.0
        return answers
    bound = [_glue(*pair, stem) for pair in ((left, word), (word, right)) if all(pair)]
    number = word.replace(".", "").isdigit()
    answers = {stem(word): UNBOUND if bound and number else 1.0}
    answers[PART + word] = PART_OF_WORD if number and len(word) < 4 else PART_OF_CODE
    for part in parts_of(word):
        if not word.isalnum():
            answers[part] = answers[PART + part] = WITHOUT_SIGN
    if own := _own_glue(word, stem):
        answers[own] = 1.0
    runs = _RUNS.findall(word)
    if len(runs) > 1 and runs[0].isalpha() and word.startswith(runs[0]):
        for cut in range(min(_SHORTEST_WORD, len(runs[0])), len(runs[0]) + 1):  # galaxys21: galaxy s21
            answers[GLUED + stem(word[:cut]) + word[cut:]] = 1.0
    answers.update(dict.fromkeys(bound, 1.0))
    return answers
