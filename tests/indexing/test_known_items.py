from pathlib import Path

import pytest

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Context, Entity
from ltrr_cli.engine.bandit_context import bandit_context_of
from ltrr_cli.indexing.known_item_queries import bearers, known_queries
from ltrr_cli.indexing.known_items import measure
from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import write_catalog

KINDS = ("jazz", "folk", "soul", "punk")


def told(popularity: bool) -> list[Entity]:
    """Forty entities of four kinds, whose names say nothing of their kind."""
    return [
        Entity(
            f"e{n:02}",
            f"Title {chr(97 + n // 26)}{chr(97 + n % 26)} {n * 7919 % 997}",
            attributes={"kind": (KINDS[n % 4],)},
            popularity=float(2 ** (n // 4)) if popularity else None,
        )
        for n in range(40)
    ]


@pytest.fixture
def popular(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "home")
    workspace.index([write_catalog(tmp_path / "catalog.jsonl", told(popularity=True))])
    return workspace


def test_bearers_are_all_rows_with_a_value(popular: Workspace):
    catalog = popular.state.snapshot().catalog
    found = bearers(catalog, ["jazz", "nothing"])
    assert [catalog.ids[row] for row in found["jazz"].tolist()] == [f"e{n:02}" for n in range(0, 40, 4)]
    assert not len(found["nothing"])


def test_the_same_state_asks_the_same(popular: Workspace):
    catalog = popular.state.snapshot().catalog
    first, again = (list(known_queries(catalog, generator("again"))) for _ in range(2))
    assert first == again
    assert any(query.value for query in first)


def test_a_stated_value_is_answered_by_its_well_known_bearers(popular: Workspace):
    snapshot = popular.state.snapshot()
    known = measure(snapshot)
    assert known.of_values == snapshot.header.fusion_of_values
    names = snapshot.enabled()
    asked = [snapshot.request(text, Context(0), 0).reading for text in ("jazz", snapshot.catalog.entity(0).title)]
    value, title = (dict(zip(names, snapshot.fusion_weights(names, one).tolist(), strict=True)) for one in asked)
    assert value["memory"] > value["lexical"]
    assert title["memory"] - title["lexical"] < value["memory"] - value["lexical"]


def test_without_popularity_stated_values_say_nothing_of_who_leads(tmp_path: Path):
    workspace = Workspace(tmp_path / "home")
    workspace.index([write_catalog(tmp_path / "catalog.jsonl", told(popularity=False))])
    assert workspace.state.snapshot().header.fusion_of_values == {}


def test_a_stated_value_teaches_that_its_well_known_bearers_are_wanted(popular: Workspace):
    """Titles say nothing of kinds, so full text finds all ten bearers alike; a chart has the best known first."""
    snapshot = popular.state.snapshot()
    known, names = measure(snapshot), snapshot.enabled()
    queries = list(known_queries(snapshot.catalog, generator("known items", len(snapshot.catalog))))
    ranks = {
        name: [known.ranks[at, names.index(name)] for at, query in enumerate(queries) if query.value]
        for name in ("popular", "lexical")
    }
    assert 0 < sum(ranks["popular"]) / len(ranks["popular"]) < 3.0
    assert sum(ranks["popular"]) < sum(ranks["lexical"])


def test_who_says_nothing_wants_what_is_popular(popular: Workspace):
    snapshot = popular.state.snapshot()
    asked = [query for query in known_queries(snapshot.catalog, generator("wordless")) if not query.text]
    assert len(asked) > 10
    assert sum(query.row >= 28 for query in asked) > 0.75 * len(asked)  # each four are as popular as all before them
    bandit_context = bandit_context_of(
        snapshot, snapshot.request("", Context(0), 0), snapshot.enabled(), 20, explore=False
    )
    draws = dict(zip(bandit_context.strategies, snapshot.policy.menu(bandit_context).draws[0].tolist(), strict=True))
    assert max(draws, key=lambda name: draws[name]) == "popular"
