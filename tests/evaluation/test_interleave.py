"""Team draft: fair to equals, and it prefers what is better."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.seeds import generator
from ltrr_cli.evaluation.interleave import from_journal, simulated, team_draft
from ltrr_cli.feedback.judgments import write_run
from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import searches, write_log

LISTS = some.lists(some.sampled_from("abcdefgh"), unique=True, max_size=8)


@given(LISTS, LISTS, some.integers(0, 10), some.integers(0, 99))
def test_a_page_is_distinct_full_and_each_team_picks_its_best(first: list[str], second: list[str], k: int, seed: int):
    page = team_draft(first, second, k, np.random.default_rng(seed))
    ids = [entity for entity, _ in page]
    assert len(ids) == len(set(ids)) == min(k, len({*first, *second}))
    for place, (entity, team) in enumerate(page):
        left = [other for other in (first, second)[team] if other not in ids[:place]]
        assert left[0] == entity
    teams = [team for _, team in page]
    for rounds in range(1, min(len(first), len(second), len(page)) // 2):
        if len({*first[: 2 * rounds], *second[: 2 * rounds]}) == 4 * rounds:  # nobody ran out, nothing was shared
            assert teams[: 2 * rounds].count(0) == rounds


def test_the_first_pick_is_a_fair_coin():
    first = sum(team_draft("ab", "cd", 2, generator("coin", seed))[0][1] == 0 for seed in range(2_000))
    assert abs(first - 1_000) < 100


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Forty queries of which one run puts the relevant entity first, the other fourth."""
    good = {f"q{n}": ["hit", "a", "b", "c"] for n in range(40)}
    poor = {f"q{n}": ["a", "b", "c", "hit"] for n in range(40)}
    write_run(tmp_path / "good.trec", good)
    write_run(tmp_path / "poor.trec", poor)
    (tmp_path / "qrels.tsv").write_text("".join(f"q{n} 0 hit 1\n" for n in range(40)))
    return tmp_path / "good.trec", tmp_path / "poor.trec", tmp_path / "qrels.tsv"


def test_listeners_prefer_what_is_better_and_a_swap_turns_it(runs: tuple[Path, Path, Path]):
    good, poor, qrels = runs
    one = simulated(None, (str(good), str(poor)), None, qrels)
    other = simulated(None, (str(poor), str(good)), None, qrels)
    assert one.searches == 400
    assert one.low > 0.55
    assert one.p < 0.001
    assert other.high < 0.45
    assert sum(one.wins) + one.ties == 400


def test_equals_are_not_preferred(runs: tuple[Path, Path, Path]):
    good, _, qrels = runs
    told = simulated(None, (str(good), str(good)), None, qrels, sessions=25)
    assert told.low < 0.5 < told.high
    assert told.p > 0.01


def test_a_workspace_s_policies_are_compared_on_judged_queries(workspace: Workspace, queries: Path, qrels: Path):
    narrow = Workspace(workspace.home, retrieval__budget=15)  # of 120 entities, or every policy would bring them all
    told = simulated(narrow.state, ("fixed(lexical=1)/fusion", "fixed(explore=1)/fusion"), queries, qrels, sessions=4)
    assert told.searches == 13 * 4
    assert told.preference > 0.6


@pytest.mark.turns(6)
def test_logged_choices_are_credited_as_of_their_time(workspace: Workspace, tmp_path: Path):
    workspace.ingest([write_log(tmp_path / "log.jsonl", searches(150))])
    told = from_journal(Workspace(workspace.home, retrieval__budget=15).state, ("fixed(memory=1)", "fixed(explore=1)"))
    assert told.searches == 150
    assert told.low > 0.55
    late = from_journal(
        workspace.state, ("hazard", "hazard"), since_ms=int(workspace.state.snapshot().clock_ms) - 30 * 60_000
    )
    assert 0 < late.searches < 50
    assert late.low <= 0.5 <= late.high


def test_what_cannot_be_compared_is_refused(workspace: Workspace, runs: tuple[Path, Path, Path], tmp_path: Path):
    good, _, qrels = runs
    with pytest.raises(UsageError, match="is no run"):
        simulated(None, (str(good), "hazard"), None, qrels)
    with pytest.raises(DataError, match="acted on"):
        from_journal(workspace.state, ("hazard", "uniform"))
    (tmp_path / "none.tsv").write_text("q1 0 a 0\n")
    with pytest.raises(DataError, match="nothing is relevant"):
        simulated(None, (str(good), str(good)), None, tmp_path / "none.tsv")
