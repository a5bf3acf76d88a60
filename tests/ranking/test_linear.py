from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.ranking.fit_pointwise import fit_linear
from ltrr_cli.ranking.linear import Linear, scaling
from tests.ranking.made import made


def test_what_is_missing_has_a_weight_of_its_own():
    examples = made(100)
    examples.labels[:] = np.isnan(examples.features[:, 3])
    model = fit_linear(examples)
    known, missing = np.zeros((1, 6), np.float32), np.zeros((1, 6), np.float32)
    missing[0, 3] = np.nan
    assert model.score(missing)[0] > model.score(known)[0] + 1.0


def test_one_absurd_value_does_not_decide_alone():
    model = fit_linear(made(100))
    line = np.zeros((2, 6), np.float32)
    line[0, 0], line[1, 0] = 1e6, 1e12
    assert model.score(line)[0] == model.score(line)[1]


def test_a_constant_or_empty_column_is_no_error():
    scale = scaling(np.array([[1.0, np.nan], [1.0, np.nan]], np.float32))
    assert scale.mean.tolist() == [1.0, 0.0]
    assert scale.deviation.tolist() == [1.0, 1.0]


def test_served_scores_equal_scikit_learn_s():
    from sklearn.linear_model import Ridge

    examples = made(50, grades=3)
    scale = scaling(examples.features)
    prepared = scale.prepared(examples.features)
    model = Ridge(alpha=24.0).fit(prepared, examples.labels)
    served = Linear(scale, model.coef_, model.intercept_).score(examples.features)
    assert served == pytest.approx(model.predict(prepared), abs=1e-9)
    assert fit_linear(examples).score(examples.features) == pytest.approx(served, abs=1e-4)
