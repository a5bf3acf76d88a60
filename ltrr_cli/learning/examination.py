"""What a click on a live page is worth to training: the less its place was looked at, the more it says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ltrr_cli.core.types import FloatArray
from ltrr_cli.engine.frozen_search import FrozenSearch
from ltrr_cli.ranking.position_bias import examination, inverse_weights, propensities

DEEPEST = 50  # positions that are told apart; lower ones count as the last


def click_weights(searches: Sequence[tuple[FrozenSearch, FloatArray]]) -> FloatArray:
    """Return (lines,) float32 >= 1, inverse propensities of what was clicked, 1 elsewhere.

    searches -- frozen searches and the gains of their candidates, in the order of the lines

    The curve of examination comes from the pages' own experiments: where an entity could have stood at several
    positions with logged odds, its clicks there tell them apart. Pages without odds (imported logs) keep weight 1.
    """
    weights = [np.ones(len(gains), np.float32) for _, gains in searches]
    found = [
        (number, place, line.position, line.places)
        for number, (item, gains) in enumerate(searches)
        for line in item.shown
        if line.places and (place := item.place_of(line.entity_id)) >= 0
    ]
    if not found:
        return np.concatenate(weights) if weights else np.empty(0, np.float32)
    odds = np.zeros((len(found), DEEPEST))
    for row, (_, _, _, places) in enumerate(found):
        for position, chance in places.items():
            odds[row, min(position, DEEPEST) - 1] += chance
    positions = np.array([min(position, DEEPEST) for _, _, position, _ in found], np.int32)
    clicks = np.array([searches[number][1][place] > 0 for number, place, _, _ in found], np.float32)
    curve = examination(positions, clicks, odds).curve
    sessions = len({number for number, *_ in found})
    worth = inverse_weights(propensities(odds, curve), sessions)
    for (number, place, _, _), clicked, weight in zip(found, clicks.tolist(), worth.tolist(), strict=True):
        if clicked:
            weights[number][place] = weight
    return np.concatenate(weights)
