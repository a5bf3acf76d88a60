"""Off-policy evaluation: values with their intervals, or the reason why none is stated.

A number that rests on a handful of weights is worse than none, so a value is refused where the effective sample size
is small, one weight dominates, or the log never shows what the policy would (``[evaluation]`` in the settings).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from ltrr_cli.core.config import EvaluationSettings, Settings
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import DoubleArray
from ltrr_cli.evaluation import banditlog, targets
from ltrr_cli.evaluation.offpolicy import (
    BY_EXPOSURE,
    Estimate,
    Exposures,
    Places,
    estimate,
    of_pages,
    pseudo_inverse_slots,
    replayed,
)
from ltrr_cli.evaluation.records import OpeReport, PolicyValue

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State

ESTIMATORS = ("auto", *BY_EXPOSURE, "slate", "pi", "replay")
LOGGED = "logged"


def from_journal(
    state: State,
    policies: Sequence[str] = (),
    *,
    estimator: str = "auto",
    since_ms: int | None = None,
    progress: Progress = quiet,
) -> OpeReport:
    """Judge policies on the live searches of the journal.

    policies  -- ``POLICY`` or ``POLICY/RANKER``; none: the workspace's own, and the even split
    estimator -- ``auto`` is ``dr``
    """
    start = perf_counter()
    _known(estimator)
    names = tuple(policies) or (state.settings.allocation.policy, "uniform")
    found = targets.collect(state, names, since_ms=since_ms, progress=progress)
    if not len(found.cluster):
        why = "; ".join(f"{count} {reason}" for reason, count in found.left_out.items()) or "it is empty"
        raise DataError(f"no search in the journal can be used: {why}", hint="serve with --live or the Python API")
    values = {LOGGED: _of_the_log(found.reward, found.cluster)}
    for name in names:
        judged = _of_journal(found, name, "dr" if estimator == "auto" else estimator)
        values[name] = _stated(judged, state.settings.evaluation)
    sessions = int(found.cluster.max()) + 1
    return OpeReport(values, len(found.cluster), sessions, found.left_out, round(perf_counter() - start, 3))


def from_logs(
    settings: Settings,
    sources: Sequence[str | Path],
    policies: Sequence[str] = (),
    *,
    estimator: str = "auto",
    mapping: Mapping[str, str] | None = None,
    actions: int | None = None,
) -> OpeReport:
    """Judge policies on plain logged-bandit data (see ``banditlog``).

    policies  -- ``random``, ``item(ID)``, ``column(NAME)``; none: ``random``
    estimator -- ``auto`` is ``snips``: it stays within what was observed, whatever the weights
    """
    start = perf_counter()
    _known(estimator)
    names = tuple(policies) or ("random",)
    log = banditlog.read_bandit_log(sources, mapping, banditlog.columns_of(names))
    values = {LOGGED: _of_the_log(log.reward, log.session)}
    for name in names:
        target = banditlog.plain_target(name, log, actions)
        judged = _of_plain(log, target, "snips" if estimator == "auto" else estimator)
        values[name] = _stated(judged, settings.evaluation)
    sessions = int(log.session.max()) + 1
    return OpeReport(values, len(log.reward), sessions, {}, round(perf_counter() - start, 3))


def refusal(found: Estimate, settings: EvaluationSettings) -> str | None:
    """Return why a value must not be stated, or None.

    >>> thin = Estimate("snips", 0.5, 0.1, 0.9, ess=12.0, largest=0.1, unsupported=0.0, searches=900)
    >>> refusal(thin, EvaluationSettings())
    'effective sample size 12.0 of 900 searches, below 100'
    """
    if not found.ess >= settings.least_ess:
        return f"effective sample size {found.ess:.1f} of {found.searches:,} searches, below {settings.least_ess:g}"
    if found.largest > settings.largest_weight:
        return f"one weight is {found.largest:.0%} of the sum of all, above {settings.largest_weight:.0%}"
    if found.unsupported > settings.most_unsupported:
        return f"the log never shows {found.unsupported:.0%} of what it would, above {settings.most_unsupported:.0%}"
    if not np.isfinite([found.value, found.low, found.high]).all():
        return "the log gives no finite value and interval"
    return None


def _known(estimator: str) -> None:
    if estimator not in ESTIMATORS:
        raise UsageError(f"no estimator {estimator[:40]!r}", hint=f"one of {', '.join(ESTIMATORS)}")


def _stated(found: Estimate, settings: EvaluationSettings) -> PolicyValue:
    refused = refusal(found, settings)
    said = refused is None
    return PolicyValue(
        estimator=found.estimator,
        value=found.value if said else None,
        low=found.low if said else None,
        high=found.high if said else None,
        ess=found.ess,
        unsupported=found.unsupported,
        largest=found.largest,
        searches=found.searches,
        refused=refused,
    )


def _of_the_log(reward: DoubleArray, cluster: Places) -> PolicyValue:
    """Return what the log itself earned: a mean, no weights, nothing to refuse."""
    one, none = np.ones(len(reward)), np.zeros(len(reward))
    found = estimate(Exposures(np.arange(len(reward)), reward, one, one, none, one, none, cluster), "ips")
    low, high = (found.low, found.high) if np.isfinite(found.low) else (None, None)
    return PolicyValue("mean", found.value, low, high, found.ess, 0.0, found.largest, found.searches)


def _of_journal(found: targets.Logged, name: str, estimator: str) -> Estimate:
    if estimator in BY_EXPOSURE:
        return estimate(found.exposures[name], estimator)
    if estimator == "pi":
        hint = "ips, snips, dr; slate where pages repeat"
        raise UsageError("pi does not apply to the journal: pages are drawn whole, not by position", hint=hint)
    weight = found.page_weight[name]
    if np.isnan(weight).any():
        raise DataError("the journal does not know the odds of whole pages", hint="ips, snips or dr")
    if estimator == "slate":
        return of_pages(found.reward, weight, found.cluster, "slate")
    return _replayed(found.reward, weight * found.page_odds, found.page_odds, found.cluster)


def _of_plain(log: banditlog.BanditLog, target: banditlog.PlainTarget, estimator: str) -> Estimate:
    if estimator == "dr" and target.choice is None:
        raise UsageError(f"dr needs the odds of every action; {target.name} has those of the logged one", hint="snips")
    if estimator in BY_EXPOSURE:
        return estimate(banditlog.exposures(log, target), estimator)
    if estimator == "replay":
        return _replayed(log.reward, target.odds, log.propensity, log.session)
    reward, weights, session = banditlog.slates(log, target)
    if estimator == "slate":
        weight = np.array([float(of.prod()) for of in weights])
    else:
        weight = np.concatenate([pseudo_inverse_slots(of[None]) for of in weights])
    return of_pages(reward, weight, session, estimator)


def _replayed(reward: DoubleArray, odds: DoubleArray, logged: DoubleArray, cluster: Places) -> Estimate:
    if np.ptp(logged) > 1e-9 * float(logged.max()):
        raise UsageError("replay needs a log of uniform odds; these vary", hint="snips or dr weigh them")
    matched = generator("replay", len(reward)).random(len(reward)) < odds
    return replayed(reward, matched, cluster)
