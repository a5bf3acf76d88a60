from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import Candidates, FloatArray
from ltrr_cli.engine.score import anonymous, by_ranker, lift_of, untrained
from ltrr_cli.ranking.model import Schema

NAMES = Schema(("personal.rank", "memory.belief", "personal.lift", "memory.prior_share"))
WEIGHTS = np.ones(1, np.float32)


def table(*lifts: float) -> FloatArray:
    count = len(lifts)
    belief = np.linspace(0.6, 0.2, count)
    return np.column_stack([np.arange(1, count + 1), belief, lifts, np.zeros(count)]).astype(np.float32)


def candidates(count: int) -> Candidates:
    blank = np.ones((count, 1), np.float32)
    return Candidates(("memory",), np.arange(count, dtype=np.int32), blank, blank, np.ones(count))


def test_who_asks_multiplies_the_odds_of_the_page():
    flat, lifted = (untrained(NAMES, table(*lifts), candidates(2), WEIGHTS) for lifts in ((0, 0), (0, np.log(6))))
    np.testing.assert_allclose(flat, [0.75, 0.25], rtol=1e-5)
    np.testing.assert_allclose(lifted, [1 / 3, 2 / 3], rtol=1e-5)


def test_somebody_unknown_gets_the_page_as_it_is():
    unknown = untrained(NAMES, table(np.nan, np.nan), candidates(2), WEIGHTS)
    np.testing.assert_array_equal(unknown, untrained(NAMES, table(0, 0), candidates(2), WEIGHTS))
    assert lift_of(Schema(("memory.belief",)), np.ones((2, 1), np.float32)).tolist() == [0.0, 0.0]


def test_a_strategy_that_can_score_all_candidates_leaves_no_gap():
    names = Schema(("lexical.bm25",))
    brought = np.array([[3.0], [np.nan], [1.0]], np.float32)
    found = Candidates(("lexical",), np.arange(3, dtype=np.int32), brought, brought, np.ones(3))
    known = np.array([[3.0], [2.0], [1.0]], np.float32)
    gaps = untrained(names, known, found, WEIGHTS)
    scored = untrained(names, known, found, WEIGHTS, {"lexical": "lexical.bm25"})
    assert gaps[1] < gaps[2] < gaps[0]
    assert scored[2] < scored[1] < scored[0]


@dataclass
class Spy:
    """A ranker that keeps what it is shown."""

    algorithm: str = "spy"
    schema: Schema = NAMES
    seen: FloatArray | None = None

    def score(self, features: FloatArray) -> FloatArray:
        self.seen = features
        return np.zeros(len(features), np.float32)


def test_a_ranker_does_not_see_who_asks_and_is_lifted_all_the_same():
    spy, given = Spy(), table(0.0, 2.0)
    baseline = np.array([0.5, 0.5], np.float32)
    scores = by_ranker(spy, NAMES, given, baseline)  # type: ignore[arg-type]
    assert spy.seen is not None
    assert np.isnan(spy.seen[:, [0, 2]]).all()
    np.testing.assert_array_equal(spy.seen[:, [1, 3]], given[:, [1, 3]])
    assert scores[1] - scores[0] == 2.0
    assert not np.isnan(given).any()
    assert np.isnan(anonymous(NAMES, given)[:, 0]).all()
