from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ltrr_cli.core.seeds import generator, seed_of
from ltrr_cli.core.types import Context, IntArray, Outcome
from ltrr_cli.retrieval.people import action_graph
from ltrr_cli.retrieval.people.action_graph import PARTS, ActionGraph
from ltrr_cli.retrieval.people.actions import GROWTH, settled
from ltrr_cli.retrieval.people.personal_score import groups_of
from tests.conftest import DAY_0
from tests.retrieval.people.acts import act

ROWS = 60
TYPES = np.array([row % 2 for row in range(ROWS)], np.int32)  # even rows are of the one type, odd ones of the other


def world(
    returns: Callable[[int, str], bool], kinds: tuple[str, ...] = ("play",), people: int = 160, each: int = 14
) -> list[Outcome]:
    """Invent people who choose at random; to what ``returns`` says of (type, kind) they come back every other time."""
    chance, found = generator("returns"), []
    past: dict[int, list[tuple[int, str]]] = {person: [] for person in range(people)}
    for number in range(people * each):
        person = number % people
        again = [(row, kind) for row, kind in past[person] if returns(int(TYPES[row]), kind)]
        if again and chance.random() < 0.5:
            row, kind = again[int(chance.integers(len(again)))]
        else:
            seen = {row for row, _ in past[person]}
            left = [row for row in range(ROWS) if row not in seen]
            row, kind = int(chance.choice(left)), kinds[int(chance.integers(len(kinds)))]
        past[person].append((row, kind))
        found.append(act(number, f"u{person}", row, kind=kind))
    return found


def learnt(outcomes: list[Outcome], types: IntArray = TYPES) -> ActionGraph:
    graph = ActionGraph(lambda entity: int(entity.split(":")[1]), types)
    graph.learn(outcomes)
    return graph


def coming_back(graph: ActionGraph, row: int, kind: str) -> float:
    """Return the log-odds that one action of a kind adds to the very entity."""
    graph.learn([act(90_000, "new", row, kind=kind)])
    who = graph.who(Context(DAY_0, "new"))
    assert who is not None
    own = np.array([[0.0, 0.0, 1.0]])
    return float(graph.weights.of(own, groups_of(who, np.array([row], np.int32), graph._types))[0])


@pytest.mark.parametrize("back", [True, False])
def test_the_log_says_whether_people_come_back(back: bool):
    graph = learnt(world(lambda kind_of_entity, kind: back))
    assert (coming_back(graph, 4, "play") > 0.3) == back
    assert (coming_back(graph, 5, "play") < -0.2) != back


def test_people_come_back_to_one_type_and_not_to_the_other():
    graph = learnt(world(lambda type_, kind: type_ == 0))
    assert coming_back(graph, 4, "play") > 0.3
    assert coming_back(learnt(world(lambda type_, kind: type_ == 0)), 5, "play") < 0.0


@pytest.mark.parametrize(("again", "once"), [("play", "purchase"), ("open", "rent"), ("listen", "finish")])
def test_people_come_back_to_what_they_did_one_thing_with_and_not_another(again: str, once: str):
    outcomes = world(lambda type_, kind: kind == again, (again, once))
    types = np.zeros(ROWS, np.int32)
    assert coming_back(learnt(outcomes, types), 4, again) > coming_back(learnt(outcomes, types), 4, once) + 0.5
    assert coming_back(learnt(outcomes, types), 4, once) < 0.0


def test_where_all_is_of_one_kind_there_is_one_weight():
    graph = learnt(world(lambda type_, kind: True), np.zeros(ROWS, np.int32))
    assert not len(graph.weights.groups)


def test_weights_survive_the_disk_and_go_on(tmp_path):
    outcomes = world(lambda type_, kind: kind == "play", ("play", "buy"))
    half = learnt(outcomes[:700])
    half.save(tmp_path)
    again = ActionGraph.open(tmp_path, lambda entity: int(entity.split(":")[1]), TYPES)
    np.testing.assert_array_equal(again.weights.returning, half.weights.returning)
    again.learn(outcomes[700:])
    whole = learnt(outcomes)
    np.testing.assert_array_equal(again.weights.groups, whole.weights.groups)
    np.testing.assert_array_equal(again.weights.aspects, whole.weights.aspects)
    assert coming_back(again, 4, "buy") == coming_back(whole, 4, "buy")


def test_what_the_newest_event_was_decides_the_kind():
    graph = learnt([])
    graph.learn([act(1, "u", 3, kind="play"), act(2, "u", 3, kind="buy"), act(3, "u", 5, kind="play")])
    rows, _, kinds = graph.actions.of("u", None, DAY_0)
    assert rows.tolist() == [3, 5]
    assert kinds[0] != kinds[1]


@pytest.mark.parametrize("told", [True, False])
def test_a_log_that_lists_the_actions_of_every_actor_opens(tmp_path, told: bool):
    """The format of 0.1.0; at first kinds of events were not told apart."""
    sessions = [
        act(50_000 + n, user, n, session="s", kind="play") for n, user in enumerate(["u1", None, "u2", "u1", None])
    ]
    graph = learnt([*world(lambda type_, kind: True), *sessions])
    log, named = graph.actions, [("user", f"u{n}") for n in range(160)] + [("session", "s")]
    graph.factors  # noqa: B018 - fits
    lists = [sorted(log._chain(*one)) for one in named]
    columns = {name: log.column(name) for name in ("actor", "row", "query", "weight", "time_ms")}
    columns["actor"] = np.array([next(n for n, of in enumerate(lists) if at in of) for at in range(len(log))])
    kinds = {"kinds": np.frombuffer(b"play", np.uint8), "kind": log.column("kind")} if told else {}
    actors = np.array([seed_of(*one) for one in named]).astype(np.int64)
    np.savez(tmp_path / "actions.npz", actors=actors, lengths=list(map(len, lists)), places=sum(lists, []), **columns,
             **kinds)  # fmt: skip
    size, factors, weights = graph._settled().size, graph.factors, graph.weights
    groups = {"groups": weights.groups, "returning": weights.returning} if told else {}
    parts = {name: getattr(factors, name) for name in PARTS}
    np.savez(tmp_path / "factors.npz", size=size, weights=weights.aspects, **parts, **groups)
    again = ActionGraph.open(tmp_path, lambda entity: int(entity.split(":")[1]), TYPES)
    np.testing.assert_array_equal(again.weights.aspects, graph.weights.aspects)
    for user, session in (("u1", "s"), ("u2", None), (None, "s"), ("u159", None), (None, "u1")):
        for one, other in zip(log.of(user, session, DAY_0), again.actions.of(user, session, DAY_0), strict=True):
            np.testing.assert_array_equal(one, other)
    again.learn([replace(act(70_000, "u1", 3), kind="play")])
    assert len(again.actions) == len(log) + 1
    assert len(again.actions.newest("u1", 100)[0]) == len(log.newest("u1", 100)[0]) + 1


def test_what_others_fitted_is_not_fitted_again(monkeypatch: pytest.MonkeyPatch):
    outcomes = world(lambda type_, kind: kind == "play", ("play", "buy"))
    first, behind = learnt([]), learnt([])
    for start in range(0, len(outcomes), 500):
        first.learn(outcomes[start : start + 500])
        behind.take_fits(first.fits(asked=True))
    monkeypatch.setattr(action_graph, "fit", None)  # who would fit fails
    monkeypatch.setattr(action_graph, "_weights", None)
    sizes = set()
    for start in range(0, len(outcomes), 7):
        behind.learn(outcomes[start : start + 7])
        sizes.add(behind._settled().size)
    assert len(sizes) > 30
    assert behind._ahead == {}
    np.testing.assert_array_equal(behind.factors.place, first.factors.place)
    np.testing.assert_array_equal(behind.weights.returning, first.weights.returning)


def test_of_what_others_fitted_only_what_may_be_asked_for_is_kept():
    outcomes = world(lambda type_, kind: True)
    first, behind, kept = learnt([]), learnt([]), []
    for start in range(0, len(outcomes), 100):
        first.learn(outcomes[start : start + 100])
        behind.take_fits(first.fits(asked=True))
        kept.append(len(behind._ahead))
        behind.learn(outcomes[start : start + 100])
    assert max(kept[5:]) <= 3  # whatever came before, though nobody asked behind
    np.testing.assert_array_equal(behind.factors.place, first.factors.place)


def test_nothing_is_fitted_for_others_where_nobody_asks():
    graph = learnt(world(lambda type_, kind: True)[:700])
    assert graph.fits(asked=False) == {}
    assert [list(fit["size"]) for fit in graph.fits(asked=True).values()] == [[graph.actions.settled()]]


def test_all_lengths_at_which_fits_are_due_are_known_at_once():
    log = learnt([]).actions
    due = {settled(length, GROWTH) for length in range(5_000)} - {0}
    log._size = 4_999
    assert set(log.settled_since(0)) == due
    assert log.settled_since(4_999) == [max(due)]
