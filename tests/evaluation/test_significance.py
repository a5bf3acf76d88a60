"""Intervals cover what they promise, tests err as often as they say."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ltrr_cli.core.seeds import generator
from ltrr_cli.evaluation.significance import bootstrap, paired


def test_intervals_of_a_mean_cover_it_about_95_times_in_100():
    chance = generator("coverage")
    worlds = chance.beta(2.0, 3.0, (200, 400)).T  # (queries, repetitions): one bootstrap serves all columns
    low, high = bootstrap(worlds)
    assert 0.90 <= float(((low <= 0.4) & (high >= 0.4)).mean()) <= 0.99


def test_the_paired_test_is_exact_on_a_small_case():
    difference = np.array([0.4, 0.1, -0.2, 0.3, 0.3])
    every = np.array(list(product((-1.0, 1.0), repeat=5))) @ difference
    exact = float((np.abs(every) >= abs(difference.sum()) - 1e-12).mean())
    found = paired(difference[:, None], np.zeros((5, 1)))
    assert float(found.p[0]) == pytest.approx(exact, abs=0.02)
    assert float(found.mean[0]) == pytest.approx(difference.mean())


def test_without_a_difference_the_test_says_so_evenly():
    chance = generator("null")
    first, second = (chance.normal(size=(40, 300)) for _ in range(2))
    p = paired(first, second).p
    assert 0.01 <= float((p < 0.05).mean()) <= 0.10
    assert 0.4 <= float(p.mean()) <= 0.6


def test_equal_systems_have_p_one_and_a_swap_turns_the_sign():
    values = generator("values").random((25, 2))
    assert (paired(values, values).p == 1.0).all()
    one, other = paired(values, values[::-1]), paired(values[::-1], values)
    assert one.mean == pytest.approx(-other.mean)
    assert one.p == pytest.approx(other.p)


def test_no_queries_have_no_interval():
    assert np.isnan(bootstrap(np.empty((0, 2)))[0]).all()
    assert np.isnan(paired(np.empty((0, 2)), np.empty((0, 2))).p).all()
