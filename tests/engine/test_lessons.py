"""What teaches the bandit: searches, and of actions without a search a share, each asked for before it is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ltrr_cli.core.types import Context, Outcome
from ltrr_cli.engine.lessons import Teacher
from ltrr_cli.engine.search import situation_of
from ltrr_cli.engine.walk import walk
from ltrr_cli.engine.workspace import Workspace
from tests.engine.conftest import write_catalog, write_log

FOLKS, TASTE = 40, 12


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    opened = Workspace(tmp_path / "home")
    opened.index([write_catalog(tmp_path / "catalog.jsonl")])
    return opened


def plays(workspace: Workspace, dated: bool) -> list[Outcome]:
    """Every second person plays the first dozen entities, the others the next dozen; one person's plays in a row."""
    ids = workspace.loop().catalog.ids
    return [
        Outcome(f"e{person:02}{number:02}", 1_000 * (person * TASTE + number + 1) if dated else 0, "",
                ids[(person % 2) * TASTE + number], 1.0, kind="play", user=f"u{person}", imported=True)
        for person in range(FOLKS) for number in range(TASTE)
    ]  # fmt: skip


def taught(workspace: Workspace, outcomes: Sequence[Outcome], share: float) -> tuple[Teacher, list[int]]:
    """Walk through outcomes; return the teacher, and how many lessons came in order."""
    loop = workspace.loop()
    teacher, count = Teacher(loop, wordless=share), list[int]()
    walk(loop, [], teacher.arranged(outcomes), teacher.ask, lambda b: count.append(len(teacher.lessons(b))),
         teacher.watch, teacher.teaches)  # fmt: skip
    return teacher, count


def test_actions_without_a_search_teach_who_finds_what_people_want_next(workspace: Workspace):
    teacher, count = taught(workspace, plays(workspace, dated=False), 0.2)
    lessons = teacher.undated(5_000)
    assert not any(count)
    assert 0.1 < len(lessons) / (FOLKS * TASTE) < 0.3
    assert {lesson.situation.time_ms for lesson in lessons} == {5_000}
    names = lessons[0].situation.strategies
    ranks = [lesson.ranks[names.index("personal")] for lesson in lessons]
    assert sum(0 < rank <= TASTE for rank in ranks) > 0.8 * len(ranks)  # among the dozen that such people play
    share = [lesson.ranks[names.index("explore")] for lesson in lessons]
    assert sum(0 < rank <= TASTE for rank in share) < 0.5 * len(share)


def test_what_has_a_time_teaches_in_its_order(workspace: Workspace):
    teacher, count = taught(workspace, plays(workspace, dated=True), 0.2)
    assert 0.1 < sum(count) / (FOLKS * TASTE) < 0.3
    assert teacher.undated(5_000) == []


def test_nothing_is_lost_and_nothing_that_teaches_is_known_before(workspace: Workspace):
    past = plays(workspace, dated=False)
    teacher = Teacher(workspace.loop(), wordless=0.2)
    arranged = list(teacher.arranged(past))
    assert sorted(arranged, key=lambda outcome: outcome.event_id) == past
    assert arranged != past
    assert list(Teacher(workspace.loop()).arranged(past)) == past


def test_a_log_without_searches_makes_pages_without_a_query_personal(workspace: Workspace, tmp_path: Path):
    lines = [
        {"event": "play", "timestamp": None, "user_id": outcome.user, "entity_id": outcome.entity_id}
        for outcome in plays(workspace, dated=False)
    ]
    workspace.ingest([write_log(tmp_path / "plays.jsonl", lines)], undated=True)
    loop = workspace.loop()
    context = Context(loop.clock_ms, user="u0")
    situation = situation_of(loop, loop.request("", context, 0), loop.enabled(), 10, explore=False)
    draws = dict(zip(situation.strategies, loop.policy.menu(situation).draws[0].tolist(), strict=True))
    assert max(draws, key=lambda name: draws[name]) == "personal"
