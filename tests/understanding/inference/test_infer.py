"""What an entity lacks is inferred from its words and other values, only where that is right often enough."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.types import Context, Entity, Request
from ltrr_cli.retrieval.sparse.sparse import Sparse
from ltrr_cli.retrieval.strategy import Resources
from ltrr_cli.retrieval.structured import Structured
from ltrr_cli.understanding.inference.cases import read
from ltrr_cli.understanding.inference.infer import build, infer, open_inferred
from ltrr_cli.understanding.reader import Understanding
from tests.conftest import HashedWords

KINDS = {"shoes": ("running", "trail", "laces"), "lamp": ("light", "desk", "watt"), "chair": ("seat", "legs", "oak")}


def shop(*, guessable: bool = True, count: int = 240) -> list[Entity]:
    """Products whose words give their kind away (or not); every eighth lacks it."""
    dice = np.random.default_rng(4)
    made = []
    for number in range(count):
        kind = list(KINDS)[number % 3]
        told = KINDS[kind if guessable else list(KINDS)[int(dice.integers(3))]]
        title = f"{told[int(dice.integers(3))]} {told[int(dice.integers(3))]} {number}"
        attributes = {} if number % 8 == 0 else {"kind": kind}
        made.append(Entity(f"p{number:04d}", title, "product", attributes=attributes))
    return made


def opened(entities: Sequence[Entity], folder: Path) -> Columns:
    folder.mkdir()
    Columns.build(sorted(entities, key=lambda entity: entity.id), folder)
    return Columns.open(folder)


def test_a_kind_that_the_title_gives_away_is_inferred(tmp_path: Path):
    columns = opened(shop(), tmp_path / "columns")
    found = infer(columns)
    lacking = range(0, 240, 8)
    right = [found.of(row)[:1] and found.of(row)[0][1] == list(KINDS)[row % 3] for row in lacking]
    assert np.mean(right) > 0.9
    assert all(0 < score <= 1 for score in found.scores.tolist())
    assert set(found.rows.tolist()) <= set(lacking)


def test_nothing_is_inferred_where_nothing_can_be_told(tmp_path: Path):
    assert len(infer(opened(shop(guessable=False), tmp_path / "columns")).rows) == 0


def test_what_such_entities_never_have_is_not_inferred(tmp_path: Path):
    """Ink says the kind of ink; pens have ink in their text too, but hardly any has the field."""
    made = [Entity(f"c{n}", f"cartridge {n}", text="black ink", attributes={"ink": "pigment"}) for n in range(60)]
    made += [Entity(f"d{n}", f"cartridge {n}", text="clear ink", attributes={"ink": "dye"}) for n in range(60)]
    made += [Entity(f"e{n}", f"pen {n}", text="black ink") for n in range(600)]
    columns = opened(made, tmp_path / "columns")
    assert not [row for row in infer(columns).rows.tolist() if columns.titles[row].startswith("pen")]


def test_a_rare_value_is_inferred_where_it_is_mentioned(tmp_path: Path):
    brands = [f"brand{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(80)]
    made = [
        Entity(f"m{n:04d}", f"{brands[n % 80]} thing {n}", attributes={"brand": brands[n % 80]}) for n in range(400)
    ]
    made += [Entity(f"x{n:04d}", f"{brands[n]} thing", attributes={}) for n in range(80)]
    columns = opened(made, tmp_path / "columns")
    found = infer(columns)
    told = [found.of(columns.row_of(f"x{n:04d}")) for n in range(80)]
    assert sum(bool(each) and each[0][1] == brands[n] for n, each in enumerate(told)) > 70


def test_what_was_inferred_survives_the_disk_and_is_the_same_twice(tmp_path: Path):
    columns = opened(shop(), tmp_path / "columns")
    build(columns, tmp_path)
    again, found = open_inferred(tmp_path), infer(columns)
    assert (again.fields, again.values) == (found.fields, found.values)
    np.testing.assert_array_equal(again.rows, found.rows)
    np.testing.assert_array_equal(again.scores, found.scores)
    assert len(open_inferred(tmp_path / "absent").rows) == 0


def test_inferred_values_are_weaker_evidence_for_structured_and_terms_for_sparse(tmp_path: Path):
    columns = opened(shop(), tmp_path / "columns")
    inferred = infer(columns)
    for name in ("understanding", "structured", "sparse", "plain"):
        (tmp_path / name).mkdir()
    Understanding.build(columns, tmp_path / "understanding", "en")
    reading = Understanding.open(tmp_path / "understanding").read("lamp")
    request = Request("lamp", Context(0), reading)
    told, blind = Resources(columns, HashedWords(), inferred=inferred), Resources(columns, HashedWords())
    Structured.build(told, tmp_path / "structured")
    Structured.build(blind, tmp_path / "plain")
    lacks, states = 16, 1  # both lamps
    look = Structured.open(told, tmp_path / "structured", None).look(request)
    match = look.evidence(np.array([lacks, states], np.int32))
    assert 0 < match[0, 0] < match[1, 0]
    assert lacks not in Structured.open(blind, tmp_path / "plain", None).look(request).hits(240).rows
    Sparse.build(told, tmp_path / "sparse")
    assert lacks in Sparse.open(told, tmp_path / "sparse", None).look(request).hits(100).rows


def test_a_catalog_larger_than_what_is_learnt_from_is_inferred_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    columns = opened(shop(count=960), tmp_path / "columns")
    whole = infer(columns)
    monkeypatch.setattr("ltrr_cli.understanding.inference.infer.SAMPLE", 240)
    monkeypatch.setattr("ltrr_cli.understanding.inference.infer.ROWS", 50)
    sampled = infer(columns)
    agreed = set(zip(whole.rows.tolist(), whole.pairs.tolist(), strict=True)) & set(
        zip(sampled.rows.tolist(), sampled.pairs.tolist(), strict=True)
    )
    assert len(agreed) > 0.9 * len(whole.rows)


def test_a_value_of_several_words_is_mentioned_where_these_follow_one_another(tmp_path: Path):
    made = [Entity(f"a{n}", f"thing {n}", attributes={"place": "new york"}) for n in range(4)]
    made += [Entity("b", "a new york story"), Entity("c", "york is new"), Entity("d", "it is new", text="york")]
    columns = opened(made, tmp_path / "columns")
    said = read(columns).mentioned
    assert [columns.ids[row] for row in said.pairs(np.arange(len(columns)))[0].tolist()] == ["b"]


def tagged(count: int = 300) -> list[Entity]:
    """Records that bear three tags that go together, told by no word; every tenth lacks one of the three."""
    made = []
    for number in range(count):
        family = number % 6
        tags = [f"tag{'abcdef'[family]}{part}" for part in ("one", "two", "three")]
        if number % 10 == 0:
            del tags[number // 10 % 3]
        made.append(Entity(f"r{number:04d}", f"record {number}", "record", attributes={"tags": tuple(tags)}))
    return made


def test_a_list_that_lacks_one_value_is_completed_by_what_stands_beside_the_others(tmp_path: Path):
    entities = tagged()
    found = infer(opened(entities, tmp_path / "columns"))
    for row in range(0, 300, 10):
        missing = f"tag{'abcdef'[row % 6]}{('one', 'two', 'three')[row // 10 % 3]}"
        guesses = {value: score for _, value, score in found.of(row)}
        assert max(guesses, key=guesses.__getitem__) == missing
    for row, entity in enumerate(entities):
        assert not {value for _, value, _ in found.of(row)} & set(entity.attributes["tags"])  # type: ignore[arg-type]


def test_what_states_a_value_comes_before_what_is_believed_to_have_it(tmp_path: Path):
    columns = opened(shop(), tmp_path / "columns")
    (tmp_path / "understanding").mkdir()
    (tmp_path / "structured").mkdir()
    Understanding.build(columns, tmp_path / "understanding", "en")
    reading = Understanding.open(tmp_path / "understanding").read("lamp")
    told = Resources(columns, HashedWords(), inferred=infer(columns))
    Structured.build(told, tmp_path / "structured")
    look = Structured.open(told, tmp_path / "structured", None).look(Request("lamp", Context(0), reading))
    page = look.hits(240).rows
    stating = [row % 8 != 0 for row in page.tolist()]
    assert stating == sorted(stating, reverse=True)
    assert not all(stating)


def bags(*, stated: float, seed: int = 0, count: int = 600) -> list[Entity]:
    """Bags of a kind that their title says half of the time, and stones of none; a share of the kinds is stated."""
    dice = np.random.default_rng(seed)
    kinds = ("backpack", "satchel", "duffel", "tote")
    straps = ("padded", "leather", "canvas", "long")
    made = []
    for number in range(count):
        kind = int(dice.integers(4))
        told = kinds[kind] if dice.random() < 0.5 else straps[kind if dice.random() < 0.8 else int(dice.integers(4))]
        attributes = {"kind": kinds[kind]} if dice.random() < stated else {}
        made.append(Entity(f"b{number:04d}", f"bag {told} {number}", "product", attributes=attributes))
        made.append(Entity(f"s{number:04d}", f"stone {told} {number}", "product"))
    return made


def test_inferences_are_right_as_often_as_they_say(tmp_path: Path):
    """Three in ten bags lack their kind; what is told with p is so in p of the cases or a little more."""
    whole = {entity.id: entity for entity in bags(stated=1.0, count=3_000)}
    dice = np.random.default_rng(7)
    some = [
        entity if dice.random() < 0.7 else Entity(entity.id, entity.title, entity.type) for entity in whole.values()
    ]
    columns = opened(some, tmp_path / "columns")
    found = infer(columns)
    told = [
        (score, whole[columns.ids[row]].attributes.get("kind") == found.values[pair])
        for row, pair, score in zip(found.rows.tolist(), found.pairs.tolist(), found.scores.tolist(), strict=True)
    ]
    assert len(told) > 700
    scores, right = np.array(told).T
    assert 0.0 <= right.mean() - scores.mean() < 0.2
    assert right[scores > 0.9].mean() > 0.9


def test_where_all_state_what_they_have_nothing_is_believed_of_the_others(tmp_path: Path):
    found = infer(opened(bags(stated=1.0), tmp_path / "columns"))
    assert found.scores.sum() < 6  # of 600 stones


def test_the_first_words_of_a_title_count_for_more_than_others(tmp_path: Path):
    """Makers stand first, and further on others are named that the thing only fits."""
    makers = ("acme", "borealis", "cirrus", "dynamo")
    made = []
    for number in range(400):
        maker, other = makers[number % 4], makers[(number // 4) % 4]
        attributes = {} if number % 5 == 0 else {"maker": maker}
        made.append(Entity(f"m{number:04d}", f"{maker} cable for {other}", "product", attributes=attributes))
    columns = opened(made, tmp_path / "columns")
    found = infer(columns)
    for row in range(0, 400, 5):
        best = max(found.of(row), key=lambda guess: guess[2])
        assert best[1] == makers[row % 4]
        assert best[2] > 0.8


def test_a_value_that_one_entity_states_is_told_where_it_is_mentioned(tmp_path: Path):
    makers = [f"maker{number}" for number in range(100)]
    made = [
        Entity(f"m{number:04d}", f"{makers[number // 3]} lamp {number}", "product",
               attributes={} if number == 299 else {"maker": makers[number // 3]} if number % 4 else {})
        for number in range(300)
    ]  # fmt: skip
    found = infer(opened(made, tmp_path / "columns"))
    assert [guess[1] for guess in found.of(299)] == ["maker99"]
