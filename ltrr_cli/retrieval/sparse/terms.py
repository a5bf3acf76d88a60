"""The terms of an entity and of a query, for translation: stems of words, and values of several words glued."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ltrr_cli.core.types import Entity
from ltrr_cli.retrieval.entity_texts import attribute_texts
from ltrr_cli.text.analyse import Analyzer
from ltrr_cli.text.normalise import tokens

LONGEST = 64  # characters of a value that is one term; more is prose
MOST_WORDS = 6  # of such a value
MOST_TEXT = 256  # words of running text that are looked at
MOST_TERMS = 64  # of one entity, the heaviest
LONGEST_SPAN = 3  # words of a query that may be one value
VALUE, TITLE, PART = 1.0, 1.0, 0.5  # weight of a value, of a title's word, of a word inside a longer value
TEXT = 0.5  # weight of a word of running text that stands there very often
SATURATION = 1.0  # occurrences at which it has half of that


def terms_of(entity: Entity, analyzer: Analyzer, inferred: Iterable[tuple[str, str, float]] = ()) -> dict[str, float]:
    """Return the terms of an entity with their weights, 0..1; of several ways to bear one the heaviest counts.

    inferred -- (field, value, score 0..1) of what it is believed to have

    >>> sorted(terms_of(Entity("1", "Blue Trains", attributes={"genre": ("hard bop",)}), Analyzer("en")).items())
    [('blue', 1.0), ('bop', 0.5), ('hard', 0.5), ('hardbop', 1.0), ('train', 1.0)]
    """
    found: dict[str, float] = {}
    text = Counter(analyzer.terms(" ".join(tokens(entity.text, MOST_TEXT))))
    for word, count in text.items():
        found[word] = TEXT * count / (count + SATURATION)
    for word in analyzer.terms(entity.title):
        found[word] = TITLE
    values = [entity.type, *attribute_texts(entity)] if entity.type else list(attribute_texts(entity))
    for value in values:
        words = analyzer.terms(value[: 4 * LONGEST])[: MOST_WORDS + 1]
        whole = len(words) <= MOST_WORDS and len(value) <= LONGEST
        if len(words) > 1:
            for word in words:
                found[word] = max(found.get(word, 0.0), PART)
        if words and whole:
            found["".join(words)] = VALUE
    for _, value, score in inferred:
        if glued := "".join(analyzer.terms(value)):
            found[glued] = max(found.get(glued, 0.0), score * VALUE)
    heaviest = sorted(found.items(), key=lambda pair: -pair[1])[:MOST_TERMS]
    return dict(heaviest)


def units_of(words: Sequence[str], analyzer: Analyzer) -> list[str]:
    """Return what may have a meaning in a query: its stems, its spans glued, the whole glued; distinct, longest first.

    >>> units_of(["cool", "jazz", "trios"], Analyzer("en"))
    ['cooljazztrio', 'cooljazz', 'jazztrio', 'cool', 'jazz', 'trio']
    """
    stems = analyzer.query_terms(" ".join(words))
    spans = ["".join(stems)] if stems else []
    for length in range(min(LONGEST_SPAN, len(stems)), 0, -1):
        spans += ["".join(stems[start : start + length]) for start in range(len(stems) - length + 1)]
    return list(dict.fromkeys(spans))
