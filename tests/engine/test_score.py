from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from ltrr_cli.core.types import Candidates, FloatArray
from ltrr_cli.engine.score import anonymous, by_ranker, lift_of, lifted, untrained
from ltrr_cli.ranking.fusion import CandidateScore
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


def page(given: FloatArray, names: Schema = NAMES) -> FloatArray:
    anonymous = untrained(names, given, candidates(len(given)), WEIGHTS)
    return lifted(anonymous, lift_of(names, given, anonymous))


def test_who_asks_multiplies_the_odds_of_the_page():
    np.testing.assert_allclose(page(table(0, 0)), [0.75, 0.25], rtol=1e-5)
    np.testing.assert_allclose(page(table(0, np.log(6))), [1 / 3, 2 / 3], rtol=1e-5)


def test_somebody_unknown_gets_the_page_as_it_is():
    np.testing.assert_array_equal(page(table(np.nan, np.nan)), page(table(0, 0)))
    lone = Schema(("memory.belief",))
    assert lift_of(lone, np.ones((2, 1), np.float32), np.full(2, 0.5, np.float32)).tolist() == [0.0, 0.0]


ASKED = Schema(
    (
        "personal.lift", "memory.belief", "memory.prior_share", "lexical.title_coverage", "lexical.title_density",
        "query.tokens", "query.intent_spearfishing", "query.intent_mixed",
    )
)  # fmt: skip


def question(lifts: list[float], named: float, covered: list[float], tokens: int = 2) -> FloatArray:
    """Five candidates of a query that is a name by these odds; the first is believed in most, then the second ..."""
    count = len(lifts)
    table = np.zeros((count, len(ASKED.names)), np.float32)
    table[:, 0], table[:, 1] = lifts, np.linspace(0.5, 0.1, count)
    table[:, 3], table[:, 4] = covered, covered
    table[:, 5:] = tokens, named, 0.0
    return table


@pytest.mark.parametrize("used", [-5.0, -2.0, 0.0, 3.0])
@pytest.mark.parametrize("liked", [1.0, 5.0])
@pytest.mark.parametrize("named", [0.55, 0.75, 0.95, 1.0])
def test_no_past_hides_what_is_asked_for_by_its_name(used: float, liked: float, named: float):
    found = page(question([used, liked, liked, 0.0, -1.0], named, [1.0, 0.5, 0.0, 0.5, 0.0]), ASKED)
    assert int(np.argmax(found)) == 0
    assert found.sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("named", [0.0, 0.1, 0.25, 0.35])
def test_a_topic_is_answered_by_what_somebody_likes(named: float):
    found = page(question([-2.0, 3.0, 0.0, 0.0, 0.0], named, [1.0, 0.0, 0.0, 0.0, 0.0]), ASKED)
    assert int(np.argmax(found)) == 1


def test_a_page_without_words_is_for_who_asks():
    found = page(question([-3.0, 0.0, 0.0, 0.0, 4.0], 0.5, [1.0, 1.0, 1.0, 1.0, 1.0], tokens=0), ASKED)
    assert int(np.argmax(found)) == 4


def test_of_several_that_are_called_so_the_page_chooses():
    found = page(question([0.0, 0.0, 5.0, 0.0, 0.0], 0.9, [1.0, 1.0, 0.2, 0.2, 0.2]), ASKED)
    assert np.argsort(-found)[:2].tolist() == [0, 1]


def test_a_strategy_that_can_score_all_candidates_leaves_no_gap():
    names = Schema(("lexical.bm25",))
    brought = np.array([[3.0], [np.nan], [1.0]], np.float32)
    found = Candidates(("lexical",), np.arange(3, dtype=np.int32), brought, brought, np.ones(3))
    known = np.array([[3.0], [2.0], [1.0]], np.float32)
    gaps = untrained(names, known, found, WEIGHTS)
    scored = untrained(names, known, found, WEIGHTS, {"lexical": CandidateScore("lexical.bm25")})
    assert gaps[1] < gaps[2] < gaps[0]
    assert scored[2] < scored[1] < scored[0]


@dataclass
class Spy:
    """A ranker that keeps what it is shown."""

    algorithm: str = "spy"
    schema: Schema = NAMES
    anchor: float = 2.0
    seen: FloatArray | None = None

    def score(self, features: FloatArray) -> FloatArray:
        self.seen = features
        return np.zeros(len(features), np.float32)


def test_a_ranker_does_not_see_who_asks_and_is_lifted_all_the_same():
    spy, given = Spy(), table(0.0, 2.0)
    baseline = np.array([0.5, 0.5], np.float32)
    lift = lift_of(NAMES, given, baseline)
    scores = by_ranker(spy, NAMES, given, baseline, lift)  # type: ignore[arg-type]
    assert spy.seen is not None
    assert np.isnan(spy.seen[:, [0, 2]]).all()
    np.testing.assert_array_equal(spy.seen[:, [1, 3]], given[:, [1, 3]])
    assert scores[1] - scores[0] == pytest.approx(3 * 2.0, abs=1e-4)  # once beside it, twice in the score it corrects
    assert not np.isnan(given).any()
    assert np.isnan(anonymous(NAMES, given)[:, 0]).all()
