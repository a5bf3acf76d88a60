from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.core.seeds import generator
from ltrr_cli.retrieval.people.factors import DISCOUNT, SIZE, fit, none
from ltrr_cli.retrieval.people.personal_score import affinity, person


def links(people: int = 200, entities: int = 120, each: int = 10):
    chance = generator("links")
    actors = np.repeat(np.arange(people, dtype=np.int32), each)
    rows = (chance.random(len(actors)) ** 2 * entities // 2).astype(np.int32) * 2 + actors % 2
    return actors, rows.astype(np.int32), np.ones(len(actors), np.float32)


def test_the_directions_are_those_of_a_dense_decomposition():
    actors, rows, weights = links()
    found = fit(actors, rows, weights)
    table = np.zeros((200, 120))
    np.add.at(table, (actors, rows), weights)
    table = np.log1p(table)[:, found.rows] * (table[:, found.rows] > 0).sum(axis=0) ** -DISCOUNT
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    value, right = np.linalg.svd(table)[1:]
    edge = 200 / len(found.rows) * (1 + np.sqrt(len(found.rows) / 200)) ** 2
    counts = np.maximum(1 - edge / value**2, 0)
    assert np.count_nonzero(counts) == 2  # two tastes, and chance
    wanted = (right[:2].T * counts[:2]) @ right[:2]
    placed = found.place.astype(np.float64)
    np.testing.assert_allclose(placed @ placed.T, wanted, atol=1e-4)


def test_what_the_same_people_choose_lies_together():
    actors, rows, weights = links()
    found = fit(actors, rows, weights)
    who = person(found, np.array([2, 4], np.int32), np.ones(2))
    near, own = affinity(found, who, found.rows)
    unseen = own == 0
    assert near[unseen & (found.rows % 2 == 0)].mean() > near[unseen & (found.rows % 2 == 1)].mean() + 0.5


def test_an_entity_is_no_proof_of_itself():
    actors, rows, weights = links()
    found = fit(actors, rows, weights)
    alone = person(found, np.array([7], np.int32), np.ones(1))
    near, own = affinity(found, alone, np.array([7], np.int32))
    place = found.place[found.find(np.array([7], np.int32))[0]].astype(np.float64)
    assert own.tolist() == [1.0]
    assert near[0] == pytest.approx(-found.mean @ alone.embedded / found.deviations(alone.embedded), abs=1e-4)
    assert place @ alone.embedded > 0


def test_order_and_repeats_do_not_matter():
    actors, rows, weights = links()
    order = generator("order").permutation(len(rows))
    once, again = fit(actors, rows, weights), fit(actors[order], rows[order], weights[order])
    np.testing.assert_array_equal(once.place, again.place)


def test_of_too_little_nothing_is_learnt():
    empty = np.empty(0, np.int32)
    assert not len(fit(empty, empty, np.empty(0, np.float32)).rows)
    assert not len(fit(np.zeros(3, np.int32), np.arange(3, dtype=np.int32), np.ones(3, np.float32)).rows)
    assert not len(fit(np.arange(3, dtype=np.int32), np.arange(3, dtype=np.int32), -np.ones(3, np.float32)).rows)
    assert none().find(np.array([1], np.int32)).tolist() == [-1]
    assert none().place.shape == (0, SIZE)


def test_few_people_leave_the_directions_beyond_the_rank_empty():
    found = fit(np.array([0, 0, 1], np.int32), np.array([4, 5, 5], np.int32), np.ones(3, np.float32))
    assert found.rows.tolist() == [4, 5]
    assert np.isfinite(found.place).all()
    assert not found.place[:, 2:].any()
