"""``ltrr ope``: values with their support, and a refusal with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ltrr_cli.cli import ope
from ltrr_cli.evaluation.ope import ESTIMATORS
from tests.cli.conftest import Typed


def log(folder: Path, propensity: float = 0.5) -> Path:
    lines = [{"item_id": "ab"[n % 2], "click": int(n % 3 == 0), "propensity": 0.5} for n in range(600)]
    lines[0]["propensity"] = propensity
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / "log.jsonl"


def test_a_plain_log_is_judged_without_a_workspace(ltrr: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    told = ltrr("ope", log(tmp_path), "--json")
    found = json.loads(told.out)["policies"]
    assert told.code == 0
    assert set(found) == {"logged", "random"}
    assert {"estimator", "value", "low", "high", "ess", "unsupported"} <= set(found["random"])
    assert found["random"]["value"] == pytest.approx(1 / 3)
    assert found["random"]["ess"] == pytest.approx(600)
    assert not (tmp_path / ".ltrr").exists()


def test_a_heavy_weight_is_refused_with_8_and_the_reason(ltrr: Typed, tmp_path: Path):
    told = ltrr("ope", log(tmp_path, 0.5 / 20_000), "--json", "--home", tmp_path)
    assert told.code == 8
    found = json.loads(told.out)["policies"]["random"]
    assert (found["value"], found["low"], found["high"]) == (None, None, None)
    assert "effective sample size" in found["refused"]
    assert found["refused"] in told.err


def test_the_settings_say_what_is_too_thin(ltrr: Typed, tmp_path: Path):
    (tmp_path / "ltrr.toml").write_text("[evaluation]\nleast_ess = 1\nlargest_weight = 1\n")
    assert ltrr("ope", log(tmp_path, 0.5 / 20_000), "--home", tmp_path).code == 0
    (tmp_path / "ltrr.toml").write_text("[evaluation]\nleast_ess = 1000\n")
    told = ltrr("ope", log(tmp_path), "--home", tmp_path)
    assert told.code == 8
    assert "random: refused" in told.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--estimator", "best"), "is unknown"),
        (("--from", "2024-01-01"), "does not go with a plain log"),
        (("--policies", "hazard"), "no policy 'hazard'"),
        (("--policies", "column(x)", "--estimator", "dr"), "not a number"),
        (("--map", "reward"), "is no pair"),
    ],
)
def test_what_is_typed_wrongly_is_one_line(ltrr: Typed, tmp_path: Path, words: tuple[str, ...], said: str):
    told = ltrr("ope", log(tmp_path), "--home", tmp_path, *words)
    assert told.code in (2, 3)
    assert said in told.err
    assert told.out == ""


def test_options_of_plain_logs_are_for_plain_logs(ltrr: Typed, tmp_path: Path):
    assert ltrr("ope", "--actions", "3", "--home", tmp_path).code == 2
    assert ltrr("ope", "--home", tmp_path / "nowhere").code == 4


def test_the_estimators_are_those_of_the_room():
    assert ope.ESTIMATORS == ESTIMATORS
