"""Rows of Parquet and Arrow files, of folders of them, and of data frames (the door to pyarrow, an extra)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.text.lines import BadLine
from ltrr_cli.text.tables import ENDINGS, Row, TableSource

AT_ONCE = 1_000  # rows


def rows(source: TableSource) -> Iterator[Row | BadLine]:
    """Yield the rows, numbered from 1 over all files of a folder in the order of their names.

    Raises DataError where a file cannot be read, UsageError where pyarrow is not installed.
    """
    arrow = _pyarrow(source.name)
    path = Path(source.path)
    files = sorted(path.rglob(f"*{ENDINGS[source.kind][0]}")) if path.is_dir() else [path]
    number = 0
    for file in files:
        try:
            for record in _parquet(file) if source.kind == "parquet" else _arrow(file):
                number += 1
                yield Row(number, record)
        except (arrow.ArrowException, OSError) as error:
            raise DataError(f"{file}: {str(error).splitlines()[0] if str(error) else error!r}") from None


def frame_rows(frame: Any) -> Iterator[Row | BadLine]:
    """Yield the rows of a data frame: of anything with ``__arrow_c_stream__``, or with ``to_dicts`` (polars).

    Raises UsageError for anything else.
    """
    if hasattr(frame, "to_dicts"):
        records: Iterator[dict[str, Any]] = map(_record, frame.iter_rows(named=True))
    elif hasattr(frame, "__arrow_c_stream__"):
        stream = _pyarrow("a data frame").RecordBatchReader.from_stream(frame)
        records = (_record(one) for batch in stream for one in _parts(batch))
    else:
        raise UsageError(f"{type(frame).__name__} is no data frame: it has neither __arrow_c_stream__ nor to_dicts")
    for number, record in enumerate(records, 1):
        yield Row(number, record)


def _pyarrow(name: str) -> Any:
    try:
        import pyarrow
    except ImportError:
        raise UsageError(
            f"{name}: reading it needs pyarrow, which is not installed", hint="pip install 'ltrr-cli[tables]'"
        ) from None
    return pyarrow


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=AT_ONCE):
            yield from map(_record, batch.to_pylist())


def _arrow(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow

    with pyarrow.memory_map(str(path)) as file:
        try:
            opened = pyarrow.ipc.open_file(file)
            batches = (opened.get_batch(place) for place in range(opened.num_record_batches))
        except pyarrow.ArrowInvalid:  # a stream, as the library ``datasets`` writes them
            file.seek(0)
            batches = iter(pyarrow.ipc.open_stream(file))
        for batch in batches:
            yield from map(_record, _parts(batch))


def _parts(batch: Any) -> Iterator[dict[str, Any]]:
    for start in range(0, batch.num_rows, AT_ONCE):
        yield from batch.slice(start, AT_ONCE).to_pylist()


def _record(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, cell in row.items() if (value := _value(cell)) is not None}


def _value(cell: Any) -> Any:
    """Return a cell as JSON has it: times in ISO-8601, those without a zone are UTC."""
    if isinstance(cell, float):
        return None if math.isnan(cell) else cell
    if isinstance(cell, datetime):
        return (cell.replace(tzinfo=UTC) if cell.tzinfo is None else cell).isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return float(cell)
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    if isinstance(cell, list):
        return [_value(part) for part in cell]
    if isinstance(cell, dict):
        return {name: value for name, inner in cell.items() if (value := _value(inner)) is not None}
    return cell
