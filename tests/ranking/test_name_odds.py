"""A ranker is silent on names where clicks are not clearly better with its word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.ranking.anchor import silence_suffices
from ltrr_cli.ranking.base_score import ANCHOR
from ltrr_cli.ranking.fit import fit
from ltrr_cli.ranking.model import Examples, Schema
from ltrr_cli.ranking.name_odds import heard, name_odds
from ltrr_cli.ranking.trained import Ranker, open_model

SCHEMA = Schema(("good", "query.tokens", "query.intent_spearfishing", "query.intent_mixed"))
SEARCHES, SIZE = 300, 8


def searches(*, ranker_knows_names: bool) -> Examples:
    """Every other search is a name: the untrained score puts what is wanted first there, and nowhere else.

    ranker_knows_names -- the feature is right for names too; else it points to another candidate there
    """
    chance = np.random.default_rng(3)
    named = np.arange(SEARCHES) % 2 == 0
    labels = np.zeros((SEARCHES, SIZE), np.float32)
    labels[:, 0] = 1.0
    good = chance.normal(0, 0.1, (SEARCHES, SIZE)).astype(np.float32)
    good[:, 0] += 1.0
    if not ranker_knows_names:
        good[named] = good[named][:, ::-1]
    baseline = np.full((SEARCHES, SIZE), 0.05, np.float32)
    baseline[named, 0] = 0.06 if not ranker_knows_names else 0.04
    features = np.stack(
        [good, np.ones_like(good), np.repeat(named[:, None], SIZE, 1), np.zeros_like(good)], axis=2
    ).reshape(-1, 4)
    groups = np.repeat(np.arange(SEARCHES, dtype=np.int32), SIZE)
    return Examples(
        features.astype(np.float32), labels.ravel(), groups, np.ones(SEARCHES * SIZE, np.float32), baseline.ravel()
    )


def test_odds_are_those_of_names_and_half_of_the_mixed_and_none_without_words():
    features = np.array([[0, 2, 0.6, 0.2], [0, 0, 0.6, 0.2], [0, 1, 0.9, 0.9], [0, 1, np.nan, np.nan]], np.float32)
    np.testing.assert_allclose(name_odds(SCHEMA, features), [0.7, 0.0, 1.0, 0.0])
    left = heard(SCHEMA, features)
    assert left[1] == 1.0
    assert left[2] == 0.0
    assert 0.0 < left[0] < 0.1
    assert (heard(Schema(("good",)), features[:, :1]) == 1.0).all()


def test_what_people_chose_for_a_name_lets_a_ranker_speak():
    schema = Schema((*SCHEMA.names, "memory.prior_share"))
    features = np.array([[0, 1, 1, 0, 1], [0, 1, 1, 0, 0.25], [0, 1, 1, 0, np.nan], [0, 1, 0, 0, 1]], np.float32)
    np.testing.assert_allclose(heard(schema, features), [0.0, 0.75, 0.0, 1.0])


def test_a_silent_ranker_leaves_the_word_to_the_untrained_score():
    some = searches(ranker_knows_names=False)
    model = fit(some, SCHEMA, "linear")
    assert model.silent
    assert model.anchor > 0.0


def test_a_ranker_that_is_wrong_on_names_is_silent_there():
    some = searches(ranker_knows_names=False)
    assert silence_suffices(5.0 * some.features[:, 0], SCHEMA, some, ANCHOR, ANCHOR)


def test_a_ranker_that_knows_names_better_keeps_its_word():
    some = searches(ranker_knows_names=True)
    assert not silence_suffices(5.0 * some.features[:, 0], SCHEMA, some, ANCHOR, ANCHOR)


def test_a_few_searches_do_not_silence_a_ranker():
    some = searches(ranker_knows_names=True)
    few = some.groups < 6
    part = Examples(some.features[few], some.labels[few], some.groups[few], some.weights[few], some.baseline[few])
    scores = 5.0 * part.features[:, 0]
    scores[part.groups == 0] *= -1.0  # of one name it is wrong, of two it is right: nobody knows
    assert not silence_suffices(scores, SCHEMA, part, ANCHOR, ANCHOR)


def test_where_no_query_asks_for_a_name_there_is_nothing_to_be_silent_on():
    some = searches(ranker_knows_names=False)
    features = some.features.copy()
    features[:, 2] = 0.0
    assert not silence_suffices(5.0 * features[:, 0], SCHEMA, replace(some, features=features), ANCHOR, ANCHOR)


@pytest.mark.parametrize("knows", [True, False])
def test_training_chooses_and_the_model_keeps_it_on_disk(tmp_path: Path, knows: bool):
    some = searches(ranker_knows_names=knows)
    model = fit(some, SCHEMA, "linear")
    assert model.silent is not knows
    model.save(tmp_path)
    again = open_model(tmp_path)
    assert again.silent is model.silent
    np.testing.assert_array_equal(again.score(some.features), model.score(some.features))
    assert isinstance(model, Ranker)
    loud = replace(model, silent=False).score(some.features)
    expected = loud if knows else loud * heard(SCHEMA, some.features)
    np.testing.assert_allclose(model.score(some.features), expected, rtol=1e-6)
