"""Known queries looked up together are what each is alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Entity, FloatArray, IntArray
from ltrr_cli.retrieval.counts.decayed_counts import DecayedCounts
from ltrr_cli.retrieval.counts.sorted_table import codes_of
from ltrr_cli.retrieval.memory import known_queries
from ltrr_cli.retrieval.memory.known_queries import KnownQueries
from ltrr_cli.retrieval.memory.predicted import Predicted, predict
from ltrr_cli.retrieval.memory.prior import KnownQueryActions
from ltrr_cli.retrieval.memory.similar_queries import SimilarQueries, grams
from ltrr_cli.text.normalise import query_key

ENTITIES = 30


@pytest.fixture
def known(tmp_path: Path) -> KnownQueries:
    """Return 60 queries, a third of them titles, with actions sorted in and actions in the tail."""
    catalog = [Entity(f"e{row}", "thing", f"song number {row}") for row in range(ENTITIES)]
    predict(catalog, tmp_path)
    titles = [query_key(one.title) for one in catalog]
    written = [titles[number // 3 % len(titles)] if number % 3 == 0 else f"query{number}of" for number in range(60)]
    near, pairs, chance = SimilarQueries(), DecayedCounts(), generator("known queries")
    for text in written:
        near.add(text)
    for part in range(2):
        codes = codes_of(chance.integers(0, 50, 200), chance.integers(0, len(catalog), 200).astype(np.int32))
        pairs.add(codes, np.arange(200) + 1_000 * part, chance.random(200), np.ones(200, np.int32))
        if not part:
            pairs.in_order()

    def neighbours(key: str) -> tuple[IntArray, FloatArray]:
        return near.near(key, 20, 0.1)

    def fame(rows: IntArray) -> FloatArray:
        return 1.0 + rows.astype(np.float32)

    popularity = chance.random(len(catalog)).astype(np.float32)
    return KnownQueries(
        written,
        pairs,
        Predicted.open(tmp_path),
        neighbours,
        popularity,
        fame,
        lambda predicted, support: 1.0 + predicted,
    )


def same(one: KnownQueryActions, other: KnownQueryActions) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("count", "own", "prior", "fame"))


@pytest.mark.parametrize("foretold", [True, False])
def test_queries_looked_up_together_are_what_each_is_alone(
    known: KnownQueries, foretold: bool, monkeypatch: pytest.MonkeyPatch
):
    numbers = generator("order").permutation(60).astype(np.int32)
    together = list(known.first(25, numbers, foretold))
    monkeypatch.setattr(known_queries, "TOGETHER", 1)
    alone = list(known.first(25, numbers, foretold))
    assert len(together) == len(alone) == (20 if foretold else 25)
    assert all(map(same, together, alone))
    assert sum(float(one.own.sum()) for one in together) > 0


def test_where_nothing_is_predicted_a_query_foretells_nothing(known: KnownQueries):
    assert list(known.first(9, np.array([1, 2], np.int32), foretold=True)) == []
    assert len(list(known.first(9, np.array([1, 2], np.int32), foretold=False))) == 2


def test_near_is_the_cosine_of_grams_whether_texts_are_mapped_or_were_added_since(tmp_path: Path):
    texts = ["jazzalbums", "jazzalbum", "albumsofjazz", "rock", "jazzrock"]
    index = SimilarQueries()
    for text in texts[:3]:
        index.add(text)
    index.save(tmp_path / "near")
    index = SimilarQueries.open(tmp_path / "near", texts)
    numbers, cosines = index.near("jazzalbums", 10)

    def cosine(one: str, other: str) -> float:
        names = sorted({*grams(one), *grams(other)})
        first, second = (
            np.array([1.0 + np.log(counts[name]) if counts[name] else 0.0 for name in names])
            for counts in (grams(one), grams(other))
        )
        return float(first @ second / np.sqrt((first @ first) * (second @ second)))

    found = dict(zip(numbers.tolist(), cosines.tolist(), strict=True))
    assert found == pytest.approx(
        {place: cosine(text, "jazzalbums") for place, text in enumerate(texts) if place in found}
    )
    assert sorted(found) == [0, 1, 2, 4]
