"""What is plainly meant is taken as meant and said aloud; what would make a useless catalog is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ltrr_cli.catalog.intake import Intake
from ltrr_cli.core.clock import iso
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Entity


def read(folder: Path, data: bytes | list[dict], html: str = "auto", **mapping: str) -> Intake:
    path = folder / "catalog.jsonl"
    path.write_bytes(data if isinstance(data, bytes) else "".join(json.dumps(line) + "\n" for line in data).encode())
    intake = Intake()
    intake.read([path], mapping)
    intake.settle(html)
    return intake


def only(intake: Intake) -> Entity:
    (entity,) = intake.sorted()
    assert not intake.refused
    return entity


def told(intake: Intake) -> set[tuple[str, str]]:
    return {(remark.check, remark.field) for remark in intake.remarks}


@pytest.mark.parametrize(
    ("written", "day", "check"),
    [
        (1479164400, "2016-11-14", "seconds"),
        (74649600, "1972-05-14", "seconds"),
        (-347155200, "1959-01-01", "seconds"),
        ("1340323200", "2012-06-22", "seconds"),
        (1479164400123456, "2016-11-14", "seconds"),
        (1959, "1959-01-01", "years"),
        ("1959", "1959-01-01", "years"),
        (1959.0, "1959-01-01", "years"),
        (20120622, "2012-06-22", "dates"),
        ("June 22, 2012", "2012-06-22", "dates"),
        ({"$date": 1479164400000}, "2016-11-14", None),
        (1479164400000, "2016-11-14", None),
        ("2012-06-22", "2012-06-22", None),
    ],
)
def test_a_creation_is_read_in_every_form_and_the_form_is_told(tmp_path, written, day, check):
    intake = read(tmp_path, [{"id": "a", "title": "x", "created_at": written}])
    assert iso(only(intake).created_ms)[:10] == day
    assert told(intake) == ({(check, "created_at")} if check else set())


@pytest.mark.parametrize(
    ("field", "value", "kept", "check"),
    [
        ("popularity", "12", 12.0, "numbers"),
        ("popularity", "1,234", 1234.0, "numbers"),
        ("popularity", -1, None, "negative"),
        ("popularity", "many", None, "unreadable"),
        ("popularity", True, None, "unusable"),
        ("popularity", [3], None, "unusable"),
        ("popularity", None, None, None),
        ("popularity", "", None, None),
        ("popularity", {"$numberLong": "5"}, 5.0, "numbers"),
        ("created_ms", "soon", None, "unreadable"),
        ("created_ms", {"x": 1}, None, "unusable"),
        ("created_ms", "01/02/2012", None, "unreadable"),
        ("title", {"rendered": "Toy"}, "Toy", "titles"),
        ("title", {"en": "Toy", "de": "Spielzeug"}, "Toy", "titles"),
        ("title", ["Toy", "story"], "Toy story", None),
        ("title", 1984, "1984", None),
        ("text", {"short": "a", "long": "b"}, "a b", "texts"),
        ("text", True, "", "unusable"),
        ("type", {"name": "film"}, "film", "titles"),
        ("attributes", [1], {}, "unusable"),
        ("attributes", {"of": {"name": "x"}}, {"of.name": "x"}, "flattened"),
    ],
)
def test_a_value_that_cannot_be_used_costs_that_value_alone(tmp_path, field, value, kept, check):
    name = {"created_ms": "created_at"}.get(field, field)
    intake = read(tmp_path, [{"id": "a", "title": "x", name: value}])
    assert getattr(only(intake), field) == kept
    assert {found for found, _ in told(intake)} == ({check} if check else set())


@pytest.mark.parametrize(
    ("line", "entity_id"),
    [
        ({"id": 7}, "7"),
        ({"id": 7.0}, "7"),
        ({"id": {"$oid": "5f"}}, "5f"),
        ({"_index": "i", "_id": "9", "_source": {}}, "9"),
    ],
)
def test_an_id_is_read_as_exports_write_it(tmp_path, line, entity_id):
    assert only(read(tmp_path, [line])).id == entity_id


def test_search_hits_and_bulk_files_are_read_by_what_they_hold(tmp_path):
    hit = {"_index": "i", "_id": "9", "_score": 1.0, "_source": {"title": "Toy"}}
    assert only(read(tmp_path, [hit])) == Entity("9", "Toy")
    bulk = [
        {"index": {"_index": "i", "_id": "9"}},
        {"title": "Toy"},
        {"create": {"_id": 5}},
        {"id": "own", "title": "Y"},
    ]
    assert [entity.id for entity in read(tmp_path, bulk).sorted()] == ["9", "own"]


def test_nan_is_null(tmp_path):
    intake = read(tmp_path, b'{"id":"a","title":"x","popularity":NaN,"price":Infinity,"n":-Infinity,"y":1}\n')
    assert (only(intake).popularity, only(intake).attributes) == (None, {"y": 1.0})
    assert told(intake) == {("nan", "")}


def test_a_mapping_may_name_what_stands_inside(tmp_path):
    line = {"id": 1, "info": {"name": "Toy", "body": "a b"}}
    entity = only(read(tmp_path, [line], title="info.name", text="info.body"))
    assert (entity.title, entity.text) == ("Toy", "a b")


# ---------------------------------------------------------------- names that were mistyped

FILMS = [
    {"objectID": "1", "name": "Toy", "overview": "x", "genre": "a"},
    {"objectID": "2", "name": "Heat", "genre": "b"},
]


@pytest.mark.parametrize(
    ("lines", "mapping", "fault", "hint"),
    [
        (FILMS, {"id": "objectID", "title": "nmae"}, "no line has 'nmae'; 'name' may be meant", "--map title=name"),
        (FILMS, {"id": "objectid", "title": "name"}, "no line has 'objectid'", "--map id=objectID"),
        (FILMS, {"id": "objectID", "titel": "name"}, "'titel' is no field of ours; 'title'", "--map title=name"),
        (FILMS, {"id": "objectID", "Title": "name"}, "'Title' is no field of ours; 'title'", "--map title=name"),
        (FILMS, {"id": "objectID", "ttile": "name"}, "'ttile' is no field of ours; 'title'", "--map title=name"),
        (FILMS, {"id": "objectID", "title": "name", "txt": "overview"}, "'txt' is no field", "--map text=overview"),
        (FILMS, {"name": "title", "id": "objectID"}, "no line has 'title'; our field comes first", "--map title=name"),
        (FILMS, {"id": "objectID", "title": "name", "text": "plot"}, "no line has 'plot'", "the lines have objectID"),
        (FILMS, {"id": "objectID", "title": "info.name"}, "no line has 'info.name'", ""),
        (FILMS, {"id": "objectID"}, "no title on any line", "--map title=name"),
        ([{"id": 1, "title": None}, {"id": 2}], {}, "no title on any line", "the lines have id, title"),
        ([{"id": 1, "title": "", "x": "y"}, {"id": 2, "title": " \t"}], {}, "no title on any line", "title=KEY"),
        ([{"id": 1, "headline": "a", "text": "b"}], {}, "no title on any line", "--map title=headline"),
        ([{"id": 1, "title": "", "name": "a", "text": "b"}], {}, "no title on any line", "--map title=name"),
        ([{"id": 1, "nom": "a", "text": "b"}], {}, "no title on any line", "the lines have id, nom, text"),
    ],
)
def test_a_name_that_makes_a_useless_catalog_is_named_with_what_may_be_meant(tmp_path, lines, mapping, fault, hint):
    first = read(tmp_path, lines, **mapping).faults()[0]
    assert fault in str(first)
    assert hint in (first.hint or "")


@pytest.mark.parametrize(
    ("lines", "mapping"),
    [
        (FILMS, {"id": "objectID", "title": "name"}),
        (FILMS, {"id": "objectID", "title": "name", "text": "overview"}),  # one line has it
        (FILMS, {"id": "objectID", "title": "name", "category": "genre"}),  # an attribute of another name
        ([{"id": 1, "title": "", "text": "abc"}, {"id": 2, "title": None, "text": "d"}], {}),
        ([{"id": 1, "title": "x"}, {"id": 2}], {}),
        ([], {"title": "name"}),
    ],
)
def test_what_is_meant_so_is_no_fault(tmp_path, lines, mapping):
    assert read(tmp_path, lines, **mapping).faults() == []


def test_titles_that_some_or_all_lack_are_told(tmp_path):
    some = read(tmp_path, [{"id": 1, "title": "x"}, {"id": 2}])
    some.faults()
    assert told(some) == {("untitled", "title")}
    texts = read(tmp_path, [{"id": 1, "title": "", "text": "abc"}])
    texts.faults()
    assert told(texts) == {("textual", "title")}


# ---------------------------------------------------------------- HTML


def test_html_is_taken_out_where_it_abounds_and_entities_everywhere(tmp_path):
    lines = [
        {"id": "1", "title": "R&amp;B", "text": "<p class='x'>Soft&nbsp;<i>velvet</i></p><script>go()</script>"},
        {"id": "2", "title": "The <p> tag", "text": "a < b", "notes": ["Caf&eacute;", "<b>new</b>"]},
    ]
    intake = read(tmp_path, lines)
    first, second = intake.sorted()
    assert (first.title, first.text) == ("R&B", "Soft velvet")
    assert (second.title, second.text, second.attributes) == ("The <p> tag", "a < b", {"notes": ("Café", "new")})
    assert told(intake) == {("html", "title"), ("html", "text"), ("html", "notes")}
    assert read(tmp_path, lines, "keep").sorted()[0].title == "R&amp;B"
    assert read(tmp_path, lines, "strip").sorted()[1].title == "The tag"


def test_a_field_that_is_about_html_keeps_it(tmp_path):
    lines = [{"id": str(n), "title": "x", "text": "why does <div> not close here"} for n in range(100)]
    lines[0]["text"] = "an example: <b>bold</b>"
    assert read(tmp_path, lines).sorted()[0].text == "an example: <b>bold</b>"


# ---------------------------------------------------------------- other files


@pytest.mark.parametrize(
    ("data", "what", "hint"),
    [
        (b"id,title\n1,Toy\n2,Heat\n", "CSV (columns id, title)", "csv:"),
        (b'id,title,"long text"\r\n1,Toy,"a, b"\r\n', "CSV (columns id, title, long text)", "csv:"),
        (b"id;titel;preis\n1;Spiel;3,5\n", "CSV with semicolons", "csv:"),
        (b"id\ttitle\n1\tToy\n", "tab-separated (TSV)", "tsv:"),
        (b'[\n {"id":"1","title":"Toy"}\n]\n', "a JSON array", "jq -c '.[]'"),
        (b'[{"id":"1"},{"id":"2"}]', "a JSON array", "jq -c '.[]'"),
        (b'{\n  "id": "1",\n  "title": "Toy"\n}\n', "JSON over several lines", "jq -c ."),
        (b'{"products":[{"sku":1,"label":"x"}],"total":1}\n', "holds a list 'products'", "products"),
        (b'<?xml version="1.0"?>\n<rss></rss>\n', "XML", "plugins"),
        (b"<!DOCTYPE html>\n<html></html>\n", "an HTML page", "login"),
        (b"PK\x03\x04\x14\x00\n\x00", "a zip archive or a spreadsheet", "CSV"),
        (b"PAR1\x15\x04\n\x00", "a Parquet file", "parquet:"),
        ('{"id": "1", "title": "x"}\n'.encode("utf-16"), "UTF-16", "iconv"),
    ],
)
def test_a_file_of_another_kind_is_recognised_by_name(tmp_path, data, what, hint):
    with pytest.raises(DataError) as caught:
        read(tmp_path, data)
    assert what in str(caught.value)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "data",
    [
        b'{"id":"1","title":"a, b"}\n{"id":"2","title":"c, d"}\n',
        b'nonsense\n{"id":"1","title":"x"}\n',
        b"just one line of words\n",
        b'{"id":"1","title":"x","genres":[{"name":"a"}]}\n',
        b'{"title":"x","genres":[{"name":"a"}]}\n',
        b"",
        b"\n\n",
    ],
)
def test_lines_of_json_and_mere_nonsense_are_read_as_lines(tmp_path, data):
    intake = read(tmp_path, data)
    assert len(intake.entities) + len(intake.refused) == len([line for line in data.splitlines() if line])
