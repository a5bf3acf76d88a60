"""Catalog files in other forms than JSON lines: readers that other packages add, chosen by a file's ending."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.plugins import PluginRegistry
from ltrr_cli.text.lines import BadLine

READERS = PluginRegistry(
    "catalog reader",
    "ltrr.catalog_readers",
    {"jsonl": "ltrr_cli.text.lines:read_lines"},
    "ltrr_cli.catalog.reader_registry:CatalogReader",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One entity of a file: ``number`` counts its rows from 1, ``record`` has the keys of a JSON line."""

    number: int
    record: Mapping[str, Any]


class CatalogReader(Protocol):
    """Reads the entities of one kind of file.

    suffixes -- endings of the files it reads, such as ".xml"; the longest that fits decides
    """

    suffixes: ClassVar[tuple[str, ...]]

    def read(self, source: Path) -> Iterator[Row | BadLine]:
        """Yield the rows in order, in bounded memory; raises DataError where the whole file cannot be read."""
        ...


def reader_of(source: str | Path) -> CatalogReader | None:
    """Return the reader for a file, by its ending; None: it is read as JSON lines.

    Raises DataError for a reader that does not load.
    """
    name = Path(source).name.lower()
    best: tuple[str, type[CatalogReader] | None] = ("", None)
    for plugin in READERS.others():
        found: Any = READERS.load(plugin)
        if not all(hasattr(found, part) for part in ("read", "suffixes")):
            raise DataError(f"catalog reader {plugin!r} does not follow {READERS.base}")
        ending = max((one for one in found.suffixes if name.endswith(one)), key=len, default="")
        if len(ending) > len(best[0]):
            best = (ending, found)
    return None if best[1] is None else best[1]()
