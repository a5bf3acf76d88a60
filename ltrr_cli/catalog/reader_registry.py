"""Catalogs in other forms than JSON lines: tables, and what readers of other packages read, chosen by the ending."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.plugins import PluginRegistry
from ltrr_cli.text.lines import BadLine
from ltrr_cli.text.tables import Row as Row
from ltrr_cli.text.tables import table_source

READERS = PluginRegistry(
    "catalog reader",
    "ltrr.catalog_readers",
    {
        "jsonl": "ltrr_cli.text.lines:read_lines",
        "csv": "ltrr_cli.catalog.tables:CsvReader",
        "sqlite": "ltrr_cli.catalog.tables:SqliteReader",
        "parquet": "ltrr_cli.catalog.tables:ParquetReader",
        "arrow": "ltrr_cli.catalog.tables:ArrowReader",
    },
    "ltrr_cli.catalog.reader_registry:CatalogReader",
)


class CatalogReader(Protocol):
    """Reads the entities of one kind of file.

    suffixes -- endings of the files it reads, such as ".xml"; the longest that fits decides
    """

    suffixes: ClassVar[tuple[str, ...]]

    def read(self, source: Path) -> Iterator[Row | BadLine]:
        """Yield the rows in order, in bounded memory; raises DataError where the whole file cannot be read."""
        ...


def rows_of(source: Any, columns: Mapping[str, str] | None = None) -> Iterator[Row | BadLine] | None:
    """Return the rows of a source, a path or a data frame; None: it is read as JSON lines.

    columns -- name of a column of a table -> what it is, where its cells shall not decide
    A reader of another package comes before ours. Raises DataError for a reader that does not load.
    """
    if not isinstance(source, str | Path):
        from ltrr_cli.catalog.tables import FrameReader

        return FrameReader(columns).read(source)
    plugged = _plugged(Path(source).name.lower())
    if plugged is not None:
        return plugged.read(Path(source))
    table = table_source(source)
    if table is None:
        return None
    rows: Iterator[Row | BadLine] = READERS.load(table.kind)(columns).read(source)
    return rows


def _plugged(name: str) -> CatalogReader | None:
    best: tuple[str, type[CatalogReader] | None] = ("", None)
    for plugin in READERS.others():
        found: Any = READERS.load(plugin)
        if not all(hasattr(found, part) for part in ("read", "suffixes")):
            raise DataError(f"catalog reader {plugin!r} does not follow {READERS.base}")
        ending = max((one for one in found.suffixes if name.endswith(one)), key=len, default="")
        if len(ending) > len(best[0]):
            best = (ending, found)
    return None if best[1] is None else best[1]()
