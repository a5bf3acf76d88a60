"""The columns of one catalog generation: built once, mapped on open, rows ascending with ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from ltrr_cli.catalog.filters import FilterIndex
from ltrr_cli.catalog.read import as_line, from_line
from ltrr_cli.core.types import BoolArray, Entity, Filter, FloatArray, IntArray, MomentArray
from ltrr_cli.storage.packed_arrays import map_array
from ltrr_cli.storage.strings import Strings

UNKNOWN_TIME = -1


class Columns:
    """An open catalog (``core.types.Catalog``)."""

    def __init__(
        self,
        ids: Strings,
        titles: Strings,
        lines: Strings,
        popularity: FloatArray,
        created_ms: MomentArray,
        types: IntArray,
        type_names: Sequence[str],
        filters: FilterIndex,
        entities: Sequence[Entity] | None = None,
    ) -> None:
        self.ids: Sequence[str] = ids
        self.titles: Sequence[str] = titles
        self.popularity, self.created_ms, self.types, self.type_names = popularity, created_ms, types, type_names
        self._ids, self._lines, self._filters = ids, lines, filters
        self._entities = entities

    @staticmethod
    def build(entities: Sequence[Entity], folder: Path) -> None:
        """Write all columns; ``entities`` ascend by id (in UTF-8 byte order, as Python compares text)."""
        Strings.write(folder / "ids", (entity.id for entity in entities))
        Strings.write(folder / "titles", (entity.title for entity in entities))
        Strings.write(folder / "lines", (as_line(entity) for entity in entities))
        popularity = [np.nan if entity.popularity is None else entity.popularity for entity in entities]
        created = [UNKNOWN_TIME if entity.created_ms is None else entity.created_ms for entity in entities]
        names = sorted({entity.type for entity in entities})
        number = {name: place for place, name in enumerate(names)}
        np.save(folder / "popularity.npy", np.array(popularity, np.float32))
        np.save(folder / "created_ms.npy", np.array(created, np.int64))
        np.save(folder / "types.npy", np.array([number[entity.type] for entity in entities], np.int32))
        (folder / "type_names.json").write_bytes(msgspec.json.encode(names))
        (folder / "filters").mkdir()
        FilterIndex.build(entities, folder / "filters")

    @classmethod
    def open(cls, folder: Path, entities: Sequence[Entity] | None = None) -> Self:
        """Map what ``build`` wrote.

        entities -- those of which it was built, where they are still in memory: then they are not read again
        """
        ids, titles, lines = (Strings.open(folder / name) for name in ("ids", "titles", "lines"))
        popularity, created_ms, types = (
            map_array(folder / f"{name}.npy")
            for name in ("popularity", "created_ms", "types")
        )
        return cls(
            ids,
            titles,
            lines,
            popularity,
            created_ms,
            types,
            tuple(msgspec.json.decode((folder / "type_names.json").read_bytes(), type=list[str])),
            FilterIndex.open(folder / "filters"),
            entities,
        )

    def __len__(self) -> int:
        return len(self._ids)

    def row_of(self, entity_id: str) -> int:
        """Return the row of an id, or -1."""
        return self._ids.find(entity_id)

    def ids_of(self, rows: Iterable[int]) -> list[str]:
        """Return the ids of many rows."""
        return self._ids.many(rows)

    def entity(self, row: int) -> Entity:
        """Return one entity whole."""
        return from_line(self._lines[row]) if self._entities is None else self._entities[row]

    def entities(self) -> Iterator[Entity]:
        """Iterate over all entities in row order."""
        if self._entities is not None:
            return iter(self._entities)
        return (from_line(self._lines[row]) for row in range(len(self)))

    def allowed(self, filters: Sequence[Filter]) -> BoolArray | None:
        """Return (entities,) bool: what passes every filter, or None where there is no filter.

        Values of one field set several times with ``=`` are alternatives. Raises UsageError for an unknown field.
        """
        return self._filters.allowed(filters, len(self))

    def within(self, field: str, low: float, high: float) -> IntArray:
        """Return the rows whose number in a field lies between two, both included; none for an unknown field."""
        return self._filters.within(field, low, high)

    def newest_ms(self) -> int | None:
        """Return the latest creation, or None where no entity says."""
        return int(self.created_ms.max()) if len(self) and self.created_ms.max() != UNKNOWN_TIME else None
