from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Context, Outcome, Profile, Request, Slot
from ltrr_cli.retrieval.people.action_graph import FITTED, ActionGraph
from ltrr_cli.retrieval.people.personal import Personal
from ltrr_cli.retrieval.related import Related
from ltrr_cli.retrieval.shared_values import SharedValues
from ltrr_cli.retrieval.strategy import Resources
from tests.conftest import DAY_0, SONGS, ask
from tests.retrieval.people.acts import act, two_tastes

TIES: list[Path] = []  # where the neighbour's ties lie


def taught(resources: Resources, outcomes: Sequence[Outcome], people: Sequence[Profile] = ()) -> Personal:
    opened = Personal(ActionGraph(resources.catalog.row_of, resources.catalog.types), SharedValues.open(TIES[0]))
    opened.meet(people)
    opened.learn(outcomes)
    return opened


@pytest.fixture(scope="module", autouse=True)
def ties(resources: Resources, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    TIES.append(tmp_path_factory.mktemp("generation") / "related")
    TIES[0].mkdir()
    Related.build(resources, TIES[0])
    yield
    TIES.clear()


def asked(user: str | None, query: str = "", **more: object) -> Request:
    session = more.pop("session", None)
    return replace(ask(query, **more), context=Context(DAY_0, user, session))  # type: ignore[arg-type]


def even(rows: np.ndarray) -> float:
    return float(np.mean(rows % 2 == 0))


def calm(rows: np.ndarray) -> float:
    return float(np.mean([SONGS[row].attributes["mood"] == ("calm",) for row in rows.tolist()]))


def test_a_profile_says_what_a_newcomer_may_like(resources: Resources):
    moods = [[row for row in range(60) if SONGS[row].attributes["mood"] == (mood,)] for mood in ("calm", "loud")]
    acts = [act(n, f"u{n % 40}", moods[n % 2][(n * 7 + n // 40 * 3) % 20]) for n in range(400)]
    said = [Profile("new", {"mood": ("calm",), "age": 30.0}), Profile("later", {"mood": "calm"}, DAY_0 + 1)]
    met = taught(resources, acts, said)
    assert calm(met.look(asked("new")).hits(10).rows) > 0.9
    assert not len(met.look(asked("later")).hits(10).rows)  # it does not hold yet
    known = met.look(asked("new")).signals()
    assert known == {"history": 0.0, "profile": pytest.approx(np.log(2.0)), "profile_reading": 0.0}
    assert met.look(asked("later")).signals()["profile"] == 0.0
    reading = replace(asked("new").reading, slots=(Slot("mood", "Calm", 0.9, 0, 1),))
    assert met.look(replace(asked("new", "calm"), reading=reading)).signals()["profile_reading"] == 1.0
    assert met.look(replace(asked(None, "calm"), reading=reading)).signals()["profile_reading"] == 0.0


def test_profiles_survive_the_disk(resources: Resources, tmp_path: Path):
    met = taught(resources, two_tastes(), [Profile("new", {"mood": ("calm", "sad")})])
    met.save(tmp_path)
    again = Personal.open(resources, TIES[0].with_name("personal"), tmp_path)
    assert len(again.look(asked("new")).hits(10).rows)
    assert again.look(asked("new")).hits(10).rows.tolist() == met.look(asked("new")).hits(10).rows.tolist()


@pytest.fixture(scope="module")
def personal(resources: Resources) -> Personal:
    return taught(resources, two_tastes())


def test_nothing_is_brought_for_somebody_unknown(personal: Personal):
    for request in (asked(None), asked("nobody"), asked("nobody", "song")):
        assert not len(personal.look(request).hits(10).rows)
        assert np.isnan(personal.look(request).evidence(np.arange(5, dtype=np.int32))).all()
        assert not any(personal.look(request).signals().values())


def test_without_a_query_everybody_gets_what_people_like_them_choose(personal: Personal):
    assert even(personal.look(asked("u0")).hits(15).rows) > 0.9
    assert even(personal.look(asked("u1")).hits(15).rows) < 0.1


def test_a_query_keeps_it_near_the_best_hits(personal: Personal):
    seeds = np.array([0, 2, 4], np.int32)
    mine = personal.look(asked("u0", "song", seeds=seeds)).hits(15)
    assert even(mine.rows) == 1.0
    assert not len(personal.look(asked("u0", "song", seeds=np.array([118], np.int32))).hits(15).rows)  # nobody chose it


def test_the_lift_is_learnt_from_what_people_chose_next(personal: Personal, resources: Resources):
    rows = np.arange(60, dtype=np.int32)
    lift = personal.look(asked("u0")).evidence(rows)[:, 0]
    assert lift[rows % 2 == 0].mean() > lift[rows % 2 == 1].mean() + 1.0
    shifts = []
    for number in range(5):  # where taste says nothing of the next choice, it hardly moves the page
        chance = generator("no taste", number)
        aimless = taught(resources, [act(n, f"u{n % 60}", int(chance.integers(60))) for n in range(720)])
        moved = aimless.look(asked("u0")).evidence(rows)
        shifts.append(np.abs(moved[moved[:, 2] == 0, 0]).mean())
    assert np.mean(shifts) < 0.35


def test_a_session_is_somebody_too(personal: Personal, resources: Resources):
    more = [act(5_000 + n, None, row, session="s") for n, row in enumerate((1, 3, 5, 7))]
    found = taught(resources, [*two_tastes(), *more]).look(asked(None, session="s")).hits(10)
    assert even(found.rows) < 0.2


def test_how_actions_come_in_batches_changes_nothing(personal: Personal, resources: Resources):
    other, outcomes = taught(resources, []), two_tastes()
    for start in range(0, len(outcomes), 7):
        other.learn(outcomes[start : start + 7])
        other.look(asked("u0")).hits(5)  # asking in between must not either
    rows = np.arange(60, dtype=np.int32)
    np.testing.assert_array_equal(other.look(asked("u0")).evidence(rows), personal.look(asked("u0")).evidence(rows))


def test_what_was_learnt_survives_the_disk(personal: Personal, resources: Resources, tmp_path: Path):
    personal.save(tmp_path)
    again = Personal.open(resources, TIES[0].with_name("personal"), tmp_path)
    more = [act(9_000 + n, "u0", n) for n in range(100)]
    for learner in (again, live := taught(resources, two_tastes())):
        learner.learn(more)
    for request in (asked("u0"), asked("u7"), asked("u0", "song", seeds=np.array([3], np.int32))):
        found, wanted = again.look(request).hits(20), live.look(request).hits(20)
        assert found.rows.tolist() == wanted.rows.tolist()
        np.testing.assert_array_equal(found.scores, wanted.scores)


def test_in_company_the_log_is_held_and_saved_once(resources: Resources, tmp_path: Path):
    alone, folder = taught(resources, two_tastes()), TIES[0].with_name("personal")
    related, personal = Related.open(resources, TIES[0], None), Personal.open(resources, folder, None)
    company = {"related": related, "personal": personal}
    for strategy in company.values():
        strategy.join(company)
        strategy.learn(two_tastes())
    expected = alone.look(asked("u0")).hits(10).rows.tolist()
    assert personal.look(asked("u0")).hits(10).rows.tolist() == expected
    for name, strategy in company.items():
        (tmp_path / name).mkdir()
        strategy.save(tmp_path / name)
    assert (tmp_path / "related" / FITTED).exists()
    assert not (tmp_path / "personal" / FITTED).exists()
    again = Personal.open(resources, folder, tmp_path / "personal")
    again.join({"related": Related.open(resources, TIES[0], tmp_path / "related")})
    assert again.look(asked("u0")).hits(10).rows.tolist() == expected
