"""``ltrr query``: numbers are checked before anything is opened, pages are shown safely."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ltrr_cli.core.config import Settings
from tests.cli.conftest import PAGE, FakeWorkspace, Typed


@pytest.mark.parametrize(
    "words",
    [
        ("-k", "0"),
        ("-k", "-1"),
        ("-k", str(2**63)),
        ("--budget", "-1"),
        ("--budget", "0"),
        ("--budget", str(2**63)),
        ("--seed", "-1"),
        ("--seed", str(2**63)),
        ("--filter", "genre"),
        ("--filter", "year>=old"),
        ("--context", "phone"),
        ("--at", "yesterday"),
        ("--at", "9" * 30),
        ("--run", "out.trec"),
        ("--batch", "queries.jsonl"),
        ("--batch", "queries.jsonl", "--run", "out.trec", "--user", "u1"),
        ("--batch", "queries.jsonl", "--run", "out.trec", "--explain"),
        ("--batch", "queries.jsonl", "--run", "out.trec", "-k", "0"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_hint_before_anything_is_opened(
    ltrr: Typed, tmp_path: Path, words: tuple[str, ...]
):
    home = tmp_path / "home"
    told = ltrr("query", *words, "--home", home)
    assert told.code == 2, told.err
    assert "hint: " in told.err
    assert not home.exists()


def test_text_beside_a_batch_is_refused(ltrr: Typed):
    told = ltrr("query", "love", "--batch", "q", "--run", "r")
    assert told.code == 2
    assert "TEXT does not go with --batch" in told.err


def test_bytes_that_are_no_text_are_refused(ltrr: Typed, workspace: FakeWorkspace):
    assert ltrr("query", "caf\udce9").code == 2
    assert workspace.asked == []


def test_everything_typed_reaches_the_workspace(ltrr: Typed, workspace: FakeWorkspace):
    ltrr(
        "query", "love", "-k", "5", "--budget", "50", "--user", "u", "--session", "s", "--at", "2011-10-01",
        "--context", "device=phone", "--filter", "genre=jazz", "--filter", "year>=2000", "--policy", "uniform",
        "--ranker", "fusion",
        "--seed", "7", "--hide-seen", "--like", "a1", "--live", "--no-log", "--no-explore",
        "--page", "3", "--facets", "genre,year", "--sort", "-year",
    )  # fmt: skip
    [(verb, words, options)] = workspace.asked
    assert (verb, words) == ("query", ("love",))
    assert options == {
        "k": 5, "budget": 50, "user": "u", "session": "s", "at": 1317427200000, "context": {"device": "phone"},
        "filters": ("genre=jazz", "year>=2000"), "policy": "uniform", "ranker": "fusion",
        "seed": 7, "hide_seen": True, "live": True,
        "log": False, "explore": False, "like": "a1", "page": 3, "facets": ("genre", "year"), "sort": "-year",
    }  # fmt: skip


def test_a_trial_is_live_only_where_flag_or_settings_say_so(ltrr: Typed, workspace: FakeWorkspace):
    ltrr("query", "love")
    workspace.settings = Settings(live=True)
    ltrr("query", "love")
    assert [options["live"] for _, _, options in workspace.asked] == [False, True]


def test_no_text_asks_for_recommendations(ltrr: Typed, workspace: FakeWorkspace):
    ltrr("query")
    assert workspace.asked[0][1] == ("",)


def test_the_page_shows_titles_ids_and_who_brought_them(ltrr: Typed, workspace: FakeWorkspace):
    told = ltrr("query", "love")
    lines = [line.rstrip() for line in told.out.splitlines()]
    assert lines[0].split() == ["title", "type", "id", "brought", "by", "(rank)"]
    assert lines[1].split() == ["1", "Love", "Story", "track", "a:1", "memory", "1,", "lexical", "2"]
    assert told.err.rstrip() == "2 of 134 candidates; allocation hazard, ranked by fusion; ltrr explain 0123abcd"


def test_a_title_cannot_command_the_terminal(ltrr: Typed, workspace: FakeWorkspace):
    for words in (("query", "x"), ("query", "x", "--explain"), ("query", "x", "--json")):
        told = ltrr(*words)
        assert "\x1b" not in told.out
        assert "\u202e" not in told.out
    assert json.loads(told.out)["results"][1]["title"] == "Plain \x1b[31mRed\u202e"


def test_markup_in_a_title_is_text(ltrr: Typed, workspace: FakeWorkspace):
    line = replace(PAGE.results[0], title="[bold]:smile: [/x]")
    workspace.answers["query"] = replace(PAGE, results=(line,))
    assert "[bold]:smile: [/x]" in ltrr("query", "x").out


def test_explain_shows_reading_plan_and_ranks(ltrr: Typed, workspace: FakeWorkspace):
    out = ltrr("query", "tayler love", "--explain").out
    assert "tayler -> taylor (90%)" in out
    assert "genre=love songs (60%), title=Love Story (40%)" in out
    assert "topic 80%, spearfishing 20%" in out
    assert "hazard (odds of this draw 0.250)" in out
    assert "lexical 120, memory 80" in out
    assert "0.900" in out


def test_a_page_without_results_is_no_error(ltrr: Typed, workspace: FakeWorkspace):
    workspace.answers["query"] = replace(PAGE, results=(), impression_id=None)
    told = ltrr("query", "zzzz")
    assert (told.code, told.out) == (0, "")
    assert told.err.startswith("no results; ")


def test_a_verbose_query_says_what_each_stage_and_strategy_took(ltrr: Typed, workspace: FakeWorkspace):
    lines = ltrr("query", "love", "-v").err.splitlines()
    assert "retrieve 1.2 ms, total 2.5 ms" in lines
    assert [line.split() for line in lines if line.startswith(("strategy", "memory", "lexical"))] == [
        ["strategy", "candidates", "ms"], ["memory", "80", "0.5"], ["lexical", "120", "0.7"],
    ]  # fmt: skip


def test_damage_is_named_even_when_quiet(ltrr: Typed, workspace: FakeWorkspace):
    workspace.answers["query"] = replace(PAGE, warnings=("memory not used: size differs",))
    assert ltrr("query", "love", "-q").err == "ltrr: memory not used: size differs\n"


def test_json_has_the_keys_tools_rely_on(ltrr: Typed, workspace: FakeWorkspace):
    page = json.loads(ltrr("query", "love", "--json").out)
    assert {"impression_id", "query", "reading", "plan", "results", "took_ms"} <= set(page)
    assert set(page["plan"]) == {"policy", "draws", "odds"}
    assert set(page["results"][0]) == {
        "position", "id", "title", "type", "score", "odds", "sources", "matches", "attributes", "pinned_by",
    }  # fmt: skip
    assert page["results"][0]["sources"]["memory"] == {"rank": 1, "score": 0.7}


def test_a_batch_takes_a_hundred_results_a_query_unless_told(ltrr: Typed, workspace: FakeWorkspace):
    told = ltrr("query", "--batch", "queries.jsonl", "--run", "out.trec", "--no-log", "--no-explore")
    assert told.out == "2 queries (1 without any), 150 results in out.trec\n"
    ltrr("query", "--batch", "queries.jsonl", "--run", "out.trec", "-k", "7")
    assert [options["k"] for _, _, options in workspace.asked] == [100, 7]
