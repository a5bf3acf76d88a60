"""Whatever is merged in, and in how many pieces, stands in order afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.core.seeds import generator
from ltrr_cli.storage import merging
from ltrr_cli.storage.merging import Ascending, Merge


@pytest.mark.parametrize("piece", [1, 3, 7, 1_000])
def test_a_tail_is_sorted_in_whatever_the_pieces(monkeypatch: pytest.MonkeyPatch, piece: int):
    monkeypatch.setattr(merging, "PIECE", piece)
    chance = generator("merging", piece)
    ordered, tail = np.sort(chance.permutation(60)[:40]), chance.permutation(np.arange(100, 120)) - 50
    column = np.concatenate([ordered * 2, tail])  # the tail stands as it came
    beside = np.column_stack([column, -column])
    order = np.argsort(tail)
    to = np.searchsorted(column[:40], tail[order]) + np.arange(20)
    merge = Merge(40, to, 40 + order)
    expected = np.sort(column, kind="stable")
    merge(column)
    merge(beside)
    assert column.tolist() == expected.tolist()
    assert beside.tolist() == [[one, -one] for one in expected.tolist()]


def test_numbers_stay_in_order_as_they_grow():
    numbers, all_of_them = Ascending(np.empty(0, np.int64)), generator("ascending").permutation(500)
    for part in np.split(all_of_them, [1, 2, 40, 300]):
        numbers.add(np.sort(part))
    numbers.add(np.empty(0, np.int64))
    assert numbers.values.tolist() == list(range(500))
    assert len(numbers) == 500
