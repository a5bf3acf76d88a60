"""Examples with a known truth, for tests of the ranker."""

from __future__ import annotations

import numpy as np

from ltrr_cli.ranking.model import Examples, Schema

SCHEMA = Schema(("lexical.score", "memory.score", "entity.popularity", "noise.a", "noise.b", "nothing"))


def made(searches: int = 120, lines: int = 12, *, grades: int = 1, seed: int = 0) -> Examples:
    """Return searches whose rewarded lines have high lexical and memory scores; a fifth of all cells is missing."""
    chance = np.random.default_rng(seed)
    count = searches * lines
    features = chance.normal(size=(count, len(SCHEMA.names))).astype(np.float32)
    utility = features[:, 0] + np.maximum(features[:, 1], 0.0) + chance.normal(size=count) * 0.3
    groups = np.repeat(np.arange(searches, dtype=np.int32), lines)
    place = np.empty(count, np.int64)
    place[np.lexsort((-utility, groups))] = np.arange(count) % lines
    labels = np.maximum(grades - place, 0).astype(np.float32)
    features[chance.random(features.shape) < 0.2] = np.nan
    features[:, 5] = np.nan
    baseline = np.nan_to_num(features[:, 0])
    return Examples(features, labels, groups, np.ones(count, np.float32), baseline)
