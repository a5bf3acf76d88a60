from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.retrieval.held_terms import HeldTerms, Writer
from ltrr_cli.text.marks import Want


@pytest.fixture
def held(tmp_path: Path) -> HeldTerms:
    writer = Writer()
    for terms in ({"drill", "5", "=5mm"}, {"drill", "3"}, set(), {"~5", "drill", "bit"}):
        writer.add(terms)
    writer.write(tmp_path)
    found = HeldTerms.open(tmp_path)
    assert found is not None
    return found


def test_each_row_is_told_how_surely_it_has_each_word(held: HeldTerms):
    wants = [Want("drill", {"drill": 1.0}, False), Want("5", {"5": 0.75, "=5mm": 1.0, "~5": 0.5}, True)]
    levels = held.levels(wants, np.array([3, 0, 1, 2], np.int32))
    np.testing.assert_allclose(levels, [[1.0, 0.5], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])


def test_nothing_asked_and_nobody_asked_are_no_error(held: HeldTerms):
    assert held.levels([], np.array([0, 1], np.int32)).shape == (2, 0)
    assert held.levels([Want("drill", {"drill": 1.0}, False)], np.empty(0, np.int32)).shape == (0, 1)


def test_an_older_generation_has_no_such_table(tmp_path: Path):
    assert HeldTerms.open(tmp_path / "nowhere") is None


def test_an_empty_catalog_has_an_empty_table(tmp_path: Path):
    Writer().write(tmp_path)
    assert HeldTerms.open(tmp_path) is not None
