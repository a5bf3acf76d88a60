"""Is the evaluation itself any good? Known truth, a real bandit log, ir-measures run separately, replays with a cut.

python benchmarks/ope.py DATA [--json FILE] [--quick]
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import ir_measures
import numpy as np
from _common import Bars, ltrr, run, scratch

import ltrr_cli
from ltrr_cli.allocation.policy import Menu
from ltrr_cli.allocation.propensity import inclusion, pages
from ltrr_cli.core.seeds import generator
from ltrr_cli.evaluation.metrics import Judge
from ltrr_cli.evaluation.offpolicy import BY_EXPOSURE, Exposures, estimate
from ltrr_cli.evaluation.replay import replay
from ltrr_cli.evaluation.reward_model import ridge_by_fold

SEARCHES, REPETITIONS, WRONG = 3_500, 400, 0.3
MEASURES = ("nDCG@10", "RR@10", "RR", "AP", "P@10", "R@100", "Success@10", "Judged@10")
JUDGED = {
    "cranfield": [""],
    "cacm": [""],
    "chorus": [""],
    "hetrec": ["_topic", "_name", "_variant", "_tagvariant", "_personal"],
}


def main(data: Path, bars: Bars, quick: bool) -> None:
    known_truth(bars, quick)
    bandit(data / "open_bandit", bars)
    measures(data, bars, quick)
    speed(bars)
    replays(data / "bestbuy_xbox", bars, quick)


# ---------------------------------------------------------------- known truth


@dataclass
class Kind:
    """One kind of query of an invented world: which pages each policy shows, and what everything is worth."""

    pages: np.ndarray  # (a, k) of the logging menu
    odds: np.ndarray  # (a,)
    worth: np.ndarray  # (n,) chance of a click where examined
    features: np.ndarray  # (n, d)
    targets: dict[str, tuple[np.ndarray, np.ndarray]]  # name -> pages (a, k), odds (a,)


class World:
    """Five strategies of different quality, a noisy ranker, a bandit that explores with a quarter of a small budget."""

    def __init__(self, seed: int = 7, kinds: int = 150, entities: int = 300, page: int = 10, budget: int = 16) -> None:
        chance = generator("world of known truth", seed)
        self.page = page
        frequency = 1.0 / np.arange(1.0, kinds + 1.0) ** 0.8
        self.frequency = frequency / frequency.sum()
        self.kinds = [self._kind(chance, entities, budget) for _ in range(kinds)]

    def _kind(self, chance: np.random.Generator, entities: int, budget: int) -> Kind:
        worth = np.clip(chance.beta(0.12, 7.0, entities), 0.0, 0.95)
        quality = np.array([3.0, 2.0, 1.5, 1.0, 0.0])
        scores = quality * worth[:, None] + chance.normal(0.0, 0.35, (entities, 5))
        ranks = (np.argsort(np.argsort(-scores, axis=0), axis=0) + 1).astype(np.float32)
        ranks[ranks > budget] = np.nan
        order = np.argsort(-(worth + chance.normal(0.0, 0.15, entities)), kind="stable").astype(np.int32)
        arms, extra = np.eye(5, dtype=np.int32), budget // 4
        greedy = np.array([5, 3, 2, 1, 1], np.int32)
        menus = {
            "logging": Menu(greedy + extra * arms, np.full(5, 0.2)),
            "first arm": Menu((greedy + extra * arms[0])[None], np.ones(1)),
            "second arm": Menu((greedy + extra * arms[1])[None], np.ones(1)),
            "last arm": Menu((greedy + extra * arms[4])[None], np.ones(1)),
            "greedy": Menu((greedy + np.array([2, 1, 1, 0, 0], np.int32))[None], np.ones(1)),
            "half": Menu(greedy + extra * arms[:2], np.full(2, 0.5)),
            "even": Menu(np.array([[4, 3, 3, 3, 3]], np.int32), np.ones(1)),
        }
        shown = {}
        for name, menu in menus.items():
            shown[name] = (pages(order, inclusion(ranks, menu, budget)[1], self.page), menu.odds)
        features = np.concatenate([np.ones((entities, 1)), np.nan_to_num(ranks**-0.5)], axis=1)
        logging = shown.pop("logging")
        return Kind(*logging, worth, features, shown)

    def exposure(self, shown: np.ndarray, odds: np.ndarray, theta: np.ndarray, entities: int) -> np.ndarray:
        """Return (n,): how much each entity is examined under a menu of pages."""
        total = np.zeros(entities)
        for page, chance in zip(shown, odds, strict=True):
            total[page[page >= 0]] += chance * theta[: int((page >= 0).sum())]
        return total

    def truth(self, target: str) -> tuple[float, float]:
        """Return (value a search, share of the target's mass that the log can show)."""
        theta, value, mass, supported = self.theta(1.0), 0.0, 0.0, 0.0
        for share, kind in zip(self.frequency, self.kinds, strict=True):
            under = self.exposure(*kind.targets[target], theta, len(kind.worth))
            logged = self.exposure(kind.pages, kind.odds, theta, len(kind.worth))
            value += share * float(under @ kind.worth)
            mass += share * float(under.sum())
            supported += share * float(under[logged > 0].sum())
        return value, supported / mass

    def theta(self, exponent: float) -> np.ndarray:
        """Return (k,): how likely each position is looked at."""
        return np.arange(1.0, self.page + 1.0) ** -exponent


class Judged:
    """One world and target made ready for many logs: tables per kind of query, under an assumed examination curve."""

    def __init__(self, world: World, target: str, exponent: float) -> None:
        self.world, theta = world, world.theta(exponent)
        self.assumed = theta
        self.weight, self.under, self.mass = [], [], []
        for kind in world.kinds:
            under = world.exposure(*kind.targets[target], theta, len(kind.worth))
            logged = world.exposure(kind.pages, kind.odds, theta, len(kind.worth))
            self.weight.append(np.divide(under, logged, out=np.zeros_like(under), where=logged > 0))
            self.under.append(under)
            self.mass.append(float(under.sum()))

    def exposures(self, log: Log) -> Exposures:
        """Weigh a log, with rewards predicted by the model that serves the journal."""
        world, kinds = self.world, log.kind
        weight = np.stack(self.weight)[kinds[log.search], log.entity]
        features = np.stack([kind.features for kind in world.kinds])
        under = np.stack(self.under)
        where, entity = np.nonzero(under[kinds])
        examined = self.assumed[log.position]
        predicted, promised = ridge_by_fold(
            features[kinds[log.search], log.entity], log.click, examined, log.session[log.search],
            features[kinds[where], entity], log.session[where],
        )  # fmt: skip
        direct = np.bincount(where, under[kinds[where], entity] * promised, minlength=len(kinds))
        return Exposures(
            log.search, log.click, weight, examined, predicted, np.array(self.mass)[kinds], direct, log.session
        )


@dataclass
class Log:
    """Logged searches: kinds and sessions a search; search, entity, position (from 0) and click a line."""

    kind: np.ndarray
    session: np.ndarray
    search: np.ndarray
    entity: np.ndarray
    position: np.ndarray
    click: np.ndarray


def logged(world: World, searches: int, seed: int) -> Log:
    """Serve and click: sessions of three searches, some keener than others."""
    chance = generator("log of known truth", seed)
    kind = chance.choice(len(world.kinds), searches, p=world.frequency)
    session = np.arange(searches, dtype=np.int64) // 3
    keen = chance.uniform(0.7, 1.3, int(session[-1]) + 1)[session]
    drawn = chance.integers(0, 5, searches)
    shown = np.stack([kind_.pages for kind_ in world.kinds])[kind, drawn]  # (searches, k)
    search, position = np.nonzero(shown >= 0)
    entity = shown[search, position]
    worth = np.stack([kind_.worth for kind_ in world.kinds])[kind[search], entity]
    odds = np.minimum(worth * world.theta(1.0)[position] * keen[search], 1.0)
    return Log(kind, session, search, entity, position, (chance.random(len(odds)) < odds).astype(np.float64))


def known_truth(bars: Bars, quick: bool) -> None:
    """RMSE and coverage where the value is known."""
    world, times = World(), 100 if quick else REPETITIONS
    names = list(world.kinds[0].targets)
    truth = {name: world.truth(name) for name in names}
    logs = [logged(world, SEARCHES, seed) for seed in range(times)]
    clicks = np.mean([log.click.sum() for log in logs]) / SEARCHES
    print(f"known truth: {times} logs of {SEARCHES} searches, {clicks:.3f} clicks a search")
    columns = [*(f"RMSE {name}" for name in BY_EXPOSURE), "covered", "ess", "wrong curve"]
    print("\t".join(["target", "truth", "supported", *columns]))
    worst, worst_wrong, covered = 0.0, 0.0, []
    for name in names:
        value, supported = truth[name]
        judged = Judged(world, name, 1.0)
        found = {which: [] for which in BY_EXPOSURE}
        for log in logs:
            weighed = judged.exposures(log)
            for which in BY_EXPOSURE:
                found[which].append(estimate(weighed, which))
        rmse = {which: off([one.value for one in of], value) for which, of in found.items()}
        inside = float(np.mean([one.low <= value <= one.high for one in found["dr"]]))
        wrong = max(
            off([estimate(skewed.exposures(log), "dr").value for log in logs[: times // 2]], value)
            for skewed in (Judged(world, name, 1.0 - WRONG), Judged(world, name, 1.0 + WRONG))
        )
        ess = np.mean([one.ess for one in found["dr"]])
        figures = "\t".join(f"{rmse[which]:.4f}" for which in BY_EXPOSURE)
        print(f"{name}\t{value:.4f}\t{supported:.4f}\t{figures}\t{inside:.4f}\t{ess:.0f}\t{wrong:.4f}", flush=True)
        if supported >= 0.95:
            worst, worst_wrong = max(worst, rmse["dr"]), max(worst_wrong, wrong)
            covered.append(inside)
    bars.at_most("RMSE of dr, worst target with 95 % support", worst, 0.03)
    bars.at_most("RMSE of dr with a wrong examination curve", worst_wrong, 0.06)
    bars.at_least("coverage of the 95 % interval, least", min(covered), 0.92)
    bars.at_most("coverage of the 95 % interval, most", max(covered), 0.98)


def off(values: list[float], truth: float) -> float:
    """Root mean squared error, relative to the truth."""
    return float(np.sqrt(np.mean((np.array(values) - truth) ** 2)) / truth)


# ---------------------------------------------------------------- a real bandit log


def bandit(folder: Path, bars: Bars) -> None:
    """The value of the random policy from the log of another, against its own log."""
    names = ("random within the interval", "effective sample size, share off", "a weight of 20,000 is refused")
    if not folder.is_dir():
        for name in names:
            bars.skipped(name, "open_bandit absent")
        return
    own = read(folder / "men_random.jsonl.gz")
    rate = float(np.mean([line["click"] for line in own]))
    lines = read(folder / "men_bts.jsonl.gz")
    for which in BY_EXPOSURE:
        found = ltrr("ope", folder / "men_bts.jsonl.gz", "--estimator", which)["policies"]["random"]
        interval = f"[{found['low']:.5f}, {found['high']:.5f}]"
        print(f"random from the bts log, {which}: {found['value']:.5f} {interval}, its own log {rate}")
        if which == "snips":
            bars.at_least(names[0], float(found["low"] <= rate <= found["high"]), 1.0)
            weight = np.array([1 / 34 / line["propensity"] for line in lines])
            direct = weight.sum() ** 2 / (weight**2).sum()
            bars.at_most(names[1], abs(found["ess"] / direct - 1), 0.05)
    with scratch() as place:
        path = Path(place, "heavy.jsonl")
        lines[17]["propensity"] = 1 / 34 / 20_000
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        words = [sys.executable, "-m", "ltrr_cli", "ope", str(path), "--json"]
        done = subprocess.run(words, capture_output=True, text=True)
        print(done.stderr.strip())
        stated = json.loads(done.stdout)["policies"]["random"]["value"]
        bars.at_least(names[2], float(done.returncode == 8 and stated is None), 1.0)


def read(path: Path) -> list[dict]:
    """Read compressed JSON lines."""
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


# ---------------------------------------------------------------- measures


def measures(data: Path, bars: Bars, quick: bool) -> None:
    """``ltrr evaluate`` against ir-measures on the run that ``ltrr query --batch`` writes."""
    worst, sets = 0.0, 0
    for folder, suffixes in JUDGED.items():
        if quick and folder in ("chorus", "hetrec"):
            bars.skipped(f"measures of {folder}", "--quick")
            continue
        if not (data / folder).is_dir():
            bars.skipped(f"measures of {folder}", f"{folder} absent")
            continue
        with scratch() as place:
            home, out = Path(place, "home"), Path(place, "run.trec")
            ltrr("index", data / folder / "catalog.jsonl.gz", "--home", home)
            for suffix in suffixes:
                queries, qrels = (data / folder / f"{name}{suffix}" for name in ("queries", "qrels"))
                queries, qrels = queries.with_name(queries.name + ".jsonl"), qrels.with_name(qrels.name + ".tsv")
                ltrr("query", "--batch", queries, "--run", out, "--home", home)
                words = ("--queries", queries, "--qrels", qrels, "--measures", ",".join(MEASURES), "--home", home)
                found = ltrr("evaluate", *words)
                parsed = [ir_measures.parse_measure(name) for name in MEASURES]
                separate = ir_measures.calc_aggregate(
                    parsed, list(ir_measures.read_trec_qrels(str(qrels))), list(ir_measures.read_trec_run(str(out)))
                )
                own = next(iter(found["measures"].values()))
                worst = max(worst, *(abs(own[str(name)] - separate[name]) for name in parsed))
                sets += 1
                means = ", ".join(f"{who} {of['nDCG@10']:.4f}" for who, of in found["measures"].items())
                print(f"{folder}{suffix}: nDCG@10 {means}; {found['seconds']:.1f} s", flush=True)
    if sets:
        bars.at_most(f"measures off ir-measures, {sets} judged sets", worst, 1e-9)


def speed(bars: Bars) -> None:
    """5,000 queries of 100 results, 8 measures at once."""
    chance = generator("speed of measures")
    run_ = {f"q{q}": [f"d{d}" for d in chance.integers(0, 10**6, 100)] for q in range(5_000)}
    qrels = {query: {entity: int(chance.integers(0, 4)) for entity in page[::9]} for query, page in run_.items()}
    start = perf_counter()
    Judge(qrels, MEASURES).table(run_)
    bars.at_most("5,000 queries x 100 results x 8 measures, seconds", perf_counter() - start, 5.0)


# ---------------------------------------------------------------- replay


def replays(folder: Path, bars: Bars, quick: bool) -> None:
    """Real searches replayed: the printed figure against the written run, and two hundred altered futures."""
    names = ("MAP@5 off the written run", f"earlier answers moved by later clicks, {40 if quick else 200} cuts")
    if not folder.is_dir():
        for name in names:
            bars.skipped(name, "bestbuy_xbox absent")
        return
    log = read(folder / "events_fit.jsonl.gz")
    with scratch() as place:
        home, path, out = (Path(place, name) for name in ("home", "log.jsonl", "run.trec"))
        ltrr("index", folder / "catalog.jsonl.gz", "--home", home)
        searches = log[:2_000] if quick else log[:6_000]
        write(path, searches)
        since = searches[len(searches) // 2]["timestamp"]
        found = ltrr("replay", path, "--from", since, "--train-every", 1_000, "--run", out, "--home", home)
        print(f"replay of {len(searches)} searches, {found['trained']} trainings: {found['measures']}")
        ordered = sorted(searches, key=lambda line: line["timestamp"])
        bars.at_most(names[0], abs(found["measures"]["MAP@5"] - map_at_5(ordered, pages_of(out), since)), 1e-12)
        moved = cuts(home, place, sorted(log, key=lambda line: line["timestamp"])[-150:], 40 if quick else 200)
        bars.at_most(names[1], moved, 0)


def cuts(home: Path, place: str, log: list[dict], count: int) -> int:
    """Replay a log and ``count`` copies of it whose clicks after a random moment are others; count moved answers."""
    workspace, path, out = ltrr_cli.open(home), Path(place, "cut.jsonl"), Path(place, "cut.trec")

    def answers(lines: list[dict]) -> dict[str, list[str]]:
        write(path, lines)
        replay(workspace.state, [path], run=out, train_every=60, learn_every="5m")
        return pages_of(out)

    before, chance, moved, different = answers(log), generator("cuts"), 0, 0
    entities = sorted({entity for line in log for entity in line["clicked"]})
    for _ in range(count):
        cut = int(chance.integers(10, len(log) - 1))
        moment, altered = log[cut]["timestamp"], []
        for number, line in enumerate(log):
            times = line.get("click_times") or [line["timestamp"]] * len(line["clicked"])
            kept = {e: t for e, t in zip(line["clicked"], times, strict=True) if number <= cut and t < moment}
            for entity, when in zip(line["clicked"], times, strict=True):
                if entity not in kept and chance.random() < 0.8:
                    kept[entities[int(chance.integers(0, len(entities)))]] = max(when, moment)
            altered.append({**line, "clicked": list(kept), "click_times": list(kept.values())})
        after = answers(altered)
        moved += sum(after[f"s{number:06d}"] != before[f"s{number:06d}"] for number in range(cut + 1))
        different += after != before
    print(f"{count} cuts of {len(log)} searches: {moved} earlier answers moved; {different} futures differed")
    return moved


def map_at_5(ordered: list[dict], pages: dict[str, list[str]], since: str) -> float:
    """Precision at the rank of every clicked entity, 0 below the fifth, from a run alone."""
    gains = []
    for number, line in enumerate(ordered):
        if line["timestamp"] >= since:
            page = pages.get(f"s{number:06d}", [])[:5]
            gains += [1.0 / (page.index(entity) + 1) if entity in page else 0.0 for entity in line["clicked"]]
    return float(np.mean(gains))


def pages_of(path: Path) -> dict[str, list[str]]:
    """Read a TREC run in file order."""
    pages: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        query, _, entity, *_ = line.split(" ")
        pages.setdefault(query, []).append(entity)
    return pages


def write(path: Path, lines: list[dict]) -> None:
    """Write JSON lines."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


if __name__ == "__main__":
    run(main, __doc__ or "")
