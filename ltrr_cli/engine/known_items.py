"""What a catalog can say before anybody searched: ask for known entities, see which strategy finds them.

Every sampled entity is asked for in several ways (its title, part of it, a typo in it, words of its text, one of its
attribute values - the latter mostly of the better known); how well each strategy answers gives the weights of fusion (a
useless arm weighs nothing) and the bandit's first lessons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ltrr_cli.allocation.base import Lesson, Situation
from ltrr_cli.allocation.history import PAST
from ltrr_cli.allocation.registry import LEARNERS, new_policy
from ltrr_cli.core.chance import generator
from ltrr_cli.core.types import Context, DoubleArray, Entity, FloatArray, Hits, IntArray
from ltrr_cli.engine.loop import Loop
from ltrr_cli.engine.search import situation_of
from ltrr_cli.engine.waves import retrieve
from ltrr_cli.ranking.fusion import gains
from ltrr_cli.retrieval.texts import all_text, attribute_texts
from ltrr_cli.retrieval.union import rank_of, union
from ltrr_cli.text.normalise import tokens

ENTITIES, KNOWN = 300, 100  # sampled evenly, up to five queries each; and by popularity, for attribute values
DEPTH = 100
LONGEST_VALUE = 40  # characters
LEVELS = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)  # fusion weights tried for every strategy
LEAST = 0.02  # share that ascent leaves to a strategy that finds things alone but adds nothing to the others
WARM_WEIGHT = 0.3  # of a lesson that no person taught


@dataclass(frozen=True, slots=True)
class KnownItems:
    """What the sampled queries showed.

    fusion     -- weight per strategy
    situations -- as the bandit sees each query
    ranks      -- (n, strategies) int32, rank of the wanted entity, 0 where it was not found
    """

    fusion: dict[str, float]
    situations: list[Situation]
    ranks: IntArray


def measure(loop: Loop) -> KnownItems:
    """Ask for sampled entities and note who found them where."""
    chance = generator("known items", len(loop.catalog))
    queries = list(known_queries(loop, chance))
    names = loop.enabled()
    situations: list[Situation] = []
    ranks: list[list[int]] = []
    lists: list[list[Hits]] = []
    wanted: list[int] = []
    for row, query in queries:
        request = loop.request(query, Context(loop.clock_ms), seed=row)
        hits = retrieve(loop, request, names, DEPTH)
        situations.append(situation_of(loop, request, names, DEPTH, explore=False))
        ranks.append([rank_of(found, row) for found in hits])
        lists.append(hits)
        wanted.append(row)
    table = np.array(ranks, np.int32).reshape(-1, len(names))
    weights = tune(lists, wanted, len(names))
    return KnownItems(dict(zip(names, weights.tolist(), strict=True)), situations, table)


def known_queries(loop: Loop, chance: np.random.Generator) -> Iterator[tuple[int, str]]:
    """Yield (wanted row, query)."""
    catalog, size = loop.catalog, len(loop.catalog)
    for row in np.sort(chance.permutation(size)[:ENTITIES]).tolist():
        entity = catalog.entity(row)
        yield from ((row, query) for query in (*queries_for(entity, chance), *value_of(entity, chance)))
    fame = np.log1p(np.nan_to_num(np.asarray(catalog.popularity, np.float64)))
    if fame.sum() > 0:
        most = min(KNOWN, int(np.count_nonzero(fame)))
        for row in np.sort(chance.choice(size, most, replace=False, p=fame / fame.sum())).tolist():
            yield from ((row, query) for query in value_of(catalog.entity(row), chance))


def warm_start(loop: Loop, known: KnownItems, folder: Path) -> None:
    """Write policies that have learnt from the known items, lightly; every kind, whichever will serve."""
    strategies = known.situations[0].strategies if known.situations else ()
    depths = np.full(len(strategies), DEPTH, np.int32)
    lessons = [
        Lesson(situation, ranks, depths, WARM_WEIGHT, real=False)
        for situation, ranks in zip(known.situations, known.ranks, strict=True)
        if ranks.any()
    ]
    for name in LEARNERS:
        policy = new_policy(loop.settings.allocation, name, (*loop.features(), *PAST))
        policy.learn(lessons)
        policy.save(folder)
    loop.history.learn(lessons, loop.features())
    loop.history.save(folder)


def tune(lists: Sequence[Sequence[Hits]], wanted: Sequence[int], strategies: int) -> FloatArray:
    """Choose (strategies,) fusion weights: coordinate ascent on the mean reciprocal rank of the wanted rows.

    It starts from every strategy's own mean reciprocal rank, and the geometric mean of both is returned: known items
    are asked for in their own words, which favours full text more than people do. An arm that helps nobody weighs 0.
    """
    gained: list[FloatArray] = []
    owners: list[np.ndarray] = []
    places: list[int] = []
    size = 0
    for hits, row in zip(lists, wanted, strict=True):
        rows, _, scores = union(hits)
        place = int(np.searchsorted(rows, row))
        if place < len(rows) and rows[place] == row:
            gained.append(gains(scores))
            owners.append(np.full(len(rows), len(places)))
            places.append(size + place)
            size += len(rows)
    if not gained:
        return np.ones(strategies, np.float32)
    gain, owner, target = np.concatenate(gained), np.concatenate(owners), np.array(places)

    def reciprocal(weights: DoubleArray) -> float:
        fused = gain @ weights.astype(np.float32)
        ahead = fused > fused[target][owner]
        level = fused == fused[target][owner]
        behind = np.bincount(owner, ahead + 0.5 * level, len(target)) + 0.5  # ties share the middle rank
        return float((1.0 / behind).mean())

    weights = np.array([reciprocal(np.eye(strategies)[arm]) for arm in range(strategies)])
    own = weights = np.where(gain[target].any(axis=0), weights, 0.0)
    best = reciprocal(weights)
    for _ in range(3):
        for arm in range(strategies):
            for level in LEVELS:
                tried = weights.copy()
                tried[arm] = level
                if (value := reciprocal(tried)) > best + 1e-4:
                    best, weights = value, tried
    both = np.sqrt(own * (weights / max(weights.max(), 1e-9) + LEAST))
    tuned: FloatArray = (both / max(both.max(), 1e-9)).astype(np.float32)
    return tuned


def queries_for(entity: Entity, chance: np.random.Generator) -> list[str]:
    """Return ways of asking for an entity, deterministic for a generator's state."""
    title = tokens(entity.title)
    found = []
    if title:
        found.append(" ".join(title))
        if len(title) > 1:
            kept = max(1, round(len(title) * 0.6))
            start = int(chance.integers(0, len(title) - kept + 1))
            found.append(" ".join(title[start : start + kept]))
        found.append(misspelt(" ".join(title), chance))
    words = [word for word in tokens(all_text(entity)) if len(word) > 2]
    if len(words) > 3:
        picked = sorted(chance.permutation(len(words))[: int(chance.integers(2, 5))].tolist())
        found.append(" ".join(words[place] for place in picked))
    return found


def value_of(entity: Entity, chance: np.random.Generator) -> list[str]:
    """Return one of an entity's attribute values that somebody may type, or nothing."""
    values = [text for text in attribute_texts(entity) if len(text) <= LONGEST_VALUE]
    return [values[int(chance.integers(0, len(values)))]] if values else []


def misspelt(text: str, chance: np.random.Generator) -> str:
    """Make one typo: drop, double, swap or replace a character, or drop a space."""
    if len(text) < 4:
        return text
    place = int(chance.integers(1, len(text) - 1))
    kind = int(chance.integers(0, 5))
    letter = "etaoinsrhl"[int(chance.integers(0, 10))]
    if kind == 4 and " " in text:
        return text.replace(" ", "", 1)
    edited = {
        0: text[:place] + text[place + 1 :],
        1: text[:place] + text[place] + text[place:],
        2: text[: place - 1] + text[place] + text[place - 1] + text[place + 1 :],
    }
    return edited.get(kind, text[:place] + letter + text[place + 1 :])
