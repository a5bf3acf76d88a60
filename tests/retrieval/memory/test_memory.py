"""The memory: predicted at first, actual later, never ahead of its time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.clock import DAY, HOUR
from ltrr_cli.core.types import Outcome
from ltrr_cli.retrieval.memory.memory import Memory
from ltrr_cli.retrieval.memory.prior import PriorStrength
from ltrr_cli.retrieval.strategy import Resources
from tests.conftest import DAY_0, SONGS, ask


@pytest.fixture
def memory(resources: Resources, tmp_path: Path) -> Memory:
    Memory.build(resources, tmp_path)
    return Memory.open(resources, tmp_path, None)


def click(query: str, row: int, *, at: int = DAY_0, user: str = "u", reward: float = 1.0) -> Outcome:
    return Outcome(f"{query}-{row}-{at}-{user}", at, query, SONGS[row].id, reward, user=user)


def column(memory: Memory, query: str, rows: list[int], name: str, at: int = DAY_0 + HOUR) -> list[float]:
    table = memory.look(ask(query, time_ms=at)).evidence(np.array(rows, np.int32))
    return table[:, memory.evidence_names.index(name)].tolist()


def test_a_title_predicts_its_own_query(memory: Memory):
    title = SONGS[17].title
    assert memory.look(ask(title)).hits(1).rows.tolist() == [17]
    assert column(memory, title, [17], "prior_share") == [1.0]


def test_actual_counts_outgrow_the_prediction(memory: Memory):
    title = SONGS[17].title
    memory.learn([click(title, 40, at=DAY_0 + n, user=f"u{n}") for n in range(20)])
    assert memory.look(ask(title, time_ms=DAY_0 + HOUR)).hits(2).rows.tolist() == [40, 17]
    assert column(memory, title, [40], "prior_share")[0] < 0.06


def test_a_first_click_does_not_erase_the_prediction(memory: Memory):
    title = SONGS[17].title
    memory.learn([click(title, 40)])
    assert 17 in memory.look(ask(title, time_ms=DAY_0 + HOUR)).hits(5).rows


def test_another_way_of_writing_finds_the_same_memory(memory: Memory):
    memory.learn([click("Rock Smith_1", 40), click("rock smith 1", 40, user="v")])
    assert memory.look(ask("rocksmith1", time_ms=DAY_0 + HOUR)).hits(1).rows.tolist() == [40]
    assert memory.look(ask("rocksmth1", time_ms=DAY_0 + HOUR)).hits(1).rows.tolist() == [40]
    assert column(memory, "rocksmth1", [40], "own_count") == [0.0]
    assert column(memory, "rocksmth1", [40], "near_count")[0] > 0


def test_words_of_known_queries_reach_a_query_never_seen(memory: Memory):
    memory.learn([click("gentle sunday piano", 40), click("loud monday drums", 41)])
    hits = memory.look(ask("piano please", time_ms=DAY_0 + HOUR)).hits(3).rows.tolist()
    assert hits[0] == 40


def test_half_lives_stand_side_by_side(memory: Memory):
    memory.learn([click("x", 40, at=DAY_0 - 30 * DAY, user="a"), click("x", 40, at=DAY_0 - 29 * DAY, user="b")])
    memory.learn([click("x", 41, at=DAY_0, user="c")])
    assert column(memory, "x", [40, 41], "own_ever") == pytest.approx([2 / 3, 1 / 3])
    recent = column(memory, "x", [40, 41], "own_16h")
    assert recent[1] > 0.99
    assert column(memory, "x", [40, 41], "last_h") == pytest.approx([29 * 24 + 1, 1])


def test_a_count_decays_by_half_in_a_half_life(memory: Memory):
    memory.learn([click("x", 40)])
    now = memory.recall(ask("x", time_ms=DAY_0)).own[0]
    later = memory.recall(ask("x", time_ms=DAY_0 + 16 * HOUR)).own[0]
    assert later[2] == pytest.approx(now[2] / 2)
    assert later[-1] == now[-1] == 1.0


def leader(memory: Memory, query: str, at: int) -> int:
    return int(memory.look(ask(query, time_ms=at)).hits(1).rows[0])


def test_what_many_choose_of_late_leads_before_it_was_chosen_most_often(memory: Memory):
    before = [click("batman", 40, at=DAY_0 + n, user=f"u{n}") for n in range(400)]
    late = [click("batman", 41, at=DAY_0 + 40 * DAY + n, user=f"v{n}") for n in range(390)]
    memory.learn(before)
    assert leader(memory, "batman", DAY_0 + 40 * DAY) == 40
    memory.learn(late)
    assert leader(memory, "batman", DAY_0 + 40 * DAY + HOUR) == 41


def test_what_few_choose_of_late_does_not_outweigh_all_of_the_past(memory: Memory):
    memory.learn([click("batman", 40, at=DAY_0 + n, user=f"u{n}") for n in range(20)])
    memory.learn([click("batman", 41, at=DAY_0 + 40 * DAY + n, user=f"v{n}") for n in range(3)])
    assert leader(memory, "batman", DAY_0 + 40 * DAY + HOUR) == 40


def test_who_came_of_late_survives_the_disk(memory: Memory, resources: Resources, tmp_path: Path):
    memory.learn([click("batman", 40, at=DAY_0 + n, user=f"u{n}") for n in range(400)])
    memory.learn([click("batman", 41, at=DAY_0 + 40 * DAY + n, user=f"v{n}") for n in range(390)])
    memory.save(tmp_path)
    again = Memory.open(resources, tmp_path, tmp_path)
    assert leader(again, "batman", DAY_0 + 40 * DAY + HOUR) == 41
    (tmp_path / "visits.table").unlink()  # as it was before they were counted
    assert leader(Memory.open(resources, tmp_path, tmp_path), "batman", DAY_0 + 40 * DAY + HOUR) == 40


def test_distinct_users_are_counted_once(memory: Memory):
    memory.learn([click("x", 40, at=DAY_0 + n, user="robot") for n in range(9)] + [click("x", 40, user="person")])
    assert column(memory, "x", [40], "users") == pytest.approx([np.log1p(2)])


def test_evidence_against_is_no_action(memory: Memory):
    memory.learn([click("x", 40, reward=-1.0)])
    assert len(memory.recall(ask("x")).rows) == 0


def test_an_entity_that_left_the_catalog_is_forgotten_quietly(memory: Memory):
    memory.learn([Outcome("e", DAY_0, "x", "song:gone", 1.0)])
    assert len(memory.look(ask("x")).hits(5).rows) == 0


def moods(memory: Memory, wanted: dict[str, list[int]]) -> None:
    memory.learn(
        [
            click(query, row, at=DAY_0 + n, user=f"u{n}-{row}")
            for query, rows in wanted.items()
            for n, row in enumerate(rows)
        ]
    )


def test_what_predictions_are_worth_survives_the_disk(memory: Memory, resources: Resources, tmp_path: Path):
    moods(memory, {SONGS[row].title: [row, row, 40] for row in range(60)})
    learned = tmp_path / "learned"
    learned.mkdir()
    memory.save(learned)
    again = Memory.open(resources, tmp_path, learned)
    title = SONGS[3].title
    assert column(again, title, [3], "prior_share") == column(memory, title, [3], "prior_share")


def test_what_others_learnt_of_predictions_is_not_learnt_again(
    memory: Memory, resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    behind = Memory.open(resources, tmp_path, None)
    moods(memory, {SONGS[row].title: [row, row, 40] for row in range(60)})
    behind.take_fits(memory.fits(asked=True))
    assert memory.fits(asked=True) == {}
    monkeypatch.setattr(PriorStrength, "learn", None)  # who would learn it fails
    moods(behind, {SONGS[row].title: [row, row, 40] for row in range(60)})
    title = SONGS[3].title
    assert column(behind, title, [3], "prior_share") == column(memory, title, [3], "prior_share")
    assert behind._worth.famed == memory._worth.famed > 0.0


def test_the_prior_never_counts_less_than_one_action(memory: Memory):
    moods(memory, {SONGS[row].title: [40] * 3 for row in range(60)})  # every prediction is wrong
    assert column(memory, SONGS[5].title, [40], "prior_share")[0] <= 0.5


def equals(memory: Memory) -> tuple[int, int]:
    """Let two songs be equally wanted for one query; the first is the more popular one by a little."""
    memory.learn([click("rainy day", row, at=DAY_0 + n, user=f"u{n}") for n in range(6) for row in (40, 41)])
    return 41, 40


def scores(memory: Memory, query: str, at: int = DAY_0 + HOUR) -> dict[int, float]:
    found = memory.recall(ask(query, time_ms=at))
    return dict(zip(found.rows.tolist(), found.score.tolist(), strict=True))


def test_what_was_skipped_falls_below_its_untouched_equal(memory: Memory):
    first, second = equals(memory)
    before = scores(memory, "rainy day")
    assert before[first] > before[second] > 0.99 * before[first]
    memory.learn([click("rainy day", first, at=DAY_0 + 100, user=f"v{n}", reward=-0.3) for n in range(3)])
    after = scores(memory, "rainy day")
    assert after[first] < after[second] == before[second]
    assert after[first] == pytest.approx(before[first] * (1 + 6) / (1 + 6 + 0.9))
    assert memory.look(ask("rainy day", time_ms=DAY_0 + HOUR)).hits(2).rows.tolist() == [second, first]


def test_what_was_only_predicted_can_be_skipped_too(memory: Memory):
    title = SONGS[17].title
    before = scores(memory, title)[17]
    memory.learn([click(title, 17, reward=-1.0)])
    assert scores(memory, title)[17] == pytest.approx(before / 2)


def test_evidence_against_reaches_queries_written_like_it(memory: Memory):
    first, second = equals(memory)
    memory.learn([click("rainy day", first, at=DAY_0 + 100, user="v", reward=-1.0)])
    near = scores(memory, "rainy dayz")
    assert near[first] < near[second]


def test_evidence_for_and_against_may_come_in_any_order(resources: Resources, tmp_path: Path):
    Memory.build(resources, tmp_path)
    wanted = [click("rainy day", row, user=f"u{row}") for row in (40, 41)]
    against = [click("rainy day", 40, user="v", reward=-0.3), click("other words", 41, user="v", reward=-1.0)]
    found = []
    for outcomes in ([*wanted, *against], [*against, *wanted], [against[0], *wanted, against[1]]):
        memory = Memory.open(resources, tmp_path, None)
        for outcome in outcomes:
            memory.learn([outcome])
        found.append((scores(memory, "rainy day"), scores(memory, "other words")))
    assert found[0] == found[1] == found[2]


def test_what_speaks_against_survives_the_disk(memory: Memory, resources: Resources, tmp_path: Path):
    first, _ = equals(memory)
    memory.learn([click("rainy day", first, at=DAY_0 + 100, user="v", reward=-1.0)])
    learned = tmp_path / "learned"
    learned.mkdir()
    memory.save(learned)
    assert scores(Memory.open(resources, tmp_path, learned), "rainy day") == scores(memory, "rainy day")


def test_what_predictions_are_worth_is_learnt_at_the_same_moments_in_whatever_batches(
    resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    outcomes = [click(f"song {number % 7}", number % 30, at=DAY_0 + number, user=f"u{number}") for number in range(450)]
    learnt = []
    for size in (1, 64, 450):
        (folder := tmp_path / f"{size}").mkdir()
        Memory.build(resources, folder)
        memory, moments = Memory.open(resources, folder, None), list[tuple[float, float]]()
        monkeypatch.setattr(memory, "_settle", lambda of=memory, to=moments: to.append((of._actions, of._untried())))
        for start in range(0, len(outcomes), size):
            memory.learn(outcomes[start : start + size])
        learnt.append(moments)
    assert [actions for actions, _ in learnt[0]] == [100.0, 125.0, 157.0, 197.0, 247.0, 309.0, 387.0]
    assert learnt[0] == learnt[1] == learnt[2]
