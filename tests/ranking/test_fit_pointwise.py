from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ltrr_cli.ranking.fit_pointwise import binned, fit_linear, fit_pointwise, from_histogram, graded
from ltrr_cli.ranking.subsample import thinned
from tests.ranking.made import made


@pytest.mark.parametrize("kind", ["Classifier", "Regressor"])
def test_served_scores_equal_scikit_learn_s(kind: str):
    from sklearn import ensemble

    examples = made(80, grades=3)
    model = getattr(ensemble, f"HistGradientBoosting{kind}")(max_iter=40, random_state=1)
    features = np.nan_to_num(examples.features, nan=-9.0)
    codes, cuts = binned(features)
    model.fit(codes, examples.labels > 0)
    expected = model.decision_function(codes) if kind == "Classifier" else model.predict(codes)
    assert np.abs(from_histogram(model, cuts).score(features) - expected).max() <= 1e-5


def test_missing_values_go_where_scikit_learn_sends_them():
    from sklearn.ensemble import HistGradientBoostingRegressor

    examples = made(80)
    features = examples.features[:, :5]
    codes, cuts = binned(features)
    model = HistGradientBoostingRegressor(max_iter=30, random_state=0).fit(codes, np.isnan(features[:, 3]))
    assert np.abs(from_histogram(model, cuts).score(features) - model.predict(codes)).max() <= 1e-5


def test_bins_keep_the_order_of_values_and_hold_about_as_many_lines_each():
    column = np.random.default_rng(0).lognormal(size=20_000).astype(np.float32)
    column[::7], column[1::50] = 0.0, np.nan
    codes, cuts = binned(column[:, None])
    known = ~np.isnan(column)
    assert (np.isnan(codes[:, 0]) == ~known).all()
    assert codes[column == 0.0].max() == 0
    order = np.argsort(column[known], kind="stable")
    assert (np.diff(codes[known, 0][order]) >= 0).all()
    counts = np.bincount(codes[known, 0].astype(int))
    assert 200 < len(counts) <= 255
    assert counts[1:].max() < 3 * len(column) / 255
    assert (np.diff(cuts[0]) > 0).all()


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
