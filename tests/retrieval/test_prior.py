"""How much predictions are worth is read off what people did, not set."""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.chance import generator
from ltrr_cli.retrieval.prior import BUCKETS, Known, bucket_of, strengths


def queries(foretells: bool) -> list[Known]:
    """Return queries of 50 entities, each acted on a few times, where the prediction names the wanted ones or not."""
    made = []
    for number in range(30):
        chance = generator("prior", number)
        wanted = np.zeros(50)
        wanted[chance.permutation(50)[:5]] = 0.2
        own = chance.multinomial(12, 0.6 * wanted + 0.4 / 50).astype(np.float32)
        prior = wanted if foretells else chance.permutation(wanted)
        made.append(Known(own, own, prior.astype(np.float32)))
    return made


def learnt(known: list[Known]) -> list[float]:
    return strengths(np.array([float(one.own.sum()) for one in known]), known.__getitem__)


def test_a_prediction_that_foretells_is_worth_many_actions():
    found = learnt(queries(foretells=True))
    assert found[bucket_of(11)] > 1.0


def test_a_prediction_that_is_wrong_is_worth_one():
    assert learnt(queries(foretells=False)) == [1.0] * BUCKETS


def test_a_handful_of_queries_proves_nothing():
    assert set(learnt(queries(foretells=True)[:5])) == {1.0}
