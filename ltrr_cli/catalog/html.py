"""HTML in the texts of a catalog: found by field over the catalog as a whole, and taken out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ltrr_cli.catalog.remarks import Remarks
from ltrr_cli.core.types import AttributeValue, Entity
from ltrr_cli.text.markup import decoded, has_entities, has_markup, without_markup

ABOUND = 0.02  # share of a field's texts above which its tags are markup, and not what the texts are about
FEW = 50  # texts of a field below which one is enough


def marked_fields(entities: Iterable[Entity]) -> frozenset[str]:
    """Return the fields whose texts are written in HTML."""
    texts: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    for entity in entities:
        for name, text in _texts(entity):
            texts[name] += 1
            if "<" in text or "&lt;" in text:
                marked[name] += has_markup(text) or has_markup(decoded(text))
    return frozenset(
        name for name, count in marked.items() if count and (texts[name] < FEW or count >= ABOUND * texts[name])
    )


def plain(entity: Entity, fields: frozenset[str], remarks: Remarks, *, always: bool = False) -> Entity:
    """Return an entity without HTML in the fields where it is, and with entities decoded everywhere.

    always -- in all fields
    """

    def clean(name: str, text: str) -> str:
        if "<" not in text and "&" not in text:
            return text
        if always or name in fields:
            found = without_markup(text, sure=True)
        else:
            found = decoded(text) if has_entities(text) else text
        if found != text:
            remarks.tell("html", name)
        return found

    changed: dict[str, AttributeValue] = {}
    for name, value in entity.attributes.items():
        cleaned: AttributeValue = value
        if isinstance(value, str):
            cleaned = clean(name, value)
        elif isinstance(value, tuple):
            cleaned = tuple(clean(name, part) for part in value)
        if cleaned != value:
            changed[name] = cleaned
    title, text = clean("title", entity.title), clean("text", entity.text)
    if not changed and title == entity.title and text == entity.text:
        return entity
    return replace(entity, title=title, text=text, attributes={**entity.attributes, **changed})


def _texts(entity: Entity) -> Iterator[tuple[str, str]]:
    if entity.title:
        yield "title", entity.title
    if entity.text:
        yield "text", entity.text
    for name, value in entity.attributes.items():
        for part in (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ():
            yield name, part
