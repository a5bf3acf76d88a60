"""How much predictions are worth is read off what people did, not set."""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import IntArray
from ltrr_cli.retrieval.memory.prior import BUCKETS, KnownQueryActions, PriorStrength, bucket_of


def queries(foretells: bool, famous: bool = False) -> list[KnownQueryActions]:
    """Return queries of 50 entities, each acted on a few times, where the prediction names the wanted ones or not.

    famous -- whether what is acted on at all tells what is wanted
    """
    made = []
    for number in range(60):
        chance = generator("prior", number)
        wanted = np.zeros(50)
        wanted[chance.permutation(50)[:5]] = 0.2
        own = chance.multinomial(12, 0.6 * wanted + 0.4 / 50).astype(np.float32)
        prior = wanted if foretells else chance.permutation(wanted)
        fame = 1.0 + own + 200.0 * (wanted if famous else chance.permutation(wanted))
        made.append(KnownQueryActions(own, own, prior.astype(np.float32), fame.astype(np.float32)))
    return made


def learnt(known: list[KnownQueryActions]) -> PriorStrength:
    worth = PriorStrength()
    totals = np.array([float(one.own.sum()) for one in known])
    worth.learn(totals.sum(), totals, lambda count, numbers, _: [known[number] for number in numbers[:count]])
    return worth


def test_a_prediction_that_foretells_is_worth_many_actions():
    worth = learnt(queries(foretells=True))
    assert worth.strength(1e9, 11.0) > 1.0
    assert worth.strength(0.5, 11.0) == 1.0  # which an average entity has had actions enough to outgrow


def test_a_prediction_that_is_wrong_is_worth_one():
    assert learnt(queries(foretells=False)).strengths == [1.0] * BUCKETS


def test_fame_counts_where_it_tells_what_is_wanted_next():
    assert learnt(queries(foretells=False, famous=True)).power(11.0) > 0.0
    assert learnt(queries(foretells=False, famous=False)).powers == [0.0] * BUCKETS


def test_a_handful_of_queries_proves_nothing():
    worth = learnt(queries(foretells=True, famous=True)[:5])
    assert set(worth.strengths) == {1.0}
    assert set(worth.powers) == {0.0}
    assert bucket_of(11.0) == 1


def test_fame_is_learnt_again_when_actions_have_doubled():
    known, worth, asked = queries(foretells=False), PriorStrength(), list[bool]()
    totals = np.array([float(one.own.sum()) for one in known])

    def look_up(count: int, numbers: IntArray, foretold: bool) -> list[KnownQueryActions]:
        asked.append(foretold)
        return [known[number] for number in numbers[:count]]

    for actions, again in ((100.0, True), (199.0, False), (200.0, True), (399.0, False)):
        asked.clear()
        worth.learn(actions, totals, look_up)
        assert (False in asked) == again
