"""Training: one door to all algorithms; what comes out is served without any of the libraries that made it.

========== ============================================================= =====================================
pointwise  small histogram gradient boosting on single candidates         strongest on few hundred searches
linear     standardised values and missing indicators                    needs the fewest searches
lambdamart boosted trees on pairs, weighed by what nDCG would change     follows the top of the page
lightgbm   LightGBM's lambdarank                                         an extra: ltrr-cli[lightgbm]
blend      average of pointwise, lambdamart and (half) linear            steadiest
auto       whichever does best on searches that it did not see: of all on judgments, of the first two on clicks
========== ============================================================= =====================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.types import BoolArray, FloatArray
from ltrr_cli.ranking.anchor import LIGHTEST, chosen_anchor, entities_chosen, silence_suffices
from ltrr_cli.ranking.base_score import ANCHOR, corrected
from ltrr_cli.ranking.comparison import mean_measures, per_search
from ltrr_cli.ranking.fit_lambdamart import fit_lambdamart
from ltrr_cli.ranking.fit_lightgbm import available, fit_lightgbm
from ltrr_cli.ranking.fit_pointwise import fit_linear, fit_pointwise
from ltrr_cli.ranking.model import Examples, Model, Schema
from ltrr_cli.ranking.ranker_registry import RANKERS, PluggedRanker, ranker
from ltrr_cli.ranking.subsample import part, sampled, searches, thinned
from ltrr_cli.ranking.trained import Part, Ranker, finite

__all__ = ["ALGORITHMS", "Contest", "contest", "fit"]

ALGORITHMS = ("auto", "pointwise", "linear", "lambdamart", "lightgbm", "blend")
# who competes on clicks: a log judges by what it showed, and what follows the top of its pages most closely learns its
# faults as well (held-back judgments: nDCG@10 .47 for pointwise, .39 for lambdamart, while the log's own newest third
# preferred the latter)
STEADY = ("pointwise", "linear")
BLEND = {"pointwise": 1.0, "lambdamart": 1.0, "linear": 0.5}  # algorithm -> weight of its standardised score
FEWEST_FOR_TREES = 100  # searches, below which trees only learn them by heart
FEWEST_JUDGED = 40  # judged queries: every candidate says something there, not only the one that was clicked
CONTEST_LINES = 25_000  # of the searches that a contest trains on
FOLDS = 5

Measures = Mapping[str, Mapping[str, float]]


def fit(
    examples: Examples,
    schema: Schema,
    algorithm: str = "auto",
    seed: int = 0,
    *,
    ordered: bool = True,
    trained_until_ms: int | None = None,
    anchor: float | None = None,
    silent: bool = False,
    guard: Examples | None = None,
) -> Model:
    """Train a ranker; raises UsageError for an unknown algorithm, DataError for examples without both kinds of labels.

    ordered -- groups are in time order, so ``auto`` judges on the newest searches; False (judged queries, which have
        no time): by cross-validation. Whole searches are held out either way.
    trained_until_ms -- the moment of the newest search, noted in the model
    anchor  -- weight of the untrained score; None: chosen, where searches are in time order and suffice for it, and
        with it whether the ranker is silent on names
    silent  -- it is, where the anchor is given
    guard   -- judged queries that the anchor must not make clearly worse

    The same examples and seed give the same model.
    """
    others = RANKERS.others()
    if algorithm not in ALGORITHMS and algorithm not in others:
        raise UsageError(f"no algorithm {algorithm!r}", hint=f"one of {', '.join((*ALGORITHMS, *others))}")
    examples = _usable(examples, schema)
    if algorithm in others:
        return PluggedRanker(algorithm, ranker(algorithm).fit(sampled(examples), schema, seed))
    tried = Contest({}, {})
    if algorithm == "auto":
        tried = contest(examples, seed, ordered=ordered)
        algorithm = max(tried.measures, key=lambda name: tried.measures[name]["nDCG@10"], default="linear")
    if anchor is None:
        chosen = ordered and algorithm in STEADY
        known = tried.fitted.get(algorithm)
        anchor, silent = _anchor(examples, schema, algorithm, seed, guard, known) if chosen else (ANCHOR, False)
    parts = _parts(sampled(examples), algorithm, seed)
    return Ranker(algorithm, schema, parts, trained_until_ms, tried.measures, anchor, silent)


def _anchor(
    examples: Examples, schema: Schema, algorithm: str, seed: int, guard: Examples | None, fitted: Part | None
) -> tuple[float, bool]:
    """Return (weight of the untrained score, whether a ranker had better be silent on names).

    Both as they are best on the newest third, with what the older ones teach.

    fitted -- what the older ones taught, where they did before
    """
    if int(searches(examples)[-1]) + 1 < FEWEST_FOR_TREES:
        return ANCHOR, False
    for older, newer in _splits(examples, seed, True):
        model = _fitted(older, algorithm, seed) if fitted is None else fitted
        judged = None if guard is None else (guard, model.score(guard.features).astype(np.float32))
        scores = model.score(newer.features).astype(np.float32)
        anchor = chosen_anchor(scores, newer, entities_chosen(older), judged)
        silent_anchor = max(anchor, LIGHTEST)  # whoever is silent leaves the word to the untrained score
        judged_so = judged is None or silent_anchor == anchor
        if judged_so and silence_suffices(scores, schema, newer, anchor, silent_anchor):
            return silent_anchor, True
        return anchor, False
    return ANCHOR, False


@dataclass(frozen=True, slots=True)
class Contest:
    """How algorithms did on searches that they were not trained on; empty where there are too few of these.

    measures -- algorithm -> measure -> mean
    fitted   -- what the older searches taught each, where they are in time order
    """

    measures: Measures
    fitted: Mapping[str, Part]


def contest(examples: Examples, seed: int = 0, *, ordered: bool = True) -> Contest:
    """Try algorithms: on the newest third where searches are in time order, else by cross-validation."""
    contenders = STEADY if ordered else ALGORITHMS[1:]
    names = [name for name in contenders if name != "lightgbm" or available()]
    held: dict[str, list[Mapping[str, np.ndarray]]] = {name: [] for name in names}
    if int(searches(examples)[-1]) + 1 < (FEWEST_FOR_TREES if ordered else FEWEST_JUDGED):
        return Contest({}, {})
    fitted: dict[str, Part] = {}
    for older, newer in _splits(examples, seed, ordered):
        parts: dict[str, Part] = {}
        scores: dict[str, FloatArray] = {}
        for name in (name for name in names if name != "blend"):
            parts[name] = _fitted(older, name, seed)
            scores[name] = parts[name].score(newer.features).astype(np.float32)
        if "blend" in names:
            blended = [(weight, parts[name]) for name, weight in BLEND.items()]
            scores["blend"] = sum(
                (w * part.score(newer.features) for w, part in _weighed(blended, older.features)),
                np.zeros(len(newer.labels)),
            ).astype(np.float32)
        if ordered:
            fitted = parts
        for name in names:
            held[name].append(per_search(newer, corrected(scores[name], newer.baseline)))
    return Contest({name: mean_measures(results) for name, results in held.items() if results}, fitted)


def _splits(examples: Examples, seed: int, ordered: bool) -> Iterator[tuple[Examples, Examples]]:
    """Yield (train on, judge on): whole searches; in time order the newest third, else each of five folds."""
    number = searches(examples)
    count = int(number[-1]) + 1
    if ordered:
        tests = [number >= count - count // 3]
    else:
        fold = np.random.default_rng(seed).permutation(count) % FOLDS
        tests = [fold[number] == which for which in range(FOLDS)]
    for test in tests:
        older = thinned(sampled(part(examples, ~test)), CONTEST_LINES)
        if _has_both(older.labels):
            yield older, part(examples, test)


def _parts(examples: Examples, algorithm: str, seed: int) -> tuple[tuple[float, Part], ...]:
    if algorithm != "blend":
        return ((1.0, _fitted(examples, algorithm, seed)),)
    parts = [(weight, _fitted(examples, name, seed)) for name, weight in BLEND.items()]
    return _weighed(parts, examples.features)


def _weighed(parts: list[tuple[float, Part]], features: FloatArray) -> tuple[tuple[float, Part], ...]:
    """Average the parts, each scaled to their common deviation, so that they speak equally loud."""
    deviations = [max(float(part.score(features).std()), 1e-9) for _, part in parts]
    common = float(np.exp(np.mean(np.log(deviations)))) / sum(weight for weight, _ in parts)
    return tuple((weight * common / own, part) for (weight, part), own in zip(parts, deviations, strict=True))


def _fitted(examples: Examples, algorithm: str, seed: int) -> Part:
    if algorithm == "linear":
        return fit_linear(examples)
    trainer = {"pointwise": fit_pointwise, "lambdamart": fit_lambdamart, "lightgbm": fit_lightgbm}[algorithm]
    return trainer(examples, seed)


def _usable(examples: Examples, schema: Schema) -> Examples:
    """Check shapes and values; what is not finite counts as missing."""
    lines, columns = len(examples.labels), len(schema.names)
    if examples.features.shape != (lines, columns):
        raise DataError(f"features of shape {examples.features.shape} for {lines} labels and {columns} columns")
    if len(examples.groups) != lines or (np.diff(examples.groups) < 0).any():
        raise DataError("groups must ascend, one for every label")
    if not np.isfinite(examples.labels).all() or (examples.labels < 0).any():
        raise DataError("labels must be finite and not negative")
    if len(examples.weights) != lines or not (np.isfinite(examples.weights) & (examples.weights > 0)).all():
        raise DataError("weights must be finite and above zero, one for every label")
    if not _has_both(examples.labels):
        raise DataError("examples need both rewarded and unrewarded candidates")
    return replace(examples, features=finite(examples.features))


def _has_both(labels: FloatArray) -> BoolArray | bool:
    return bool((labels > 0).any() and not (labels > 0).all())
