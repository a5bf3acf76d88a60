"""Training refuses a ranker that foretells what its clicks cannot have taught."""

from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.learning.train import Labelled, train_model
from ltrr_cli.ranking.model import Examples, Schema

SEARCHES, SIZE = 300, 10
SCHEMA = Schema(("told", "noise"))


def searches(*, foretold: bool) -> Labelled:
    """Of every other search the wanted entity is new; a feature tells what is wanted, also of these where ``foretold``.

    The untrained score knows new entities, unless they are foretold, and nothing else.
    """
    chance = np.random.default_rng(5)
    new = np.arange(SEARCHES) % 2 == 1
    labels = np.zeros((SEARCHES, SIZE), np.float32)
    labels[:, 0] = 1.0
    told = chance.normal(0, 0.3, (SEARCHES, SIZE)).astype(np.float32)
    told[:, 0] += 1.0
    baseline = chance.uniform(0.05, 0.1, (SEARCHES, SIZE)).astype(np.float32)
    if not foretold:
        baseline[new, 0] = 0.9
    items = np.tile(np.arange(SIZE, dtype=np.int32), (SEARCHES, 1))
    items[:, 0] = np.where(new, 1000 + np.arange(SEARCHES), 0)
    features = np.stack([told, chance.normal(size=told.shape)], axis=2).reshape(-1, 2).astype(np.float32)
    groups = np.repeat(np.arange(SEARCHES, dtype=np.int32), SIZE)
    weights = np.ones(SEARCHES * SIZE, np.float32)
    examples = Examples(features, labels.ravel(), groups, weights, baseline.ravel(), items.ravel())
    return Labelled(examples, SCHEMA, tuple(f"q{number}" for number in range(SEARCHES)), newest_ms=1)


@pytest.mark.parametrize("foretold", [True, False])
def test_what_nobody_had_chosen_may_not_be_found_too_surely(foretold: bool):
    trained = train_model(searches(foretold=foretold), "linear")
    assert trained.measures["trained"]["nDCG@10"] > trained.measures["serving"]["nDCG@10"]
    assert trained.better is not foretold
    assert ("ranking.guard" in trained.reason) is foretold


def test_judgments_vouch_for_it():
    some = searches(foretold=True)
    assert train_model(some, "linear", guard=some.examples).better
