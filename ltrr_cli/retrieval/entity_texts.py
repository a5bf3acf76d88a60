"""What of an entity a strategy looks at: its words, and how popular it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ltrr_cli.core.types import Catalog, Entity, FloatArray
from ltrr_cli.text.normalise import query_key

MOST_FACTS = 12  # of an entity that count for a user's habits


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


def prose(entity: Entity) -> str:
    r"""Join what reads as language: title and text, or the attributes where there is no text.

    Lists of attribute values blur an embedding; without a text they are all there is.

    >>> prose(Entity("1", "Blue", "album", "A quiet record.", {"genre": ("jazz", "modal"), "year": 1959.0}))
    'Blue\nA quiet record.'
    """
    return f"{entity.title}\n{entity.text}" if entity.text.strip() else all_text(entity)


def facts_of(entity: Entity) -> list[tuple[str, str]]:
    """Return (field, value) of an entity's type and of its first attribute values, folded as in readings.

    >>> facts_of(Entity("1", "Blue", "album", "", {"genre": ("Jazz", "modal")}))
    [('type', 'album'), ('genre', 'jazz'), ('genre', 'modal')]
    """
    named = [("type", entity.type)]
    for name, values in entity.attributes.items():
        named += [(name, str(value)) for value in (values if isinstance(values, tuple | list) else (values,))]
    return [(name, query_key(value)) for name, value in named[:MOST_FACTS] if value]


def popularity_share(catalog: Catalog) -> FloatArray:
    """Return (entities,) float32 in 0..1: the share of entities that are less popular; 0 where unknown."""
    popularity = np.asarray(catalog.popularity, np.float64)
    known = np.sort(popularity[np.isfinite(popularity)])
    shares = np.searchsorted(known, np.nan_to_num(popularity, nan=-np.inf), "left") / max(len(known), 1)
    return shares.astype(np.float32)
