import numpy as np
import pytest

from ltrr_cli.core.types import Hits
from ltrr_cli.ranking.fusion import gains
from ltrr_cli.ranking.tuning import Wanted, tune
from ltrr_cli.retrieval.union import union


def brought(*lists: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    rows, _, scores = union(
        [
            Hits(np.array([row for row, _ in hits], np.int32), np.array([s for _, s in hits], np.float32))
            for hits in lists
        ]
    )
    return rows, scores


def wanting(found: tuple[np.ndarray, np.ndarray], chances: dict[int, float]) -> Wanted:
    return Wanted.of(*found, np.array(sorted(chances)), np.array([chances[row] for row in sorted(chances)]))


def test_who_finds_what_is_wanted_outweighs_who_does_not():
    found = brought([(1, 9.0), (2, 1.0)], [(2, 9.0), (1, 1.0)])
    weights = tune([wanting(found, {1: 1.0})], 2, tempered=False)
    assert weights is not None
    assert weights[0] > weights[1]


def test_where_many_are_wanted_the_likeliest_should_lead():
    found = brought([(1, 3.0), (2, 2.0), (3, 1.0)], [(3, 3.0), (2, 2.0), (1, 1.0)])
    weights = tune([wanting(found, {1: 0.2, 3: 0.7})], 2, tempered=False)
    assert weights is not None
    assert weights[1] > weights[0]


def test_tempering_leaves_something_to_who_finds_alone():
    found = brought([(1, 9.0), (2, 1.0)], [(1, 9.0), (3, 8.9)])
    bare, tempered = (tune([wanting(found, {1: 1.0})] * 2, 2, tempered=how) for how in (False, True))
    assert tempered is not None
    assert bare is not None
    assert tempered.min() > 0.0


def test_nothing_found_tells_nothing():
    found = brought([(1, 9.0)], [(2, 9.0)])
    assert tune([wanting(found, {7: 1.0})], 2, tempered=True) is None
    assert tune([], 2, tempered=True) is None


def test_a_list_that_scores_all_alike_says_who_belongs_and_not_who_leads():
    _, scores = brought([(1, 4.0), (2, 4.0), (3, 4.0)], [(2, 1.0)])
    assert gains(scores)[:, 0].tolist() == pytest.approx([0.525] * 3)
    assert gains(scores)[1, 1] == pytest.approx(1.0)
