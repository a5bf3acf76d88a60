from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ltrr_cli.ranking.trees import Forest, Tree, Trees, checked, forest, rounded_down


def grown(seed: int, leaves: int, columns: int = 4) -> Tree:
    chance = np.random.default_rng(seed)
    left, right, waiting = [0], [0], [0]
    while len(waiting) < leaves:
        node = waiting.pop(int(chance.integers(len(waiting))))
        left[node], right[node] = len(left), len(left) + 1
        for child in (left[node], right[node]):
            waiting.append(child)
            left.append(child)
            right.append(child)
    size = len(left)
    missing = chance.random(size) < 0.5
    return Tree(chance.integers(0, columns, size), chance.normal(size=size), np.array(left), np.array(right), missing,
                chance.normal(size=size))  # fmt: skip


def walked(tree: Tree, line: np.ndarray) -> float:
    """Follow one line through one tree, the slow and obvious way."""
    node = 0
    while tree.left[node] != node:
        value = line[tree.feature[node]]
        goes_left = tree.missing_left[node] if np.isnan(value) else value <= tree.threshold[node]
        node = tree.left[node] if goes_left else tree.right[node]
    return float(tree.value[node])


@given(
    arrays(np.float32, (6, 4), elements=st.one_of(st.just(np.float32("nan")), st.floats(-3, 3, width=32))),
    st.lists(st.tuples(st.integers(0, 99), st.integers(1, 20)), min_size=1, max_size=5),
)
def test_all_trees_at_once_say_what_each_says_alone(features, shapes):
    trees = [grown(seed, leaves) for seed, leaves in shapes]
    expected = [sum(walked(tree, line) for tree in trees) + 0.5 for line in features]
    assert Trees(forest(trees), 0.5).score(features) == pytest.approx(expected)


def test_a_split_between_known_and_missing_sends_even_the_largest_number_left():
    tree = Tree(np.zeros(3, int), np.array([np.inf, 0, 0]), np.array([1, 1, 2]), np.array([2, 1, 2]),
                np.zeros(3, bool), np.array([0.0, -1.0, 1.0]))  # fmt: skip
    largest = np.finfo(np.float32).max
    assert Trees(forest([tree])).score(np.array([[largest], [-largest], [np.nan]], np.float32)).tolist() == [-1, -1, 1]


@given(st.floats(-1e30, 1e30), st.floats(-(2.0**99), 2.0**99, width=32))
def test_a_rounded_threshold_parts_float32_values_as_the_exact_one_does(threshold, value):
    assert (np.float32(value) <= rounded_down(np.array([threshold]))[0]) == (np.float64(np.float32(value)) <= threshold)


def test_no_candidates_and_no_trees_are_no_error():
    assert Trees(forest([grown(1, 5)])).score(np.empty((0, 4), np.float32)).tolist() == []
    assert Trees(forest([]), 2.0).score(np.zeros((2, 4), np.float32)).tolist() == [2.0, 2.0]


def test_the_deepest_leaf_counts():
    assert checked(forest([grown(1, 1), grown(2, 2)])).tolist() == [0, 1]


def altered(name: str, value: object) -> Forest:
    whole = forest([grown(3, 6), grown(4, 4)])
    array = getattr(whole, name).copy()
    array[0, 0] = value
    return replace(whole, **{name: array})


@pytest.mark.parametrize(
    ("name", "value"),
    [("left", 0), ("right", 0), ("left", 99), ("right", -1), ("feature", -1), ("threshold", np.nan), ("value", np.inf)],
)
def test_a_forest_that_could_walk_in_circles_or_outside_is_refused(name, value):
    with pytest.raises(ValueError, match="tree nodes"):
        Trees(altered(name, value))


def test_arrays_of_different_shapes_are_refused():
    whole = forest([grown(3, 6)])
    with pytest.raises(ValueError, match="shapes"):
        Trees(replace(whole, value=whole.value[:, :-1]))


@pytest.mark.parametrize("columns", [0, 3])
def test_a_column_that_does_not_exist_is_refused(columns):
    stored = Trees(forest([grown(seed, 20) for seed in range(5)])).arrays()
    assert Trees.opened(stored, 4).score(np.zeros((1, 4), np.float32)).shape == (1,)
    with pytest.raises(ValueError, match="columns"):
        Trees.opened(stored, columns)
