"""Rows of a table, or of a query, in a SQLite database that is opened for reading (the door to its SQL for tables)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.text.lines import BadLine
from ltrr_cli.text.tables import Row, TableSource, check_columns

AT_ONCE = 1_000  # rows


def rows(source: TableSource) -> Iterator[Row | BadLine]:
    """Yield the rows, numbered from 1 in the order of the database.

    Raises DataError where the database, the table or the query cannot be read, UsageError where it is not said which.
    """
    if not Path(source.path).is_file():
        raise DataError(f"{source.path}: no such file", hint="sqlite:FILE?table=NAME or sqlite:FILE?query=SELECT ...")
    connection = sqlite3.connect(f"file:{quote(source.path)}?mode=ro", uri=True)
    try:
        found = connection.execute(_statement(connection, source))
        names = [column[0] for column in found.description or ()]
        check_columns(source.name, names)
        number = 0
        while batch := found.fetchmany(AT_ONCE):
            for cells in batch:
                number += 1
                record = {name: _value(cell) for name, cell in zip(names, cells, strict=True) if cell is not None}
                yield Row(number, record)
    except sqlite3.Error as error:
        raise DataError(f"{source.name}: {error}") from None
    finally:
        connection.close()


def _statement(connection: sqlite3.Connection, source: TableSource) -> str:
    key, value = source.asked
    if key == "query":
        return value
    if key not in ("", "table"):
        raise UsageError(f"{source.name}: {key!r} is not known", hint="?table=NAME or ?query=SELECT ...")
    tables = [
        name
        for (name,) in connection.execute(
            "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\'"
        )
    ]
    if not value and len(tables) != 1:
        raise UsageError(
            f"{source.path}: which table? It has {', '.join(tables) or 'none'}",
            hint=f"sqlite:{source.path}?table={tables[0] if tables else 'NAME'}",
        )
    if value and value not in tables:
        raise DataError(f"{source.path}: no table {value!r}", hint=f"it has {', '.join(tables) or 'none'}")
    name = (value or tables[0]).replace('"', '""')
    return f'select * from "{name}"'


def _value(cell: object) -> object:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell
