"""The ranker alone: against LightGBM on graded judgments, its speed, and what it makes of biased clicks.

python benchmarks/ranker.py DATA [--json FILE] [--quick]
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from _common import Bars, fastest, run

from ltrr_cli.core.types import Candidates
from ltrr_cli.ranking.base_score import corrected
from ltrr_cli.ranking.candidate_features import assemble
from ltrr_cli.ranking.comparison import compare, per_search
from ltrr_cli.ranking.fit import fit
from ltrr_cli.ranking.fit_pointwise import from_histogram
from ltrr_cli.ranking.model import Examples, Schema
from ltrr_cli.ranking.position_bias import examination, gains, inverse_weights, propensities
from ltrr_cli.ranking.subsample import part
from ltrr_cli.ranking.swap import spread, swap
from ltrr_cli.ranking.trained import Ranker
from ltrr_cli.ranking.trees import Tree, Trees, forest

FOLDS = 5
SESSIONS, FEW = 50_000, 2_000
PAGE = 10

try:
    import lightgbm
except ImportError:
    lightgbm = None


def main(data: Path, bars: Bars, quick: bool) -> None:
    letor = data / "letor_lambdarank" / "train.svmlight.gz"
    if letor.is_file():
        examples = read_svmlight(letor)
        judged(examples, bars, repetitions=1 if quick else 2)
        clicked(examples, bars, repetitions=1 if quick else 2)
    else:
        for name in ("auto / LightGBM", "lambdamart / LightGBM", "gap closed by debiased clicks"):
            bars.skipped(name, "letor_lambdarank absent")
    training_time(bars)
    serving_time(bars)
    served_equal(bars)


def read_svmlight(path: Path) -> Examples:
    """Read ``grade qid:N column:value ...``; what is not given is 0."""
    grades, queries, cells = [], [], []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            grade, query, *values = line.split("#")[0].split()
            grades.append(float(grade))
            queries.append(int(query.removeprefix("qid:")))
            cells.append([(int(column), float(value)) for column, value in (cell.split(":") for cell in values)])
    features = np.zeros((len(grades), 1 + max(column for line in cells for column, _ in line)), np.float32)
    for number, line in enumerate(cells):
        for column, value in line:
            features[number, column] = value
    groups = np.unique(queries, return_inverse=True)[1].astype(np.int32)
    order = np.argsort(groups, kind="stable")
    ones = np.ones(len(grades), np.float32)
    return Examples(features[order], np.array(grades, np.float32)[order], groups[order], ones, ones * 0)


def schema_of(examples: Examples) -> Schema:
    return Schema(tuple(f"column.{number}" for number in range(examples.features.shape[1])))


def folds(examples: Examples, seed: int) -> list[np.ndarray]:
    """Return masks of held-out lines, whole queries each."""
    number = np.unique(examples.groups, return_inverse=True)[1]
    fold = np.random.default_rng(seed).permutation(number[-1] + 1) % FOLDS
    return [fold[number] == which for which in range(FOLDS)]


def ndcg(examples: Examples, scores: np.ndarray) -> float:
    """Return mean nDCG@10 over queries that have something to find."""
    values = per_search(examples, scores)["nDCG@10"]
    some = np.add.reduceat(examples.labels, np.flatnonzero(np.diff(examples.groups, prepend=-1))) > 0
    return float(values[some].mean())


def exponential(examples: Examples) -> Examples:
    """Return the same with gains 2 ** grade - 1, the other convention."""
    gained = np.exp2(examples.labels) - 1
    return Examples(examples.features, gained, examples.groups, examples.weights, examples.baseline)


def peer(examples: Examples) -> Callable[[np.ndarray], np.ndarray]:
    """Train LightGBM's lambdarank with the settings of its own ranking example."""
    options = {
        "objective": "lambdarank", "num_leaves": 31, "learning_rate": 0.1, "min_data_in_leaf": 50,
        "min_sum_hessian_in_leaf": 5.0, "feature_fraction": 1.0, "bagging_fraction": 0.9, "bagging_freq": 1,
        "verbose": -1, "num_threads": 1, "seed": 0,
    }  # fmt: skip
    sizes = np.unique(examples.groups, return_counts=True)[1]
    booster = lightgbm.train(options, lightgbm.Dataset(examples.features, examples.labels, group=sizes), 100)
    return lambda features: booster.predict(features, num_threads=1)


def judged(examples: Examples, bars: Bars, repetitions: int) -> None:
    """Cross-validated nDCG@10 of every algorithm."""
    schema = schema_of(examples)

    def ours(algorithm: str) -> Callable[[Examples], Callable[[np.ndarray], np.ndarray]]:
        return lambda train: fit(train, schema, algorithm, ordered=False).score

    trainers = {name: ours(name) for name in ("linear", "pointwise", "lambdamart", "blend", "auto")}
    if lightgbm is not None:
        trainers = {"LightGBM": peer, **trainers, "lightgbm": ours("lightgbm")}
    figures: dict[str, float] = {}
    for name, trainer in trainers.items():
        start, linear, other = perf_counter(), [], []
        for repetition in range(repetitions):
            scores = np.zeros(len(examples.labels))
            for test in folds(examples, repetition):
                scores[test] = trainer(part(examples, ~test))(examples.features[test])
            linear.append(ndcg(examples, scores))
            other.append(ndcg(exponential(examples), scores))
        figures[name] = float(np.mean(linear))
        took = (perf_counter() - start) / FOLDS / repetitions
        print(f"judged: {name:10} nDCG@10 {figures[name]:.4f} (2^grade - 1: {np.mean(other):.4f}), {took:.2f} s a fit")
    chance = np.random.default_rng(0)
    shuffled = ndcg(exponential(examples), chance.random(len(examples.labels)))
    print(f"judged: {'random':10} 2^grade - 1: {shuffled:.4f}")
    for name, goal in (("auto", 1.01), ("lambdamart", 0.99)):
        if lightgbm is None:
            bars.skipped(f"{name} / LightGBM", "lightgbm not installed")
        else:
            bars.at_least(f"{name} / LightGBM", figures[name] / figures["LightGBM"], goal)


def clicked(examples: Examples, bars: Bars, repetitions: int) -> None:
    """Position-biased clicks on the pages of a weak ranker: how much of the way to full judgments do they lead?"""
    schema = schema_of(examples)
    names = ("weak", "naive", "debiased", "known curve", "few sessions", "judged")
    figures: dict[str, list[float]] = {name: [] for name in names}
    for repetition in range(repetitions):
        for number, test in enumerate(folds(examples, 100 + repetition)):
            train, held = part(examples, ~test), part(examples, test)
            weak = weak_ranker(train, schema, seed=number)
            log = Log(train, weak.score(train.features), seed=10 * repetition + number)
            figures["weak"].append(ndcg(held, weak.score(held.features)))
            figures["judged"].append(ndcg(held, fit(train, schema, "pointwise").score(held.features)))
            for name in ("naive", "debiased", "known curve"):
                model = fit(log.examples(name), schema, "pointwise")
                figures[name].append(ndcg(held, model.score(held.features)))
            figures["few sessions"].append(few_sessions(train, held, weak, seed=10 * repetition + number))
    means = {name: float(np.mean(values)) for name, values in figures.items()}
    closed = {name: (value - means["weak"]) / (means["judged"] - means["weak"]) for name, value in means.items()}
    for name, value in means.items():
        print(f"clicks: {name:12} nDCG@10 {value:.4f}, gap closed {closed[name]:.2f}")
    bars.at_least("gap closed by debiased clicks", closed["debiased"], 0.75)
    worst = min(few - served for few, served in zip(figures["few sessions"], figures["weak"], strict=True))
    bars.at_least("2,000 sessions: worst of the folds above production", worst, 0.0)


def weak_ranker(train: Examples, schema: Schema, seed: int) -> Ranker:
    """Train on the judgments of a few queries: what serves before there are clicks."""
    queries = np.unique(train.groups)
    few = np.random.default_rng(seed).choice(queries, max(4, len(queries) // 20), replace=False)
    return fit(part(train, np.isin(train.groups, few)), schema, "linear")


def few_sessions(train: Examples, held: Examples, weak: Ranker, seed: int) -> float:
    """What serves after 2,000 sessions: a correction of the production order, where half of the queries prefer it."""
    log = Log(train, weak.score(train.features), seed, sessions=FEW)
    given = anchored(log.examples("debiased"), weak)
    first = given.groups % 2 == 0
    older, newer = part(given, first), part(given, ~first)
    schema = schema_of(train)
    trial = fit(older, schema, "linear")
    if not compare(newer, corrected(trial.score(newer.features), newer.baseline)).better:
        return ndcg(held, weak.score(held.features))  # not promoted: production serves on
    model, test = fit(given, schema, "linear"), anchored(held, weak)
    return ndcg(held, corrected(model.score(test.features), test.baseline))


def anchored(examples: Examples, weak: Ranker) -> Examples:
    """Return the same with the production's scores as a distribution over each query's candidates."""
    scores = np.exp(weak.score(examples.features).astype(np.float64))
    number = np.unique(examples.groups, return_inverse=True)[1]
    share = (scores / np.bincount(number, scores)[number]).astype(np.float32)
    return replace(examples, baseline=share)


class Log:
    """Simulated sessions: a page with neighbouring swaps, looked at as 1 / position, clicked by grade and by error.

    Only position, click and the logged odds are used afterwards; the true curve is for comparison.
    """

    def __init__(self, judged: Examples, scores: np.ndarray, seed: int, sessions: int = SESSIONS) -> None:
        self.sessions = sessions
        chance = np.random.default_rng(seed)
        self.judged, self.truth = judged, 1.0 / np.arange(1, PAGE + 1)
        order = np.lexsort((-scores, judged.groups))
        start = np.flatnonzero(np.diff(judged.groups[order], prepend=-1))
        pages = [order[first:end][:PAGE] for first, end in zip(start, [*start[1:], len(order)], strict=True)]
        wanted = 0.1 + 0.9 * (np.exp2(judged.labels) - 1) / 15
        lines, positions, clicks, odds = [], [], [], []
        for session in range(sessions):
            page = pages[int(chance.integers(len(pages)))]
            shown = swap(len(page), chance=0.3, protected=1, seed=seed * SESSIONS + session)
            own = page[shown.order]
            lines.append(own)
            positions.append(np.arange(1, len(page) + 1))
            clicks.append(chance.random(len(page)) < self.truth[: len(page)] * wanted[own])
            odds.append(spread(shown, PAGE))
        self.lines, self.positions = np.concatenate(lines), np.concatenate(positions).astype(np.int32)
        self.clicks, self.odds = np.concatenate(clicks).astype(np.float32), np.concatenate(odds)

    def examples(self, how: str) -> Examples:
        """Return the judged lines with gains from clicks instead of grades; what was never shown is left out."""
        weights = np.ones(len(self.lines), np.float32)
        if how != "naive":
            curve = self.truth if how == "known curve" else examination(self.positions, self.clicks, self.odds).curve
            weights = inverse_weights(propensities(self.odds, curve), self.sessions)
        labels = gains(self.lines, self.clicks, weights, len(self.judged.labels))
        shown = np.bincount(self.lines, minlength=len(labels)) > 0
        judged = self.judged
        scaled = labels * np.float32(4.0 / labels.max())  # grades, so that gains are predicted rather than clicks
        return part(Examples(judged.features, scaled, judged.groups, judged.weights, judged.baseline), shown)


def synthetic(lines: int, columns: int) -> Examples:
    chance = np.random.default_rng(7)
    features = chance.normal(size=(lines, columns)).astype(np.float32)
    utility = features[:, :10] @ chance.normal(size=10) + chance.normal(size=lines) * 2
    labels = np.digitize(utility, np.quantile(utility, [0.5, 0.75, 0.9, 0.97])).astype(np.float32)
    ones = np.ones(lines, np.float32)
    return Examples(features, labels, np.repeat(np.arange(lines // 50), 50).astype(np.int32), ones, ones * 0)


def training_time(bars: Bars) -> None:
    """10,000 lines x 40 columns."""
    examples = synthetic(10_000, 40)
    schema = schema_of(examples)
    names = ("lambdamart", "pointwise", "linear")
    took = {name: fastest(lambda name=name: fit(examples, schema, name), 2) for name in names}
    print("training, 10,000 x 40: " + ", ".join(f"{name} {value:.0f} ms" for name, value in took.items()))
    if lightgbm is None:
        bars.skipped("lambdamart training time / LightGBM", "lightgbm not installed")
        return
    reference = fastest(lambda: peer(examples), 2)
    print(f"training, 10,000 x 40: LightGBM {reference:.0f} ms")
    bars.at_most("lambdamart training time / LightGBM", took["lambdamart"] / reference, 8.0)


def random_trees(trees: int, leaves: int, columns: int) -> Trees:
    """Grow trees by splitting random leaves, as best-first training does."""
    chance, grown = np.random.default_rng(3), []
    for _ in range(trees):
        left, right, open_leaves = [0], [0], [0]
        while len(open_leaves) < leaves:
            node = open_leaves.pop(int(chance.integers(len(open_leaves))))
            left[node], right[node] = len(left), len(left) + 1
            open_leaves += [len(left), len(left) + 1]
            left += [len(left), len(left) + 1]
            right += left[-2:]
        size = len(left)
        grown.append(Tree(chance.integers(0, columns, size), chance.normal(size=size), np.array(left), np.array(right),
                          chance.random(size) < 0.5, chance.normal(size=size)))  # fmt: skip
    return Trees(forest(grown))


def serving_time(bars: Bars) -> None:
    """200 candidates through 150 trees of 31 leaves, and the features of 500 candidates."""
    examples = synthetic(10_000, 40)
    features = examples.features[:200].copy()
    model = Ranker("trees", schema_of(examples), ((1.0, random_trees(150, 31, 40)),))
    ours = fastest(lambda: model.score(features), 300)
    trained = fit(examples, schema_of(examples), "lambdamart")
    own = fastest(lambda: trained.score(features), 300)
    print(f"serving, 200 candidates: 150 trees of 31 leaves {ours:.2f} ms, lambdamart {own:.2f} ms")
    if lightgbm is not None:
        booster = peer(examples)
        theirs = fastest(lambda: booster(features), 100)
        print(f"serving, 200 candidates: LightGBM, 100 trees {theirs:.2f} ms")
        bars.at_most("lambdamart scoring time / LightGBM, 100 trees each", own / theirs, 1.0)
    bars.at_most("ms to score 200 candidates", ours, 2.0)
    given = assembled(200)
    wide = fit(examples, schema_of(examples), "blend")
    whole = fastest(lambda: (assemble(*given), wide.score(features)), 200)
    bars.at_most("ms for features and scores of 200 candidates, blend", whole, 4.0)
    took = fastest(lambda: assemble(*assembled(500)), 200)
    print(f"features: 500 candidates x {assemble(*assembled(500))[1].shape[1]} columns {took:.2f} ms")
    bars.at_most("ms to assemble the features of 500 candidates", took, 1.0)


def assembled(lines: int) -> tuple[object, ...]:
    """Return arguments of ``assemble`` for ten strategies with five columns of evidence each."""
    chance = np.random.default_rng(1)
    names = tuple(f"strategy{number}" for number in range(10))
    ranks = np.where(chance.random((lines, 10)) < 0.6, np.nan, chance.integers(1, 200, (lines, 10))).astype(np.float32)
    candidates = Candidates(names, np.arange(lines, dtype=np.int32), ranks, 1 / ranks, np.ones(lines))
    evidence = [(name, tuple("abcde"), chance.random((lines, 5)).astype(np.float32)) for name in names]
    known = chance.random(lines).astype(np.float32)
    return candidates, evidence, known, known, np.zeros(lines, np.int32), {f"s{n}": 1.0 for n in range(15)}


def served_equal(bars: Bars) -> None:
    """Scores without scikit-learn against its own, missing values included."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    examples = synthetic(10_000, 40)
    features = np.where(np.random.default_rng(2).random(examples.features.shape) < 0.2, np.nan, examples.features)
    features = features.astype(np.float32)
    model = HistGradientBoostingRegressor(max_iter=100, max_leaf_nodes=31, random_state=0)
    model.fit(features, examples.labels)
    apart = np.abs(from_histogram(model).score(features) - model.predict(features)).max()
    bars.at_most("largest difference from scikit-learn's scores", float(apart), 1e-5)


if __name__ == "__main__":
    run(main, __doc__ or "")
