"""Where a mapping finds what it names: a text that every record gets, or a path into a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def inside(record: Mapping[str, Any], path: str) -> object:
    """Return what stands under a path such as ``title.rendered``, or None.

    >>> inside({"title": {"rendered": "Toy"}}, "title.rendered")
    'Toy'
    """
    value: object = record
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def constant(theirs: str) -> str:
    """Return the text that a mapping such as ``type="album"`` gives every record; "" where it names a key.

    >>> constant('"album"'), constant("kind")
    ('album', '')
    """
    return theirs[1:-1] if len(theirs) > 2 and theirs[0] == theirs[-1] == '"' else ""
