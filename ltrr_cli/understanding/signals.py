"""A reading in numbers: what bandit and ranker may know of a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log1p

import numpy as np

from ltrr_cli.core.spans import NAMING
from ltrr_cli.core.types import IntArray, Interpretation, Slot
from ltrr_cli.text.vocabulary import Vocabulary
from ltrr_cli.understanding.interpret import entropy

SIGNALS: tuple[str, ...] = (
    "tokens",
    "characters",
    "known_share",
    "title_share",
    "attribute_share",
    "corrected_share",
    "exact_name",
    "name_likeness",
    "name_bearers",
    "max_idf",
    "mean_idf",
    "title_slots",
    "type_slots",
    "value_slots",
    "intent_spearfishing",
    "intent_topic",
    "intent_mixed",
    "best_interpretation",
    "interpretation_entropy",
    "has_digit",
    "workspace_language",
)
"""In order: folded tokens; characters typed (512 at most); shares (0..1) of tokens that the catalog knows, has in
titles, has in types or attributes, and that were doubted; whether the whole query is a name (0, 1), the likeness (0..1)
of the most similar name, ln(1 + entities that bear it); idf (nats) of the rarest token and on average; slots by kind;
odds of the intents; odds of the best interpretation and entropy (nats) of all; whether there is a digit; whether the
language is the workspace's."""


def signals_of(
    query: str,
    tokens: Sequence[str],
    vocabulary: Vocabulary,
    *,
    places: IntArray,
    corrected: int,
    name: tuple[float, int],
    slots: Sequence[Slot],
    found: Sequence[Interpretation],
    intents: Mapping[str, float],
    usual_language: bool,
) -> dict[str, float]:
    """Return all signals, finite, in the order of ``SIGNALS``.

    places    -- (n,) of the tokens in the vocabulary
    corrected -- tokens for which there is a correction
    name      -- likeness of the most similar name (1: it is the query) and how many bear it
    """
    count = max(len(tokens), 1)
    known = places[places >= 0]
    idf = [vocabulary.idf(frequency) for frequency in vocabulary.frequencies_at(places).tolist()]
    likeness, bearers = name
    values = (
        len(tokens),
        min(len(query), 512),
        len(known) / count,
        int(np.count_nonzero(vocabulary.titles[known])) / count,
        int(np.count_nonzero(vocabulary.values[known])) / count,
        corrected / count,
        likeness >= 1.0,
        likeness,
        log1p(bearers),
        max(idf, default=0.0),
        sum(idf) / count,
        sum(slot.field in NAMING for slot in slots),
        sum(slot.field == "type" for slot in slots),
        sum(slot.field != "type" and slot.field not in NAMING for slot in slots),
        intents["spearfishing"],
        intents["topic"],
        intents["mixed"],
        found[0].odds if found else 0.0,
        entropy(found),
        any(letter.isdigit() for token in tokens for letter in token),
        usual_language,
    )
    return dict(zip(SIGNALS, map(float, values), strict=True))
