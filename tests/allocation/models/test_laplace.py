from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.allocation.models.laplace import fit, forget, linear_fit, linear_step, sigmoid, step


def test_a_step_ends_at_the_mode_of_the_posterior():
    chance = np.random.default_rng(0)
    mean, root = chance.normal(size=(5, 3)), chance.normal(size=(5, 3, 3))
    covariance = root @ root.transpose(0, 2, 1) + np.eye(3)
    x, said = chance.normal(size=(5, 3)), np.array([1.0, 0.0, 0.3, 1.0, 0.0])
    weight = np.array([1.0, 30.0, 2.0, 30.0, 0.5])
    old, precision = mean.copy(), np.linalg.inv(covariance)
    step(mean, covariance, x, said, weight)
    slope = weight * (said - sigmoid((mean * x).sum(axis=1)))
    gradient = slope[:, None] * x - (precision @ (mean - old)[..., None])[..., 0]
    assert np.abs(gradient).max() < 1e-4


def test_what_says_nothing_changes_nothing():
    mean, covariance = np.zeros((1, 2)), np.eye(2)[None].copy()
    step(mean, covariance, np.ones((1, 2)), np.ones(1), np.zeros(1))
    assert not mean.any()
    np.testing.assert_array_equal(covariance[0], np.eye(2))


def test_many_answers_make_it_certain():
    mean, covariance = np.zeros((1, 1)), np.ones((1, 1, 1))
    for number in range(400):
        step(mean, covariance, np.ones((1, 1)), np.array([float(number % 4 == 0)]), np.ones(1))
    assert sigmoid(mean)[0, 0] == pytest.approx(0.25, abs=0.01)
    assert covariance[0, 0, 0] < 0.02


def test_ridge_steps_are_ridge_regression():
    chance = np.random.default_rng(1)
    inputs, numbers = chance.normal(size=(50, 3)), chance.normal(size=50)
    mean, covariance = np.zeros((1, 3)), np.eye(3)[None].copy()
    for x, number in zip(inputs, numbers, strict=True):
        linear_step(mean, covariance, x, np.array([number]), np.ones(1))
    exact = np.linalg.solve(inputs.T @ inputs + np.eye(3), inputs.T @ numbers)
    np.testing.assert_allclose(mean[0], exact, atol=1e-9)


def test_forgetting_ends_at_the_prior():
    mean, covariance = np.array([[3.0, -2.0]]), 0.01 * np.eye(2)[None]
    prior = np.array([[1.0, 0.0]])
    half, wider = forget(mean, covariance, prior, 1.0, 0.5)
    assert (wider[0].diagonal() > 0.01).all()
    assert (half < mean)[0, 0]
    nothing, flat = forget(mean, covariance, prior, 1.0, 1e-9)
    np.testing.assert_allclose(nothing, prior, atol=1e-4)
    np.testing.assert_allclose(flat[0], np.eye(2), atol=1e-4)


def test_many_at_once_end_at_the_mode_of_the_posterior():
    chance = np.random.default_rng(2)
    x, said, weight = chance.normal(size=(60, 3)), chance.random(60), chance.random(60) * (np.arange(60) % 5 > 0)
    before, root = chance.normal(size=3), chance.normal(size=(3, 3))
    prior = root @ root.T + np.eye(3)
    mean, covariance = fit(before, prior, x, said, weight)
    chances = sigmoid(x @ mean)
    precision = np.linalg.inv(prior)
    gradient = x.T @ (weight * (said - chances)) - precision @ (mean - before)
    assert np.abs(gradient).max() < 1e-4
    curvature = precision + x.T @ (x * (weight * chances * (1.0 - chances))[:, None])
    np.testing.assert_allclose(covariance, np.linalg.inv(curvature), rtol=1e-3)


def test_heavy_answers_that_all_agree_are_fitted_all_the_same():
    mean, covariance = fit(np.zeros(2), np.eye(2), np.ones((50, 2)), np.ones(50), np.full(50, 30.0))
    assert 0.9 < sigmoid(mean.sum(keepdims=True))[0] < 1.0
    assert np.isfinite(covariance).all()


def test_many_ridge_answers_at_once_are_as_many_steps():
    chance = np.random.default_rng(3)
    inputs, numbers = chance.normal(size=(40, 3)), chance.normal(size=(40, 4))
    weight = chance.random((40, 1)) * np.array([1.0, 1.0, 0.5, 1.0])
    mean, covariance = chance.normal(size=(4, 3)), np.tile(np.eye(3), (4, 1, 1))
    together = linear_fit(mean, covariance, inputs, numbers, weight)
    for x, number, heavy in zip(inputs, numbers, weight, strict=True):
        linear_step(mean, covariance, x, number, heavy)
    np.testing.assert_allclose(together[0], mean, atol=1e-9)
    np.testing.assert_allclose(together[1], covariance, atol=1e-9)
