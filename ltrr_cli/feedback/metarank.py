"""Metarank's event format (https://docs.metarank.ai, "Supported events"): ranking, interaction, user, item.

A ``ranking`` is an imported page (its query is the field named ``query``), an ``interaction`` an action of the type it
names on that page. Where that type is ``impression``, it tells one line of the page, of use where its ranking was not
logged. A ``user`` is a profile; ``item`` describes the catalog, which is not feedback: it is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Impression, Shown
from ltrr_cli.feedback.event_types import shows
from ltrr_cli.feedback.records import (
    Parsed,
    UserRecord,
    attributes_of,
    context_of,
    event,
    kind_of,
    line_of_page,
    moment,
    number,
    optional_id,
    required_id,
    text,
)

_NEEDS = {"ranking": "items", "interaction": "item", "item": "item", "user": "user"}  # kind -> key it must have


class Metarank:
    """Reads Metarank events."""

    def __init__(self, undated: bool = False) -> None:
        self._undated = undated

    def read(self, record: dict[str, Any]) -> Parsed:
        """Read one record; raises DataError."""
        kind = record.get("event")
        if kind == "ranking":
            return self._ranking(record)
        if kind == "interaction":
            return self._interaction(record)
        if kind == "user":
            attributes = attributes_of({"fields": _fields(record)}, "fields")
            return Parsed(
                users=(UserRecord(required_id(record, "user"), attributes, moment(record, "timestamp", True)),)
            )
        if kind == "item":
            return Parsed(skipped="item: catalog data, not feedback")
        raise DataError("event is none of item, user, ranking, interaction")

    @staticmethod
    def recognises(record: Mapping[str, Any]) -> bool:
        """Say whether a record can only be Metarank's."""
        kind = record.get("event")
        return isinstance(kind, str) and _NEEDS.get(kind) in record and "entity_id" not in record

    def _ranking(self, record: dict[str, Any]) -> Parsed:
        fields = _fields(record)
        query = text(fields, "query") or ""
        impression = Impression(
            required_id(record, "id"),
            moment(record, "timestamp", self._undated),
            query,
            "imported",
            optional_id(record, "user"),
            optional_id(record, "session"),
            context_of({"fields": {name: value for name, value in fields.items() if name != "query"}}, "fields"),
            shown=_shown(record.get("items")),
        )
        return Parsed(impressions=(impression,))

    def _interaction(self, record: dict[str, Any]) -> Parsed:
        fields = _fields(record)
        action = event(
            kind_of(record, "type"),
            moment(record, "timestamp", self._undated),
            required_id(record, "item"),
            event_id=optional_id(record, "id"),
            impression_id=optional_id(record, "ranking"),
            query=text(fields, "query"),
            user=optional_id(record, "user"),
            session=optional_id(record, "session"),
            value=number(fields, "value"),
        )
        if action.impression_id is not None and shows(action.kind):
            return Parsed(impressions=(line_of_page(action),))
        return Parsed(events=(action,))


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """[{"name": n, "value": v}, ..] -> {n: v}; a name that stands twice is refused like a repeated key."""
    pairs = record.get("fields")
    if pairs is None:
        return {}
    if type(pairs) is not list:
        raise DataError("fields is not a list")
    found: dict[str, Any] = {}
    for pair in pairs:
        name = pair.get("name") if type(pair) is dict else None
        if type(name) is not str:
            raise DataError("fields holds something without a name")
        if name in found:
            raise DataError(f"field {name[:60]!r} stands twice")
        found[name] = pair.get("value")
    return found


def _shown(items: object) -> tuple[Shown, ...]:
    if type(items) is not list:
        raise DataError("items is not a list")
    shown = []
    for place, item in enumerate(items, 1):
        line = item if type(item) is dict else {"id": item}
        shown.append(Shown(required_id(line, "id"), place, number(line, "relevancy")))
    return tuple(shown)
