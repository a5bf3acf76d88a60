from __future__ import annotations

from dataclasses import replace

import numpy as np

from ltrr_cli.ranking.fit_lambdamart import copied, fit_lambdamart, lambdas, pairs_of
from ltrr_cli.ranking.model import Examples
from ltrr_cli.ranking.subsample import searches
from ltrr_cli.ranking.trees import Trees, forest
from tests.ranking.made import made


def one_search(labels: list[float], weights: list[float] | None = None) -> Examples:
    count = len(labels)
    ones = np.ones(count, np.float32)
    weighed = ones if weights is None else np.array(weights, np.float32)
    features, group = np.zeros((count, 1), np.float32), np.zeros(count, np.int32)
    return Examples(features, np.array(labels, np.float32), group, weighed, ones)


def pushes(examples: Examples, score: list[float]) -> tuple[np.ndarray, np.ndarray]:
    group = searches(examples)
    return lambdas(np.array(score), group, pairs_of(examples, group, np.random.default_rng(0)))


def test_what_was_wanted_is_pushed_up_and_what_stood_above_it_down():
    gradient, hessian = pushes(one_search([0, 1, 0]), [3.0, 2.0, 1.0])
    assert gradient[1] > 0 > gradient[0]
    assert abs(gradient.sum()) < 1e-12
    assert abs(gradient[0]) > abs(gradient[2])  # swapping with what stands above gains, with what stands below loses
    assert (hessian > 0).all()


def test_a_pair_pushes_by_the_ndcg_that_it_would_change():
    # one wanted line at rank 2 of 2: the swap is worth 1 - 1/log2(3); scores are equal, so the odds are even
    examples = one_search([0, 1])
    gradient, _ = pushes(examples, [0.0, 0.0])
    change = (1 - 1 / np.log2(3)) / 0.01
    total = 2 * change * 0.5
    assert np.isclose(gradient[1], change * 0.5 * np.log2(1 + total) / total)


def test_equal_labels_are_no_pair_and_searches_do_not_mix():
    examples = made(3, 4, grades=2)
    group = searches(examples)
    pairs = pairs_of(examples, group, np.random.default_rng(0))
    assert (examples.labels[pairs.better] > examples.labels[pairs.worse]).all()
    assert (group[pairs.better] == group[pairs.worse]).all()
    assert len(pairs.better) == 3 * 5  # of labels 2 1 0 0: two and one over two zeros, and one over the other


def test_an_inverse_propensity_weighs_the_pairs_of_what_was_rewarded():
    labels, light = [1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]
    heavy = [5.0, 1.0, 1.0, 1.0]
    even, _ = pushes(one_search(labels, light), [0.0, 0.0, 0.0, 0.0])
    uneven, _ = pushes(one_search(labels, heavy), [0.0, 0.0, 0.0, 0.0])
    assert uneven[0] / uneven[1] > 3 * even[0] / even[1]


def test_pairs_below_the_cut_teach_nothing():
    labels = [0.0] * 40
    labels[39] = 1.0
    gradient, _ = pushes(one_search(labels), [float(-place) for place in range(40)])
    assert gradient[39] > 0
    assert (gradient[:30] < 0).all()
    assert (gradient[30:39] == 0).all()


def test_served_scores_equal_those_of_the_trees_that_were_fitted():
    from sklearn.tree import DecisionTreeRegressor

    examples, fresh = made(80), made(20, seed=3).features
    grown = [
        DecisionTreeRegressor(max_leaf_nodes=15, splitter="random", random_state=seed).fit(
            examples.features, examples.labels + np.isnan(examples.features[:, 3])
        )
        for seed in range(10)
    ]
    expected = sum(0.1 * tree.predict(fresh) for tree in grown)
    served = Trees(forest([copied(tree.tree_, 0.1) for tree in grown])).score(fresh)
    assert np.abs(served - expected).max() <= 1e-5


def test_a_search_in_which_nothing_was_wanted_teaches_nothing():
    examples = made(60)
    silent = replace(examples, labels=np.where(examples.groups % 2, examples.labels, 0).astype(np.float32))
    fresh = made(40, seed=8)
    scores = fit_lambdamart(silent, 0).score(fresh.features)
    assert scores[fresh.labels > 0].mean() > scores[fresh.labels == 0].mean() + 0.5
