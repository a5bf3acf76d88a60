"""What is exported reads back elsewhere: by scikit-learn, by csv, by our own evaluation, by Vowpal Wabbit."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_svmlight_file

import ltrr_cli
from ltrr_cli.core.errors import NotFoundError, UsageError
from ltrr_cli.feedback.judgments import read_judged
from ltrr_cli.learning.past_searches import past_searches
from ltrr_cli.learning.train import Labelled
from ltrr_cli.workspace.workspace import Workspace, quiet
from tests.small_workspace import searches, write_log


@pytest.fixture(scope="module")
def fed(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace that only reads what it learnt from."""
    folder = tmp_path_factory.mktemp("fed")
    shutil.copytree(indexed, folder / "home")
    workspace = ltrr_cli.open(folder / "home")
    workspace.ingest([write_log(folder / "log.jsonl", searches(60))])
    return workspace


@pytest.fixture(scope="module")
def wanted(fed: Workspace) -> Labelled:
    return past_searches(fed.state, fed.state.snapshot(), quiet)


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))


@pytest.mark.turns(4)
def test_libsvm_holds_what_a_ranker_is_trained_on_and_names_its_columns(
    fed: Workspace, wanted: Labelled, tmp_path: Path
):
    report = fed.export("libsvm", tmp_path / "train.svm")
    features, labels, groups = load_svmlight_file(
        str(tmp_path / "train.svm"), query_id=True, n_features=report.columns, zero_based=False
    )
    assert report.lines == len(labels) == len(wanted.examples.labels) > report.searches > 10
    assert np.array_equal(labels, wanted.examples.labels)
    assert np.array_equal(groups - 1, wanted.examples.groups)
    there = np.nan_to_num(wanted.examples.features, nan=0.0)
    assert np.array_equal(features.toarray().astype(np.float32), there)
    lines = (tmp_path / "train.svm").read_text().splitlines()
    names = [line.split(" ", 2)[2] for line in lines if line.startswith("# ")]
    assert tuple(names) == wanted.schema.names
    assert json.loads(lines[-1].split(" # ")[1]) == wanted.entities[-1]


@pytest.mark.turns(4)
def test_what_is_missing_is_left_out_of_libsvm_and_empty_in_csv_while_zeros_are_written(
    fed: Workspace, wanted: Labelled, tmp_path: Path
):
    fed.export("libsvm", tmp_path / "train.svm")
    fed.export("csv", tmp_path / "train.csv")
    line = next(line for line in (tmp_path / "train.svm").read_text().splitlines() if line[0] != "#")
    told = dict(pair.split(":") for pair in line.split(" # ")[0].split()[2:])
    first = wanted.examples.features[0]
    assert {int(number) - 1 for number in told} == set(np.flatnonzero(np.isfinite(first)).tolist())
    assert "0" in told.values()
    rows = rows_of(tmp_path / "train.csv")
    names = wanted.schema.names
    assert [name for name in names if rows[0][name] == ""] == [names[n] for n in np.flatnonzero(np.isnan(first))]
    assert np.float32(rows[0][names[-1]] or "nan") == pytest.approx(first[-1], nan_ok=True)
    assert len(rows) == len(wanted.entities)
    assert {row["query"] for row in rows} <= {search["query"] for search in searches(60)}


def test_judgments_label_the_lines_where_they_are_given(fed: Workspace, tmp_path: Path):
    fed.export("qrels", tmp_path / "qrels", queries=tmp_path / "queries.jsonl")
    report = fed.export("csv", tmp_path / "judged.csv", judgments=(tmp_path / "queries.jsonl", tmp_path / "qrels"))
    rows = rows_of(tmp_path / "judged.csv")
    assert report.searches == 20 == len({row["qid"] for row in rows})
    assert {row["label"] for row in rows} >= {"0", "1", "2"}


def test_qrels_grade_by_what_people_did_in_sum(workspace: Workspace, tmp_path: Path):
    acts = [("click", "song:001", "u1"), ("click", "song:001", "u2"), ("click", "song:001", "u3"),
            ("click", "song:002", "u1"), ("dislike", "song:003", "u1")]  # fmt: skip
    log = [
        {"event": kind, "timestamp": "2024-05-01", "query": " Love ", "entity_id": entity, "user_id": user}
        for kind, entity, user in acts
    ]
    workspace.ingest([write_log(tmp_path / "log.jsonl", log)])
    workspace.export("qrels", tmp_path / "qrels", queries=tmp_path / "queries.jsonl")
    judged = read_judged(tmp_path / "queries.jsonl", tmp_path / "qrels")
    assert [query.text.strip() for query in judged.queries] == ["Love"]
    assert list(judged.grades.values()) == [{"song:001": 2, "song:002": 1, "song:003": 0}]


@pytest.fixture
def live(workspace: Workspace) -> Workspace:
    """Pages whose places are drawn, half of them clicked at the top drawn place."""
    workspace = Workspace(workspace.home, ranking__swap=1.0)
    for seed in range(12):
        page = workspace.query("love river", k=5, seed=seed)
        if seed % 2:
            workspace.record(
                {"event": "click", "impression_id": page.impression_id, "entity_id": page.results[1].id,
                 "user_id": f"u{seed}"}
            )  # fmt: skip
    return workspace


def test_decisions_say_who_could_have_stood_where_and_with_which_odds(live: Workspace, tmp_path: Path):
    report = live.export("dsjson", tmp_path / "decisions.json")
    lines = [json.loads(line) for line in (tmp_path / "decisions.json").read_text().splitlines()]
    assert report.lines == len(lines) > 30
    pages = {page.impression_id: page for page in live.state.journal.impressions()}
    for line in lines:
        page, position = line["EventId"].rsplit(":", 1)
        chosen = next(shown for shown in pages[page].shown or () if shown.position == int(position))
        assert line["c"]["_multi"][line["_label_Action"] - 1]["entity"]["id"] == chosen.entity_id
        assert line["_label_probability"] == line["p"][line["_labelIndex"]] == chosen.odds
        assert len(line["a"]) == len(line["p"]) == len(line["c"]["_multi"])
        assert 0.0 < sum(line["p"]) <= 1.0 + 1e-6
        assert line["c"]["situation"]["position"] == int(position)
        assert set(live.state.snapshot().features()) <= set(line["c"]["situation"])
    costs = {line["EventId"].rsplit(":", 1)[1]: set() for line in lines}
    for line in lines:
        costs[line["EventId"].rsplit(":", 1)[1]].add(line["_label_cost"])
    assert costs["2"] == {0.0, -1.0}
    assert all(found == {0.0} for position, found in costs.items() if position != "2")


def test_vowpal_wabbit_learns_from_the_decisions(live: Workspace, tmp_path: Path):
    vowpal = pytest.importorskip("vowpalwabbit", reason="the extra bench is not installed")
    report = live.export("dsjson", tmp_path / "decisions.json")
    model = vowpal.Workspace("--cb_explore_adf --dsjson --quiet")
    weighted = 0.0
    for line in (tmp_path / "decisions.json").read_text().splitlines():
        examples = model.parse(line)
        label = examples[1].get_label(vowpal.LabelType.CONTEXTUAL_BANDIT).costs[0]
        told = json.loads(line)
        assert label.probability == pytest.approx(told["_label_probability"])
        assert label.cost == pytest.approx(told["_label_cost"])
        assert len(examples) == len(told["a"]) + 1
        model.learn(examples)
        model.finish_example(examples)
        weighted += 1
    assert weighted == report.lines
    model.finish()


def test_pages_whose_odds_nobody_logged_are_no_decisions(fed: Workspace):
    out = io.BytesIO()
    assert fed.export("dsjson", out).lines == 0
    assert out.getvalue() == b""


def test_a_failure_in_the_middle_leaves_the_file_as_it_was(
    fed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "train.svm"
    out.write_text("before")

    def breaks(_: object) -> object:
        yield "1 qid:1\n"
        raise RuntimeError("in the middle")

    monkeypatch.setattr("ltrr_cli.workspace.export._libsvm", breaks)
    with pytest.raises(RuntimeError, match="in the middle"):
        fed.export("libsvm", out)
    assert out.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if "tmp" in path.name] == []


@pytest.mark.parametrize(
    ("format", "more"),
    [("parquet", {}), ("dsjson", {"judgments": ("q", "r")}), ("csv", {"queries": "queries.jsonl"})],
)
def test_what_does_not_fit_together_is_refused(fed: Workspace, tmp_path: Path, format: str, more: dict[str, object]):
    with pytest.raises(UsageError):
        fed.export(format, tmp_path / "out", **more)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_there_is_named_before_any_work(fed: Workspace, tmp_path: Path):
    with pytest.raises(NotFoundError, match="no such folder"):
        fed.export("csv", tmp_path / "nowhere" / "train.csv")
