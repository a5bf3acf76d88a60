"""Flat tables of pairs: whatever order and batches the pairs come in, they are found, and counted exactly once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.clock import HOUR
from ltrr_cli.core.seeds import generator
from ltrr_cli.retrieval.counts import sorted_table
from ltrr_cli.retrieval.counts.decayed_counts import COLUMNS, HALF_LIVES_H, DecayedCounts
from ltrr_cli.retrieval.counts.sorted_table import DistinctCounts, TotalCounts, codes_of, mixed
from ltrr_cli.storage import merging


@pytest.fixture(autouse=True)
def short_tail(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sorted_table, "TAIL", 8)  # so that much is sorted in
    monkeypatch.setattr(merging, "PIECE", 5)


def actions(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    chance = generator("keyed", count)
    codes = codes_of(chance.integers(0, 6, count), chance.integers(0, 9, count))
    times = np.sort(chance.integers(0, 40 * HOUR, count))
    return codes, times, chance.choice([0.3, 1.0], count), chance.random(count) < 0.5


def counted(sizes: list[int]) -> DecayedCounts:
    codes, times, weights, new = actions(200)
    pairs, start = DecayedCounts(), 0
    for size in sizes:
        part = slice(start, start + size)
        pairs.add(codes[part], times[part], weights[part], new[part])
        start += size
    return pairs


def contents(pairs: DecayedCounts) -> list[list[float]]:
    places, of = pairs.pairs_of(range(6))
    return np.column_stack(
        [of, pairs.rows(places), pairs.users(places), pairs.last(places), pairs.values(places, 41 * HOUR)]
    ).tolist()


def test_values_follow_the_definition():
    codes, times, weights, new = actions(200)
    value: dict[int, np.ndarray] = {}
    for code, time, weight in zip(codes.tolist(), times.tolist(), weights.tolist(), strict=True):
        age_h = (41 * HOUR - time) / HOUR
        rates = np.array([*(2 ** (-age_h / h) for h in HALF_LIVES_H), 1.0])
        value[code] = value.get(code, np.zeros(COLUMNS)) + weight * rates
    pairs = counted([200])
    places, of = pairs.pairs_of(range(6))
    found = dict(zip(codes_of(of, pairs.rows(places)).tolist(), pairs.values(places, 41 * HOUR), strict=True))
    assert found.keys() == value.keys()
    for code, expected in value.items():
        np.testing.assert_allclose(found[code], expected, rtol=1e-4, atol=1e-6)
    assert int(pairs.users(places).sum()) == int(new.sum())


@pytest.mark.parametrize("sizes", [[1] * 200, [3, 97, 100], [150, 1, 49]])
def test_batches_change_nothing_to_the_last_bit(sizes: list[int]):
    assert contents(counted(sizes)) == contents(counted([200]))


def test_pairs_survive_the_disk(tmp_path: Path):
    pairs = counted([20] * 10)
    before = contents(pairs)
    pairs.save(tmp_path / "pairs")
    assert contents(DecayedCounts.open(tmp_path / "pairs")) == before == contents(pairs)


def test_a_file_of_the_first_format_is_read(tmp_path: Path):
    np.savez(
        tmp_path / "old.npz",
        counts=np.array([2, 0, 1], np.int32),
        row=np.array([7, 3, 5], np.int32),  # inside a key as they came
        value=np.arange(3 * COLUMNS, dtype=np.float32).reshape(3, COLUMNS),
        last=np.array([10, 20, 30]),
        users=np.array([1, 2, 3], np.int32),
    )
    pairs = DecayedCounts.open(tmp_path / "old")
    places, of = pairs.pairs_of([0, 1, 2])
    assert (of.tolist(), pairs.rows(places).tolist(), pairs.users(places).tolist()) == ([0, 0, 2], [3, 7, 5], [2, 1, 3])
    totals = TotalCounts.open(tmp_path / "old")
    assert totals.totals(totals.pairs_of([0])[0]).tolist() == [2 * COLUMNS - 1, COLUMNS - 1]


def test_a_set_of_hashes_knows_who_is_new():
    people = DistinctCounts()
    hashes = mixed(np.array([1, 2, 1, 3], np.uint64), np.array([5, 5, 5, 5]))
    assert people.add(hashes).tolist() == [True, True, False, True]
    many = np.arange(50, dtype=np.uint64)
    assert people.add(many).all()
    assert not people.add(many).any()
    assert not people.add(hashes).any()
    assert len(people.in_order()) == 53


def test_a_count_of_people_stays_at_the_largest_number_that_it_can_hold() -> None:
    table, codes = DecayedCounts(), np.array([7], np.int64)
    for moment in range(3):
        table.add(codes, np.array([moment], np.int64), np.array([1.0]), np.array([2**31 - 1], np.int32))
    assert table.users(table.find(codes)).tolist() == [2**31 - 1]
