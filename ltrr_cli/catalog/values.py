"""What stands under one key of a catalog line -> attributes: what nests is flattened, what cannot be used left out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from ltrr_cli.core.types import AttributeValue

DEEPEST = 5  # objects inside objects
MOST_KEYS = 100  # of one object: more are data under ids, not named fields
MOST_VALUES = 1_000  # of one attribute

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}([, \u00a0_][0-9]{3})+(\.[0-9]+)?")

Tell = Callable[[str, str, object], None]  # key of ``remarks.SAYINGS``, field, the value it is said of


def attributes_of(name: str, value: object, tell: Tell) -> dict[str, AttributeValue]:
    """Return the attributes that one key makes; null and empty values make none.

    A bool is "true" or "false". Objects make one attribute a key, named ``director.name``; so do lists of objects, with
    all the values of a key as one list.

    >>> attributes_of("genres", [{"id": 16, "name": "Animation"}, {"id": 35, "name": "Comedy"}], lambda *_: None)
    {'genres.id': ('16', '35'), 'genres.name': ('Animation', 'Comedy')}
    >>> attributes_of("sizes", ["S", None, "L"], lambda *_: None)
    {'sizes': ('S', 'L')}
    """
    if isinstance(value, str):
        return {name: value} if value else {}
    if isinstance(value, list) and len(value) <= MOST_VALUES and all(type(part) is str and part for part in value):
        return {name: tuple(value)} if value else {}
    return _collected(name, value, tell)


def _collected(name: str, value: object, tell: Tell) -> dict[str, AttributeValue]:
    found: dict[str, list[str | float]] = {}
    lists: set[str] = set()
    _collect(name, value, found, lists, tell, 0)
    attributes: dict[str, AttributeValue] = {}
    for key, values in found.items():
        if len(values) > MOST_VALUES:
            tell("many", key, len(values))
        if key in lists:
            attributes[key] = tuple(map(_text, values[:MOST_VALUES]))
        elif values:
            attributes[key] = values[0]
    return {key: made for key, made in attributes.items() if made != ""}


def _collect(
    name: str, value: object, found: dict[str, list[str | float]], lists: set[str], tell: Tell, depth: int
) -> None:
    if value is None:
        return
    if isinstance(value, Mapping):
        value = unwrapped(value)
    if isinstance(value, Mapping):
        if depth >= DEEPEST or len(value) > MOST_KEYS:
            tell("deep" if depth >= DEEPEST else "wide", name, value)
            return
        tell("flattened", name, value)
        for key, inner in value.items():
            here = f"{name}.{key}"
            if name in lists:
                lists.add(here)
            _collect(here, inner, found, lists, tell, depth + 1)
    elif isinstance(value, list | tuple):
        lists.add(name)
        for part in value:
            if part is None or part == "":
                tell("nulls", name, part)
            else:
                _collect(name, part, found, lists, tell, depth + 1 if isinstance(part, list | Mapping) else depth)
        if not value:
            lists.discard(name)
    else:
        made = _scalar(value)
        if made is None:
            tell("unusable", name, value)
        else:
            found.setdefault(name, []).append(made)


def _scalar(value: object) -> str | float | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    return None


def _text(value: str | float) -> str:
    """Write a number among texts as it was written: 16, not 16.0."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return value


def unwrapped(value: Mapping[str, Any]) -> Any:
    """Return what a database's export wraps: ``{"$oid": "5f..."}``, ``{"$date": {"$numberLong": "0"}}``.

    >>> unwrapped({"$date": {"$numberLong": "1479164400000"}})
    '1479164400000'
    """
    inner: Any = value
    while isinstance(inner, Mapping) and len(inner) == 1 and next(iter(inner)).startswith("$"):
        inner = next(iter(inner.values()))
    return inner


def texts_of(value: object) -> list[str]:
    """Return all texts that stand in a value, in order.

    >>> texts_of({"en": "Toy", "de": ["Spiel", None, "Zeug"]})
    ['Toy', 'Spiel', 'Zeug']
    """
    found: list[str] = []
    waiting: list[Any] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, Mapping):
            waiting.extend(reversed(list(part.values())))
        elif isinstance(part, list | tuple):
            waiting.extend(reversed(part))
        elif isinstance(part, int | float) and not isinstance(part, bool):
            found.append(_text(float(part)) if abs(part) < 2**53 else str(part))
    return found


def number_of(text: str) -> float | None:
    """Read a number that was written as text, with marks between thousands or without.

    >>> number_of("12"), number_of(" 1,234.5 "), number_of("1 234"), number_of("1,5"), number_of("12%")
    (12.0, 1234.5, 1234.0, None, None)
    """
    text = text.strip()
    if _THOUSANDS.fullmatch(text):
        text = re.sub(r"[, \u00a0_]", "", text)
    elif not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None
