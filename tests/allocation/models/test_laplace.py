from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.allocation.models.laplace import forget, linear_step, sigmoid, step


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
