"""What a catalog says of entities that arrive.

All of it, or so little that nothing but clicks says what they are good for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from ltrr_cli.core.types import Entity, IntArray

DESCRIBED = ("whole", "title", "nothing", "wrong")  # the last: text and attributes are another newcomer's


def described(entities: Iterable[Entity], rows: IntArray, how: str, came_ms: int) -> Iterator[Entity]:
    """Yield a catalog's entities, some of them as they arrive: without popularity, with what is said of them.

    rows -- of the newcomers, in random order: who is described wrongly has what is true of the next
    how  -- one of ``DESCRIBED``; of whom nothing is said the id alone is known

    >>> drum, lute = Entity("1", "Drum", text="loud"), Entity("2", "Lute", text="soft")
    >>> [one.text for one in described([drum, lute], np.array([1, 0]), "wrong", 7)]
    ['soft', 'loud']
    """
    known = list(entities)
    following = dict(zip(rows.tolist(), np.roll(rows, -1).tolist(), strict=True))
    for row, entity in enumerate(known):
        if row not in following:
            yield entity
            continue
        new = replace(entity, popularity=None, created_ms=came_ms)
        if how == "wrong":
            other = known[following[row]]
            new = replace(new, text=other.text, attributes=other.attributes)
        elif how != "whole":
            new = replace(new, text="", attributes={})
        yield replace(new, title=new.id) if how == "nothing" else new
