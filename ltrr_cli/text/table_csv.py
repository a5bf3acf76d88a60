r"""Rows of CSV and TSV files: any of ``, ; tab |`` between cells, quotes, line ends inside quotes, in bounded memory.

The first line names the columns. A row that cannot be read is named by the line on which it begins; a quote that is
never closed costs its own line, not the rest of the file: the lines behind it are read again, each for itself.
"""

from __future__ import annotations

import csv
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ltrr_cli.core.errors import DataError
from ltrr_cli.text.lines import LONGEST, BadLine, read_chunks
from ltrr_cli.text.tables import Row, TableSource, check_columns

LONGEST_CELL = 1 << 20  # characters
DELIMITERS = (",", ";", "\t", "|")

csv.field_size_limit(max(LONGEST_CELL, csv.field_size_limit()))


def rows(source: TableSource) -> Iterator[Row | BadLine]:
    """Yield the rows; a cell is the text that stands in it. Raises DataError where there is no header."""
    feed = _Feed(_lines(source))
    first = next(feed.lines, None)
    if first is None:
        raise DataError(f"{source.name}: empty: the first line of a table names its columns")
    delimiter = "\t" if _is_tsv(source.name) else delimiter_of(first.data.decode("utf-8", "replace"))
    feed.again.append(first)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    names: Sequence[str] | None = None
    while True:
        feed.taken.clear()
        feed.broken = False
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if names is None:
                raise DataError(f"{source.name}: the names of its columns cannot be read: {error}") from None
            line, *behind = feed.taken
            feed.again.extendleft(reversed(behind))
            plain = line.data.decode("utf-8", "replace").rstrip("\r\n").split(delimiter)
            if delimiter == "\t" and not feed.broken and len(plain) == len(names):  # tables with tabs seldom quote
                yield Row(line.number, _record(names, plain), line.offset)
            else:
                yield BadLine(line.number, line.offset, _reason(error, behind), line.data)
            continue
        if not cells:
            continue
        line = feed.taken[0]
        if names is None:
            names = _names(source.name, cells)
        elif feed.broken:
            yield BadLine(line.number, line.offset, "not UTF-8", line.data)
        elif len(cells) < len(names) or any(cells[len(names) :]):
            reason = f"{len(cells)} values where the header names {len(names)} columns"
            yield BadLine(line.number, line.offset, reason, b"".join(one.data for one in feed.taken))
        else:
            yield Row(line.number, _record(names, cells), line.offset)


def delimiter_of(header: str) -> str:
    r"""Return what stands between the names of the columns.

    >>> delimiter_of("id;title;price, net"), delimiter_of("id\ttitle"), delimiter_of("id")
    (';', '\t', ',')
    """
    outside = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=outside.count)  # the first of the best


def _is_tsv(name: str) -> bool:
    low = name.lower().removesuffix(".gz").removesuffix(".zst")
    return low.endswith((".tsv", ".tab")) or low.startswith("tsv:")


def _names(source: str, cells: Sequence[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    check_columns(source, [name for name in names if name])
    if not any(names):
        raise DataError(f"{source}: the first line names no column")
    return names


def _record(names: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    return {name: cell for name, cell in zip(names, cells, strict=False) if name and cell}


def _reason(error: csv.Error, behind: Sequence[_PhysicalLine]) -> str:
    if behind or "unexpected end" in str(error):
        return "a quote is opened and not closed"
    return f"not CSV: {error}"


@dataclass(frozen=True, slots=True)
class _PhysicalLine:
    number: int
    offset: int
    data: bytes


@dataclass(slots=True)
class _Feed:
    """Hands lines to the parser, keeps those of the row that is being read, and can hand them out again."""

    lines: Iterator[_PhysicalLine]
    again: deque[_PhysicalLine] = field(default_factory=deque)
    taken: list[_PhysicalLine] = field(default_factory=list)
    broken: bool = False  # a line of this row is not UTF-8

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.again.popleft() if self.again else next(self.lines)
        self.taken.append(line)
        try:
            return line.data.decode()
        except UnicodeDecodeError:
            self.broken = True
            return line.data.decode("utf-8", "replace")


def _lines(source: TableSource) -> Iterator[_PhysicalLine]:
    """Cut bytes into lines, line ends included; a byte order mark is taken off."""
    number, offset, held = 1, 0, b""
    for chunk in read_chunks(source.path):
        pieces = (held + chunk).split(b"\n")
        held = pieces.pop()
        for piece in pieces:
            yield _PhysicalLine(number, offset, _without_mark(piece, number) + b"\n")
            number, offset = number + 1, offset + len(piece) + 1
        if len(held) > LONGEST:
            raise DataError(f"{source.name}, line {number}: longer than {LONGEST} bytes")
    if held:
        yield _PhysicalLine(number, offset, _without_mark(held, number))


def _without_mark(piece: bytes, number: int) -> bytes:
    return piece.removeprefix(b"\xef\xbb\xbf") if number == 1 else piece


@contextmanager
def twice(source: TableSource) -> Iterator[TableSource]:
    """Yield a source that can be read more than once: standard input is copied into a file first."""
    if source.path != "-":
        yield source
        return
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield TableSource(source.name, source.kind, copy.name)
