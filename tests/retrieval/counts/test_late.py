"""What people choose of late, and how many came."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.clock import DAY
from ltrr_cli.retrieval.counts.decayed_counts import COLUMNS
from ltrr_cli.retrieval.counts.late import VisitCounts, as_of_late

COUNTS = np.array([[0, 0, 0, 0, 0, 10, 900], [30, 80, 90, 100, 100, 100, 100]], np.float32)


def test_leaning_keeps_the_number_of_choices():
    late = as_of_late(COUNTS, COUNTS.sum(axis=0))
    assert late.sum() == pytest.approx(1000.0)
    assert late[1] > 150.0


def test_choices_of_one_moment_or_without_a_time_stay_what_they_are():
    counts = np.array([3.0, 1.0], np.float32)
    at_once = np.repeat(counts[:, None], COLUMNS, axis=1)
    undated = np.where(np.arange(COLUMNS) < COLUMNS - 1, np.float32(0.0), at_once)
    for given in (at_once, undated):
        assert as_of_late(given, given.sum(axis=0)) == pytest.approx(counts)
    assert as_of_late(np.zeros((0, COLUMNS), np.float32), np.zeros(COLUMNS, np.float32)).shape == (0,)


def test_who_came_within_an_hour_is_counted_once_and_not_at_every_half_life():
    """All that came of late came at one moment: it says as much as they are, however many half-lives hear of it."""
    counts = np.array([[0, 0, 0, 0, 0, 0, 900], [100] * COLUMNS], np.float32)
    people = np.array([3, 3, 3, 3, 3, 3, 1000], np.float32)
    assert 300.0 < as_of_late(counts, people)[1] < 500.0


def test_what_few_choose_among_many_says_less_than_what_they_choose_among_two():
    among_many = np.full((100, COLUMNS), 10.0, np.float32)
    among_many[1:, : COLUMNS - 1] = 0.0  # of late one alone was chosen
    among_two = np.array([[10.0] * COLUMNS, [0.0] * (COLUMNS - 1) + [10.0]], np.float32)
    people = np.array([5] * (COLUMNS - 1) + [20], np.float32)
    two, many = (float(as_of_late(counts, people)[0] / counts[:, -1].sum()) for counts in (among_two, among_many))
    assert two > 0.6  # from .5
    assert many < 0.03  # from .01


def visits(*acts: tuple[int, int, int], parts: int = 1) -> VisitCounts:
    """Return what (query, day, who) come to, taken in at once or in parts."""
    counted = VisitCounts()
    for part in np.array_split(np.array(acts, np.int64), parts):
        counted.add(part[:, 0].tolist(), part[:, 1] * DAY, np.ones(len(part)), part[:, 2].astype(np.uint64))
    return counted


def came(counted: VisitCounts, day: int) -> list[list[float]]:
    return counted.of([1, 2, 3, -1], day * DAY).tolist()


def test_a_person_comes_to_a_query_once_in_some_weeks():
    counted = visits((1, 0, 7), (1, 1, 7), (2, 1, 7), (1, 2, 8), (1, 3, 7), (1, 100, 7))
    assert [of[-1] for of in came(counted, 100)] == [3.0, 1.0, 0.0, 0.0]
    assert came(counted, 0)[2] == [0.0] * COLUMNS


def test_visits_are_the_same_in_whatever_parts_they_come_and_survive_the_disk(tmp_path: Path):
    chance = np.random.default_rng(3)
    acts = [(int(chance.integers(1, 3)), day, int(chance.integers(9))) for day in range(60)]
    whole, parts = visits(*acts), visits(*acts, parts=23)
    assert came(whole, 70) == came(parts, 70)
    parts.save(tmp_path)
    again = VisitCounts.open(tmp_path)
    for counted in (whole, again):
        counted.add([1, 1], np.array([70, 71]) * DAY, np.ones(2), np.array([acts[-1][2], 99], np.uint64))
    assert came(again, 80) == came(whole, 80)


def test_people_of_daily_counts_come_at_once():
    counted = VisitCounts()
    counted.add_people(np.array([1, 1, 2]), np.full(3, DAY), np.array([5, 2, 1], np.int32))
    assert [of[-1] for of in came(counted, 1)] == [7.0, 1.0, 0.0, 0.0]
