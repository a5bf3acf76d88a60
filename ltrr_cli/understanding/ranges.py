"""Bounds of numbers as people type them: ``90s``, ``from 2010``, ``under 20``, ``between 5 and 10 kg``.

Which field is meant is told by what stands beside the number (a sign of money, a unit, the field's name), by whether it
may be a year, and by where the catalog's own numbers lie.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, nextafter
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from ltrr_cli.core.clock import parse_time
from ltrr_cli.core.spans import Range
from ltrr_cli.text.normalise import tokens
from ltrr_cli.understanding import comparisons as words_of

FILE = "numbers.json"
CREATED = "created_at"

# odds of a field that is named, that fits, of the only one, of the likeliest of several
_NAMED, _SURE, _LIKELY, _GUESS = 0.95, 0.9, 0.7, 0.5
_YEARS = range(1500, 2101)
_DECADE = re.compile(r"((?:1[5-9]|20)?)(\d)0(?:s|er|ern|ies)")


class _Bounds(NamedTuple):
    """What was typed: bounds, and what may tell the field. ``of_years`` -- the words speak of time."""

    low: float
    high: float
    start: int
    end: int
    money: bool
    of_years: bool


@dataclass(frozen=True, slots=True)
class _Field:
    """The numbers of one field: how many entities have one, the least and the largest."""

    name: str
    words: tuple[str, ...]
    count: int
    low: float
    high: float
    years: bool


class _Kept(msgspec.Struct, frozen=True):
    count: int
    low: float
    high: float
    years: bool


class Numbers:
    """Which numbers the fields of a catalog hold."""

    def __init__(self, fields: Sequence[_Field]) -> None:
        self._fields = fields

    @staticmethod
    def build(folder: Path, numbers: Mapping[str, Mapping[float, int]], created_ms: tuple[int, int, int]) -> None:
        """Write them: field -> number -> entities; of creation (entities that say, first and last in milliseconds)."""
        told = ((field, of) for field, of in sorted(numbers.items()) if of)
        kept = {field: _Kept(sum(of.values()), min(of), max(of), _are_years(of)) for field, of in told}
        if created_ms[0]:
            kept.setdefault(CREATED, _Kept(created_ms[0], created_ms[1], created_ms[2], years=True))
        (folder / FILE).write_bytes(msgspec.json.encode(kept))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what ``build`` wrote; without a file (an older generation) no field is known."""
        path = folder / FILE
        kept = msgspec.json.decode(path.read_bytes(), type=dict[str, _Kept]) if path.exists() else {}
        named = ((name, tuple(tokens(_spaced(name))), of) for name, of in kept.items())
        return cls([_Field(name, words, *msgspec.structs.astuple(of)) for name, words, of in named])

    def ranges(self, words: Sequence[str]) -> tuple[Range, ...]:
        """Return the spans of a query that are bounds of a number, the likeliest field of each; they do not overlap."""
        if not self._fields or not any(letter.isdigit() for word in words for letter in word):
            bounds = [one for place, word in enumerate(words) if (one := _spoken(word, place))]
        else:
            bounds = list(_bounds(words))
        found: list[Range] = []
        for one in bounds:
            free = all(one.end <= other.start or other.end <= one.start for other in found)
            meant = self._meant(one, words) if free else None
            if meant is not None:
                found.append(meant)
        return tuple(found)

    def _meant(self, one: _Bounds, words: Sequence[str]) -> Range | None:
        best: tuple[float, int, Range] | None = None
        for field in self._fields:
            low, high = one.low, one.high
            if field.name == CREATED and one.of_years:
                low, high = _moment(low), _moment(high + 1.0)
            end = one.end
            odds = self._odds(field, one, words)
            if end < len(words) and words[end] in field.words:
                odds, end = _NAMED, end + 1
            elif set(words[max(one.start - 1, 0) : one.end]) & set(field.words):
                odds = _NAMED
            if odds <= 0.0 or low > field.high or high < field.low:
                continue
            start = one.start - (one.start > 0 and words[one.start - 1] in field.words)
            found = Range(field.name, low, high, odds, start, end, tuple(words[start:end]))
            if best is None or (odds, field.count) > best[:2]:
                best = odds, field.count, found
        return None if best is None else best[2]

    def _odds(self, field: _Field, one: _Bounds, words: Sequence[str]) -> float:
        priced = bool(words_of.MONEY & set(field.words))
        if one.money:
            return _SURE if priced else 0.0
        if one.of_years:
            told = any(other.years and other.name != CREATED for other in self._fields)
            return 0.0 if not field.years else _LIKELY if field.name == CREATED and told else _SURE
        if field.years:
            return 0.0
        if priced:
            return _SURE
        others = [other for other in self._fields if not other.years]
        return _LIKELY if len(others) == 1 else _GUESS


def _are_years(numbers: Mapping[float, int]) -> bool:
    return all(number.is_integer() and int(number) in _YEARS for number in numbers)


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_.\-]", " ", name)


def _moment(year: float) -> float:
    if year == -inf or year == inf:
        return year
    return float(parse_time(f"{int(year):04d}-01-01"))


def _spoken(word: str, place: int) -> _Bounds | None:
    """Read a decade."""
    if word in words_of.DECADES:
        return _decade(1900 + words_of.DECADES[word], place)
    match = _DECADE.fullmatch(word)
    if match is None:
        return None
    century, ten = match[1], int(match[2]) * 10
    return _decade(int(century) * 100 + ten if century else ten + (1900 if ten >= 30 else 2000), place)


def _decade(first: int, place: int) -> _Bounds:
    return _Bounds(float(first), float(first + 9), place, place + 1, money=False, of_years=True)


def _bounds(words: Sequence[str]) -> Iterator[_Bounds]:
    """Yield what may be bounds, the longest first where spans overlap."""
    numbers = [_number(word) for word in words]
    for place, one in enumerate(numbers):
        if one is None:
            if decade := _spoken(words[place], place):
                yield decade
            continue
        value, money = one
        year = not money and value.is_integer() and int(value) in _YEARS
        for first, then in words_of.BETWEEN:
            if place >= 1 and words[place - 1] == first and place + 2 < len(words) and words[place + 1] == then:
                other = numbers[place + 2]
                if other is not None and other[0] >= value:
                    both = year and int(other[0]) in _YEARS
                    yield _Bounds(value, other[0], place - 1, place + 3, money or other[1], both)
        follow = numbers[place + 1] if place + 1 < len(words) else None
        if year and follow is not None and value < follow[0] and int(follow[0]) in _YEARS:
            yield _Bounds(value, follow[0], place, place + 2, money=False, of_years=True)
        yield from _one_sided(words, place, value, money=money, year=year)


def _one_sided(words: Sequence[str], place: int, value: float, *, money: bool, year: bool) -> Iterator[_Bounds]:
    below, above = nextafter(value, -inf), nextafter(value, inf)
    before: list[tuple[tuple[str, ...], float, float]] = [
        (words_of.BELOW, -inf, below), (words_of.AT_MOST, -inf, value),
        (words_of.ABOVE, above, inf), (words_of.AT_LEAST, value, inf),
    ]  # fmt: skip
    if year:
        before += [
            (words_of.BEFORE, -inf, value - 1.0), (words_of.AFTER, value + 1.0, inf), (words_of.SINCE, value, inf),
            (words_of.UNTIL, -inf, value),
        ]  # fmt: skip
    for phrases, low, high in before:
        size = next((n for phrase in phrases if (n := _before(words, place, phrase))), 0)
        if size:
            yield _Bounds(low, high, place - size, place + 1, money, year)
    for phrases, low, high in ((words_of.OR_LESS, -inf, value), (words_of.OR_MORE, value, inf)):
        for unit in (0, 1):  # 10 or less, 10 kg or less
            size = next((n for phrase in phrases if (n := _behind(words, place + unit, phrase))), 0)
            if size and (not unit or words[place + 1].isalpha()):
                yield _Bounds(low, high, place, place + 1 + unit + size, money, year)


def _before(words: Sequence[str], place: int, phrase: str) -> int:
    parts = phrase.split(" ")
    return len(parts) if place >= len(parts) and list(words[place - len(parts) : place]) == parts else 0


def _behind(words: Sequence[str], place: int, phrase: str) -> int:
    parts = phrase.split(" ")
    return len(parts) if list(words[place + 1 : place + 1 + len(parts)]) == parts else 0


def _number(word: str) -> tuple[float, bool] | None:
    """Return a number and whether it is of money; None for a word."""
    bare = word.lstrip("$€£¥")
    try:
        return (float(bare), bare != word) if bare[:1].isdigit() and bare.isascii() else None
    except ValueError:
        return None
