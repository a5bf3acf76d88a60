"""What a file is that is no JSON lines: named, and how it is read as what it is, or turned into some."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ltrr_cli.core.errors import DataError

_STARTS = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet (xlsx)", "unpack it, or save the sheet as CSV"),
    (b"PAR1", "a Parquet file", "give it as parquet:{source}"),
    (b"SQLite format 3", "a SQLite database", "give it as sqlite:{source}?table=NAME"),
    (b"ARROW1", "an Arrow file", "give it as arrow:{source}"),
    (b"BZh", "compressed with bzip2", "bunzip2 {source}"),
    (b"\xfd7zXZ", "compressed with xz", "unxz {source}"),
    (b"%PDF", "a PDF", "give the data that it was made of"),
    (b"\xff\xfe", "UTF-16 text", "iconv -f UTF-16 -t UTF-8 {source} > {stem}.utf8"),
    (b"\xfe\xff", "UTF-16 text", "iconv -f UTF-16 -t UTF-8 {source} > {stem}.utf8"),
)
TAB = "\t"
_DELIMITERS = {",": "CSV", ";": "CSV with semicolons", TAB: "tab-separated (TSV)", "|": "a table with |"}
_OWN = frozenset(("id", "_id", "objectID", "title", "name", "event", "action_name", "query_id", "user_query"))
LOOKED_AT = 20  # lines
NAMED = 6  # columns


def recognised(first: Sequence[bytes], source: str) -> DataError | None:
    """Return what has to be said of a source whose first lines are no JSON lines; None where nothing is recognised.

    >>> found = recognised([b"id,title", b"1,Toy"], "toys.csv")
    >>> print(found)
    toys.csv: this is CSV (columns id, title), not JSON lines (one object a line)
    >>> recognised([b'{"id": "1", "title": "Toy"}'], "toys.jsonl") is None
    True
    """
    lines = [line for line in first[:LOOKED_AT] if line.strip()]
    if not lines:
        return None
    found = _by_start(lines[0]) or _json(lines) or _markup(lines[0]) or _table(lines)
    if found is None:
        return None
    what, hint = found
    stem = source.rsplit("/", 1)[-1].rsplit(".", 1)[0] or source
    return DataError(
        f"{source}: this is {what}, not JSON lines (one object a line)",
        hint=hint.replace("{source}", source).replace("{stem}", stem),
    )


def _by_start(line: bytes) -> tuple[str, str] | None:
    for start, what, hint in _STARTS:
        if line.startswith(start):
            return what, hint
    return None


def _json(lines: Sequence[bytes]) -> tuple[str, str] | None:
    start = lines[0].strip()
    if start.startswith(b"["):
        return "a JSON array", "jq -c '.[]' {source} > {stem}.jsonl"
    if not start.startswith(b"{"):
        return None
    whole = _object(start)
    if whole is None:
        inside = lines[1].strip() if len(lines) > 1 else b""
        if not start.endswith(b"}") and (not inside or inside.startswith((b'"', b"}"))):
            return (
                "JSON over several lines",
                "jq -c . {source} > {stem}.jsonl, or where one object holds the list, jq -c '.KEY[]' in its place",
            )
        return None
    lists = [key for key, value in whole.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if len(lines) == 1 and len(lists) == 1 and _OWN.isdisjoint(whole):
        key = lists[0]
        return f"one JSON object that holds a list {key!r}", f"jq -c '.{json.dumps(key)}[]' {{source}} > {{stem}}.jsonl"
    return None


def _object(line: bytes) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _markup(line: bytes) -> tuple[str, str] | None:
    start = line.strip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page", "a login page, perhaps: get the file itself"
    if start.startswith(b"<?xml") or (start.startswith(b"<") and start[1:2].isalpha()):
        return "XML", "convert it, one object a line; `ltrr plugins` lists readers that are installed"
    return None


def _table(lines: Sequence[bytes]) -> tuple[str, str] | None:
    texts = [line.decode("utf-8", "replace") for line in lines]
    if any(text.lstrip().startswith("{") for text in texts):
        return None
    for delimiter, what in _DELIMITERS.items():
        columns = [column.strip().strip('"') for column in texts[0].split(delimiter)]
        named = all(column and not column.replace(".", "").isdigit() for column in columns)
        alike = sum(text.count(delimiter) >= len(columns) - 1 for text in texts[1:])
        if len(columns) > 1 and named and 2 * alike >= len(texts) - 1:
            shown = ", ".join(columns[:NAMED]) + (" ..." if len(columns) > NAMED else "")
            hint = f"give it as {'tsv' if delimiter == TAB else 'csv'}:{{source}}"
            return f"{what} (columns {shown})", hint
    return None
