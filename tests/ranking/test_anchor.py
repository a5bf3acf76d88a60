"""How much the untrained score counts beside a ranker: clicks choose, as far as they can vouch for it."""

from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.ranking.anchor import ANCHORS, chosen_anchor, foretold, kept_by
from ltrr_cli.ranking.base_score import ANCHOR, corrected
from ltrr_cli.ranking.fit import fit
from ltrr_cli.ranking.model import Examples, Schema

SEARCHES, SIZE = 200, 10


def searches(known: np.ndarray, *, wrong: np.ndarray, entities: bool = True) -> tuple[np.ndarray, Examples]:
    """Return (a ranker's scores, searches): it finds what was chosen, and the untrained score does not where ``wrong``.

    known -- (SEARCHES,) bool, whether the chosen entity (number 0) is an old one; else it has a number of its own
    """
    chance = np.random.default_rng(7)
    labels = np.zeros((SEARCHES, SIZE), np.float32)
    labels[:, 0] = 1.0
    baseline = chance.uniform(0.01, 0.1, (SEARCHES, SIZE)).astype(np.float32)
    baseline[:, 0] = np.where(wrong, 0.001, 0.5)
    items = np.tile(np.arange(100, 100 + SIZE, dtype=np.int32), (SEARCHES, 1))
    items[:, 0] = np.where(known, 0, 1000 + np.arange(SEARCHES))
    groups = np.repeat(np.arange(SEARCHES, dtype=np.int32), SIZE)
    flat = np.ones(SEARCHES * SIZE, np.float32)
    told = items.ravel() if entities else np.empty(0, np.int32)
    some = Examples(flat[:, None], labels.ravel(), groups, flat, baseline.ravel(), told)
    return labels.ravel() * 3.0, some


OLD = np.arange(SEARCHES) % 2 == 0  # half of the searches chose what had been chosen before
CHOSEN = np.array([0], np.int32)


def test_it_counts_less_where_it_is_wrong_about_what_people_had_chosen_before():
    scores, some = searches(OLD, wrong=OLD)
    assert chosen_anchor(scores, some, CHOSEN) < ANCHOR


def test_it_is_kept_where_a_ranker_finds_what_nobody_had_chosen_as_surely():
    scores, some = searches(OLD, wrong=np.ones(SEARCHES, bool))
    assert chosen_anchor(scores, some, CHOSEN) == ANCHOR


@pytest.mark.parametrize("entities", [True, False])
def test_it_is_kept_where_too_little_is_known(entities: bool):
    scores, some = searches(np.zeros(SEARCHES, bool), wrong=OLD, entities=entities)
    assert chosen_anchor(scores, some, CHOSEN) == ANCHOR


def test_of_anchors_that_are_as_good_the_heaviest_is_taken():
    scores, some = searches(OLD, wrong=np.zeros(SEARCHES, bool))
    assert chosen_anchor(scores, some, CHOSEN) == ANCHOR


def test_judgments_decide_in_place_of_the_rule():
    scores, some = searches(OLD, wrong=np.ones(SEARCHES, bool))
    good = searches(OLD, wrong=OLD)
    assert chosen_anchor(scores, some, CHOSEN, (good[1], good[0])) < ANCHOR


def test_judgments_refuse_what_makes_them_clearly_worse():
    scores, judged = searches(OLD, wrong=np.zeros(SEARCHES, bool))
    against = -3.0 * scores  # nobody should listen to this one
    assert kept_by(judged, scores) == frozenset(ANCHORS)
    assert kept_by(judged, against) == frozenset()
    assert chosen_anchor(scores, judged, CHOSEN, (judged, against)) == ANCHOR


@pytest.mark.parametrize(
    ("wrong", "entities", "expected"),
    [
        (np.ones(SEARCHES, bool), True, True),  # it gains on new entities what it gains on old ones
        (~OLD, True, True),  # it gains on new ones alone
        (OLD, True, False),  # on old ones alone, as clicks teach
        (np.zeros(SEARCHES, bool), True, False),  # nowhere
        (np.ones(SEARCHES, bool), False, False),  # nobody knows which is which
    ],
)
def test_what_nobody_had_chosen_is_foretold_where_a_ranker_gains_there_as_much(wrong, entities, expected):
    scores, some = searches(OLD, wrong=wrong, entities=entities)
    assert foretold(corrected(5.0 * scores, some.baseline), some, CHOSEN) is expected


def test_a_few_new_entities_prove_nothing():
    few = np.arange(SEARCHES) >= 9
    scores, some = searches(few, wrong=np.ones(SEARCHES, bool))
    assert not foretold(corrected(5.0 * scores, some.baseline), some, CHOSEN)


def test_a_fitted_model_keeps_its_anchor_on_disk(tmp_path):
    from ltrr_cli.ranking.trained import open_model

    _, some = searches(OLD, wrong=OLD)
    model = fit(some, Schema(("one",)), "linear", anchor=0.25)
    model.save(tmp_path)
    assert model.anchor == open_model(tmp_path).anchor == 0.25
