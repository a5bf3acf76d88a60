"""Finding without feedback: the page beside what everybody can write in an afternoon (``_plain``), and every strategy.

python benchmarks/retrieval.py DATA [--json FILE] [--quick]

No feedback and no labels are used for any choice; one default serves all sets. ``--quick`` measures with the
``catalog`` encoder only, and leaves out the large catalog.
"""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter

import numpy as np
from _common import Bars, run, scratch
from _plain import PlainBM25, convex_fusion, rank_fusion

from ltrr_cli.core.types import Context
from ltrr_cli.engine.search import answer
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.evaluation.metrics import measure
from ltrr_cli.feedback.judgments import read_qrels
from ltrr_cli.retrieval.entity_texts import all_text
from ltrr_cli.workspace.workspace import Workspace

SETS = {  # folder -> query kinds
    "cranfield": ("dev",),
    "cacm": ("dev",),
    "cisi": ("dev",),
    "vaswani": ("dev",),
    "chorus": ("dev",),
    "hetrec": ("name", "variant", "topic", "tagvariant"),
}
GOALS = {  # with minilm: measure of the page and what it has to reach
    ("chorus", "dev"): ("nDCG@10", 0.79),
    ("cranfield", "dev"): ("nDCG@10", 0.405),
    ("cacm", "dev"): ("nDCG@10", 0.53),
    ("hetrec", "name"): ("nDCG@10", 0.985),
    ("hetrec", "variant"): ("R@10", 1.0),
}
CONDENSED = {("chorus", "dev")}  # raters graded what they were shown: lists without the unjudged are compared
MEASURES = ["nDCG@10", "R@10", "R@100"]
SLOWEST_MS = 20.0

BM25, ENCODER, RRF, CONVEX = "plain BM25", "encoder", "plain rrf", "plain convex"
PLAIN = (BM25, ENCODER, RRF, CONVEX)
TOLERATED, MEAN = -0.005, 0.02  # of the page's lead over plain retrieval: on every set, and on average
DEPTH = 200  # of the lists that plain fusion takes

Run = dict[str, list[str]]


def main(data: Path, bars: Bars, quick: bool) -> None:
    for encoder in ("catalog",) if quick else ("catalog", "minilm"):
        lead: list[float] = []  # of the page, nDCG@10, one a set and kind
        for name, kinds in SETS.items():
            if not (data / name).is_dir():
                bars.skipped(f"{name} {encoder}", "absent")
                continue
            with scratch() as place:
                workspace = Workspace(Path(place))
                workspace.index([data / name / "catalog.jsonl.gz"], encoder=encoder)
                plain = PlainBM25([all_text(entity) for entity in workspace.state.snapshot().catalog.entities()])
                lead += [judged(workspace, plain, data / name, kind, encoder, bars) for kind in kinds]
        if lead:
            against = "plain BM25" if encoder == "catalog" else "plain rank fusion"
            bars.at_least(f"page above {against}, nDCG@10, mean, {encoder}", float(np.mean(lead)), MEAN)
    if (data / "bestbuy_xbox").is_dir():
        shop(data / "bestbuy_xbox", bars)
    if (data / "retrotech").is_dir() and not quick:
        pace(data / "retrotech", bars)


def judged(workspace: Workspace, plain: PlainBM25, folder: Path, kind: str, encoder: str, bars: Bars) -> float:
    """Print one table; check the page; return its lead in nDCG@10 over plain rank fusion (catalog: plain BM25)."""
    suffix = "" if (folder / "queries.jsonl").exists() else f"_{kind}"
    lines = (folder / f"queries{suffix}.jsonl").read_text("utf-8").splitlines()
    qrels = read_qrels(folder / f"qrels{suffix}.tsv")
    queries = {str(line["query_id"]): line["text"] for line in map(json.loads, lines)}
    queries = {number: text for number, text in queries.items() if number in qrels}
    snapshot = workspace.state.snapshot()
    runs: dict[str, Run] = {}
    for number, text in queries.items():
        found = answer(snapshot, text, Context(snapshot.clock_ms), k=100, budget=200, explore=False)
        rows = found.candidates.rows[found.page]
        runs.setdefault("page", {})[number] = ids(snapshot, rows)
        named = dict(zip(found.bandit_context.strategies, found.hits, strict=True))
        for strategy, hits in named.items():
            runs.setdefault(strategy, {})[number] = ids(snapshot, hits.rows[:100])
        two = [plain.search(text, DEPTH), named["dense"]]
        runs.setdefault(BM25, {})[number] = ids(snapshot, two[0].rows[:100])
        runs.setdefault(ENCODER, {})[number] = ids(snapshot, two[1].rows[:100])
        runs.setdefault(RRF, {})[number] = ids(snapshot, rank_fusion(two)[:100])
        runs.setdefault(CONVEX, {})[number] = ids(snapshot, convex_fusion(two)[:100])
    if (folder.name, kind) in CONDENSED:
        runs = {name: {q: [e for e in page if e in qrels[q]] for q, page in run.items()} for name, run in runs.items()}
    scores = {name: measure(run, qrels, MEASURES) for name, run in runs.items()}
    print(f"\n{folder.name} {kind}, {encoder}: {len(queries)} queries, fusion {weights(snapshot)}")
    for name, values in scores.items():
        print(f"  {name:18}" + "".join(f"{measure_} {values[measure_]:.3f}  " for measure_ in MEASURES))
    single = [measure({number: run[number]}, {number: qrels[number]}, ["nDCG@10"])["nDCG@10"]
              for name, run in runs.items() if name not in ("page", *PLAIN)
              for number in queries]  # fmt: skip
    best = np.array(single).reshape(-1, len(queries)).max(axis=0).mean()
    print(f"  {'best per query':18}nDCG@10 {best:.3f}")
    if encoder == "minilm" and (folder.name, kind) in GOALS:
        what, goal = GOALS[folder.name, kind]
        bars.at_least(f"{folder.name} {kind} page {what}, minilm", scores["page"][what], goal)
    page, other = scores["page"], scores[BM25 if encoder == "catalog" else RRF]
    label = f"{folder.name} {kind} page above {BM25 if encoder == 'catalog' else RRF}"
    lead = page["nDCG@10"] - other["nDCG@10"]
    bars.at_least(f"{label}, nDCG@10, {encoder}", lead, 0.0 if encoder == "catalog" else TOLERATED)
    if encoder != "catalog":
        bars.at_least(f"{label}, R@100, {encoder}", page["R@100"] - other["R@100"], TOLERATED)
    return lead


def shop(folder: Path, bars: Bars) -> None:
    """Is what was clicked among the candidates, and does every query with a letter or digit get a page?"""
    import gzip

    with scratch() as place:
        workspace = Workspace(Path(place))
        workspace.index([folder / "catalog.jsonl.gz"])
        snapshot = workspace.state.snapshot()
        with gzip.open(folder / "events_dev.jsonl.gz", "rt") as file:
            searches = [json.loads(line) for line in file]
        recalls, empty = [], 0
        for search in searches:
            found = answer(snapshot, search["query"], Context(snapshot.clock_ms), k=100, budget=200, explore=False)
            page = set(ids(snapshot, found.candidates.rows[found.page]))
            recalls.append(np.mean([entity in page for entity in search["clicked"]]))
            empty += not page and any(character.isalnum() for character in search["query"])
        bars.at_least("shop R@100 of the union", float(np.mean(recalls)), 0.90)
        bars.at_most("shop empty pages", float(empty), 0.0)


def pace(folder: Path, bars: Bars) -> None:
    """Print how long each strategy takes on a large catalog (p95, warm)."""
    with scratch() as place:
        workspace = Workspace(Path(place))
        start = perf_counter()
        workspace.index([folder / "catalog.jsonl.gz"])
        print(f"\nretrotech: indexed in {perf_counter() - start:.0f} s")
        snapshot = workspace.state.snapshot()
        titles = [snapshot.catalog.titles[row] for row in range(0, len(snapshot.catalog), len(snapshot.catalog) // 150)]
        texts = [" ".join(title.split()[: 1 + place % 4]) for place, title in enumerate(titles)]
        requests = [snapshot.request(text, Context(snapshot.clock_ms), 0) for text in texts]
        slowest = 0.0
        for name, strategy in snapshot.strategies.items():
            took = []
            for request in requests:
                strategy.look(request).hits(200)
            for request in (*requests[1:], requests[0]):
                start = perf_counter()
                strategy.look(request).hits(200)
                took.append((perf_counter() - start) * 1e3)
            p50, p95 = np.quantile(took, [0.5, 0.95])
            slowest = max(slowest, float(p95))
            print(f"  {name:18}p50 {p50:6.2f} ms  p95 {p95:6.2f} ms")
        bars.at_most("slowest strategy, p95 in ms", slowest, SLOWEST_MS)


def ids(snapshot: Snapshot, rows: np.ndarray) -> list[str]:
    """Return entity ids of rows."""
    return [snapshot.catalog.ids[int(row)] for row in rows]


def weights(snapshot: Snapshot) -> str:
    """Return the fusion weights, readable."""
    return ", ".join(f"{name} {weight:.2f}" for name, weight in snapshot.header.fusion.items() if weight > 0)


if __name__ == "__main__":
    run(main, __doc__ or "")
