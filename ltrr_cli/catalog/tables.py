"""Tables as catalogs: what a column is, is told by all its cells; cells become the values of a JSON line.

A table is read twice: once for what its columns are, once for its rows, each in bounded memory. A column named
``attributes.year`` is the attribute ``year``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

from ltrr_cli.core.errors import DataError
from ltrr_cli.text.cells import ColumnGuess, read_cell
from ltrr_cli.text.lines import BadLine
from ltrr_cli.text.table_arrow import frame_rows
from ltrr_cli.text.table_csv import twice
from ltrr_cli.text.tables import ENDINGS, Row, TableSource, table_source

TEXTS = frozenset(("id", "title", "text", "type", "created_at"))  # whatever they look like
ATTRIBUTES = "attributes."

_SAID = {
    "money": "money: an amount, and its currency beside it",
    "json": "JSON",
    "list|": "lists, cut at |",
    "list;": "lists, cut at ;",
}


class TableReader:
    """Reads the entities of a table (``reader_registry.CatalogReader``).

    columns -- name of a column -> what it is (``text.cells.KINDS``), where its cells shall not decide
    """

    suffixes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, columns: Mapping[str, str] | None = None) -> None:
        self.columns: Mapping[str, str] = columns or {}

    def read(self, source: str | Path) -> Iterator[Row | BadLine]:
        """Yield the rows; raises DataError where the table cannot be read, UsageError where a library is missing."""
        table = table_source(source)
        if table is None:
            raise DataError(f"{source}: no table", hint="csv:FILE, sqlite:FILE?table=NAME, parquet:FILE or arrow:FILE")
        with twice(table) if table.kind == "csv" else nullcontext(table) as again:
            kinds = column_kinds(again, self.columns)
            for row in again.rows():
                yield row if isinstance(row, BadLine) else _typed(row, kinds)


class CsvReader(TableReader):
    """Reads CSV and TSV files."""

    suffixes = ENDINGS["csv"]


class SqliteReader(TableReader):
    """Reads a table or a query of a SQLite database."""

    suffixes = ENDINGS["sqlite"]


class ParquetReader(TableReader):
    """Reads Parquet files (extra ``tables``)."""

    suffixes = ENDINGS["parquet"]


class ArrowReader(TableReader):
    """Reads Arrow files and folders of them (extra ``tables``)."""

    suffixes = ENDINGS["arrow"]


class FrameReader(TableReader):
    """Reads a data frame: pandas, polars, pyarrow, or whatever else has the Arrow interface."""

    def read(self, source: object) -> Iterator[Row | BadLine]:
        """Yield the rows of a data frame; raises UsageError for what is none."""
        kinds = {name: kind for name, kind in self.columns.items() if kind != "text"}
        for row in frame_rows(source):
            yield row if isinstance(row, BadLine) else _typed(row, kinds)


def column_kinds(table: TableSource, stated: Mapping[str, str]) -> dict[str, str]:
    """Return what each column is that is more than text, by reading all of the table once."""
    guesses: dict[str, ColumnGuess] = {}
    if table.kind in ("csv", "sqlite"):
        for row in table.rows():
            if isinstance(row, BadLine):
                continue
            for name, cell in row.record.items():
                if isinstance(cell, str) and name not in TEXTS:
                    guess = guesses.get(name)
                    if guess is None:
                        guess = guesses[name] = ColumnGuess(typed=table.typed)
                    guess.look(cell)
    found = {name: guess.kind for name, guess in guesses.items()} | dict(stated)
    return {name: kind for name, kind in found.items() if kind != "text"}


def _typed(row: Row, kinds: Mapping[str, str]) -> Row:
    """Return a row whose cells are read as what their columns are; what cannot be is left out, and noted."""
    record: dict[str, Any] = {}
    notes = list(row.notes)
    for name, cell in row.record.items():
        kind = kinds.get(name, "text")
        if not isinstance(cell, str):
            found: Mapping[str, Any] = {name: cell}
        else:
            try:
                found = read_cell(name, kind, cell)
            except ValueError:
                notes.append(("unreadable", name, cell))
                continue
            if kind in _SAID:
                notes.append(("column", name, _SAID[kind]))
        record |= found
    return Row(row.number, _nested(record), row.offset, tuple(notes))


def _nested(record: dict[str, Any]) -> dict[str, Any]:
    """Put ``attributes.year`` where a JSON line has it; a text of JSON that holds all attributes is read."""
    stated = record.get("attributes")
    if isinstance(stated, str):
        try:
            record["attributes"] = read_cell("attributes", "json", stated)["attributes"]
        except ValueError:
            return record  # told as unusable with the other values
    flat = [name for name in record if name.startswith(ATTRIBUTES)]
    if flat:
        stated = record.get("attributes")
        inner = dict(stated) if isinstance(stated, dict) else {}
        for name in flat:
            inner[name[len(ATTRIBUTES) :]] = record.pop(name)
        record["attributes"] = inner
    return record
