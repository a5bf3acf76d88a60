"""The base of all reports: frozen records that are also the command line's JSON (``as_json``)."""

from __future__ import annotations

from typing import Any

import msgspec


class Report:
    """A record whose fields are the keys of its JSON document."""

    __slots__ = ()

    def as_json(self) -> dict[str, Any]:
        """Return plain dictionaries, lists and numbers; a plan says what ran only where not all did."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        plan = document.get("plan")
        if isinstance(plan, dict) and plan.get("ran") is None:
            plan.pop("ran", None)
        return document
