"""What the first rows of a file say of its columns: how full, how distinct, which kind, an example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ltrr_cli.catalog.read import parse_record
from ltrr_cli.core.clock import read_time
from ltrr_cli.core.errors import DataError
from ltrr_cli.text.cells import ColumnGuess, is_number
from ltrr_cli.text.lines import BadLine, Line, read_lines
from ltrr_cli.text.recognise import LOOKED_AT, recognised
from ltrr_cli.text.tables import table_source

SAMPLE = 20_000  # rows that are looked at
LONGEST_EXAMPLE = 40  # characters
DEEPEST = 3  # objects inside objects


@dataclass(slots=True)
class ColumnFacts:
    """One column, or one key of JSON lines (dotted where it is inside an object).

    filled   -- rows with a value; numbers, lists, times -- those whose value is (or reads as) one
    distinct -- different values
    """

    name: str
    filled: int = 0
    numbers: int = 0
    lists: int = 0
    times: int = 0
    longest: int = 0  # characters
    spaces: int = 0  # values with a space inside
    example: str = ""
    seen: set[str] = field(default_factory=set)
    guess: ColumnGuess = field(default_factory=ColumnGuess)

    @property
    def distinct(self) -> int:
        """Different values."""
        return len(self.seen)

    def look(self, value: object) -> None:
        """Take note of one value."""
        text = value if isinstance(value, str) else repr(value)
        if value is None or text == "":
            return
        self.filled += 1
        self.example = self.example or text[:LONGEST_EXAMPLE]
        self.seen.add(text)
        self.longest = max(self.longest, len(text))
        self.spaces += " " in text.strip()
        self.lists += isinstance(value, list)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        self.numbers += number or (isinstance(value, str) and is_number(text))
        if isinstance(value, str):
            self.guess.look(value)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and len(text) < 40:
            self.times += _is_time(value)


def _is_time(value: str | int | float) -> bool:
    try:
        read_time(value, years=True)
    except DataError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class FileSample:
    """The first rows of a file.

    kind    -- "JSON lines", "csv", "sqlite" ...
    bad     -- (number of the line, reason) of rows that cannot be read
    columns -- by name, in the order in which they came
    whole   -- False where there is more than was looked at
    """

    source: str
    kind: str
    records: tuple[Mapping[str, Any], ...]
    bad: tuple[tuple[int, str], ...]
    columns: Mapping[str, ColumnFacts]
    whole: bool


def sample_file(source: str) -> FileSample:
    """Look at the first rows of a file; raises DataError where it cannot be read at all."""
    table = table_source(source)
    rows = _table_rows(source) if table is not None else _line_rows(source)
    records: list[Mapping[str, Any]] = []
    bad: list[tuple[int, str]] = []
    columns: dict[str, ColumnFacts] = {}
    for found in islice(rows, SAMPLE):
        if isinstance(found, tuple):
            bad.append(found)
            continue
        records.append(found)
        for name, value in flattened(found):
            if name not in columns:
                columns[name] = ColumnFacts(name, guess=ColumnGuess(typed=table is not None and table.typed))
            columns[name].look(value)
    kind = "JSON lines" if table is None else table.kind
    return FileSample(source, kind, tuple(records), tuple(bad), columns, whole=next(rows, None) is None)


def flattened(record: Mapping[str, Any], above: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, value) of what is in a record.

    >>> list(flattened({"id": 1, "price": {"amount": 2}}))
    [('id', 1), ('price.amount', 2)]
    """
    for name, value in record.items():
        if isinstance(value, Mapping) and depth < DEEPEST:
            yield from flattened(value, f"{above}{name}.", depth + 1)
        else:
            yield above + name, value


def _table_rows(source: str) -> Iterator[Mapping[str, Any] | tuple[int, str]]:
    table = table_source(source)
    assert table is not None
    for row in table.rows():
        yield (row.number, row.reason) if isinstance(row, BadLine) else row.record


def _line_rows(source: str) -> Iterator[Mapping[str, Any] | tuple[int, str]]:
    first = [line.data for line in islice(read_lines(source), LOOKED_AT) if isinstance(line, Line)]
    known = recognised(first, source)
    if known is not None:
        raise known
    for line in read_lines(source):
        if isinstance(line, BadLine):
            yield line.number, line.reason
            continue
        try:
            yield parse_record(line.data)
        except DataError as error:
            yield line.number, str(error)
