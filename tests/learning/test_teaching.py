"""What teaches the bandit: searches, and of actions without a search a share, each asked for before it is known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from ltrr_cli.allocation.policy import BanditExample
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.types import Context, Impression, Outcome
from ltrr_cli.engine.bandit_context import bandit_context_of
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.feedback.attribution import Attributed
from ltrr_cli.learning.teaching import STEADY, Share, Teacher, shares_of
from ltrr_cli.learning.timeline import SearchStep, merged, timeline
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import DAY_0
from tests.small_workspace import write_log

FOLKS, TASTE = 40, 12


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    return Workspace(workspace.home, allocation__sample=AllocationSettings().sample)


def plays(workspace: Workspace, dated: bool) -> list[Outcome]:
    """Every second person plays the first dozen entities, the others the next dozen; one person's plays in a row."""
    ids = workspace.state.snapshot().catalog.ids
    return [
        Outcome(f"e{person:02}{number:02}", 1_000 * (person * TASTE + number + 1) if dated else 0, "",
                ids[(person % 2) * TASTE + number], 1.0, kind="play", user=f"u{person}", imported=True)
        for person in range(FOLKS) for number in range(TASTE)
    ]  # fmt: skip


@pytest.fixture
def lessons(monkeypatch: pytest.MonkeyPatch) -> list[list[BanditExample]]:
    """What the bandit is taught, by the call."""
    found: list[list[BanditExample]] = []
    monkeypatch.setattr(Snapshot, "teach", lambda _, examples: found.append(list(examples)))
    return found


def teach(workspace: Workspace, outcomes: Sequence[Outcome]) -> None:
    """Go through outcomes as a fold does."""
    snapshot = workspace.state.snapshot()
    teacher = Teacher(snapshot)
    for step in timeline(teacher.chosen(merged([], outcomes)), snapshot.learn_counts):
        if isinstance(step, SearchStep):
            teacher.ask(step.impression)
        else:
            snapshot.learn(step.outcomes)
            teacher.teach(step)
    teacher.end_undated()


def test_actions_without_a_search_teach_who_finds_what_people_want_next(
    workspace: Workspace, lessons: list[list[BanditExample]]
):
    teach(workspace, plays(workspace, dated=False))
    assert not any(lessons[:-1])  # what has no time stands in no order: it teaches when all is known
    examples = lessons[-1]
    assert 0.1 < len(examples) / (FOLKS * TASTE) < 0.3
    assert {example.bandit_context.time_ms for example in examples} == {0}
    names = examples[0].bandit_context.strategies
    ranks = [example.ranks[names.index("personal")] for example in examples]
    assert sum(0 < rank <= TASTE for rank in ranks) > 0.8 * len(ranks)  # among the dozen that such people play
    share = [example.ranks[names.index("explore")] for example in examples]
    assert sum(0 < rank <= TASTE for rank in share) < 0.5 * len(share)


def test_what_has_a_time_teaches_in_its_order(workspace: Workspace, lessons: list[list[BanditExample]]):
    teach(workspace, plays(workspace, dated=True))
    assert 0.1 < sum(map(len, lessons)) / (FOLKS * TASTE) < 0.3
    assert lessons[-1] == []
    times = [example.bandit_context.time_ms for part in lessons for example in part]
    assert times == sorted(times)
    assert min(times) > 0


def test_nothing_is_lost_and_what_teaches_is_asked_for_right_before(workspace: Workspace):
    past = plays(workspace, dated=False)
    chosen = list(Teacher(workspace.state.snapshot()).chosen(merged([], past)))
    learnt = [one.outcome for one in chosen if isinstance(one, Attributed)]
    assert sorted(learnt, key=lambda outcome: outcome.event_id) == past
    assert learnt != past
    for before, after in pairwise(chosen):
        if isinstance(before, Impression):
            assert isinstance(after, Attributed)
            assert after.outcome.event_id == before.impression_id


def test_a_bandit_that_no_sample_teaches_is_asked_nothing(workspace: Workspace):
    frozen = Workspace(workspace.home, allocation__sample=0)
    chosen = Teacher(frozen.state.snapshot()).chosen(merged([], plays(workspace, dated=True)))
    assert all(isinstance(one, Attributed) for one in chosen)


def took(share: Share, moments: Sequence[int]) -> list[int]:
    return [number for number, moment in enumerate(moments) if share.takes(f"search {number}", moment)]


def test_of_more_and_more_searches_a_smaller_share_teaches_and_never_less_than_a_pace():
    sample = AllocationSettings().sample
    close = took(shares_of(AllocationSettings())[0], [DAY_0 + number for number in range(60_000)])
    assert len([one for one in close if one < sample // 10]) > 0.7 * sample // 10
    assert sample < len(close) < 2 * sample
    spread = took(shares_of(AllocationSettings())[0], [DAY_0 + number * DAY // 20 for number in range(60_000)])
    late = [one for one in spread if one > 50_000]  # 500 days: 8 half-lives
    assert len(late) > 8 * sample / STEADY * 0.7


def test_which_searches_teach_does_not_depend_on_what_comes_later():
    moments = [DAY_0 + number * 1_000 for number in range(3_000)]
    whole = took(shares_of(AllocationSettings())[0], moments)
    assert took(shares_of(AllocationSettings())[0], moments[:1_000]) == [one for one in whole if one < 1_000]


def test_a_log_without_searches_makes_pages_without_a_query_personal(workspace: Workspace, tmp_path: Path):
    lines = [
        {"event": "play", "timestamp": None, "user_id": outcome.user, "entity_id": outcome.entity_id}
        for outcome in plays(workspace, dated=False)
    ]
    workspace.ingest([write_log(tmp_path / "plays.jsonl", lines)], undated=True)
    snapshot = workspace.state.snapshot()
    context = Context(snapshot.clock_ms, user="u0")
    bandit_context = bandit_context_of(
        snapshot, snapshot.request("", context, 0), snapshot.enabled(), 10, explore=False
    )
    draws = dict(zip(bandit_context.strategies, snapshot.policy.menu(bandit_context).draws[0].tolist(), strict=True))
    assert max(draws, key=lambda name: draws[name]) == "personal"
