"""Known people, and what goes together: the part of ``strategies`` that measures ``personal`` and ``related``."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
from _common import Bars, ltrr, scratch

from ltrr_cli.engine.judgments import read_qrels
from ltrr_cli.evaluation.metrics import measure

HELD = 0.2  # share of every person's listens that recommendations have to find
KINDS = ("topic", "tagvariant", "name")
RESAMPLED = 2_000  # of a paired bootstrap interval


def personal(folder: Path, bars: Bars, quick: bool) -> None:
    """Judged artists of known people, recommendations without a query, and each strategy left out in turn."""
    with scratch() as place:
        home = Path(place, "home")
        print(ltrr("index", folder / "catalog.jsonl.gz", "--home", home))
        print(ltrr("ingest-feedback", folder / "events_fit.jsonl.gz", "--home", home))
        left_out(folder, home, bars)  # by fusion: a ranker does not serve another set of strategies than its own
        if not quick:
            print(ltrr("train-ranker", "--home", home))
        recommended(folder, place, home, bars)
        print(ltrr("ingest-feedback", folder / "listens_fit.jsonl.gz", "--undated", "--home", home))
        known(folder, home, bars, quick)


def known(folder: Path, home: Path, bars: Bars, quick: bool) -> None:
    """What people have not played yet, asked with and without saying who asks; before and after a ranker."""
    qrels = read_qrels(folder / "qrels_personal.tsv")
    lines = [json.loads(line) for line in (folder / "queries_personal.jsonl").read_text().splitlines()]
    asked, anonymous = home.parent / "asked.jsonl", home.parent / "anonymous.jsonl"
    asked.write_text("".join(json.dumps(line) + "\n" for line in lines))
    anonymous.write_text("".join(json.dumps(line | {"user_id": None}) + "\n" for line in lines))
    figures = {
        "with the user": ndcg(answered(home, asked, "--hide-seen"), qrels),
        "without": ndcg(answered(home, anonymous), qrels),
        "personal off": ndcg(answered(home, asked, "--hide-seen", LTRR_RETRIEVAL__OFF='["personal"]'), qrels),
    }
    if not quick:
        ltrr("models", "promote", "fusion", "--home", home)
        figures["untrained"] = ndcg(answered(home, asked, "--hide-seen"), qrels)
    print("personal: " + ", ".join(f"{name} {value:.4f}" for name, value in figures.items()))
    bars.at_least("personal nDCG@10", figures["with the user"], 0.43)
    bars.at_least("personal, over the page without the user", figures["with the user"] / figures["without"], 1.5)


def recommended(folder: Path, place: str, home: Path, bars: Bars) -> None:
    """An empty query of everybody whose listens were held back, beside what most people play."""
    chance, by_user = np.random.default_rng(0), dict[str, list[str]]()
    with gzip.open(folder / "listens_fit.jsonl.gz", "rt") as lines:
        for line in lines:
            by_user.setdefault(json.loads(line)["user_id"], []).append(line)
    held: dict[str, dict[str, int]] = {}
    played: dict[str, set[str]] = {}
    fame: Counter[str] = Counter()
    kept, asked, own = (Path(place, name) for name in ("kept.jsonl", "who.jsonl", "fed"))
    with kept.open("w") as out:
        for user, listens in by_user.items():
            back = set(chance.permutation(len(listens))[: int(HELD * len(listens))].tolist())
            ids = [json.loads(line)["entity_id"] for line in listens]
            held[user] = {ids[at]: 1 for at in back}
            played[user] = {entity for at, entity in enumerate(ids) if at not in back}
            fame.update(played[user])
            out.writelines(line for at, line in enumerate(listens) if at not in back)
    ltrr("index", folder / "catalog.jsonl.gz", "--home", own)
    ltrr("ingest-feedback", kept, "--undated", "--home", own)
    users = sorted(user for user in held if held[user])[::4]
    asked.write_text("".join(json.dumps({"query_id": user, "user_id": user}) + "\n" for user in users))
    pages = answered(own, asked, "--hide-seen")
    most = [entity for entity, _ in fame.most_common()]
    charts = {user: [entity for entity in most[:200] if entity not in played[user]][:50] for user in users}
    qrels = {user: held[user] for user in users}
    found, by_chart = (measure(each, qrels, ["R@50"])["R@50"] for each in (pages, charts))
    print(f"recommendations, R@50 of held-back listens: page {found:.4f}, what most people play {by_chart:.4f}")
    bars.at_least("recommendations, R@50 over popularity's", found / by_chart, 1.5)


def left_out(folder: Path, home: Path, bars: Bars) -> None:
    """Each judged set with both strategies, and without each."""
    for kind in KINDS:
        queries, qrels = folder / f"queries_{kind}.jsonl", read_qrels(folder / f"qrels_{kind}.tsv")
        full = answered(home, queries)
        for name in ("related", "personal"):
            less = answered(home, queries, LTRR_RETRIEVAL__OFF=f'["{name}"]')
            for figure in ("nDCG@10", "R@50"):
                gain = [
                    measure({query: full.get(query, [])}, {query: grades}, [figure])[figure]
                    - measure({query: less.get(query, [])}, {query: grades}, [figure])[figure]
                    for query, grades in qrels.items()
                ]
                low, high = interval(np.array(gain))
                print(f"{kind}, {figure}: {name} adds {np.mean(gain):+.4f} [{low:+.4f}, {high:+.4f}]")
                bars.at_least(f"{name} on {kind}, {figure}: upper end of what it adds", high, -0.005)


def interval(gain: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of a mean, by resampling queries."""
    chance = np.random.default_rng(0)
    means = gain[chance.integers(0, len(gain), (RESAMPLED, len(gain)))].mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def answered(home: Path, queries: Path, *words: str, **settings: str) -> dict[str, list[str]]:
    """Answer a file of queries; return query id -> ids, best first."""
    run_file = home.parent / "out.trec"
    ltrr("query", "--batch", queries, "--run", run_file, "--home", home, *words, **settings)
    pages: dict[str, list[str]] = {}
    for line in run_file.read_text().splitlines():
        query, _, entity, *_ = line.split(" ")
        pages.setdefault(query, []).append(entity)
    return pages


def ndcg(pages: dict[str, list[str]], qrels: dict[str, dict[str, int]]) -> float:
    """Return nDCG@10."""
    return measure(pages, qrels, ["nDCG@10"])["nDCG@10"]
