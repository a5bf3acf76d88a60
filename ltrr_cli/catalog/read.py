"""One line of JSONL -> Entity: mapped names, unknown keys as attributes, what cannot be used left out and counted.

A line is refused only where it is no JSON object or has no id. A value that cannot be used costs that value, never the
entity; what is plainly meant is taken as meant, and told (``remarks``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from ltrr_cli.catalog.remarks import Remarks
from ltrr_cli.catalog.values import attributes_of, number_of, texts_of, unwrapped
from ltrr_cli.core.clock import iso, read_time
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import AttributeValue, Entity
from ltrr_cli.text.mapping import constant, inside

FIELDS = ("id", "title", "text", "type", "attributes", "popularity", "created_at")
LONGEST_ID = 512  # bytes

_decode = msgspec.json.Decoder().decode
_HIT = frozenset(("_index", "_id", "_source", "_score", "_type", "_version", "sort", "_ignored", "fields", "highlight"))
_ACTION = frozenset(("_index", "_id", "_type", "routing", "_routing", "pipeline"))


def parse_entity(line: bytes, mapping: Mapping[str, str] | None = None, remarks: Remarks | None = None) -> Entity:
    """Read one entity; ``mapping`` says which key of the line is which of ours: {"title": "name"}.

    Raises DataError with a reason fit for the quarantine.

    >>> parse_entity(b'{"id": 7, "name": "Kind of Blue", "year": 1959}', {"title": "name"}).attributes
    {'year': 1959.0}
    """
    return entity_of(parse_record(line, remarks), mapping, remarks)


def parse_record(line: bytes, remarks: Remarks | None = None) -> dict[str, Any]:
    """Read one JSON object; NaN and Infinity, which other languages write, are null. Raises DataError."""
    try:
        record = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        record = _with_nan(line)
        if record is None:
            raise DataError(f"not JSON: {error}") from None
        if remarks is not None:
            remarks.tell("nan")
    if not isinstance(record, dict):
        raise DataError("not a JSON object")
    return record


def entity_of(
    record: dict[str, Any], mapping: Mapping[str, str] | None = None, remarks: Remarks | None = None
) -> Entity:
    """Turn the keys of one record into an entity; raises DataError with a reason fit for the quarantine."""
    remarks = Remarks() if remarks is None else remarks
    taken: dict[str, Any] = {}
    for ours, theirs in (mapping or {}).items():
        if said := constant(theirs):
            taken[ours] = said
        elif theirs in record:
            taken[ours] = record[theirs]
        elif (found := inside(record, theirs)) is not None:
            taken[ours] = found
    if mapping:
        gone = {theirs for theirs in mapping.values() if theirs in record}
        record = {key: value for key, value in record.items() if key not in gone} | taken
    return _entity(record, remarks)


def of_hit(record: dict[str, Any], remarks: Remarks) -> dict[str, Any]:
    """Return the entity's record where a line is a search hit (``{"_id", "_source": {..}}``), else the line."""
    source = record.get("_source")
    if not isinstance(source, dict) or record.keys() - _HIT:
        return record
    remarks.tell("hits")
    return {"id": record.get("_id"), **source}


def bulk_action(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what an action line of a bulk file says of the line behind it; None for any other line.

    >>> bulk_action({"index": {"_index": "films", "_id": "7"}})["_id"], bulk_action({"id": 7})
    ('7', None)
    """
    ((name, value), *more) = record.items() or (("", None),)
    said = not more and name in ("index", "create") and isinstance(value, dict) and value.keys() <= _ACTION
    return value if said else None


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


def _with_nan(line: bytes) -> Any | None:
    if b"NaN" not in line and b"Infinity" not in line:
        return None
    try:
        return json.loads(line, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def _entity(record: dict[str, Any], remarks: Remarks) -> Entity:
    entity_id = _id(record.get("id"))
    stated = record.get("attributes")
    if stated is not None and not isinstance(stated, dict):
        remarks.tell("unusable", "attributes", stated)
        stated = None
    attributes: dict[str, AttributeValue] = {}
    for values in (stated or {}, {key: value for key, value in record.items() if key not in FIELDS}):
        for name, value in values.items():
            attributes |= attributes_of(name, value, remarks.tell)
    return Entity(
        id=entity_id,
        title=_text(record, "title", remarks),
        type=_text(record, "type", remarks),
        text=_text(record, "text", remarks),
        attributes=attributes,
        popularity=_popularity(record.get("popularity"), remarks),
        created_ms=_created(record.get("created_at"), remarks),
    )


def _id(value: object) -> str:
    if isinstance(value, Mapping):
        value = unwrapped(value)
    if isinstance(value, float) and value.is_integer():  # tables write whole numbers so
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise DataError("no id")
    if len(value.encode("utf-8", "surrogatepass")) > LONGEST_ID:
        raise DataError(f"id longer than {LONGEST_ID} bytes")
    return value


def _text(record: Mapping[str, Any], name: str, remarks: Remarks) -> str:
    """Return a text: several are joined, as product exports have them; of an object in place of a title the first."""
    value = record.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        remarks.tell("unusable", name, value)
        return ""
    texts = texts_of(value)
    if isinstance(value, dict):
        remarks.tell("texts" if name == "text" else "titles", name)
        texts = texts if name == "text" else texts[:1]
    return " ".join(texts)


def _popularity(value: object, remarks: Remarks) -> float | None:
    if isinstance(value, Mapping):
        value = unwrapped(value)
    if isinstance(value, str) and value.strip():
        number = number_of(value)
        remarks.tell("unreadable" if number is None else "numbers", "popularity", value)
        value = number
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        remarks.tell("unusable", "popularity", value)
        return None
    if not abs(value) < math.inf or value < 0:
        remarks.tell("negative" if value < 0 else "unusable", "popularity", value)
        return None
    return float(value) if value < 1e300 else 1e300


def _created(value: object, remarks: Remarks) -> int | None:
    if isinstance(value, Mapping):
        value = unwrapped(value)
    if value is None or value == "":
        return None
    if not isinstance(value, str | int | float):
        remarks.tell("unusable", "created_at", value)
        return None
    try:
        moment, form = read_time(value, years=True)
    except DataError:
        remarks.tell("unreadable", "created_at", value)
        return None
    if form:
        check = {"days": "dates", "other dates": "dates", "years": "years"}.get(form, "seconds")
        told = form if check != "seconds" else f"epoch {form}"
        remarks.tell(check, "created_at", f"{told} ({value} is {iso(moment)[:10]})")
    return moment
