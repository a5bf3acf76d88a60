"""How do the slots of a query fit together, and what is wanted: one entity, or any of many?"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from operator import itemgetter

from ltrr_cli.core.spans import NAMING
from ltrr_cli.core.types import Interpretation, Slot

MOST_INTERPRETATIONS = 8
_BEAM = 4 * MOST_INTERPRETATIONS
_UNEXPLAINED = 0.5  # what a token costs that an interpretation leaves a mere word
_SURELY_MEANT = 0.9  # odds that a token has a meaning, at most: it may always be just a word

_RARE_WORD = 0.5  # share of the unexplained that counts as a search for one entity where a word is as rare as can be
_LONGEST_NAME = 4  # words of what is typed as a name; a longer text is one less and less, but for titles in it
_COMMON_WORDS = 0.3  # share of it that counts as a topic where all words are common


def interpretations(slots: Sequence[Slot], length: int) -> tuple[Interpretation, ...]:
    """Combine slots that do not overlap by beam search over ``length`` tokens, likeliest first.

    The weight of a combination is the product of its slots' odds, and of each uncovered token's odds of meaning
    nothing, halved. Odds sum to less than 1: the rest belongs to the query as mere words, and to what the beam lost.

    >>> jazz, kind = Slot("genre", "Jazz", 0.8, 0, 1), Slot("type", "album", 0.9, 1, 2)
    >>> [len(found.slots) for found in interpretations([jazz, kind], 2)]
    [2, 1, 1]
    """
    starting: list[list[Slot]] = [[] for _ in range(length)]
    meant = [0.0] * length
    for slot in slots:
        starting[slot.start].append(slot)
        if slot.end - slot.start == 1:
            meant[slot.start] += slot.odds
    ends: list[list[tuple[float, tuple[Slot, ...]]]] = [[] for _ in range(length + 1)]
    ends[0].append((1.0, ()))
    for place in range(length):
        ends[place] = _ordered(ends[place])[:_BEAM]
        skip = _UNEXPLAINED * (1.0 - min(meant[place], _SURELY_MEANT))
        ends[place + 1] += [(weight * skip, chosen) for weight, chosen in ends[place]]
        for slot in starting[place]:
            ends[slot.end] += [(weight * slot.odds, (*chosen, slot)) for weight, chosen in ends[place]]
    found = _ordered(ends[length])[: MOST_INTERPRETATIONS + 1]
    total = sum(weight for weight, _ in found)
    if total <= 0:
        return ()
    return tuple(Interpretation(chosen, weight / total) for weight, chosen in found if chosen)[:MOST_INTERPRETATIONS]


def _ordered(found: list[tuple[float, tuple[Slot, ...]]]) -> list[tuple[float, tuple[Slot, ...]]]:
    """Sort by weight, the heaviest first; ties by the slots, which are compared only where there are any."""
    if len({weight for weight, _ in found}) == len(found):
        return sorted(found, key=itemgetter(0), reverse=True)
    return sorted(found, key=_order)


def _order(found: tuple[float, tuple[Slot, ...]]) -> tuple[float, list[tuple[int, int, str, str]]]:
    return -found[0], [(slot.start, slot.end, slot.field, slot.value) for slot in found[1]]


def intent(found: Sequence[Interpretation], length: int, rarity: float) -> dict[str, float]:
    """Return the odds of "spearfishing" (one entity is wanted), "topic" (many will do) and "mixed"; they sum to 1.

    rarity -- 0..1, idf of the rarest known word over the idf of a word that one entity has
    An interpretation speaks for one entity by the share of tokens in titles, for a topic by the share in values; what
    is left is shared out by the rarity of the words; a long question has some rare word anyway, so there it is a topic.
    """
    name = topic = 0.0
    for one in found:
        for slot in one.slots:
            share = one.odds * (slot.end - slot.start) / length
            if slot.field in NAMING:
                name += share
            else:
                topic += share
    rest = max(1.0 - name - topic, 0.0) if length else 0.0
    brief = min(1.0, (_LONGEST_NAME / length) ** 2) if length else 1.0
    name += rest * brief * _RARE_WORD * rarity
    topic += rest * (1.0 - brief + brief * _COMMON_WORDS * (1.0 - rarity))
    return {"spearfishing": name, "topic": topic, "mixed": max(1.0 - name - topic, 0.0)}


def entropy(found: Sequence[Interpretation]) -> float:
    """Return the entropy in nats of the interpretations' odds, what is missing to 1 being one more.

    >>> round(entropy([Interpretation((), 0.5)]), 3)
    0.693
    """
    odds = [one.odds for one in found]
    odds.append(1.0 - sum(odds))
    return -sum(chance * log(chance) for chance in odds if chance > 1e-12) if found else 0.0
