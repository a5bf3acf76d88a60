"""What may have been meant by words that the catalog does not know, or hardly knows?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log1p
from typing import NamedTuple

from ltrr_cli.core.types import Correction
from ltrr_cli.text.names import NameIndex
from ltrr_cli.text.normalise import tokens as split_words
from ltrr_cli.text.similarity import closeness
from ltrr_cli.text.vocabulary import Vocabulary
from ltrr_cli.understanding.values import Values

OFFERED = 0.1  # odds below which an alternative is not worth telling
APPLIED = 0.5  # odds from which a correction of an unknown word stands in ``Reading.words``
_MOST = 3  # alternatives of one word

_RARE = 2  # entities; a known word is doubted only up to here ...
_FAR_MORE = 50  # ... and only where a neighbour is this many times as frequent
_KNOWN = 4.0  # log-weight of having typed what was meant, for a known word (an unknown one: 0)
_NEAR = 3.0  # log-weight of a known word against meaning an unknown one, before frequency and likeness
_DISTANCE = 30.0  # log-weight that a closeness of 0 costs: one slip in five letters costs as much as 5 times fewer uses
_EDIT = 2.0  # log-weight that each slip costs
_CONTEXT = 3.0  # log-weight of standing in a name that resembles the whole query
_JOINED_CONTEXT = 0.3  # share of the doubt that such a name leaves about two words being one
_SPLIT = 2.0  # log-weight that a forgotten space costs
_BOUNDARY = 3.0  # log-weight of a space between letters and digits (xbox360)
_GLUED_NAME = 0.9  # odds of the spaces of a name or value whose glued form was typed
# how many of the rarer word's uses speak for two words: all of a function word's ("a way"), few of a letter's ("x box")
_SEPARATE_STOP, _SEPARATE, _SEPARATE_SHORT = 1.0, 0.3, 0.1
_LONGEST = 32  # characters of a token that is taken apart


@dataclass(frozen=True, slots=True)
class Spelling:
    """The corrected tokens of a query, with alternatives.

    words       -- with the likeliest corrections applied
    corrections -- alternatives, by token, likeliest first
    instead     -- token's place -> its likeliest alternative, glued, and its odds
    """

    words: tuple[str, ...]
    corrections: tuple[Correction, ...]
    instead: dict[int, tuple[str, float]]


class _Doubt(NamedTuple):
    """A span of tokens and its alternatives, likeliest first.

    strong -- whether the likeliest may stand in ``Reading.words``
    """

    start: int
    end: int
    offers: list[Correction]
    strong: bool


class Speller:
    """Weighs alternatives: frequency in the catalog, likeness, and the names that resemble the whole query."""

    def __init__(
        self, vocabulary: Vocabulary, names: NameIndex, values: Values, is_stop: Callable[[str], bool]
    ) -> None:
        self._vocabulary, self._names, self._values, self._is_stop = vocabulary, names, values, is_stop

    def spell(self, tokens: Sequence[str], frequencies: Sequence[int], alike: Sequence[Sequence[str]]) -> Spelling:
        """Look at every token; ``alike`` are the words of names that resemble the whole query."""
        context = {word for words in alike for word in words}
        joined = self._joined(tokens, frequencies, context)
        single = [
            _Doubt(place, place + 1, offers, frequencies[place] == 0)
            for place, token in enumerate(tokens)
            if (offers := self._of_token(token, frequencies[place], context))
        ]
        applied: dict[int, tuple[int, tuple[str, ...]]] = {}
        for doubt in (*joined, *single):
            free = not any(doubt.start < end and start < doubt.end for start, (end, _) in applied.items())
            if doubt.strong and free and doubt.offers[0].odds >= APPLIED:
                applied[doubt.start] = (doubt.end, doubt.offers[0].offered)
        instead = {doubt.start: ("".join(doubt.offers[0].offered), doubt.offers[0].odds) for doubt in single}
        in_order = sorted((*joined, *single), key=lambda doubt: (doubt.start, doubt.end))
        return Spelling(_apply(tokens, applied), tuple(one for doubt in in_order for one in doubt.offers), instead)

    def _of_token(self, token: str, frequency: int, context: set[str]) -> list[Correction]:
        if len(token) > _LONGEST or token.isdigit():
            return []
        if frequency == 0 and (spaced := self._glued_name(token)):
            return [Correction(token, spaced, _GLUED_NAME)]
        weights = self._neighbours(token, frequency, context) if frequency <= _RARE else {}
        if frequency == 0 or not token.isalpha():
            weights |= self._splits(token, frequency)
        kept = _KNOWN + log1p(frequency) if frequency else 0.0
        total = exp(kept) + sum(exp(weight) for weight in weights.values())
        ranked = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST]
        offers = [Correction(token, offered, exp(weight) / total) for offered, weight in ranked]
        return [offer for offer in offers if offer.odds >= OFFERED]

    def _neighbours(self, token: str, frequency: int, context: set[str]) -> dict[tuple[str, ...], float]:
        """Return log-weights of known words spelt alike; tokens with digits are model numbers, not slips."""
        if any(letter.isdigit() for letter in token):
            return {}
        near = self._vocabulary.neighbours(token, 40)
        if frequency:
            near = [one for one in near if one.edits == 1 and one.frequency >= _FAR_MORE * frequency]
        if not near:
            return {}
        close = closeness(token, [one.word for one in near]).tolist()
        found: dict[tuple[str, ...], float] = {}
        for one, likeness in zip(near, close, strict=True):
            fitting = _CONTEXT if one.word in context else 0.0
            distance = _DISTANCE * (1.0 - likeness) + _EDIT * one.edits
            found[one.word,] = _NEAR + log1p(one.frequency) - distance + fitting
        return found

    def _splits(self, token: str, frequency: int) -> dict[tuple[str, ...], float]:
        """Return log-weights of taking a token apart into two known words, more frequent ones than it is."""
        cuts = range(1, len(token))
        halves = [half for cut in cuts for half in (token[:cut], token[cut:])]
        counts = self._vocabulary.frequencies(halves).tolist()
        found: dict[tuple[str, ...], float] = {}
        for cut in cuts:
            left, right = halves[2 * cut - 2 : 2 * cut]
            rarer = min(counts[2 * cut - 2 : 2 * cut])
            boundary = left[-1].isdigit() != right[0].isdigit()
            if rarer > frequency and (boundary or (len(left) > 1 and len(right) > 1 and rarer > _RARE)):
                found[left, right] = log1p(rarer) - _SPLIT + _BOUNDARY * boundary
        return found

    def _glued_name(self, token: str) -> tuple[str, ...]:
        """Return the words of a name or value that was typed without its spaces, else nothing."""
        name = int(self._names.find([token])[0])
        places = self._values.exact([token])[0]
        if name >= 0:
            words = tuple(self._names.spelt(name).split(" "))
        else:
            words = tuple(split_words(self._values[int(places[0])].value)) if len(places) else ()
        return words if len(words) > 1 else ()

    def _joined(self, tokens: Sequence[str], frequencies: Sequence[int], context: set[str]) -> list[_Doubt]:
        """Return neighbours that make one known word: ``x box``, ``head phones``."""
        pairs = list(zip(tokens, tokens[1:], strict=False))
        counts = self._vocabulary.frequencies([left + right for left, right in pairs]).tolist()
        found: list[_Doubt] = []
        for place, ((left, right), count) in enumerate(zip(pairs, counts, strict=True)):
            rarer = min(frequencies[place], frequencies[place + 1])
            stop = self._is_stop(left) or self._is_stop(right)
            if not count or (left + right).isdigit():
                continue
            short = min(len(left), len(right)) <= 2
            separate = _SEPARATE_STOP if stop else _SEPARATE_SHORT if short else _SEPARATE
            odds = count / (count + rarer * separate + 1.0)
            fitting = left + right in context
            odds = 1.0 - (1.0 - odds) * _JOINED_CONTEXT if fitting else odds
            strong = fitting or rarer <= _RARE or short
            if odds >= OFFERED:
                offers = [Correction(f"{left} {right}", (left + right,), odds)]
                found.append(_Doubt(place, place + 2, offers, strong))
        return found


def _apply(tokens: Sequence[str], applied: dict[int, tuple[int, tuple[str, ...]]]) -> tuple[str, ...]:
    words: list[str] = []
    place = 0
    while place < len(tokens):
        end, offered = applied.get(place, (place + 1, (tokens[place],)))
        words += offered
        place = end
    return tuple(words)
