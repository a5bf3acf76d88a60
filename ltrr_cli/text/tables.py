"""Which sources are tables, and their rows: CSV, TSV, SQLite; Parquet and Arrow with the extra ``tables``.

The ending of a file says so, or a word before it: ``csv:FILE``, ``sqlite:FILE?table=NAME``, ``parquet:FILE``. A folder
of Parquet or Arrow files is one table, such as a dataset that the library ``datasets`` saved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ltrr_cli.core.errors import DataError
from ltrr_cli.text.lines import BadLine

# kind -> endings of its files; the module ``table_<kind>`` reads them
ENDINGS: Mapping[str, tuple[str, ...]] = {
    "csv": tuple(f".{name}{packed}" for name in ("csv", "tsv", "tab") for packed in ("", ".gz", ".zst")),
    "sqlite": (".sqlite", ".sqlite3", ".db"),
    "parquet": (".parquet", ".pq"),
    "arrow": (".arrow", ".feather", ".ipc"),
}
_MODULES = {"csv": "table_csv", "sqlite": "table_sqlite", "parquet": "table_arrow", "arrow": "table_arrow"}


@dataclass(frozen=True, slots=True)
class Row:
    """One entity of a file, or one event.

    number -- of its line, or of its row from 1, as its kind of file counts; messages name it
    record -- has the keys of a JSON line
    offset -- of its first byte, where rows are lines
    notes  -- (key of ``catalog.remarks.SAYINGS``, field, value) of what was noticed while it was read
    """

    number: int
    record: Mapping[str, Any]
    offset: int = 0
    notes: tuple[tuple[str, str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table and where it stands.

    name  -- as it was given
    kind  -- key of ``ENDINGS``
    path  -- the file or folder; "-" is standard input (CSV alone)
    asked -- of a database: ("table", its name), ("query", SQL), or ("", "")
    """

    name: str
    kind: str
    path: str
    asked: tuple[str, str] = ("", "")

    @property
    def typed(self) -> bool:
        """Whether the table itself tells numbers from texts."""
        return self.kind != "csv"

    def rows(self) -> Iterator[Row | BadLine]:
        """Yield the rows in order, in bounded memory; cells of CSV are texts.

        Raises DataError where the table cannot be read, UsageError where a library is missing.
        """
        rows: Iterator[Row | BadLine] = import_module(f"ltrr_cli.text.{_MODULES[self.kind]}").rows(self)
        return rows


def check_columns(source: str, names: Sequence[str]) -> None:
    """Raise DataError where two columns have one name."""
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{source}: two columns are named {twice!r}")


def table_source(source: object) -> TableSource | None:
    """Return the table that a source names; None for anything else, which is read as lines.

    >>> table_source("sqlite:shop.db?table=items")
    TableSource(name='sqlite:shop.db?table=items', kind='sqlite', path='shop.db', asked=('table', 'items'))
    >>> table_source("items.CSV.gz").kind, table_source("items.jsonl")
    ('csv', None)
    """
    if not isinstance(source, str | Path):
        return None
    name = str(source)
    word, colon, rest = name.partition(":")
    kind = {"tsv": "csv"}.get(word, word) if colon else ""
    if kind in ENDINGS and rest:
        path, _, asked = rest.partition("?") if kind == "sqlite" else (rest, "", "")
        key, equals, value = asked.partition("=")
        return TableSource(name, kind, path, (key, value) if equals else ("", ""))
    low = name.lower()
    for kind, endings in ENDINGS.items():
        if low.endswith(endings):
            return TableSource(name, kind, name)
    folder = Path(name)
    if name != "-" and folder.is_dir():
        for kind in ("arrow", "parquet"):
            if any(folder.rglob(f"*{ENDINGS[kind][0]}")):
                return TableSource(name, kind, name)
    return None
