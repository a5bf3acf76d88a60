from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.chance import generator
from ltrr_cli.core.types import Context, Outcome, Request
from ltrr_cli.retrieval.base import Resources
from ltrr_cli.retrieval.personal import Personal
from tests.conftest import DAY_0, ask
from tests.retrieval.acts import act, two_tastes


def taught(resources: Resources, outcomes: Sequence[Outcome]) -> Personal:
    opened = Personal.open(resources, Path("unused"), None)
    opened.learn(outcomes)
    return opened


def asked(user: str | None, query: str = "", **more: object) -> Request:
    session = more.pop("session", None)
    return replace(ask(query, **more), context=Context(DAY_0, user, session))  # type: ignore[arg-type]


def even(rows: np.ndarray) -> float:
    return float(np.mean(rows % 2 == 0))


@pytest.fixture(scope="module")
def personal(resources: Resources) -> Personal:
    return taught(resources, two_tastes())


def test_nothing_is_brought_for_somebody_unknown(personal: Personal):
    for request in (asked(None), asked("nobody"), asked("nobody", "song")):
        assert not len(personal.retrieve(request, 10).rows)
        assert np.isnan(personal.evidence(request, np.arange(5, dtype=np.int32))).all()
        assert personal.signals(request) == {"history": 0.0}


def test_without_a_query_everybody_gets_what_people_like_them_choose(personal: Personal):
    assert even(personal.retrieve(asked("u0"), 15).rows) > 0.9
    assert even(personal.retrieve(asked("u1"), 15).rows) < 0.1


def test_a_query_keeps_it_near_the_best_hits(personal: Personal):
    seeds = np.array([0, 2, 4], np.int32)
    mine = personal.retrieve(asked("u0", "song", seeds=seeds), 15)
    assert even(mine.rows) == 1.0
    assert not len(personal.retrieve(asked("u0", "song", seeds=np.array([118], np.int32)), 15).rows)  # nobody chose it


def test_the_lift_is_learnt_from_what_people_chose_next(personal: Personal, resources: Resources):
    rows = np.arange(60, dtype=np.int32)
    lift = personal.evidence(asked("u0"), rows)[:, 0]
    assert lift[rows % 2 == 0].mean() > lift[rows % 2 == 1].mean() + 1.0
    chance = generator("no taste")  # where taste says nothing of the next choice, it must not move the page
    aimless = taught(resources, [act(n, f"u{n % 60}", int(chance.integers(60))) for n in range(720)])
    moved = aimless.evidence(asked("u0"), rows)
    assert np.abs(moved[moved[:, 2] == 0, 0]).mean() < 0.25


def test_a_session_is_somebody_too(personal: Personal, resources: Resources):
    more = [act(5_000 + n, None, row, session="s") for n, row in enumerate((1, 3, 5, 7))]
    found = taught(resources, [*two_tastes(), *more]).retrieve(asked(None, session="s"), 10)
    assert even(found.rows) < 0.2


def test_how_actions_come_in_batches_changes_nothing(personal: Personal, resources: Resources):
    other, outcomes = taught(resources, []), two_tastes()
    for start in range(0, len(outcomes), 7):
        other.learn(outcomes[start : start + 7])
        other.retrieve(asked("u0"), 5)  # asking in between must not either
    rows = np.arange(60, dtype=np.int32)
    np.testing.assert_array_equal(other.evidence(asked("u0"), rows), personal.evidence(asked("u0"), rows))


def test_what_was_learnt_survives_the_disk(personal: Personal, resources: Resources, tmp_path: Path):
    personal.save(tmp_path)
    again = Personal.open(resources, tmp_path, tmp_path)
    more = [act(9_000 + n, "u0", n) for n in range(100)]
    for learner in (again, live := taught(resources, two_tastes())):
        learner.learn(more)
    for request in (asked("u0"), asked("u7"), asked("u0", "song", seeds=np.array([3], np.int32))):
        found, wanted = again.retrieve(request, 20), live.retrieve(request, 20)
        assert found.rows.tolist() == wanted.rows.tolist()
        np.testing.assert_array_equal(found.scores, wanted.scores)
