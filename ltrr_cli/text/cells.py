r"""What the texts in a column of a table are: numbers, money, lists, JSON, or texts.

A column is one thing: all its cells decide, in any order, and one cell that is something else makes it text. A number
with leading zeros, with more than 15 digits or with an exponent is a code ("007", an EAN), and codes are texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

KINDS = ("text", "number", "boolean", "money", "json", "list|", "list;", "list,")
LONGEST_PART = 60  # characters of one value of a list
FEWEST = {"|": 0.01, ";": 0.1}  # share of the cells that hold a separator, for it to be one
NOTHING = frozenset(("", "\\N"))  # cells without a value; \N is what databases write

_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,3})?|[+-]?\.[0-9]{1,15}")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3}){1,4}(\.[0-9]+)?")
_ENTITY = re.compile(r"&#?\w+;")
_SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "zł": "PLN", "R$": "BRL"}
_CODES = frozenset(
    ("USD", "EUR", "GBP", "JPY", "INR", "KRW", "PLN", "BRL", "CHF", "CAD", "AUD", "NZD", "CNY", "SEK", "NOK", "DKK",
     "CZK", "HUF", "RON", "BGN", "TRY", "RUB", "UAH", "ZAR", "MXN", "ARS", "CLP", "COP", "ILS", "AED", "SAR", "SGD",
     "HKD", "TWD", "THB", "IDR", "MYR", "PHP", "VND", "NGN", "EGP")
)  # fmt: skip
_UNIT = r"R\$|zł|[$€£¥₹₩]|[A-Z]{3}"
_AMOUNT = r"[0-9]{1,3}(?:[., '\u00a0][0-9]{3})*(?:[.,][0-9]{1,2})?|[0-9]+(?:[.,][0-9]{1,4})?"
_MONEY = re.compile(rf"(-?)\s?(?:({_UNIT})\s?({_AMOUNT})|({_AMOUNT})\s?({_UNIT}))")
_decode = msgspec.json.Decoder().decode


def is_number(cell: str) -> bool:
    """Say whether a cell is a number and no code.

    >>> [is_number(cell) for cell in ("12", "-0.5", "1,234.5", "1.5e-3", "007", "12e3", "12345678901234567")]
    [True, True, True, True, False, False, False]
    """
    found = _NUMBER.fullmatch(cell)
    if found is None:
        return _THOUSANDS.fullmatch(cell) is not None
    return found[3] is None or found[2] is not None


def money_of(cell: str) -> tuple[float, str] | None:
    """Return (amount, code of the currency), or None for what is no money.

    >>> money_of("$1,299.00"), money_of("12,99 €"), money_of("EUR 1.299"), money_of("12 kg")
    ((1299.0, 'USD'), (12.99, 'EUR'), (1299.0, 'EUR'), None)
    """
    found = _MONEY.fullmatch(cell)
    if found is None:
        return None
    unit = found[2] or found[5]
    if unit not in _SYMBOLS and unit not in _CODES:
        return None
    return (-1.0 if found[1] else 1.0) * _amount(found[3] or found[4]), _SYMBOLS.get(unit, unit)


def _amount(text: str) -> float:
    """Read an amount: a last mark that three digits follow stands between thousands, any other before decimals."""
    whole, mark, rest = text, "", ""
    place = max(text.rfind("."), text.rfind(","))
    if place >= 0 and len(text) - place - 1 != 3:
        whole, mark, rest = text[:place], ".", text[place + 1 :]
    return float(re.sub(r"\D", "", whole) + mark + rest)


class ColumnGuess:
    """What one column can still be, after the cells that were seen."""

    __slots__ = ("_left", "_lists", "cells", "empty")

    def __init__(self, *, typed: bool = False) -> None:
        """typed -- the table itself tells numbers from texts."""  # noqa: D403
        self.cells = self.empty = 0
        self._left = {"json"} if typed else {"number", "boolean", "money", "json"}
        self._lists = dict.fromkeys(FEWEST, 0)  # separator -> cells that hold it

    def look(self, cell: str) -> None:
        """Take note of one cell."""
        if cell in NOTHING:
            self.empty += 1
            return
        self.cells += 1
        if self._left:
            self._left = {kind for kind in self._left if _fits(kind, cell)}
        for separator in tuple(self._lists):
            if separator in cell:
                if any(len(part) > LONGEST_PART for part in cell.split(separator)) or _ENTITY.search(cell):
                    del self._lists[separator]
                else:
                    self._lists[separator] += 1

    @property
    def kind(self) -> str:
        """One of ``KINDS``."""
        if not self.cells:
            return "text"
        for kind in ("boolean", "number", "money", "json"):
            if kind in self._left:
                return kind
        for separator, count in self._lists.items():
            if count and count >= FEWEST[separator] * self.cells:
                return f"list{separator}"
        return "text"


def _fits(kind: str, cell: str) -> bool:
    if kind == "number":
        return is_number(cell)
    if kind == "money":
        return money_of(cell) is not None
    if kind == "boolean":
        return cell.lower() in ("true", "false")
    if not cell.startswith(("[", "{")):
        return False
    try:
        _decode(cell)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def read_cell(name: str, kind: str, cell: str) -> Mapping[str, Any]:
    """Return what one cell says: nothing, or name -> value; money has its currency beside it.

    Raises ValueError for a cell that is not of this kind.

    >>> read_cell("price", "money", "$9.50")
    {'price': 9.5, 'price.currency': 'USD'}
    >>> read_cell("genre", "list|", "jazz| modal"), read_cell("year", "number", ""), read_cell("upc", "text", "007")
    ({'genre': ['jazz', 'modal']}, {}, {'upc': '007'})
    """
    if cell in NOTHING:
        return {}
    if kind == "text":
        return {name: cell}
    if kind.startswith("list"):
        return {name: [part.strip() for part in cell.split(kind[-1]) if part.strip()]}
    cell = cell.strip()
    if kind == "number":
        return {name: float(cell.replace(",", "") if _THOUSANDS.fullmatch(cell) else cell)}
    if kind == "money":
        found = money_of(cell)
        if found is None:
            raise ValueError(cell)
        return {name: found[0], f"{name}.currency": found[1]}
    if kind == "boolean":
        return {name: cell.lower()}
    try:
        return {name: _decode(cell)}
    except (msgspec.DecodeError, RecursionError):
        raise ValueError(cell) from None
