"""What teaches the bandit: searches, and of actions without a search a share, each asked for before it is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ltrr_cli.core.types import Context, Outcome
from ltrr_cli.engine.bandit_context import bandit_context_of
from ltrr_cli.feedback.attribution import Attributed
from ltrr_cli.learning.credit import ImportedExamples
from ltrr_cli.learning.timeline import SearchStep, merged, timeline
from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import write_catalog, write_log

FOLKS, TASTE = 40, 12


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    opened = Workspace(tmp_path / "home")
    opened.index([write_catalog(tmp_path / "catalog.jsonl")])
    return opened


def plays(workspace: Workspace, dated: bool) -> list[Outcome]:
    """Every second person plays the first dozen entities, the others the next dozen; one person's plays in a row."""
    ids = workspace.state.snapshot().catalog.ids
    return [
        Outcome(f"e{person:02}{number:02}", 1_000 * (person * TASTE + number + 1) if dated else 0, "",
                ids[(person % 2) * TASTE + number], 1.0, kind="play", user=f"u{person}", imported=True)
        for person in range(FOLKS) for number in range(TASTE)
    ]  # fmt: skip


def taught(workspace: Workspace, outcomes: Sequence[Outcome], share: float) -> tuple[ImportedExamples, list[int]]:
    """Go through outcomes; return the teacher, and how many examples came in order."""
    snapshot = workspace.state.snapshot()
    teacher, count = ImportedExamples(snapshot, wordless=share), list[int]()
    for step in timeline(teacher.arranged(merged([], outcomes))):
        if isinstance(step, SearchStep):
            teacher.ask(step.impression)
        else:
            snapshot.learn(step.outcomes)
            count.append(len(teacher.examples(step.outcomes)))
    return teacher, count


def test_actions_without_a_search_teach_who_finds_what_people_want_next(workspace: Workspace):
    teacher, count = taught(workspace, plays(workspace, dated=False), 0.2)
    examples = teacher.undated(5_000)
    assert not any(count)
    assert 0.1 < len(examples) / (FOLKS * TASTE) < 0.3
    assert {example.bandit_context.time_ms for example in examples} == {5_000}
    names = examples[0].bandit_context.strategies
    ranks = [example.ranks[names.index("personal")] for example in examples]
    assert sum(0 < rank <= TASTE for rank in ranks) > 0.8 * len(ranks)  # among the dozen that such people play
    share = [example.ranks[names.index("explore")] for example in examples]
    assert sum(0 < rank <= TASTE for rank in share) < 0.5 * len(share)


def test_what_has_a_time_teaches_in_its_order(workspace: Workspace):
    teacher, count = taught(workspace, plays(workspace, dated=True), 0.2)
    assert 0.1 < sum(count) / (FOLKS * TASTE) < 0.3
    assert teacher.undated(5_000) == []


def test_nothing_is_lost_and_nothing_that_teaches_is_known_before(workspace: Workspace):
    past = plays(workspace, dated=False)
    teacher = ImportedExamples(workspace.state.snapshot(), wordless=0.2)
    arranged = list(teacher.arranged(merged([], past)))
    learnt = [one.outcome for one in arranged if isinstance(one, Attributed)]
    assert sorted(learnt, key=lambda outcome: outcome.event_id) == past
    assert learnt != past
    assert len(arranged) > len(past)  # and a search for each that teaches
    assert list(ImportedExamples(workspace.state.snapshot()).arranged(merged([], past))) == list(merged([], past))


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
