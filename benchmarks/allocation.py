"""The bandit against the best fixed allocation, rank fusion, single strategies and Vowpal Wabbit.

Simulated listeners over hetrec: names, prefixes, typos, single tokens, tags, pairs of tags, "like X" and empty queries
in equal parts, 5,000 searches a seed, 50 distinct candidates for every policy alike.

    python benchmarks/allocation.py DATA [--quick] [--part ceiling] [--part time]
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time

import numpy as np
from _allocation_time import worth_in_time
from _common import Bars, ltrr, run, scratch

from ltrr_cli.allocation.policy import BanditContext, BanditExample
from ltrr_cli.allocation.policy_registry import new_policy
from ltrr_cli.core.config import AllocationSettings

K = 50
SEEDS, SEARCHES, DICE = 5, 5_000, 2
BREAKS = "memory"  # brings most here
MENUS = (10, 80)
EXPLORERS = ("squarecb", "epsilon")
PARTS = ("contenders", "failure", "ceiling", "time")
CEILING, FIXED = "told all", "best fixed (hindsight)"


def lines(path: Path) -> list[dict[str, object]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def typo(text: str, chance: random.Random) -> str:
    place = chance.randrange(1, max(len(text) - 1, 2))
    return text[:place] + text[place + 1 :]


def write_searches(data: Path, folder: Path, each: int = 400) -> tuple[Path, Path]:
    """Write judged queries of every kind."""
    queries, qrels = folder / "queries.jsonl", folder / "qrels.tsv"
    with queries.open("w", encoding="utf-8") as asked, qrels.open("w", encoding="utf-8") as judged:
        for number, (kind, text, user, grades) in enumerate(searches(data, each)):
            query = {"query_id": f"s{number}", "text": text, "kind": kind} | ({"user_id": user} if user else {})
            asked.write(json.dumps(query) + "\n")
            judged.writelines(f"s{number}\t0\t{entity}\t{grade}\n" for entity, grade in grades.items() if grade > 0)
    return queries, qrels


def searches(data: Path, each: int) -> Iterator[tuple[str, str, str | None, dict[str, int]]]:  # noqa: C901
    """Yield (kind, text, user, wanted entity -> weight), ``each`` of a kind."""
    chance = random.Random(7)
    catalog = lines(data / "catalog.jsonl.gz")
    titles = {str(entity["id"]): str(entity["title"]) for entity in catalog}
    fame = {str(entity["id"]): float(entity["popularity"] or 0) for entity in catalog}
    tagged: dict[str, Counter[str]] = defaultdict(Counter)
    for event in lines(data / "events_fit.jsonl.gz"):
        for entity in event["clicked"]:
            tagged[str(event["query"])][str(entity)] += 1
    likes: dict[str, Counter[str]] = defaultdict(Counter)
    heard: dict[str, list[str]] = defaultdict(list)
    for play in lines(data / "listens_fit.jsonl.gz"):
        if play["entity_id"] in titles:
            heard[str(play["user_id"])].append(str(play["entity_id"]))
    for artists in heard.values():
        for one in artists:
            likes[one].update(other for other in artists if other != one)
    ids = sorted(titles)
    famous = chance.choices(ids, [fame[entity] ** 0.5 for entity in ids], k=4 * each)
    tags = sorted(tag for tag, counts in tagged.items() if len(counts) >= 3)
    for entity in famous[:each]:
        yield "name", titles[entity], None, {entity: 1}
    for entity in famous[each : 2 * each]:
        yield "prefix", titles[entity][: max(3, round(len(titles[entity]) * 0.6))], None, {entity: 1}
    for entity in famous[2 * each : 3 * each]:
        yield "typo", typo(titles[entity], chance), None, {entity: 1}
    for entity in famous[3 * each :]:
        yield "one token", chance.choice(titles[entity].split() or ["?"]), None, {entity: 1}
    for tag in chance.choices(tags, [sum(tagged[tag].values()) ** 0.5 for tag in tags], k=each):
        yield "tag", tag, None, dict(tagged[tag])
    pairs = 0
    while pairs < each:
        first, second = chance.sample(tags, 2)
        both = {entity: min(tagged[first][entity], tagged[second][entity]) for entity in tagged[first]}
        if any(both.values()):
            pairs += 1
            yield "two tags", f"{first} {second}", None, both
    for entity in chance.choices(sorted(likes), [fame[entity] ** 0.5 for entity in sorted(likes)], k=each):
        yield "like X", f"like {titles[entity]}", None, dict(likes[entity].most_common(50))
    for user in chance.choices(sorted(heard), k=each):
        yield "empty", "", user, dict.fromkeys(heard[user], 1)


def has_vowpal() -> bool:
    try:
        import vowpalwabbit  # noqa: F401
    except ImportError:
        return False
    return True


def main(data: Path, bars: Bars, quick: bool, parts: Sequence[str]) -> None:
    hetrec = data / "hetrec"
    if not hetrec.is_dir():
        bars.skipped("allocation", "no hetrec here")
        return
    with scratch() as folder:
        asked = ("simulate", *workspace(hetrec, Path(folder)), "--searches", str(SEARCHES), "--budget", str(K))
        asked += ("--seeds", str(1 if quick else SEEDS))
        if "contenders" in parts:
            wabbits = [f"vw(menu={size},explore={how})" for size in MENUS for how in EXPLORERS] if has_vowpal() else []
            policies = ["hazard", "thompson", "squarecb", "linucb", "epsilon", "random", "uniform", *wabbits]
            report = ltrr(*asked, "--policies", ",".join(policies), "--ceiling", "--dice", str(DICE))
            table(report)
            judge(report, bars, wabbits)
        if "failure" in parts:
            judge_failure(ltrr(*asked, "--policies", "hazard,uniform", "--break", BREAKS), bars)
        if "ceiling" in parts:
            if "contenders" not in parts:
                report = ltrr(*asked, "--policies", "hazard,uniform", "--ceiling", "--dice", str(DICE))
            judge_ceiling(report, bars)
        if "time" in parts:
            worth_in_time(Path(folder) / "home", *write_searches(hetrec, Path(folder), each=100), bars)


def workspace(hetrec: Path, folder: Path) -> tuple[str | Path, ...]:
    """Index the artists and teach half of the tag acts; return the options that name them and what is asked."""
    home = folder / "home"
    ltrr("index", hetrec / "catalog.jsonl.gz", "--home", home)
    events = lines(hetrec / "events_fit.jsonl.gz")  # wishes are drawn from all of them
    log = folder / "half.jsonl"
    log.write_text("".join(json.dumps(event) + "\n" for event in events[: len(events) // 2]), "utf-8")
    ltrr("ingest-feedback", log, "--home", home)
    queries, qrels = write_searches(hetrec, folder)
    return "--home", home, "--queries", queries, "--qrels", qrels


def table(report: dict) -> None:
    print(f"any strategy has what is wanted: {report['reachable']:.4f}")
    kinds = list(next(iter(report["policies"].values()))["kinds"])
    print(f"{'':26s} recall  regret@1000  regret  ms   " + "  ".join(kinds))
    for name, of in report["policies"].items():
        cost = "" if of["decide_ms"] is None else f"{of['decide_ms']:.2f}+{of['learn_ms']:.2f}"
        kind = "  ".join(f"{of['kinds'][k]:.3f}" for k in kinds)
        print(f"{name:26s} {of['recall']:.4f}  {of['early_regret']:8.1f} {of['regret']:8.1f}  {cost:11s} {kind}")
    for name, of in report["policies"].items():
        print(f"{name:26s} " + " ".join(f"{arm} {share:.2f}" for arm, share in of["share"].items() if share >= 0.005))


def judge(report: dict, bars: Bars, wabbits: list[str]) -> None:
    recall = {name: of["recall"] for name, of in report["policies"].items()}
    mine = recall["hazard"]
    even, labels = recall["uniform"], recall["full labels"]
    way = (mine - even) / max(labels - even, 1e-9)
    bars.at_least("way from the even split to full labels", way, 0.9)
    bars.at_least("recall over the best fixed allocation", mine / recall[FIXED], 1.0)
    bars.at_least("recall over rank fusion cut at K", mine / recall["rank fusion"], 1.0)
    bars.at_least("recall over the even split", mine / even, 1.04)
    bars.at_least("recall over the best single strategy", mine / recall["best single (hindsight)"], 1.2)
    bars.at_most("regret to the best fixed at 1,000", report["policies"]["hazard"]["early_regret"], 15.0)
    bars.at_most("regret to the best fixed at the end", report["policies"]["hazard"]["regret"], 10.0)
    hazard = report["policies"]["hazard"]
    if wabbits:
        best = max(wabbits, key=lambda name: recall[name])
        bars.at_least(f"recall over the best of Vowpal Wabbit, {best}", mine / recall[best], 1.05)
        large = [report["policies"][name] for name in wabbits if "menu=80" in name]
        for what in ("decide_ms", "learn_ms"):
            bars.at_most(
                f"{what} over Vowpal Wabbit's with 80 actions",
                hazard[what] / np.median([of[what] for of in large]),
                1.0,
            )
    else:
        bars.skipped("recall over Vowpal Wabbit", "vowpalwabbit is not installed")
    decide, update = twelve()
    bars.at_most("decide at 12 strategies, ms of CPU", decide, 0.5)
    bars.at_most("update at 12 strategies, ms of CPU", update, 0.5)


def judge_ceiling(report: dict, bars: Bars) -> None:
    """Print and judge, by stream and set of random numbers, what clicks reach of what learning can without hindsight.

    The ceiling is the default policy, told after every search what was wanted; it draws nothing, so one a stream.
    """
    of = {name: one["recalls"] for name, one in report["policies"].items()}
    searches, shares, ways, regrets = report["searches"], [], [], []
    print("stream  dice   even  hazard  best fixed  ceiling  hazard/fixed  /ceiling  way from even  regret")
    for place, mine in enumerate(of["hazard"]):
        stream, dice = divmod(place, DICE)
        even, fixed, ceiling = of["uniform"][place], of[FIXED][stream], of[CEILING][stream]
        shares.append(mine / ceiling)
        ways.append((mine - even) / (ceiling - even))
        regrets.append(searches * (fixed - mine))
        print(f"{stream:6d}  {dice:4d}  {even:.4f}  {mine:.4f}  {fixed:10.4f}  {ceiling:.4f}  {mine / fixed:12.4f}  "
              f"{shares[-1]:8.4f}  {ways[-1]:13.3f}  {regrets[-1]:6.0f}")  # fmt: skip
    told, fixed = np.mean(of[CEILING]), np.mean(of[FIXED])
    mean, error = np.mean(regrets), np.std(regrets, ddof=1) / np.sqrt(len(regrets))
    print(f"ceiling {told:.4f}, {told / fixed:.4f} of the best fixed; regret {mean:.1f}, standard error {error:.1f}")
    bars.at_least("recall over the ceiling of learning without hindsight", np.mean(shares), 0.97)
    bars.at_least("the same, the least of all streams and dice", min(shares), 0.97)
    bars.at_least("way from the even split to that ceiling", np.mean(ways), 0.97)


def twelve(rounds: int = 5, each: int = 200) -> tuple[float, float]:
    """Return (decide, update): median milliseconds of CPU with 12 strategies and 38 + 4 features."""
    chance = np.random.default_rng(0)
    arms = tuple(f"s{place}" for place in range(12))

    def bandit_context() -> BanditContext:
        features = np.r_[1.0, chance.normal(size=37)].astype(np.float32)
        return BanditContext(arms, K, features, 0, past=chance.random((12, 4)).astype(np.float32))

    ranks = np.where(chance.random((each, 12)) < 0.4, chance.integers(1, K + 1, (each, 12)), 0).astype(np.int32)
    examples = [BanditExample(bandit_context(), line, np.full(12, K, np.int32), 1.5) for line in ranks]
    policy = new_policy(AllocationSettings(), "hazard")
    took = []
    for _ in range(rounds):
        start = process_time()
        policy.learn(examples)
        middle = process_time()
        for example in examples:
            policy.menu(example.bandit_context)
        took.append((process_time() - middle, middle - start))
    decide, update = np.median(took, axis=0) * 1e3 / each
    return float(decide), float(update)


def judge_failure(report: dict, bars: Bars) -> None:
    losses, shares = report["losses"], report["shares"]
    print(f"{BREAKS} broken: recall lost over the next 1,000 {losses}, its share {shares}")
    bars.at_most("loss when a strategy breaks, less the best fixed's", losses["hazard"] - losses[FIXED], 0.0)
    before, after = shares["hazard"]
    bars.at_most("share of the broken strategy, after over before", after / max(before, 1e-9), 1.0)


if __name__ == "__main__":
    run(main, __doc__ or "", PARTS)
