"""What every ranker promises: served as trained, read back as written, never trusted when damaged."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from ltrr_cli.core.errors import DamagedError, DataError, UsageError
from ltrr_cli.core.types import DoubleArray, FloatArray
from ltrr_cli.ranking import fit_pointwise
from ltrr_cli.ranking.comparison import compare
from ltrr_cli.ranking.fit import ALGORITHMS, fit, part
from ltrr_cli.ranking.model import Examples, Model, Schema
from ltrr_cli.ranking.trained import open_model

SCHEMA = Schema(("strong", "weak", "noise", "missing", "never"))


def searches(count: int = 150, size: int = 12, seed: int = 0) -> Examples:
    chance = np.random.default_rng(seed)
    features = chance.standard_normal((count * size, 5)).astype(np.float32)
    features[:, 4] = np.nan
    wanted = 2.0 * features[:, 0] + 0.5 * features[:, 1] + chance.standard_normal(count * size)
    features[chance.random(count * size) < 0.4, 3] = np.nan
    labels = np.zeros(count * size, np.float32)
    labels[np.arange(0, count * size, size) + wanted.reshape(count, size).argmax(axis=1)] = 1.0
    groups = np.repeat(np.arange(count, dtype=np.int32), size)
    return Examples(features, labels, groups, np.ones_like(labels), chance.random(count * size).astype(np.float32))


@pytest.fixture(scope="module", params=ALGORITHMS)
def model(request: pytest.FixtureRequest) -> Model:
    if request.param == "lightgbm":
        pytest.importorskip("lightgbm", reason="the extra lightgbm is not installed")
    return fit(searches(), SCHEMA, request.param)


def test_it_orders_unseen_searches_far_better_than_chance(model: Model):
    unseen = searches(seed=1)
    verdict = compare(unseen, model.score(unseen.features))
    assert verdict.better
    assert verdict.challenger["nDCG@10"] > verdict.serving["nDCG@10"] + 0.2


def test_it_is_read_back_as_it_was_written(model: Model, tmp_path: Path):
    model.save(tmp_path)
    again = open_model(tmp_path)
    assert again.schema == SCHEMA
    np.testing.assert_array_equal(again.score(searches(seed=2).features), model.score(searches(seed=2).features))


def test_no_candidates_are_no_error(model: Model):
    assert model.score(np.empty((0, 5), np.float32)).shape == (0,)


def test_training_is_repeatable(model: Model):
    again = fit(searches(), SCHEMA, model.algorithm)
    np.testing.assert_array_equal(again.score(searches(seed=3).features), model.score(searches(seed=3).features))


@pytest.mark.parametrize("harm", ["cut", "flip", "gone", "columns"])
def test_a_damaged_model_says_so(model: Model, tmp_path: Path, harm: str):
    model.save(tmp_path)
    path = tmp_path / "model.npz"
    data = bytearray(path.read_bytes())
    if harm == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "flip":
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    elif harm == "gone":
        path.unlink()
    else:
        header = msgspec.json.decode((tmp_path / "model.json").read_bytes())
        header["columns"] = header["columns"][::-1]
        (tmp_path / "model.json").write_bytes(msgspec.json.encode(header))
    with pytest.raises(DamagedError):
        open_model(tmp_path)


def test_served_trees_score_as_scikit_learn_does(monkeypatch: pytest.MonkeyPatch):
    from sklearn.ensemble import HistGradientBoostingClassifier

    kept, cuts = [], []
    train, bins = HistGradientBoostingClassifier.fit, fit_pointwise.binned

    def spy(self: HistGradientBoostingClassifier, *arguments: object, **more: object) -> object:
        kept.append(self)
        return train(self, *arguments, **more)

    def seen(features: FloatArray) -> tuple[FloatArray, list[DoubleArray]]:
        codes, own = bins(features)
        cuts.append(own)
        return codes, own

    monkeypatch.setattr(HistGradientBoostingClassifier, "fit", spy)
    monkeypatch.setattr(fit_pointwise, "binned", seen)
    model = fit(searches(), SCHEMA, "pointwise")
    unseen = searches(seed=4).features
    codes = np.stack([np.searchsorted(own, unseen[:, place]) for place, own in enumerate(cuts[-1])], axis=1)
    codes = np.where(np.isnan(unseen), np.nan, codes)
    codes[:, 4] = 0.0  # never known: binned as a constant
    theirs = kept[-1].decision_function(codes)
    ours = model.score(unseen)
    np.testing.assert_allclose(ours - ours.mean(), theirs - theirs.mean(), atol=1e-5)


def test_examples_of_one_kind_and_unknown_names_are_refused():
    examples = searches(20)
    with pytest.raises(DataError, match="both"):
        fit(part(examples, examples.labels == 0), SCHEMA, "linear")
    with pytest.raises(UsageError, match="no algorithm"):
        fit(examples, SCHEMA, "magic")


def test_ties_fall_against_the_challenger():
    examples = searches(30)
    flat = compare(examples, np.zeros(len(examples.labels), np.float32))
    assert flat.challenger["nDCG@10"] == 0.0  # twelve candidates: the rewarded one stands last of them
