"""The other commands: what is typed reaches the workspace, what comes back is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ltrr_cli.evaluation.replay import ReplayReport
from ltrr_cli.learning.publish import TrainReport
from ltrr_cli.workspace.verify import Damaged, VerifyReport
from tests.cli.conftest import FakeWorkspace, Typed


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--update",),
        ("c.jsonl", "--delete", "ids"),
        ("c.jsonl", "--refit"),
        ("c.jsonl", "--map", "title"),
        ("c.jsonl", "--map", "=name"),
        ("c.jsonl", "--max-bad", "lots"),
        ("c.jsonl", "--max-bad", "101%"),
        ("c.jsonl", "--max-bad", "-1"),
        ("c.jsonl", "--max-bad", "nan"),
    ],
)
def test_index_refuses_what_makes_no_sense(ltrr: Typed, tmp_path: Path, words: tuple[str, ...]):
    told = ltrr("index", *words, "--home", tmp_path / "home")
    assert told.code == 2, told.err
    assert not (tmp_path / "home").exists()


def test_index_passes_everything_on_and_names_the_quarantine(ltrr: Typed, workspace: FakeWorkspace):
    told = ltrr(
        "index", "a.jsonl", "b.jsonl.gz", "--update", "--delete", "ids", "--map", "title=name", "--encoder", "minilm",
        "--refit", "--max-bad", "2%", "--engine", "processes=2",
    )  # fmt: skip
    [(_, words, options)] = workspace.asked
    options.pop("progress")
    assert words == (["a.jsonl", "b.jsonl.gz"],)
    assert options == {
        "update": True, "delete": Path("ids"), "mapping": {"title": "name"}, "encoder": "minilm", "refit": True,
        "predicted": None, "ids_only": False, "engine": "processes=2",
        "max_bad": 0.02,
    }  # fmt: skip
    assert told.out == "catalog generation 3: 1,200 entities (4 duplicates) in 1.5 s\n"
    assert told.err == "ltrr: set aside in home/quarantine/catalog.jsonl: 2 bad lines\n"


def test_ingest_feedback_counts_in_one_line(ltrr: Typed, workspace: FakeWorkspace):
    told = ltrr(
        "ingest-feedback", "log.jsonl", "--format", "ubi", "--undated", "--max-bad", "0.5", "--map", "timestamp=ts"
    )
    [(_, words, options)] = workspace.asked
    options.pop("progress")
    assert words == (["log.jsonl"],)
    assert options == {
        "format": "ubi", "dry_run": False, "undated": True, "max_bad": 0.5, "mapping": {"timestamp": "ts"},
        "engine": None,
    }  # fmt: skip
    assert told.out == (
        "1,000 events accepted (5 known already, 1 in conflict, 2 late), 990 outcomes; learned generation 7\n"
    )
    assert "3 bad lines" in told.err


def test_a_dry_run_says_that_nothing_was_changed(ltrr: Typed, workspace: FakeWorkspace):
    assert "nothing was changed" in ltrr("ingest-feedback", "log.jsonl", "--dry-run").out


def test_an_unknown_format_is_refused(ltrr: Typed, workspace: FakeWorkspace):
    assert ltrr("ingest-feedback", "log.jsonl", "--format", "csv").code == 2
    assert workspace.asked == []


def test_train_ranker_shows_every_contender(ltrr: Typed, workspace: FakeWorkspace):
    told = ltrr("train-ranker", "--algorithm", "pointwise", "--judgments", "q.jsonl", "r.tsv", "--dry-run",
                "--engine", "processes=3")  # fmt: skip
    [(_, _, options)] = workspace.asked
    options.pop("progress")
    judgments = (Path("q.jsonl"), Path("r.tsv"))
    assert options == {"algorithm": "pointwise", "judgments": judgments, "dry_run": True, "engine": "processes=3"}
    *table, blank, last = told.out.splitlines()
    assert [line.split() for line in table] == [
        ["held-out", "searches", "nDCG@10"],
        ["serving", "0.5000"],
        ["lambdamart", "0.6250"],
    ]
    assert (blank, last) == ("", "lambdamart on 400 searches in 2.0 s; ranker-8 serves now")


def test_an_unknown_algorithm_is_refused(ltrr: Typed, workspace: FakeWorkspace):
    assert ltrr("train-ranker", "--algorithm", "magic").code == 2
    assert workspace.asked == []


def test_a_ranker_that_is_no_better_does_not_serve(ltrr: Typed, workspace: FakeWorkspace):
    workspace.answers["train"] = TrainReport(None, "linear", {}, False, "too few searches", 3, 0.1)
    told = ltrr("train-ranker")
    assert told.code == 0
    assert told.out == "linear on 3 searches in 0.1 s; not promoted: too few searches\n"


def test_status_is_a_dozen_facts(ltrr: Typed, workspace: FakeWorkspace):
    out = ltrr("status").out
    assert "generation 3, 1,200 entities" in out
    assert "nothing yet" in out
    keys = {
        "catalog_generation", "learned_generation", "entities", "impressions", "events", "memory_pairs", "policy",
        "encoder", "ranker", "journal_digest",
    }  # fmt: skip
    assert keys <= set(json.loads(ltrr("status", "--json").out))


def test_status_names_what_the_bandit_looks_at_where_it_is_asked(ltrr: Typed, workspace: FakeWorkspace):
    workspace.answers["status"] = replace(workspace.answers["status"], features=("constant", "past.success"))
    assert "constant, past.success" in ltrr("status", "--bandit").out


def test_explain_shows_the_funnel(ltrr: Typed, workspace: FakeWorkspace):
    told = ltrr("explain", "0123abcd")
    assert workspace.asked[0][1] == ("0123abcd",)
    believed = "Love Story: genre is believed to be 'soul' (62%)"
    for part in ("'love'", "trial", "u1", "lexical 120, memory 80", "Love Story", "0.500", "click", believed):
        assert part in told.out
    assert told.out.splitlines()[-1].split() == ["Love", "Story", "a:1", "4.0", "1.5", "3", "15%", "0.750"]


def test_verify_exits_5_where_something_is_damaged(ltrr: Typed, workspace: FakeWorkspace):
    assert ltrr("verify").out == "ok: 43 files as sealed\n"
    damage = Damaged("home/catalog/0001/columns/ids", "size differs", "ltrr index CATALOG")
    workspace.answers["verify"] = VerifyReport(False, (damage,), 43)
    told = ltrr("verify")
    assert told.code == 5
    assert "size differs" in told.out
    assert "ltrr index CATALOG" in told.out
    told = ltrr("verify", "--json")
    assert told.code == 5
    assert json.loads(told.out)["damaged"][0]["path"] == damage.path


@pytest.mark.parametrize(
    "words", [("--from", "never"), ("--learn-every", "often"), ("--learn-every", "0s"), ("--train-every", "-1")]
)
def test_replay_refuses_what_makes_no_sense(ltrr: Typed, workspace: FakeWorkspace, words: tuple[str, ...]):
    assert ltrr("replay", "log.jsonl", *words).code == 2


def test_replay_says_that_one_stream_runs_here(ltrr: Typed, workspace: FakeWorkspace):
    workspace.answers["replay"] = ReplayReport(20, 24, {"MAP@5": 0.375}, (), 2, 1.0, ())
    told = ltrr("replay", "log.jsonl", "--engine", "processes=2")
    assert told.code == 0
    assert told.err.splitlines() == [
        "one stream ran here, processes=2 had nothing to do: each answer learns from the one before"
    ]
    assert workspace.asked[-1][2]["engine"] == "processes=2"
    assert ltrr("replay", "log.jsonl", "--engine", "local").err == ""


def test_replay_shows_the_curve_and_the_means(ltrr: Typed, workspace: FakeWorkspace):
    curve = ({"searches": 10, "MAP@5": 0.25}, {"searches": 20, "MAP@5": 0.5})
    stretches = ({"searches": 10, "MAP@5": 0.25}, {"searches": 20, "MAP@5": 0.75})
    workspace.answers["replay"] = ReplayReport(20, 24, {"MAP@5": 0.375}, curve, 2, 1.0, stretches)
    told = ltrr("replay", "log.jsonl", "--from", "2011-10-01", "--run", "o.trec", "--no-explore", "--learn-every", "2h")
    verb, words, given = workspace.asked[-1]
    given.pop("progress")
    assert (verb, words) == ("replay", (["log.jsonl"],))
    assert given == {
        "since": 1317427200000, "run": Path("o.trec"), "explore": False, "learn_every": "2h",
        "train_every": 5000, "undated": False, "engine": None,
    }  # fmt: skip
    *table, blank, last = told.out.splitlines()
    assert [line.split() for line in table] == [
        ["searches", "MAP@5", "MAP@5", "here"],
        ["10", "0.2500", "0.2500"],
        ["20", "0.5000", "0.7500"],
        ["all", "0.3750"],
    ]
    assert (blank, last) == ("", "20 searches, 24 clicks, 2 trainings in 1.0 s")
