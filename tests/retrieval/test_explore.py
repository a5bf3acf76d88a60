"""Explore: rows drawn at random, most of them of the kind that was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.retrieval.explore import Explore
from ltrr_cli.retrieval.strategy import Resources
from tests.conftest import SONGS, ask
from tests.retrieval.conftest import ask_for


@pytest.fixture
def explore(resources: Resources, generation: Path) -> Explore:
    return Explore.open(resources, generation / "explore", None)


def test_most_draws_bear_the_reading_and_some_do_not(explore: Explore):
    found = [
        "calm" in SONGS[row].attributes["mood"]
        for seed in range(100)
        for row in explore.look(ask_for("mood", "calm", seed=seed)).hits(10).rows.tolist()
    ]
    assert 0.8 < np.mean(found) < 0.95  # four of five, and a third of the rest


def test_a_longer_list_begins_with_the_shorter_whatever_was_read(explore: Explore):
    request = ask_for("mood", "sad", seed=4)
    longer, shorter = explore.look(request).hits(110).rows.tolist(), explore.look(request).hits(9).rows.tolist()
    assert longer[:9] == shorter
    assert len(set(longer)) == 110  # more than bear it


def test_every_row_comes_up_in_time_and_seeds_differ(explore: Explore):
    found = [explore.look(ask("love", seed=seed)).hits(10).rows.tolist() for seed in range(200)]
    assert found[0] != found[1]
    assert len({row for rows in found for row in rows}) == len(SONGS)


def test_what_is_not_allowed_does_not_count_as_of_the_kind(explore: Explore):
    allowed = np.array(["calm" not in song.attributes["mood"] for song in SONGS])
    rows = explore.look(ask_for("mood", "calm", allowed=allowed)).hits(20).rows
    assert len(rows) == 20
    assert allowed[rows].all()
