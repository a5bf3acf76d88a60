"""Clicks low on a page weigh more, as far as the pages' own experiments show that fewer looked there."""

from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.core.types import Shown
from ltrr_cli.engine.frozen_search import FrozenSearch
from ltrr_cli.learning.examination import click_weights
from ltrr_cli.ranking.model import Schema

IDS = ("a", "b", "c", "d")


def search(
    order: tuple[str, ...], clicked: str, places: dict[str, dict[int, float]]
) -> tuple[FrozenSearch, np.ndarray]:
    shown = tuple(Shown(name, at, places=places.get(name, {at: 1.0})) for at, name in enumerate(order, 1))
    empty = np.zeros((4, 1), np.float32)
    frozen = FrozenSearch("i", 0, Schema(("x",)), IDS, empty, empty[:, 0], shown)
    return frozen, np.array([name == clicked for name in IDS], np.float32)


def swapped(sessions: int, looked: float) -> list[tuple[FrozenSearch, np.ndarray]]:
    """Searches whose third and fourth lines change places by a fair coin; the fourth place is looked at less often.

    Both entities are wanted alike, and so are the first two: what differs is only where they stand.
    """
    chance = np.random.default_rng(0)
    half = {"c": {3: 0.5, 4: 0.5}, "d": {3: 0.5, 4: 0.5}}
    found = []
    for _ in range(sessions):
        order = IDS if chance.random() < 0.5 else ("a", "b", "d", "c")
        at = int(chance.choice(4, p=np.array([1.0, 1.0, 1.0, looked]) / (3.0 + looked)))
        found.append(search(order, order[at], half))
    return found


@pytest.mark.turns(4)
def test_the_less_a_place_is_looked_at_the_more_its_clicks_weigh():
    often, seldom = (click_weights(swapped(4_000, looked)).max() for looked in (1.0, 0.2))
    assert seldom > often > 1.0


def test_what_was_not_clicked_and_what_stood_first_weighs_one():
    given = swapped(2_000, 0.3)
    weights = click_weights(given).reshape(-1, 4)
    clicked = np.array([gains for _, gains in given]) > 0
    assert (weights[~clicked] == 1.0).all()
    assert weights[:, 0].max() == pytest.approx(1.0)
    assert weights[clicked].min() >= 1.0


def test_few_sessions_hardly_weigh():
    assert click_weights(swapped(20, 0.2)).max() < 1.1


def test_pages_without_odds_weigh_one():
    frozen, gains = search(IDS, "c", {name: {} for name in IDS})
    imported = FrozenSearch("i", 0, frozen.schema, IDS, frozen.features, frozen.baseline)
    assert click_weights([(frozen, gains), (imported, gains)]).tolist() == [1.0] * 8
    assert click_weights([]).shape == (0,)
