"""Lines become entities, entities become columns, columns answer filters."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.catalog.filters import parse_filter
from ltrr_cli.catalog.intake import Intake, read_ids
from ltrr_cli.catalog.read import as_line, from_line, parse_entity
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.types import Entity
from tests.conftest import SONGS


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"title": "x"}', "no id"),
        (b'{"id": true}', "no id"),
        (b'{"id": "%s"}' % (b"x" * 600), "longer than 512"),
        (b'{"id": "a", "x": NaN, }', "not JSON"),
        (b'{"id": 1.5}', "no id"),
        (b'{"id": ["a"]}', "no id"),
        (b"[" * 200_000, "not JSON"),
        (b'{"id": "a\xff"}', "not JSON"),
    ],
)
def test_a_bad_line_gets_a_reason(line: bytes, reason: str):
    with pytest.raises(DataError, match=reason.replace("[", r"\[")):
        parse_entity(line)


def test_unknown_keys_become_attributes_and_names_are_mapped():
    entity = parse_entity(b'{"sku": 7, "name": "Lamp", "colour": ["red", "blue"], "year": 1999, "sold": true}',
                          {"id": "sku", "title": "name"})  # fmt: skip
    assert (entity.id, entity.title) == ("7", "Lamp")
    assert entity.attributes == {"colour": ("red", "blue"), "year": 1999.0, "sold": "true"}


@pytest.mark.parametrize("entity", SONGS[:5])
def test_an_entity_survives_its_line(entity: object):
    assert from_line(as_line(entity)) == entity


def test_columns_give_back_what_was_built(songs: Columns):
    assert len(songs) == len(SONGS)
    assert list(songs.ids) == [entity.id for entity in SONGS]
    assert songs.titles[3] == SONGS[3].title
    assert songs.entity(3) == SONGS[3]
    assert list(songs.entities())[-1] == SONGS[-1]
    assert songs.row_of("song:007") == [entity.id for entity in SONGS].index("song:007")
    assert songs.row_of("song:9999") == -1
    assert songs.type_names[songs.types[0]] == SONGS[0].type
    assert songs.newest_ms() == max(entity.created_ms or 0 for entity in SONGS)


@pytest.mark.parametrize(
    ("conditions", "passes"),
    [
        (["type=album"], lambda entity: entity.type == "album"),
        (["type=ALBUM"], lambda entity: entity.type == "album"),
        (["mood=sad", "mood=calm"], lambda entity: entity.attributes["mood"][0] in ("sad", "calm")),
        (["mood!=sad"], lambda entity: entity.attributes["mood"][0] != "sad"),
        (["year>=2000"], lambda entity: entity.attributes["year"] >= 2000),
        (["year<2000", "type=track"], lambda entity: entity.attributes["year"] < 2000 and entity.type == "track"),
        (["year=1999"], lambda entity: entity.attributes["year"] == 1999),
        (["popularity>48"], lambda entity: entity.popularity > 48),
        (["mood=nothing"], lambda entity: False),
        (["id=song:007"], lambda entity: entity.id == "song:007"),
    ],
)
def test_filters_pass_exactly_what_they_say(songs: Columns, conditions: list[str], passes: object):
    allowed = songs.allowed([parse_filter(text) for text in conditions])
    assert allowed is not None
    np.testing.assert_array_equal(allowed, [passes(entity) for entity in SONGS])


def test_numbers_that_are_written_as_text_are_words_and_compare_as_numbers(tmp_path: Path):
    prices = ["9.50", "1,200", "12", "free", "01234"]
    Columns.build([Entity(f"{n}", "x", attributes={"price": price}) for n, price in enumerate(prices)], tmp_path)
    catalog = Columns.open(tmp_path)

    def passing(condition: str) -> list[int]:
        return np.flatnonzero(catalog.allowed([parse_filter(condition)])).tolist()

    assert passing("price<100") == [0, 2]
    assert passing("price>=1200") == [1, 4]
    assert passing("price=free") == [3]
    assert passing("price=12") == passing("price=12.0") == [2]
    assert passing("price=01234") == [4]


@pytest.mark.parametrize("text", ["year", "=x", "year>=", "year>=soon", ""])
def test_a_bad_filter_is_a_usage_error(text: str):
    with pytest.raises(UsageError):
        parse_filter(text)


def test_a_filter_on_an_unknown_field_names_the_known_ones(songs: Columns):
    with pytest.raises(UsageError, match="no field 'colour'") as caught:
        songs.allowed([parse_filter("colour=red")])
    assert "mood" in (caught.value.hint or "")


def test_intake_counts_duplicates_and_keeps_the_last(tmp_path: Path):
    path = tmp_path / "catalog.jsonl.gz"
    path.write_bytes(
        gzip.compress(b'{"id": "b", "title": "old"}\nnonsense\n{"id": "a"}\n{"id": "b", "title": "new"}\n')
    )
    intake = Intake()
    intake.read([path])
    assert [entity.id for entity in intake.sorted()] == ["a", "b"]
    assert intake.entities["b"].title == "new"
    assert (intake.lines, intake.duplicates) == (4, 1)
    assert [(line.number, line.offset) for line in intake.refused] == [(2, 28)]


def test_deleting_what_is_not_there_is_no_error(tmp_path: Path):
    path = tmp_path / "ids.txt"
    path.write_text('a\n{"id": "b"}\n')
    intake = Intake(entities={"a": SONGS[0]})
    intake.delete(read_ids(path))
    assert (intake.deleted, intake.entities) == (1, {})
