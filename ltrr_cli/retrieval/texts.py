"""Which words of an entity a strategy looks at."""

from __future__ import annotations

from collections.abc import Iterator

from ltrr_cli.core.types import Entity


def attribute_texts(entity: Entity) -> Iterator[str]:
    """Yield the texts among an entity's attributes (numbers are for filters)."""
    for value in entity.attributes.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            yield from value


def all_text(entity: Entity) -> str:
    r"""Join all words of an entity: title, type, text, attributes.

    >>> all_text(Entity("1", "Blue", "album", "A quiet record.", {"genre": ("jazz", "modal"), "year": 1959.0}))
    'Blue\nalbum\nA quiet record.\njazz\nmodal'
    """
    return "\n".join(filter(None, (entity.title, entity.type, entity.text, *attribute_texts(entity))))
