"""What is said about the types of events that a log holds: what they are worth, and how to say otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ltrr_cli.cli.render import counted

if TYPE_CHECKING:
    from ltrr_cli.feedback.type_counts import TypeCount

NAMED = 20  # types that are named one by one
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def told_unknown(types: Mapping[str, TypeCount], home: Path) -> list[str]:
    """Return what nobody should miss, line by line: types that count nothing, for nothing says what they are worth."""
    unknown = {name: one for name, one in types.items() if one.event_class == "unknown" and one.reward == 0.0}
    if not unknown:
        return []
    named = list(unknown.items())[:NAMED]
    names = ", ".join(f"{name!r} ({counted(one.count, 'event')})" for name, one in named)
    more = f" and {len(unknown) - NAMED:,} more" if len(unknown) > NAMED else ""
    return [
        f"unknown event types count nothing: {names}{more}. To count them, say in {home / 'ltrr.toml'} what they are "
        "worth, from -1 (against) to 1, and run `ltrr rebuild`:",
        "  [feedback.rewards]",
        *(f"  {key(name)} = 1.0" for name, _ in named),
    ]


def told_known(types: Mapping[str, TypeCount]) -> list[str]:
    """Return one line on every known type that is not worth 1: what it is read as, and what it counts."""
    return [
        f"{name}: {counted(one.count, 'event')}, {_reading(one)}"
        for name, one in list(types.items())[:NAMED]
        if (one.event_class != "unknown" or one.reward != 0.0) and (one.reward != 1.0 or one.event_class == "rating")
    ]


def _reading(one: TypeCount) -> str:
    if one.event_class == "rating":
        scale = "without a value, which count nothing" if one.scale is None else "from {:g} (-1) to {:g} (1)".format(
            *one.scale
        )  # fmt: skip
        return f"read as ratings {scale}"
    worth = "counts nothing" if one.reward == 0.0 else f"each counts {one.reward:g}"
    return f"read as {one.event_class}: {worth}" if one.event_class != "unknown" else worth


def key(name: str) -> str:
    r"""Write a name as a key of TOML.

    >>> key("swipe_up"), key('Product "Liked"')
    ('swipe_up', '"Product \\"Liked\\""')
    """
    if _BARE.fullmatch(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
