from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.clock import DAY
from ltrr_cli.retrieval.people.actions import HALF_LIFE_DAYS, Actions
from tests.conftest import DAY_0, SONGS
from tests.retrieval.people.acts import act, two_tastes

ROWS = {entity.id: row for row, entity in enumerate(SONGS)}


def logged(outcomes) -> Actions:
    actions = Actions()
    actions.learn(outcomes, lambda entity: ROWS.get(entity, -1))
    return actions


def test_a_person_is_known_by_what_they_did_decayed_to_the_moment_of_the_question():
    actions = logged([act(1, "u", 3), act(2, "u", 5), act(3, "u", 5), act(4, "other", 7)])
    rows, strengths, _ = actions.of("u", None, DAY_0)
    assert rows.tolist() == [3, 5]
    np.testing.assert_allclose(strengths, np.log1p([1.0, 2.0]), rtol=1e-3)
    later = actions.of("u", None, DAY_0 + int(HALF_LIFE_DAYS * DAY))[1]
    np.testing.assert_allclose(later, np.log1p([0.5, 1.0]), rtol=1e-3)


def test_what_has_no_time_does_not_decay():
    actions = logged([replace(act(1, "u", 3), time_ms=0)])
    assert actions.of("u", None, DAY_0)[1].tolist() == pytest.approx([np.log(2.0)])


def test_a_session_adds_to_its_user_and_stands_for_nobody():
    actions = logged([act(1, "u", 3), act(2, None, 5, session="s"), act(3, "u", 7, session="t")])
    assert actions.of("u", "s", DAY_0)[0].tolist() == [3, 5, 7]
    assert actions.of(None, "s", DAY_0)[0].tolist() == [5]
    assert actions.of(None, "t", DAY_0)[0].tolist() == [7]
    assert not len(actions.of("s", None, DAY_0)[0])


def test_plays_count_by_the_logarithm_of_their_number_and_dislikes_against():
    actions = logged([act(1, "u", 3, value=100.0), act(2, "u", 5), replace(act(3, "u", 7), reward=-1.0)])
    strengths = actions.of("u", None, DAY_0)[1]
    assert strengths[0] > strengths[1] > 0 > strengths[2]


def test_nobody_and_nothing_are_no_action():
    assert (
        len(logged([act(1, None, 3), replace(act(2, "u", 3), weight=0.0), replace(act(3, "u", 3), entity_id="?")])) == 0
    )


def test_fits_end_on_a_schedule_that_does_not_depend_on_batches():
    outcomes, sizes = two_tastes(), []
    actions = Actions()
    for outcome in outcomes:
        actions.learn([outcome], ROWS.__getitem__)
        sizes.append(actions.settled())
    assert sizes[:19] == [0] * 19
    assert sizes[-1] == logged(outcomes).settled()
    assert all(size <= length for length, size in enumerate(sizes, 1))
    assert all(size >= length / 1.1 - 2 for length, size in enumerate(sizes, 1) if length >= 20)
    assert len(set(sizes)) < 45


def test_the_log_survives_the_disk_and_goes_on(tmp_path: Path):
    outcomes = [*two_tastes(10, 4), act(99, "u1", 3, session="s")]
    half = logged(outcomes[:20])
    half.save(tmp_path / "log")
    again = Actions.open(tmp_path / "log")
    again.learn(outcomes[20:], ROWS.__getitem__)
    whole = logged(outcomes)
    for name in ("actor", "row", "query", "weight", "time_ms"):
        np.testing.assert_array_equal(again.column(name), whole.column(name))
    for who in (("u1", None), (None, "s"), ("u3", "s")):
        np.testing.assert_array_equal(again.of(*who, DAY_0)[0], whole.of(*who, DAY_0)[0])
