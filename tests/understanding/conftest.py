"""A small catalog of music and things, read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.types import Entity
from ltrr_cli.understanding.reader import Understanding


def _entities() -> list[Entity]:
    made = [
        Entity("a1", "Taylor Swift", "artist", "Sings.", {"genre": ("pop", "country")}, 99.0),
        Entity("a2", "James Taylor", "artist", "", {"genre": ("folk",)}, 50.0),
        Entity("a3", "Love", "artist", "", {"genre": ("psychedelic rock",)}, 40.0),
        Entity("a4", "Queen", "artist", "", {"genre": ("rock",), "formed": 1970.0}, 98.0),
        Entity("p1", "Xbox 360 Console", "product", "", {"brand": "Microsoft", "ean": "0882780756328"}, 80.0),
        Entity("p2", "Xbox 360 Controller", "product", "", {"brand": "Microsoft", "ean": "0882780756335"}, 70.0),
        Entity("p3", "Rocksmith", "product", "", {"brand": "Ubisoft", "ean": "0882780756342"}, 60.0),
        Entity("z", "", "", "", {}),
    ]
    for number in range(60):
        genres = ("love songs", "pop") if number % 3 else ("rock", "alternative rock")
        made.append(
            Entity(
                f"t{number:02d}",
                f"{('Love', 'River', 'Night')[number % 3]} {('Road', 'Rain', 'Gold', 'Guitar')[number % 4]} {number}",
                "album" if number % 2 else "track",
                "A song about headphones.",
                {"genre": genres, "year": float(1980 + number % 5), "price": 9.5 + number, "live": "no"},
                float(number),
            )
        )
    return sorted(made, key=lambda entity: entity.id)


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Columns:
    folder = tmp_path_factory.mktemp("columns")
    Columns.build(_entities(), folder)
    return Columns.open(folder)


@pytest.fixture(scope="session")
def folder(catalog: Columns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("understanding")
    Understanding.build(catalog, made, "en")
    return made


@pytest.fixture(scope="session")
def understanding(folder: Path) -> Understanding:
    return Understanding.open(folder)
