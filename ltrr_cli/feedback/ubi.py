"""User Behavior Insights (UBI, https://o19s.github.io/ubi, versions 1.0 to 1.3): queries and events as JSON lines.

Lines may come bare, wrapped as search hits (``{"_index", "_id", "_source": {..}}``) or as pairs of a bulk file, whose
action lines are skipped. The shown objects stand in ``query_response_hit_ids`` (what the plugin writes),
``query_response_object_ids``, ``query_response_objects_ids`` (what its documents said at times) or ``doc_ids`` (Solr,
also as one text with commas); the object acted on in ``event_attributes.object.object_id``. ``client_id`` is the user
where there is no ``user_id``.

Several query records may share one ``query_id``: a storefront asks for facets, or for the next page, under the id of
the search. They are one page (``storage.amendments``). An event that says of one object that it came into view (the
action ``impression``) tells one line of the page, which is all that is known of a page without hits.

Actions keep their names except ``click_through`` (click), ``add_to_cart`` (add) and ``watch`` (play). An event without
an object is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Impression
from ltrr_cli.feedback.event_types import shows
from ltrr_cli.feedback.records import (
    Parsed,
    context_of,
    event,
    id_list,
    kind_of,
    line_of_page,
    member,
    moment,
    optional_id,
    page,
    position,
    required_id,
    text,
)

_HIT_IDS = (
    "query_response_hit_ids", "query_response_object_ids", "query_response_objects_ids", "query_response_doc_ids",
    "doc_ids",
)  # fmt: skip
_NAMES = {"click_through": "click", "add_to_cart": "add", "watch": "play"}
_BULK_ACTIONS = ("index", "create")


class Ubi:
    """Reads UBI queries and events."""

    def __init__(self, undated: bool = False) -> None:
        self._undated = undated

    def read(self, record: dict[str, Any]) -> Parsed:
        """Read one record; raises DataError."""
        if _is_bulk_action(record):
            return Parsed(skipped="action line of a bulk file")
        source = member(record, "_source") if "_source" in record else record
        if "action_name" in source:
            return self._event(source)
        if "user_query" in source or any(name in source for name in _HIT_IDS):
            return self._query(source)
        raise DataError("neither a UBI query (user_query) nor a UBI event (action_name)")

    @staticmethod
    def recognises(record: Mapping[str, Any]) -> bool:
        """Say whether a record can only be UBI."""
        if _is_bulk_action(record):
            return str(next(iter(record.values())).get("_index", "")).startswith("ubi_")
        source = record.get("_source", record)
        return isinstance(source, dict) and (
            "action_name" in source or ("user_query" in source and "query_id" in source)
        )

    def _query(self, source: Mapping[str, Any]) -> Parsed:
        impression = Impression(
            required_id(source, "query_id"),
            moment(source, "timestamp", self._undated),
            text(source, "user_query") or "",
            "imported",
            optional_id(source, "user_id") or optional_id(source, "client_id"),
            optional_id(source, "session_id"),
            context_of(source, "query_attributes"),
            shown=_hits(source),
        )
        return Parsed(impressions=(impression,))

    def _event(self, source: Mapping[str, Any]) -> Parsed:
        kind = kind_of(source, "action_name")
        attributes = _object(source, "event_attributes")
        entity_id = _object_id(attributes)
        if entity_id is None:
            return Parsed(skipped="event without an object")
        action = event(
            _NAMES.get(kind, kind),
            moment(source, "timestamp", self._undated),
            entity_id,
            event_id=optional_id(source, "event_id"),
            impression_id=optional_id(source, "query_id"),
            query=text(source, "user_query"),
            position=_ordinal(attributes),
            user=optional_id(source, "user_id") or optional_id(source, "client_id"),
            session=optional_id(source, "session_id") or optional_id(attributes, "session_id"),
        )
        if action.impression_id is not None and shows(kind):
            return Parsed(impressions=(line_of_page(action),))
        return Parsed(events=(action,))


def _is_bulk_action(record: Mapping[str, Any]) -> bool:
    if len(record) != 1:
        return False
    ((name, value),) = record.items()
    return name in _BULK_ACTIONS and isinstance(value, dict)


def _hits(source: Mapping[str, Any]) -> tuple[Any, ...] | None:
    name = next((name for name in _HIT_IDS if source.get(name) is not None), None)
    if name is None:
        return None
    if name == "doc_ids" and type(source[name]) is str:
        return page([part for part in map(str.strip, source[name].split(",")) if part])
    hits = source[name]
    if type(hits) is list and hits and all(type(hit) is dict for hit in hits):
        return page([_first_id(hit, ("object_id", "id", "_id", "doc_id")) for hit in hits])
    return page(id_list(source, name))


def _first_id(record: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return the id under the first of the names that is there; raises DataError."""
    return required_id(record, next((name for name in names if record.get(name) is not None), names[0]))


def _object_id(attributes: Mapping[str, Any]) -> str | None:
    """Return ``object.object_id``; some collectors write the id as ``object`` itself, or beside it."""
    if _is_id(attributes.get("object")):
        return optional_id(attributes, "object")
    return optional_id(_object(attributes, "object"), "object_id") or optional_id(attributes, "object_id")


def _is_id(value: object) -> bool:
    return type(value) is int or (type(value) is str and not value.lstrip().startswith("{"))


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an inner object, also one that a table's export left as a text of JSON."""
    value = holder.get(name)
    if type(value) is str and value.lstrip().startswith("{"):
        try:
            return member({name: msgspec.json.decode(value)}, name)
        except msgspec.DecodeError:
            raise DataError(f"{name} is a text that is no JSON object") from None
    return member(holder, name)


def _ordinal(attributes: Mapping[str, Any]) -> int | None:
    """Return ``position.ordinal`` as it was logged, from 0 or from 1: a number, text of one, or {"index": number}.

    It is also seen as ``position`` itself, and inside the object.
    """
    for holder in (attributes, {} if _is_id(attributes.get("object")) else _object(attributes, "object")):
        place = holder.get("position")
        ordinal = place.get("ordinal") if type(place) is dict else place
        found = ordinal.get("index") if type(ordinal) is dict else ordinal
        if found is not None:
            return position({"ordinal": found}, "ordinal")
    return None
