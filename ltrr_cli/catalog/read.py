"""One line of JSONL -> Entity: mapped names, unknown keys as attributes, a reason for every refusal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from ltrr_cli.core.clock import parse_time
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import AttributeValue, Entity

FIELDS = ("id", "title", "text", "type", "attributes", "popularity", "created_at")
LONGEST_ID = 512  # bytes

_decode = msgspec.json.Decoder().decode


def parse_entity(line: bytes, mapping: Mapping[str, str] | None = None) -> Entity:
    """Read one entity; ``mapping`` says which key of the line is which of ours: {"title": "name"}.

    Raises DataError with a reason fit for the quarantine.

    >>> parse_entity(b'{"id": 7, "name": "Kind of Blue", "year": 1959}', {"title": "name"}).attributes
    {'year': 1959.0}
    """
    try:
        record = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise DataError("not a JSON object")
    return entity_of(record, mapping)


def entity_of(record: dict[str, Any], mapping: Mapping[str, str] | None = None) -> Entity:
    """Turn the keys of one record into an entity; raises DataError with a reason fit for the quarantine."""
    for ours, theirs in (mapping or {}).items():
        if theirs in record:
            record[ours] = record.pop(theirs)
    return _entity(record)


def as_line(entity: Entity) -> str:
    """Write an entity in the form in which columns keep it; ``from_line`` reads it back."""
    return msgspec.json.encode(
        [entity.id, entity.title, entity.type, entity.text, entity.attributes, entity.popularity, entity.created_ms]
    ).decode()


def from_line(line: str) -> Entity:
    """Read what ``as_line`` wrote."""
    entity_id, title, kind, text, attributes, popularity, created = _decode(line)
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in attributes.items()}
    return Entity(entity_id, title, kind, text, values, popularity, created)


def _entity(record: dict[str, Any]) -> Entity:
    attributes = record.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise DataError("attributes is not an object")
    attributes = {**attributes, **{key: value for key, value in record.items() if key not in FIELDS}}
    created = record.get("created_at")
    return Entity(
        id=_id(record.get("id")),
        title=_text(record, "title"),
        type=_text(record, "type"),
        text=_text(record, "text"),
        attributes={name: value for name, raw in attributes.items() if (value := _value(name, raw)) is not None},
        popularity=_popularity(record.get("popularity")),
        created_ms=None if created is None else parse_time(created),
    )


def _id(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise DataError("no id")
    if len(value.encode("utf-8", "surrogatepass")) > LONGEST_ID:
        raise DataError(f"id longer than {LONGEST_ID} bytes")
    return value


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None:
        return ""
    if isinstance(value, list):  # several lines of text are common in product exports
        value = " ".join(str(part) for part in value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DataError(f"{name} is not text")
    return str(value)


def _popularity(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise DataError("popularity is not a number >= 0")
    return float(value)


def _value(name: str, value: object) -> AttributeValue | None:
    """One attribute: text, a number, or several texts; None (and empty) is left out, what nests is refused."""
    if value is None or value in ("", []):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise DataError(f"attribute {name[:60]!r} is not finite")
        return float(value)
    if isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
        return tuple(str(part) for part in value)
    raise DataError(f"attribute {name[:60]!r} is neither text, number nor a list of texts")
