"""Bayesian logistic regression, many at once: one Laplace step per observation, and forgetting."""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.types import DoubleArray

_ITERATIONS = 40  # safeguarded Newton, at most: it stops when all modes are found
_CLOSE = 1e-9
_SETTLED = 1e-7  # nats of the posterior that one more step of many observations may gain


def step(mean: DoubleArray, covariance: DoubleArray, x: DoubleArray, said: DoubleArray, weight: DoubleArray) -> None:
    """Take in one observation per regression, in place.

    mean       -- (..., d)
    covariance -- (..., d, d)
    x          -- (..., d)
    said       -- (...), 1 where the answer was yes, 0 where it was no
    weight     -- (...), >= 0; 0 where the observation says nothing

    The posterior's mode lies on ``mean + a * covariance @ x``, so it is found exactly in one dimension, and the
    curvature is taken there (Laplace). Taking it at the old mean, as an extended Kalman filter does, overshoots
    where a rare yes carries a large weight.  Spiegelhalter & Lauritzen, Networks 1990.
    """
    gain = (covariance @ x[..., None])[..., 0]  # (..., d)
    move, shrink = posterior((mean * x).sum(axis=-1), (gain * x).sum(axis=-1), said, weight)
    mean += move[..., None] * gain
    shrunk = gain * shrink[..., None]
    covariance -= shrunk[..., :, None] * shrunk[..., None, :]


def posterior(
    centre: DoubleArray, spread: DoubleArray, said: DoubleArray, weight: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Return (move (...), shrink (...)): the mode is at ``mean + move * gain``, and ``shrink * gain`` is taken off.

    centre, spread -- mean and variance of the log-odds before; said, weight as for :func:`step`
    """
    move = _mode(centre, spread, said, weight)
    chance = sigmoid(centre + move * spread)
    slope = weight * chance * (1.0 - chance)
    return move, np.sqrt(slope / (1.0 + slope * spread))


def linear_step(
    mean: DoubleArray, covariance: DoubleArray, x: DoubleArray, said: DoubleArray, weight: DoubleArray
) -> None:
    """Take in one observation of a number per ridge regression, in place; noise of variance 1 / weight.

    Shapes as for :func:`step`, but for ``x`` (d,), the same for all.
    """
    gain = covariance @ x  # (..., d)
    pull = weight / (1.0 + weight * (gain @ x))
    mean += (pull * (said - mean @ x))[..., None] * gain
    covariance -= (gain * pull[..., None])[..., :, None] * gain[..., None, :]


def fit(
    mean: DoubleArray, covariance: DoubleArray, x: DoubleArray, said: DoubleArray, weight: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Return (mean (d,), covariance (d, d)) after many observations at once: Laplace at the mode of them all.

    mean, covariance -- before
    x                -- (n, d)
    said, weight     -- (n,) as for :func:`step`

    Newton's method; a step that overshoots is halved. The order of the observations does not matter.
    """
    spoken = np.flatnonzero(weight)
    x, said, weight = x[spoken], said[spoken], weight[spoken]
    prior = _inverse(covariance)
    mode, precision = mean, prior
    value = _log_posterior(mode - mean, x @ mode, prior, said, weight)
    for _ in range(_ITERATIONS):
        chance = sigmoid(x @ mode)
        slope = weight * chance * (1.0 - chance)
        precision = prior + x.T @ (x * slope[:, None])
        step_ = np.linalg.solve(precision, x.T @ (weight * (said - chance)) - prior @ (mode - mean))
        for _ in range(_ITERATIONS):
            reached = _log_posterior(mode + step_ - mean, x @ (mode + step_), prior, said, weight)
            if reached >= value - _CLOSE:
                break
            step_ = 0.5 * step_
        mode, gained, value = mode + step_, reached - value, reached
        if gained < _SETTLED:
            break
    return mode, _inverse(precision)


def _log_posterior(
    away: DoubleArray, logit: DoubleArray, prior: DoubleArray, said: DoubleArray, weight: DoubleArray
) -> float:
    """Return the logarithm of the posterior but for a constant; away -- (d,) from the mean of the prior."""
    return float(weight @ (said * logit - np.logaddexp(0.0, logit)) - 0.5 * away @ prior @ away)


def linear_fit(
    mean: DoubleArray, covariance: DoubleArray, x: DoubleArray, said: DoubleArray, weight: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Return (means (k, d), covariances (k, d, d)) of ridge regressions after many observations at once.

    mean, covariance -- before, as returned
    x                -- (n, d), the same for all
    said, weight     -- (n, k)

    What :func:`linear_step` comes to, whatever the order.
    """
    prior = _inverse(covariance)
    lines, alike = np.unique(weight, axis=1, return_inverse=True)  # regressions that weigh alike share the work
    heavy = np.stack([x.T @ (x * line[:, None]) for line in lines.T])[alike.ravel()]
    pull = (prior @ mean[..., None])[..., 0] + (weight * said).T @ x
    fitted = _inverse(prior + heavy)
    return (fitted @ pull[..., None])[..., 0], fitted


def _mode(centre: DoubleArray, spread: DoubleArray, said: DoubleArray, weight: DoubleArray) -> DoubleArray:
    """Solve ``a = weight * (said - sigmoid(centre + a * spread))``; the left side rises, the right side falls."""
    low, high = -weight * (1.0 - said), weight * said
    move = np.zeros_like(centre)
    for _ in range(_ITERATIONS):
        chance = sigmoid(centre + move * spread)
        excess = move - weight * (said - chance)
        if np.abs(excess).max(initial=0.0) < _CLOSE:
            break
        over = excess > 0.0
        high, low = np.where(over, move, high), np.where(over, low, move)
        newton = move - excess / (1.0 + weight * spread * chance * (1.0 - chance))
        move = np.where((newton > low) & (newton < high), newton, 0.5 * (low + high))
    return move


def forget(
    mean: DoubleArray, covariance: DoubleArray, prior_mean: DoubleArray, prior_variance: float, keep: float
) -> tuple[DoubleArray, DoubleArray]:
    """Return (mean, covariance) pulled back to the prior: posterior**keep * prior**(1 - keep), renormalised.

    Stabilised forgetting: nothing ever becomes less certain than the prior.  Kulhavy & Zarrop, Int. J. Control 1993.
    """
    precision = np.linalg.inv(covariance)
    wanted = keep * (precision @ mean[..., None])[..., 0] + (1.0 - keep) / prior_variance * prior_mean
    blended = keep * precision
    diagonal = np.arange(mean.shape[-1])
    blended[..., diagonal, diagonal] += (1.0 - keep) / prior_variance
    fresh = np.linalg.inv(blended)
    fresh = 0.5 * (fresh + np.swapaxes(fresh, -1, -2))  # rounding must not make it lopsided
    return (fresh @ wanted[..., None])[..., 0], fresh


def _inverse(matrix: DoubleArray) -> DoubleArray:
    inverse: DoubleArray = np.linalg.inv(matrix).astype(np.float64, copy=False)
    return inverse


def sigmoid(logit: DoubleArray) -> DoubleArray:
    """Return 1 / (1 + exp(-logit)) without overflow.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return 0.5 * (1.0 + np.tanh(0.5 * logit))
