"""Popular: what is in demand, among what was asked for first."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltrr_cli.core.types import Outcome
from ltrr_cli.retrieval.popular import Popular
from ltrr_cli.retrieval.strategy import Resources
from tests.conftest import DAY_0, SONGS, ask
from tests.retrieval.conftest import ask_for


@pytest.fixture
def popular(resources: Resources, generation: Path) -> Popular:
    return Popular.open(resources, generation / "popular", None)


def chosen(entity: str, times: int = 1) -> list[Outcome]:
    return [Outcome(f"{entity}{n}", DAY_0 - 1_000 + n, "anything", entity, 1.0) for n in range(times)]


def titles(popular: Popular, **reading: str) -> list[str]:
    request = ask_for(*next(iter(reading.items()))) if reading else ask("")
    return [SONGS[row].id for row in popular.look(request).hits(5).rows.tolist()]


def test_what_people_act_on_passes_what_the_catalog_calls_popular(popular: Popular):
    assert SONGS[int(titles(popular)[0][5:])].popularity == 49.0
    popular.learn(chosen("song:001", 2))
    assert titles(popular)[0] == "song:001"


def test_a_kind_that_was_asked_for_has_its_own_chart(popular: Popular):
    popular.learn([*chosen("song:002", 5), *chosen("song:003", 2)])  # sad; calm
    assert titles(popular)[:2] == ["song:002", "song:003"]
    calm = titles(popular, mood="calm")
    assert calm[0] == "song:003"
    assert all("calm" in SONGS[int(entity[5:])].attributes["mood"] for entity in calm)
    assert titles(popular, type="album")[0] == "song:003"


def test_a_title_is_no_kind(popular: Popular):
    assert titles(popular, title=SONGS[3].title) == titles(popular)
