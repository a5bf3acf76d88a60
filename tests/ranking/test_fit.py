from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.ranking import fit as room
from ltrr_cli.ranking.fit import contest, fit
from ltrr_cli.ranking.model import Schema
from ltrr_cli.ranking.subsample import part
from tests.ranking.made import SCHEMA, made


@pytest.mark.turns(4)
def test_auto_says_how_every_algorithm_did_and_takes_the_best():
    model = fit(made(150), SCHEMA, "auto", ordered=False)
    assert {"pointwise", "linear", "lambdamart", "blend"} <= set(model.measures)
    assert model.measures[model.algorithm]["nDCG@10"] == max(row["nDCG@10"] for row in model.measures.values())
    assert all(0 < row["MAP@5"] <= row["RR"] <= 1 for row in model.measures.values())


def test_on_clicks_only_the_steady_ones_compete():
    assert set(fit(made(150), SCHEMA, "auto").measures) == {"pointwise", "linear"}


def test_few_searches_get_the_linear_model_and_no_contest():
    model = fit(made(40), SCHEMA, "auto")
    assert (model.algorithm, dict(model.measures)) == ("linear", {})


def test_in_time_order_the_newest_third_judges(monkeypatch: pytest.MonkeyPatch):
    seen = splits_of(monkeypatch, ordered=True)
    assert [(older.max(), newer.min(), newer.max()) for older, newer in seen] == [(79, 80, 119)]


def test_without_time_every_search_is_judged_once_and_never_by_a_model_that_saw_it(monkeypatch: pytest.MonkeyPatch):
    seen = splits_of(monkeypatch, ordered=False)
    assert not any(set(older) & set(newer) for older, newer in seen)
    assert sorted(np.concatenate([np.unique(newer) for _, newer in seen])) == list(range(120))


def splits_of(monkeypatch: pytest.MonkeyPatch, *, ordered: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    seen, fitted, judge = [], [], room.per_search
    linear = room._fitted(made(30), "linear", 0)
    monkeypatch.setattr(room, "_fitted", lambda examples, *_: fitted.append(examples.groups) or linear)
    monkeypatch.setattr(
        room, "per_search", lambda newer, scores: seen.append((fitted[-1], newer.groups)) or judge(newer, scores)
    )
    contest(made(120), ordered=ordered)
    return list({id(newer): (older, newer) for older, newer in seen}.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.zeros(24, np.float32)}, "both rewarded"),
        ({"labels": np.full(24, np.nan, np.float32)}, "finite"),
        ({"labels": np.full(24, -1, np.float32)}, "negative"),
        ({"groups": np.arange(24, dtype=np.int32)[::-1]}, "ascend"),
        ({"weights": np.zeros(24, np.float32)}, "weights"),
        ({"features": np.zeros((24, 3), np.float32)}, "columns"),
    ],
)
def test_examples_that_cannot_be_learnt_from_are_refused(changes: dict[str, np.ndarray], message: str):
    with pytest.raises(DataError, match=message):
        fit(replace(made(2), **changes), SCHEMA, "linear")


def test_an_unknown_algorithm_is_refused_with_the_known_ones():
    with pytest.raises(UsageError) as caught:
        fit(made(2), SCHEMA, "magic")
    assert "lambdamart" in (caught.value.hint or "")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ltrr_cli.ranking.fit_lightgbm.find_spec", lambda name: None)
    with pytest.raises(DataError) as caught:
        fit(made(20), SCHEMA, "lightgbm")
    assert caught.value.hint == "pip install 'ltrr-cli[lightgbm]'"
    monkeypatch.setattr(room, "available", lambda: False)
    assert "lightgbm" not in contest(made(120)).measures


def test_a_part_keeps_whole_lines():
    examples = made(3)
    kept = part(examples, examples.groups == 1)
    assert kept.features.shape == (12, 6)
    assert kept.labels.tolist() == examples.labels[12:24].tolist()


def test_a_column_without_any_value_is_no_error_for_anybody():
    nothing = Schema(("nothing", "something"))
    examples = replace(made(120), features=made(120).features[:, [5, 0]])
    for algorithm in ("pointwise", "linear", "lambdamart"):
        assert np.isfinite(fit(examples, nothing, algorithm).score(examples.features)).all()
