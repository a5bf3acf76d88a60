"""Catalog files -> entities: upserts, deletions, duplicates counted, bad lines set aside with their reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from ltrr_cli.catalog.faults import faults
from ltrr_cli.catalog.html import marked_fields, plain
from ltrr_cli.catalog.read import bulk_action, entity_of, of_hit, parse_entity, parse_record
from ltrr_cli.catalog.reader_registry import Row, rows_of
from ltrr_cli.catalog.remarks import Remarks
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Entity
from ltrr_cli.text.lines import BadLine, Line, read_lines
from ltrr_cli.text.mapping import constant, inside
from ltrr_cli.text.recognise import LOOKED_AT, recognised


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
    fresh      -- ids that were read, in this run
    lines      -- lines read
    duplicates -- lines whose id came before in the same run
    keys       -- key of a line -> lines that have it
    remarks    -- what was noticed of values
    columns    -- column of a table -> what it is (``text.cells.KINDS``), where its cells shall not decide
    """

    entities: dict[str, Entity] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    lines: int = 0
    duplicates: int = 0
    deleted: int = 0
    refused: list[Refused] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)
    remarks: Remarks = field(default_factory=Remarks)
    mapping: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    _mapped: set[str] = field(default_factory=set)  # keys of the mapping that a line had
    _id: object = None  # of the line behind an action line

    def read(
        self,
        sources: Sequence[Any],
        mapping: Mapping[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Read all sources, paths and data frames, in order; raises DataError for one that is no catalog."""
        self.mapping = mapping or {}
        for source in sources:
            rows, name = rows_of(source, self.columns), source_name(source)
            for line in _lines(source) if rows is None else rows:
                self.lines += 1
                if isinstance(line, BadLine):
                    self.refused.append(Refused(name, line.number, line.offset, line.reason, line.data))
                    continue
                try:
                    record = self._record(line)
                    if record is None:
                        continue
                    entity = self._entity(record)
                except DataError as error:
                    self.refused.append(_refused(name, line, str(error)))
                    continue
                self.duplicates += entity.id in self.fresh
                self.fresh.add(entity.id)
                self.entities[entity.id] = entity
                if progress is not None and self.lines % 1_000 == 0:
                    progress(self.lines)

    def _record(self, line: Line | Row) -> dict[str, Any] | None:
        """Return what a line says of an entity; None for the action line of a bulk file."""
        if isinstance(line, Row):
            record = dict(line.record)
            for check, name, value in line.notes:
                self.remarks.tell(check, name, value)
        else:
            record = parse_record(line.data, self.remarks)
        action = bulk_action(record)
        if action is not None:
            self._id = action.get("_id")
            return None
        record = of_hit(record, self.remarks)
        if self._id is not None:
            record.setdefault("id", self._id)
            self._id = None
        return record

    def _entity(self, record: dict[str, Any]) -> Entity:
        self.keys.update(record.keys())
        for theirs in self.mapping.values():
            if theirs not in self._mapped and (constant(theirs) or theirs in record or inside(record, theirs)):
                self._mapped.add(theirs)
        return entity_of(record, self.mapping, self.remarks)

    def settle(self, html: str) -> None:
        """Take HTML out of what was read; "auto": where the catalog as a whole is written in it, "keep": nowhere."""
        if html == "keep":
            return
        read = [self.entities[entity_id] for entity_id in sorted(self.fresh)]
        fields = marked_fields(read) if html == "auto" else frozenset[str]()
        for entity in read:
            self.entities[entity.id] = plain(entity, fields, self.remarks, always=html == "strip")

    def faults(self) -> list[DataError]:
        """Return why nothing should be published of what was read: names that were mistyped, no title anywhere."""
        read = [self.entities[entity_id] for entity_id in self.fresh if entity_id in self.entities]
        return faults(read, self.keys, self.mapping, self._mapped, self.remarks) if self.keys else []

    def delete(self, ids: Iterable[str]) -> None:
        """Remove entities; an id that is not there is no error."""
        for entity_id in ids:
            self.deleted += self.entities.pop(entity_id, None) is not None

    def sorted(self) -> list[Entity]:
        """Return all entities ascending by id (UTF-8 byte order is code point order)."""
        return [self.entities[entity_id] for entity_id in sorted(self.entities)]


def _lines(source: str | Path) -> Iterator[Line | BadLine]:
    """Read lines; raises DataError where the first ones are known as something else than JSON lines."""
    lines = read_lines(source)
    first = list(islice(lines, LOOKED_AT))
    found = recognised([line.data for line in first], str(source))
    if found is not None:
        raise found
    yield from first
    yield from lines


def source_name(source: object) -> str:
    """Return what messages call a source.

    >>> source_name("c.jsonl"), source_name([])
    ('c.jsonl', 'list')
    """
    return str(source) if isinstance(source, str | Path) else type(source).__name__


def _refused(source: str, line: Line | Row, reason: str) -> Refused:
    if isinstance(line, Row):
        return Refused(source, line.number, line.offset, reason, msgspec.json.encode(line.record, enc_hook=str))
    return Refused(source, line.number, line.offset, reason, line.data)


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
