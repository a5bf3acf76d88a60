"""Lines of a log, wherever they stand: JSON lines as they are, rows of a table as JSON lines, keys under our names.

A table's column ``context.device`` is the key ``device`` inside ``context``; cells of ``results``, ``clicked`` and
``click_times`` are lists, as JSON or cut at ``|``, ``;``, ``,`` or spaces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from ltrr_cli.core.errors import DataError
from ltrr_cli.feedback.parse import parse_object
from ltrr_cli.text.cells import read_cell
from ltrr_cli.text.lines import BadLine, Line, read_lines
from ltrr_cli.text.mapping import constant, inside
from ltrr_cli.text.tables import table_source

LISTS = ("results", "clicked", "click_times")
TEXTS = ("event", "query", "action_name", "user_query")  # also where a table holds numbers: a query may be "360"
SEPARATORS = ("|", ";", ",", " ")


def is_table(source: object) -> bool:
    """Say whether a log is a table; one is read whole each time, and does not grow line by line."""
    return table_source(source) is not None


def read_log(
    source: str | Path | BinaryIO,
    mapping: Mapping[str, str] | None = None,
    *,
    offset: int = 0,
    number: int = 1,
    tap: Callable[[bytes], None] | None = None,
) -> Iterator[Line | BadLine]:
    """Yield the lines of a log as ``text.lines.read_lines`` does, rows of tables as JSON, keys under our names.

    mapping -- our field -> the key in the log, or a text in double quotes that every record gets
    Raises DataError where the source cannot be read.
    """
    table = table_source(source)
    if table is None:
        lines = read_lines(source, offset=offset, number=number, tap=tap)
        yield from lines if not mapping else (_mapped(line, mapping) for line in lines)
        return
    for row in table.rows():
        if isinstance(row, BadLine):
            yield row
            continue
        data = msgspec.json.encode(_record(renamed(row.record, mapping or {})), enc_hook=str)
        yield Line(row.number, row.offset, data, row.offset)


def renamed(record: Mapping[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """Return a record with keys under our names; a dotted name looks inside objects.

    >>> renamed({"ts": 1, "item": {"sku": "a"}}, {"timestamp": "ts", "entity_id": "item.sku", "event": '"click"'})
    {'item': {'sku': 'a'}, 'timestamp': 1, 'entity_id': 'a', 'event': 'click'}
    """
    taken = {}
    for ours, theirs in mapping.items():
        value = constant(theirs) or record.get(theirs, inside(record, theirs))
        if value is not None:
            taken[ours] = value
    gone = set(mapping.values())
    return {key: value for key, value in record.items() if key not in gone} | taken


def _mapped(line: Line | BadLine, mapping: Mapping[str, str]) -> Line | BadLine:
    if isinstance(line, BadLine):
        return line
    try:
        record = parse_object(line.data)
    except DataError:
        return line  # whoever reads it says why
    return line._replace(data=msgspec.json.encode(renamed(record, mapping)))


def _record(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row says as a JSON line would: nothing for empty cells, lists as lists, dotted names nested."""
    record: dict[str, Any] = {}
    for name, cell in cells.items():
        if cell is None or cell == "":
            continue
        value = cell
        if isinstance(cell, str) and name in LISTS:
            value = _list(cell)
        elif isinstance(cell, str) and cell[:1] in "{[" and name not in TEXTS:
            value = _json(cell)
        elif name in TEXTS and type(cell) in (int, float):
            value = f"{cell:g}" if isinstance(cell, float) else str(cell)
        *above, last = name.split(".")
        inner = record
        for key in above:
            inner = inner.setdefault(key, {})
            if type(inner) is not dict:
                break
        if type(inner) is dict:
            inner[last] = value
    return record


def _json(cell: str) -> Any:
    try:
        return read_cell("", "json", cell)[""]
    except ValueError:
        return cell


def _list(cell: str) -> Any:
    if cell.startswith("["):
        return _json(cell)
    separator = next((one for one in SEPARATORS if one in cell), "|")
    return [part.strip() for part in cell.split(separator) if part.strip()]
