from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.ranking import fit_lightgbm as room
from tests.ranking.made import made

lightgbm = pytest.importorskip("lightgbm", reason="the extra lightgbm is not installed")


@pytest.mark.parametrize("holes", [True, False])
def test_served_scores_equal_lightgbm_s(monkeypatch: pytest.MonkeyPatch, holes: bool):
    kept = []
    train = lightgbm.train
    monkeypatch.setattr(lightgbm, "train", lambda *args, **more: kept.append(train(*args, **more)) or kept[0])
    examples = made(60, grades=2)
    if not holes:  # then LightGBM takes a missing value for a zero
        examples.features[:] = np.nan_to_num(examples.features)
    served = room.fit_lightgbm(examples, 0)
    fresh = made(20, seed=4).features
    assert np.abs(served.score(fresh) - kept[0].predict(fresh)).max() <= 1e-5


def test_gains_between_whole_numbers_are_kept_in_order():
    examples = made(60, grades=2)
    examples.labels[:] *= np.random.default_rng(0).uniform(0.5, 1.0, len(examples.labels)).astype(np.float32)
    scores = room.fit_lightgbm(examples, 0).score(examples.features)
    assert scores[examples.labels > 0.5].mean() > scores[examples.labels == 0].mean()
