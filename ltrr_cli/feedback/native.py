"""ltrr's own log format: one JSON object a line, ``event`` names its kind.

``impression``  a page and, where known, the odds of every line on it; with an entity_id and without results: of that
                one entity it is said that it was seen, at its position on the page of the impression_id, if any
``search``      one search with what was shown (null: unknown) and what was clicked
``user``        a profile
anything else   an action: ``click``, ``play``, ``like``, ``add``, ``purchase``, ``skip`` ...

Keys that are not named here are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Event, Impression, Shown
from ltrr_cli.feedback.event_types import shows
from ltrr_cli.feedback.records import (
    Parsed,
    UserRecord,
    attributes_of,
    context_of,
    derived_id,
    event,
    id_list,
    kind_of,
    line_of_page,
    moment,
    number,
    odds,
    optional_id,
    page,
    position,
    required_id,
    text,
)

ORIGINS = ("live", "trial", "imported")


class Native:
    """Reads records of the native format."""

    def __init__(self, undated: bool = False) -> None:
        self._undated = undated

    def read(self, record: dict[str, Any]) -> Parsed:
        """Read one record; raises DataError."""
        kind = kind_of(record, "event")
        if kind == "search":
            return self._search(record)
        if kind == "impression" and ("entity_id" not in record or "results" in record):
            return Parsed(impressions=(self._impression(record),))
        if kind == "user":
            attributes = attributes_of(record, "attributes")
            return Parsed(users=(UserRecord(required_id(record, "user_id"), attributes, self._time(record, True)),))
        action = self._action(kind, record)
        if action.impression_id is not None and shows(kind):
            return Parsed(impressions=(line_of_page(action),))
        return Parsed(events=(action,))

    @staticmethod
    def recognises(record: Mapping[str, Any]) -> bool:
        """Say whether a record can only be native."""
        kind = record.get("event")
        if kind == "user":
            return "user_id" in record
        if "actions" in record and "timestamp" not in record:
            return False  # counts of a day
        return isinstance(kind, str) and (kind in ("search", "impression") or "entity_id" in record)

    def _time(self, record: dict[str, Any], undated: bool = False) -> int | None:
        return moment(record, "timestamp", undated or self._undated)

    def _action(self, kind: str, record: dict[str, Any]) -> Event:
        return event(
            kind,
            self._time(record),
            required_id(record, "entity_id"),
            event_id=optional_id(record, "event_id"),
            impression_id=optional_id(record, "impression_id"),
            query=text(record, "query"),
            position=position(record),
            user=optional_id(record, "user_id"),
            session=optional_id(record, "session_id"),
            value=number(record, "value"),
        )

    def _impression(self, record: dict[str, Any]) -> Impression:
        """A page that ltrr, or somebody with odds, has logged; without odds it is history, of use as such only."""
        shown = _shown(record.get("results"))
        origin = record.get("origin")
        if origin is None:
            origin = "live" if shown and all(line.odds is not None for line in shown) else "imported"
        if origin not in ORIGINS:
            raise DataError("origin is none of " + ", ".join(ORIGINS))
        query = text(record, "query")
        if query is None:
            raise DataError("no query")
        return Impression(
            required_id(record, "impression_id"),
            self._time(record),
            query,
            origin,
            optional_id(record, "user_id"),
            optional_id(record, "session_id"),
            context_of(record, "context"),
            shown=shown,
        )

    def _search(self, record: dict[str, Any]) -> Parsed:
        time_ms = self._time(record)
        query = text(record, "query")
        if query is None:
            raise DataError("no query")
        user, session = optional_id(record, "user_id"), optional_id(record, "session_id")
        results = None if record.get("results") is None else id_list(record, "results")
        # results tell searches apart only where no time does: the same search may be exported with and without them
        impression_id = optional_id(record, "impression_id") or derived_id(
            "search", time_ms, query, user, session, results if time_ms is None else None
        )
        impression = Impression(
            impression_id,
            time_ms,
            query,
            "imported",
            user,
            session,
            context_of(record, "context"),
            shown=None if results is None else page(results),
        )
        clicks = self._clicks(record, impression, results or [])
        return Parsed((impression,), clicks)

    def _clicks(self, record: dict[str, Any], search: Impression, results: list[str]) -> tuple[Event, ...]:
        clicked = [] if record.get("clicked") is None else id_list(record, "clicked")
        times = record.get("click_times")
        if times is not None and (type(times) is not list or len(times) != len(clicked)):
            raise DataError("click_times is not a list as long as clicked")
        if not clicked:
            return ()
        positions: dict[str, int] = {}
        for place, entity_id in enumerate(results, 1):
            positions.setdefault(entity_id, place)
        seen: dict[str, int] = {}
        events = []
        for place, entity_id in enumerate(clicked):
            when = None if times is None else times[place]
            time_ms = search.time_ms if when is None else moment({"click_times": when}, "click_times", self._undated)
            nth = seen[entity_id] = seen.get(entity_id, -1) + 1  # the same entity clicked again is another click
            events.append(
                Event(
                    derived_id(search.impression_id, "click", time_ms, entity_id, nth),
                    "click",
                    time_ms,
                    entity_id,
                    search.impression_id,
                    search.query,
                    positions.get(entity_id),
                    search.user,
                    search.session,
                )
            )
        return tuple(events)


def _shown(results: object) -> tuple[Shown, ...] | None:
    """Read a page: objects with an id, or bare ids; positions that are missing count on from the line before."""
    if results is None:
        return None
    if type(results) is not list:
        raise DataError("results is not a list")
    lines: dict[int, Shown] = {}
    found = [result if type(result) is dict else {"id": result} for result in results]
    shift = int(any(position(line) == 0 for line in found))  # a page whose first position is 0 counts from 0
    last = 0
    for line in found:
        place = position(line)
        last = last + 1 if place is None else place + shift
        if last in lines:
            raise DataError(f"position {last} stands twice in results")
        lines[last] = Shown(
            required_id(line, "id"), last, number(line, "score"), odds(line, "odds"), odds(line, "inclusion")
        )
    return tuple(lines[place] for place in sorted(lines))
