from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ltrr_cli.ranking.fit_pointwise import fit_linear, fit_pointwise, from_histogram, graded
from ltrr_cli.ranking.subsample import thinned
from tests.ranking.made import made


@pytest.mark.parametrize("kind", ["Classifier", "Regressor"])
def test_served_scores_equal_scikit_learn_s(kind: str):
    from sklearn import ensemble

    examples = made(80, grades=3)
    model = getattr(ensemble, f"HistGradientBoosting{kind}")(max_iter=40, random_state=1)
    model.fit(np.nan_to_num(examples.features, nan=-9.0), examples.labels > 0)
    seen = np.nan_to_num(made(20, seed=5).features, nan=-9.0)
    expected = model.decision_function(seen) if kind == "Classifier" else model.predict(seen)
    assert np.abs(from_histogram(model).score(seen) - expected).max() <= 1e-5


def test_missing_values_go_where_scikit_learn_sends_them():
    from sklearn.ensemble import HistGradientBoostingRegressor

    examples = made(80)
    features = examples.features[:, :5]
    model = HistGradientBoostingRegressor(max_iter=30, random_state=0).fit(features, np.isnan(features[:, 3]))
    assert np.abs(from_histogram(model).score(features) - model.predict(features)).max() <= 1e-5


def test_grades_are_predicted_as_gains_and_clicks_as_odds():
    clicks, grades = made(100), made(100, grades=3)
    assert (graded(clicks.labels), graded(grades.labels)) == (False, True)
    assert fit_pointwise(grades, 0).score(grades.features).mean() == pytest.approx(grades.labels.mean(), abs=0.05)
    odds = fit_pointwise(clicks, 0).score(clicks.features)
    assert (1 / (1 + np.exp(-odds))).mean() == pytest.approx(clicks.labels.mean(), abs=0.05)


@pytest.mark.parametrize("train", [lambda examples: fit_pointwise(examples, 0), fit_linear])
def test_a_heavier_click_counts_for_more(train):
    examples = made(400)
    heavy = (examples.labels > 0) & (examples.features[:, 3] > 0)
    weighed = replace(examples, weights=np.where(heavy, 9.0, 1.0).astype(np.float32))
    line = np.array([[0, 0, 0, 1.5, 0, np.nan], [0, 0, 0, -1.5, 0, np.nan]], np.float32)
    plain, pulled = (np.subtract(*train(seen).score(line)) for seen in (examples, weighed))
    assert pulled > plain + 0.5


def test_thinning_keeps_whole_searches_evenly():
    kept = thinned(made(100), 400)
    assert np.unique(kept.groups).tolist() == list(range(0, 100, 3))
    assert np.bincount(kept.groups)[::3].tolist() == [12] * 34
