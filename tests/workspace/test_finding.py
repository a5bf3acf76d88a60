"""What people type and what they must find: codes, ids, signs, numbers, bounds, compounds, operators, short titles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ltrr_cli.core.config import CatalogSettings, Settings
from ltrr_cli.workspace.workspace import Workspace

Line = dict[str, Any]


def indexed(folder: Path, lines: Sequence[Line], language: str = "en") -> Workspace:
    (folder / "home").mkdir()
    (folder / "home" / "ltrr.toml").write_text(f'[catalog]\nlanguage = "{language}"\n')
    (folder / "catalog.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    workspace = Workspace(folder / "home")
    assert workspace.settings == Settings(catalog=CatalogSettings(language=language))
    workspace.index([folder / "catalog.jsonl"])
    return workspace


def ids(workspace: Workspace, query: str, k: int = 5, **options: Any) -> list[str]:
    page = workspace.query(query, k=k, seed=1, log=False, **options)
    return [line.id for line in page.results]


def thing(id_: str, title: str, kind: str, popularity: float, text: str = "", **attributes: Any) -> Line:
    return {"id": id_, "title": title, "type": kind, "popularity": popularity, "text": text, "attributes": attributes}


SHOP = [
    thing("SKU-104", "Ink cartridge HP-C6615DE black", "ink", 10, brand="Printo", price=21.5),
    thing("SKU-105", "Ink cartridge HP-C6616 colour", "ink", 60, brand="Printo", price=25),
    thing("sku-200", "Learning C++", "book", 5, "Programming", price=30, pages=300),
    thing("sku-201", "Learning C", "book", 20, "Programming", price=28, pages=250),
    thing("sku-202", "Learning C#", "book", 15, "Programming", price=35, pages=410),
    thing("sku-203", "F# for fun", "book", 2, "Programming", price=19, pages=120),
    thing("sku-204", "Inside .NET", "book", 4, "Programming", price=44, pages=700),
    thing("sku-205", "Fishing net", "sport", 90, "Strong net", price=12),
    thing("sku-206", "R&B greatest hits", "music", 6, "Soul", price=9),
    thing("sku-207", "B greatest hits", "music", 70, "Rock", price=9),
    thing("sku-208", "Gift card $100", "card", 8, "For everybody", price=100),
    thing("sku-209", "Gift card $50", "card", 95, "For everybody", price=50),
    thing("sku-210", "Study guide A+", "book", 3, "Certification", price=22),
    thing("sku-211", "Study guide A", "book", 33, "Certification", price=22),
    thing("sku-300", "Shelf 80x30 cm oak", "shelf", 4, price=60),
    thing("sku-301", "Shelf 80x60 cm oak", "shelf", 80, price=90),
    thing("sku-302", "Shelf 30x60 cm oak", "shelf", 99, price=40),
    thing("sku-303", "Bottle 1.5 l steel", "bottle", 5, price=15),
    thing("sku-304", "Bottle 0.5 l steel", "bottle", 66, price=11),
    thing("sku-305", "Bottle 15 l steel", "bottle", 40, price=30),
    thing("sku-306", "Steel bolt M8 zinc plated", "bolt", 70, price=1),
    thing("sku-307", "Steel bolt M8 stainless", "bolt", 7, price=2),
    thing("sku-308", "Steel bolt M10 zinc plated", "bolt", 50, price=2),
    thing("sku-309", "Stainless sink", "kitchen", 77, "made of steel", price=120),
    thing("sku-310", "Desk lamp", "lamp", 100, "warm light", price=18),
    thing("sku-311", "Floor lamp", "lamp", 61, "warm light", price=75),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return indexed(tmp_path_factory.mktemp("shop"), SHOP)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("c6615", "SKU-104"), ("6615", "SKU-104"), ("C6615DE", "SKU-104"), ("hp c6615", "SKU-104"),
        ("hpc6615de", "SKU-104"), ("c6616", "SKU-105"),
    ],
)  # fmt: skip
def test_a_part_of_a_model_number_finds_it(shop: Workspace, query: str, first: str):
    assert ids(shop, query)[0] == first


@pytest.mark.parametrize("query", ["SKU-104", "sku-104", "sku 104", "Sku-310", "sku310", "SKU_209"])
def test_an_id_finds_its_entity(shop: Workspace, query: str):
    page = shop.query(query, k=3, seed=1, log=False)
    wanted = query.lower().replace(" ", "-").replace("_", "-")
    assert page.results[0].id.lower().replace("-", "") == wanted.replace("-", "")
    assert page.reading.slots[0].field == "id"


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("c++", "sku-200"), ("C#", "sku-202"), ("c", "sku-201"), ("f#", "sku-203"), (".net", "sku-204"),
        ("net", "sku-205"), ("r&b", "sku-206"), ("r & b hits", "sku-206"), ("rnb", "sku-206"), ("$100", "sku-208"),
        ("gift card 100", "sku-208"), ("$50 gift card", "sku-209"), ("a+ guide", "sku-210"),
        ("learning c++", "sku-200"),
    ],
)  # fmt: skip
def test_signs_tell_things_apart(shop: Workspace, query: str, first: str):
    assert ids(shop, query)[0] == first


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("shelf 80x30", "sku-300"), ("80 x 30 shelf", "sku-300"), ("80×30", "sku-300"), ("1,5 l bottle", "sku-303"),
        ("1.5l bottle", "sku-303"), ("15 l bottle", "sku-305"), ("m8 bolt stainless", "sku-307"),
        ("bolt m10", "sku-308"),
    ],
)  # fmt: skip
def test_sizes_do_not_lose_to_popularity(shop: Workspace, query: str, first: str):
    assert ids(shop, query)[0] == first


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("lamp under 20", ["sku-310"]), ("lamp over 50", ["sku-311"]), ("shelf between 50 and 70", ["sku-300"]),
        ("bottle cheaper than 12", ["sku-304"]), ("gift card up to $60", ["sku-209"]),
        ("book over 500 pages", ["sku-204"]),
    ],
)  # fmt: skip
def test_bounds_are_heeded(shop: Workspace, query: str, wanted: list[str]):
    assert ids(shop, query, len(wanted)) == wanted


@pytest.mark.parametrize(
    ("query", "gone", "first"),
    [
        ("bolt -zinc", {"sku-306", "sku-308"}, "sku-307"), ("lamp -desk", {"sku-310"}, "sku-311"),
        ('"greatest hits" -rock', {"sku-207"}, "sku-206"), ("gift card -$100", {"sku-208"}, "sku-209"),
        ('-"zinc plated" bolt', {"sku-306", "sku-308"}, "sku-307"),
    ],
)  # fmt: skip
def test_what_is_excluded_is_not_there(shop: Workspace, query: str, gone: set[str], first: str):
    found = ids(shop, query, 30)
    assert found[0] == first
    assert not gone & set(found)


@pytest.mark.parametrize(
    ("query", "only"),
    [('"gift card"', {"sku-208", "sku-209"}), ('"study guide"', {"sku-210", "sku-211"}),
     ('"zinc plated" m8', {"sku-306", "sku-308"}),
     ('"warm light" floor', {"sku-310", "sku-311"}), ("“fishing net”", {"sku-205"})],
)  # fmt: skip
def test_a_phrase_stands_as_it_is(shop: Workspace, query: str, only: set[str]):
    assert set(ids(shop, query, 30)) == only


def test_a_phrase_that_nothing_has_is_told(shop: Workspace):
    page = shop.query('"card gift"', k=3, seed=1, log=False)
    assert page.results
    assert any('"card gift"' in note for note in page.notes)


@pytest.mark.parametrize("query", ["zzqqxy flarble", "wolpertinger", "qwrtzp", "xyzzy 99999", "žžžž"])
def test_where_nothing_matches_the_page_says_so(shop: Workspace, query: str):
    page = shop.query(query, k=3, seed=1, log=False)
    assert page.results
    assert not page.matched
    assert not any(line.matches for line in page.results)
    assert "nothing matches" in page.notes[0]
    assert page.as_json()["matched"] is False


@pytest.mark.parametrize("query", ["wolpertinger lamp", "zzqqxy bolt", "flarble shelf", "qwrtzp bottle", "xyzzy sink"])
def test_weak_matches_stand_above_what_is_only_popular(shop: Workspace, query: str):
    page = shop.query(query, k=10, seed=1, log=False)
    matches = [line.matches for line in page.results]
    assert page.matched
    assert matches[0]
    assert query.split()[1] in page.results[0].title.lower()
    assert matches == sorted(matches, reverse=True)


def test_a_page_without_words_is_a_recommendation_that_was_asked_for(shop: Workspace):
    page = shop.query("", k=3, seed=1, log=False)
    assert page.matched
    assert page.notes == ()


def test_pages_can_be_turned(shop: Workspace):
    whole = ids(shop, "steel", 9)
    pages = [shop.query("steel", k=3, seed=1, log=False, page=number) for number in (1, 2, 3)]
    assert [line.id for page in pages for line in page.results] == whole
    assert [line.position for line in pages[1].results] == [4, 5, 6]


def test_pages_of_one_question_come_from_one_draw(shop: Workspace):
    first, second = (shop.query("steel", k=3, log=False, page=number) for number in (1, 2))
    assert first.plan == second.plan
    assert not {line.id for line in first.results} & {line.id for line in second.results}


def test_values_are_counted_over_what_matches(shop: Workspace):
    counts = shop.query("learning", k=2, seed=1, log=False, facets=["type", "price"]).facets
    assert counts["type"] == {"book": 3}
    assert counts["price"] == {"28": 1, "30": 1, "35": 1}


@pytest.mark.parametrize(
    ("sort", "wanted"),
    [("price", ["sku-201", "sku-200", "sku-202"]), ("-pages", ["sku-202", "sku-200", "sku-201"]),
     ("popularity", ["sku-200", "sku-202", "sku-201"]), ("-title", ["sku-200", "sku-202", "sku-201"]),
     ("-price", ["sku-202", "sku-200", "sku-201"])],
)  # fmt: skip
def test_what_matches_can_be_sorted(shop: Workspace, sort: str, wanted: list[str]):
    assert ids(shop, "learning", 3, sort=sort) == wanted


def test_results_say_what_they_are(shop: Workspace):
    line = shop.query("ink cartridge", k=1, seed=1, log=False).results[0]
    assert line.attributes["brand"] == "Printo"


FILMS = [
    thing("tt1", "It (2017)", "movie", 40, genre=["horror"], year=2017),
    thing("tt2", "It Follows (2014)", "movie", 90, genre=["horror"], year=2014),
    thing("tt3", "Some Like It Hot (1959)", "movie", 200, genre=["comedy"], year=1959),
    thing("tt4", "Seven (a.k.a. Se7en) (1995)", "movie", 70, genre=["crime"], year=1995),
    thing("tt5", "Seven Samurai (1954)", "movie", 150, genre=["drama"], year=1954),
    thing("tt6", "2001: A Space Odyssey (1968)", "movie", 30, genre=["sci-fi"], year=1968),
    thing("tt7", "Amélie (2001)", "movie", 160, genre=["comedy"], year=2001),
    thing("tt8", "300 (2007)", "movie", 50, genre=["action"], year=2007),
    thing("tt9", "300: Rise of an Empire (2014)", "movie", 120, genre=["action"], year=2014),
    thing("tt10", "Alien (1979)", "movie", 300, genre=["sci-fi"], year=1979),
    thing("tt11", "Aliens (1986)", "movie", 60, genre=["sci-fi"], year=1986),
    thing("tt12", "Up (2009)", "movie", 20, genre=["comedy"], year=2009),
    thing("tt13", "Up in the Air (2009)", "movie", 110, genre=["drama"], year=2009),
    thing("tt14", "Rock, The (1996)", "movie", 35, genre=["action"], year=1996),
    thing("tt15", "School of Rock (2003)", "movie", 140, genre=["comedy"], year=2003),
    thing("tt16", "Toy Story (1995)", "movie", 250, genre=["animation"], year=1995),
    thing("tt17", "Toy Story 2 (1999)", "movie", 45, genre=["animation"], year=1999),
    thing("tt18", "M (1931)", "movie", 10, genre=["crime"], year=1931),
    thing("tt19", "Big (1988)", "movie", 25, genre=["comedy"], year=1988),
    thing("tt20", "Big Fish (2003)", "movie", 130, genre=["drama"], year=2003),
]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return indexed(tmp_path_factory.mktemp("films"), FILMS)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("it", "tt1"), ("seven", "tt4"), ("2001", "tt6"), ("300", "tt8"), ("aliens", "tt11"), ("alien", "tt10"),
        ("up", "tt12"), ("the rock", "tt14"), ("rock, the", "tt14"), ("toy story", "tt16"), ("toy story 2", "tt17"),
        ("m", "tt18"), ("big", "tt19"), ("IT", "tt1"), ("Amelie", "tt7"),
    ],
)  # fmt: skip
def test_a_short_title_is_first_as_it_stands(films: Workspace, query: str, first: str):
    assert ids(films, query)[0] == first


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("90s", {"tt4", "tt14", "tt16", "tt17"}), ("1950s movie", {"tt3", "tt5"}), ("80's", {"tt11", "tt19"}),
        ("movies from 2014", {"tt1", "tt2", "tt9"}), ("before 1955", {"tt5", "tt18"}),
        ("comedy after 2002", {"tt12", "tt15"}),
        ("between 1968 and 1980", {"tt6", "tt10"}),
    ],
)  # fmt: skip
def test_decades_and_years_are_bounds(films: Workspace, query: str, wanted: set[str]):
    assert set(ids(films, query, len(wanted))) == wanted


GERMAN = [
    thing("d1", "Damenschuhe Größe 38", "mode", 3, "Leder"),
    thing("d2", "Wandhalterung für Fernseher", "technik", 5, "schwenkbar"),
    thing("d3", "Kinderfahrrad 20 Zoll", "sport", 7, "mit Stützrädern"),
    thing("d4", "Armbanduhr silber", "schmuck", 4),
    thing("d5", "Stehlampe dimmbar", "licht", 6),
    thing("d6", "Staubsaugerbeutel 10 Stück", "haushalt", 90),
    thing("d7", "Müsli Schüssel", "küche", 80),
    thing("d8", "Esstisch Eiche", "möbel", 8),
    thing("d9", "Schule und Alltag", "buch", 99),
]


@pytest.fixture(scope="module")
def laden(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return indexed(tmp_path_factory.mktemp("laden"), GERMAN, "de")


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("schuhe", "d1"), ("halterung", "d2"), ("raeder", "d3"), ("Räder", "d3"), ("Uhr", "d4"), ("Lampe", "d5"),
        ("Tisch", "d8"), ("Fahrrad", "d3"), ("Lederschuhe", "d1"), ("schuessel", "d7"), ("Beutel", "d6"),
    ],
)  # fmt: skip
def test_words_inside_compounds_are_found(laden: Workspace, query: str, first: str):
    page = laden.query(query, k=2, seed=1, log=False)
    assert page.results[0].id == first
    assert page.matched
