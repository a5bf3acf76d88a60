"""Plain logged-bandit data: read as it comes, refused by line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.evaluation.banditlog import exposures, plain_target, read_bandit_log, slates

LINES = [
    {"item_id": "a", "click": 1, "propensity": 0.5, "position": 1},
    {"item_id": "b", "click": 0, "propensity": 0.25, "position": 2},
    {"item_id": "a", "click": 0, "propensity": 1, "position": 1},
]


def written(folder: Path, name: str, lines: list[str]) -> Path:
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def test_json_lines_and_csv_are_the_same_log(tmp_path: Path):
    as_json = read_bandit_log([written(tmp_path, "log.jsonl", [json.dumps(line) for line in LINES])])
    rows = ["click,item_id,propensity,position", *(f'{x["click"]},{x["item_id"]},{x["propensity"]},{x["position"]}'
                                                    for x in LINES)]  # fmt: skip
    as_csv = read_bandit_log([written(tmp_path, "log.csv", rows)])
    for one, other in ((as_json.action, as_csv.action), (as_json.reward, as_csv.reward),
                       (as_json.propensity, as_csv.propensity), (as_json.position, as_csv.position)):  # fmt: skip
        assert one.tolist() == other.tolist()
    assert as_json.actions == ("a", "b")
    assert as_json.session.tolist() == [0, 1, 2]


def test_other_names_are_mapped(tmp_path: Path):
    path = written(tmp_path, "log.csv", ["arm,won,p,who", "x,2.5,.1,u1", "y,0,.9,u1"])
    log = read_bandit_log([path], {"action": "arm", "reward": "won", "propensity": "p", "session": "who"})
    assert (log.reward.tolist(), log.session.tolist()) == ([2.5, 0.0], [0, 0])
    with pytest.raises(UsageError, match="no role"):
        read_bandit_log([path], {"prize": "won"})


def test_targets_weigh_what_was_done(tmp_path: Path):
    path = written(tmp_path, "log.jsonl", [json.dumps({**line, "new": 0.5}) for line in LINES])
    log = read_bandit_log([path], columns=["new"])
    assert exposures(log, plain_target("random", log)).weight.tolist() == [1.0, 2.0, 0.5]
    assert exposures(log, plain_target("random", log, 4)).weight.tolist() == [0.5, 1.0, 0.25]
    assert exposures(log, plain_target("item(b)", log)).weight.tolist() == [0.0, 4.0, 0.0]
    assert exposures(log, plain_target("column(new)", log)).weight.tolist() == [1.0, 2.0, 0.5]


def test_predictions_are_of_the_action_at_its_position(tmp_path: Path):
    lines = [{"item_id": name, "click": int(name == "a"), "propensity": 0.5, "position": position}
             for name in "ab" for position in (1, 2) for _ in range(100)]  # fmt: skip
    log = read_bandit_log([written(tmp_path, "log.jsonl", [json.dumps(line) for line in lines])])
    found = exposures(log, plain_target("item(a)", log))
    assert found.direct.min() > 0.85
    assert (found.predicted[log.action == 0] > 0.85).all()
    assert (found.predicted[log.action == 1] < 0.15).all()


def test_lines_of_one_page_stay_together(tmp_path: Path):
    lines = [{**line, "slate_id": page} for line, page in zip(LINES, ("p", "q", "p"), strict=True)]
    log = read_bandit_log([written(tmp_path, "log.jsonl", [json.dumps(line) for line in lines])])
    reward, weights, session = slates(log, plain_target("random", log))
    assert reward.tolist() == [1.0, 0.0]
    assert [weight.tolist() for weight in weights] == [[1.0, 0.5], [2.0]]
    assert session.tolist() == [0, 1]
    with pytest.raises(UsageError, match="no pages"):
        slates(read_bandit_log([written(tmp_path, "x.jsonl", [json.dumps(LINES[0])])]), plain_target("random", log))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"propensity": 0}, "propensity is 0"),
        ({"propensity": 1.5}, "propensity is 1.5"),
        ({"propensity": "often"}, "not a number"),
        ({"propensity": True, "click": "nan"}, "click is 'nan'"),
        ({"click": None}, "not a number"),
        ({"item_id": None}, "no text"),
        ({"item_id": ["a"]}, "no text"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: dict, said: str):
    lines = [json.dumps(LINES[0]), json.dumps({**LINES[1], **line})]
    with pytest.raises(DataError, match="line 2") as told:
        read_bandit_log([written(tmp_path, "log.jsonl", lines)])
    assert said in str(told.value)


def test_a_log_without_odds_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="no propensity"):
        read_bandit_log([written(tmp_path, "log.jsonl", ['{"item_id": "a", "click": 1}'])])
    with pytest.raises(DataError, match="no line"):
        read_bandit_log([written(tmp_path, "log.jsonl", [""])])
    with pytest.raises(DataError, match="2 of 3 columns"):
        read_bandit_log([written(tmp_path, "log.csv", ["action,reward,odds", "a,1"])])


@pytest.mark.parametrize("text", ["best", "random(3)", "item", "item()", "column()", ""])
def test_what_is_no_policy_is_typed_wrongly(tmp_path: Path, text: str):
    log = read_bandit_log([written(tmp_path, "log.jsonl", [json.dumps(line) for line in LINES])])
    with pytest.raises(UsageError):
        plain_target(text, log)


def test_what_was_never_tried_cannot_be_judged(tmp_path: Path):
    log = read_bandit_log([written(tmp_path, "log.jsonl", [json.dumps(line) for line in LINES])])
    with pytest.raises(UsageError, match="never took"):
        plain_target("item(z)", log)
    with pytest.raises(UsageError, match="1 actions"):
        plain_target("random", log, 1)
    assert np.isfinite(exposures(log, plain_target("item(a)", log)).direct).all()
