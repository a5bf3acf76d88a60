"""Catalog files -> entities: upserts, deletions, duplicates counted, bad lines set aside with their reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ltrr_cli.catalog.read import entity_of, parse_entity
from ltrr_cli.catalog.reader_registry import Row, reader_of
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Entity
from ltrr_cli.text.lines import BadLine, Line, read_lines


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is no entity: where it stands, and why."""

    source: str
    number: int
    offset: int
    reason: str
    data: bytes


@dataclass(slots=True)
class Intake:
    """The entities, duplicates and bad lines of all sources.

    entities   -- by id; the last line of an id counts
    lines      -- lines read
    duplicates -- lines whose id came before in the same run
    """

    entities: dict[str, Entity] = field(default_factory=dict)
    lines: int = 0
    duplicates: int = 0
    deleted: int = 0
    refused: list[Refused] = field(default_factory=list)

    def read(
        self,
        sources: Sequence[str | Path],
        mapping: Mapping[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Read all sources in order."""
        seen: set[str] = set()
        for source in sources:
            reader = reader_of(source)
            for line in read_lines(source) if reader is None else reader.read(Path(source)):
                self.lines += 1
                if isinstance(line, BadLine):
                    self.refused.append(Refused(str(source), line.number, line.offset, line.reason, line.data))
                    continue
                try:
                    entity = _entity(line, mapping)
                except DataError as error:
                    self.refused.append(_refused(source, line, str(error)))
                    continue
                self.duplicates += entity.id in seen
                seen.add(entity.id)
                self.entities[entity.id] = entity
                if progress is not None and self.lines % 1_000 == 0:
                    progress(self.lines)

    def delete(self, ids: Iterable[str]) -> None:
        """Remove entities; an id that is not there is no error."""
        for entity_id in ids:
            self.deleted += self.entities.pop(entity_id, None) is not None

    def sorted(self) -> list[Entity]:
        """Return all entities ascending by id (UTF-8 byte order is code point order)."""
        return [self.entities[entity_id] for entity_id in sorted(self.entities)]


def _entity(line: Line | Row, mapping: Mapping[str, str] | None) -> Entity:
    return entity_of(dict(line.record), mapping) if isinstance(line, Row) else parse_entity(line.data, mapping)


def _refused(source: str | Path, line: Line | Row, reason: str) -> Refused:
    if isinstance(line, Row):
        return Refused(str(source), line.number, 0, reason, msgspec.json.encode(line.record, enc_hook=str))
    return Refused(str(source), line.number, line.offset, reason, line.data)


def read_ids(source: str | Path) -> list[str]:
    """Read ids to delete: one a line, bare or as JSON objects with an ``id``; raises DataError."""
    ids = []
    for line in read_lines(source):
        if isinstance(line, BadLine):
            raise DataError(f"{source}, line {line.number}: {line.reason}")
        text = line.data.strip()
        try:
            ids.append(parse_entity(text).id if text.startswith(b"{") else text.decode())
        except (DataError, UnicodeDecodeError) as error:
            raise DataError(f"{source}, line {line.number}: {error}") from None
    return ids
