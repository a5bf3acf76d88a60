"""Known people, and what goes together: the part of ``strategies`` that measures ``personal`` and ``related``."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from _common import Bars, ltrr, scratch
from _judged import PAGE, leave_one_out, pages

from ltrr_cli.core.types import Context
from ltrr_cli.evaluation.metrics import measure
from ltrr_cli.feedback.judgments import JudgedQuery, read_qrels
from ltrr_cli.workspace.workspace import Workspace

HELD = 0.2  # share of every person's listens that recommendations have to find
MOST = 400  # of the most played, of whom half may be known already


def personal(folder: Path, bars: Bars, quick: bool, gains: dict[str, list[float]]) -> None:
    """Judged artists of known people, recommendations without a query; note what strategies raise the latter by."""
    with scratch() as place:
        home = Path(place, "home")
        print(ltrr("index", folder / "catalog.jsonl.gz", "--home", home))
        print(ltrr("ingest-feedback", folder / "events_fit.jsonl.gz", "--home", home))
        if not quick:
            print(ltrr("train-ranker", "--home", home))
        recommended(folder, place, bars, quick, gains)
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


def recommended(folder: Path, place: str, bars: Bars, quick: bool, gains: dict[str, list[float]]) -> None:
    """A fifth of everybody's listens is held back: asked for without words, and like what they play most."""
    kept = Path(place, "kept.jsonl")
    held, played, favourite = split(folder, kept)
    workspace = Workspace(Path(place, "fed"))
    workspace.index([folder / "catalog.jsonl.gz"], max_bad=0.01)
    workspace.ingest([kept], undated=True)
    snapshot = workspace.state.snapshot()
    users = sorted(user for user in held if held[user])[:: 16 if quick else 4]
    fame = Counter(entity for own in played.values() for entity in own)
    most = [entity for entity, _ in fame.most_common(MOST)]
    charts = {user: [entity for entity in most if entity not in played[user]][:PAGE] for user in users}
    asked = {
        "recommendations": [JudgedQuery(user, "", Context(snapshot.clock_ms, user=user)) for user in users],
        "more like this": [JudgedQuery(user, "", Context(snapshot.clock_ms, like=favourite[user])) for user in users],
    }
    qrels = {user: held[user] for user in users}
    found = measure(pages(workspace, snapshot, asked["recommendations"]), qrels, ["R@50"])["R@50"]
    by_chart = measure(charts, qrels, ["R@50"])["R@50"]
    print(f"recommendations, R@50 of held-back listens: page {found:.4f}, what most people play {by_chart:.4f}")
    bars.at_least("recommendations, R@50 over popularity's", found / by_chart, 1.5)
    for kind, queries in asked.items():
        of = leave_one_out(workspace, f"hetrec {kind}", "after feedback", queries, qrels, bars)
        for strategy, gained in gains.items():
            gained.append(of[strategy])


def split(folder: Path, kept: Path) -> tuple[dict[str, dict[str, int]], dict[str, set[str]], dict[str, str]]:
    """Write the listens that are kept; return user -> what was held back, user -> what was kept, their favourite."""
    chance, by_user = np.random.default_rng(0), dict[str, list[dict[str, Any]]]()
    with gzip.open(folder / "listens_fit.jsonl.gz", "rt") as lines:
        for line in lines:
            listen = json.loads(line)
            by_user.setdefault(listen["user_id"], []).append(listen)
    held: dict[str, dict[str, int]] = {}
    played: dict[str, set[str]] = {}
    favourite: dict[str, str] = {}
    with kept.open("w") as out:
        for user, listens in by_user.items():
            back = set(chance.permutation(len(listens))[: int(HELD * len(listens))].tolist())
            left = [listen for at, listen in enumerate(listens) if at not in back]
            held[user] = {listens[at]["entity_id"]: 1 for at in back}
            played[user] = {listen["entity_id"] for listen in left}
            favourite[user] = max(left, key=lambda listen: listen["value"])["entity_id"] if left else ""
            out.writelines(json.dumps(listen) + "\n" for listen in left)
    return held, played, favourite


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
