from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.core.seeds import generator
from ltrr_cli.retrieval.people.actions import added_up
from ltrr_cli.retrieval.people.factors import fit
from ltrr_cli.retrieval.people.personal_score import aspects, group_codes, groups_of, person
from ltrr_cli.retrieval.people.personal_weights import OTHERS, _Past

PEOPLE, ROWS, ACTIONS = 40, 30, 600


@pytest.fixture
def log() -> dict[str, np.ndarray]:
    """Actions of people of two tastes; some are undone, some rows nobody liked, and the last person did nothing."""
    chance = generator("personal weights")
    actor = chance.integers(0, PEOPLE - 1, ACTIONS).astype(np.int32)
    row = (chance.integers(0, ROWS // 2, ACTIONS) + (actor % 2) * (ROWS // 2 - 5)).astype(np.int32)
    weight = np.where(chance.random(ACTIONS) < 0.1, -1.0, 1.0).astype(np.float32)
    kind = chance.integers(0, 3, ACTIONS).astype(np.int32)
    return {"actor": actor, "row": row, "query": actor.astype(np.int64), "weight": weight, "kind": kind}


def test_of_thousands_at_once_the_same_is_said_as_of_one(log: dict[str, np.ndarray]):
    past, factors = _Past(*log.values()), fit(log["actor"], log["row"], log["weight"])
    types = np.arange(ROWS, dtype=np.int32) % 2
    chance = generator("who and what")
    actors = chance.integers(0, PEOPLE, 200).astype(np.int32)
    rows = chance.integers(0, ROWS, (200, OTHERS + 1)).astype(np.int32)
    told, kinds = past.aspects(factors, actors, rows)
    assert (told != 0).any(axis=(0, 1)).all()
    for number, actor in enumerate(actors.tolist()):
        mine = np.flatnonzero(log["actor"] == actor)
        acted = added_up(log["row"][mine], log["weight"][mine].astype(np.float64), log["kind"][mine])
        who = person(factors, *acted)
        np.testing.assert_allclose(told[number], aspects(factors, who, rows[number]), atol=1e-5)
        expected = groups_of(who, rows[number], types)
        np.testing.assert_array_equal(group_codes(rows[number], kinds[number], types), expected)
