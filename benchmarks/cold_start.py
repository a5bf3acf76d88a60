"""The learning curve of a new workspace: is any page of its first 500 searches worse than without them?

python benchmarks/cold_start.py DATA [--json FILE] [--quick]

The shop's first searches are ingested in steps; after each, queries of later days are answered and judged by what was
clicked there. It is compared with the better of the page before any search and of plain rank fusion (``_plain``).
``--quick`` asks every fourth query.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from _common import Bars, run, scratch
from _plain import PlainBM25, rank_fusion

from ltrr_cli.core.types import Context
from ltrr_cli.engine.search import answer
from ltrr_cli.evaluation.metrics import measure
from ltrr_cli.retrieval.entity_texts import all_text
from ltrr_cli.workspace.workspace import Workspace

SHOP = "bestbuy_xbox"
STEPS = (5, 10, 20, 50, 100, 200, 350, 500)  # searches ingested so far
QUERIES = 400  # of later days
MEASURES = ["nDCG@10", "R@100"]
DEPTH = 200
TOLERATED = -0.005

Qrels = dict[str, dict[str, int]]


def main(data: Path, bars: Bars, quick: bool) -> None:
    if not (data / SHOP).is_dir():
        bars.skipped("learning curve", "absent")
        return
    qrels = later(data / SHOP)
    if quick:
        qrels = dict(list(qrels.items())[::4])
    with gzip.open(data / SHOP / "events_fit.jsonl.gz", "rt") as file:
        searches = [next(file) for _ in range(STEPS[-1])]
    with scratch() as place:
        workspace = Workspace(Path(place) / "home")
        workspace.index([data / SHOP / "catalog.jsonl.gz"])
        plain, prior = fused(workspace, qrels), judged(workspace, qrels)
        print(f"{len(qrels)} queries; plain rank fusion {told(plain)}; before any search {told(prior)}")
        reference = {name: max(plain[name], prior[name]) for name in MEASURES}
        worst, done = dict.fromkeys(MEASURES, 1.0), 0
        for step in STEPS:
            log = Path(place) / f"searches_{step}.jsonl"
            log.write_text("".join(searches[done:step]), "utf-8")
            workspace.ingest([log])
            done, page = step, judged(workspace, qrels)
            print(f"  after {step:4} searches {told(page)}", flush=True)
            worst = {name: min(worst[name], page[name] - reference[name]) for name in MEASURES}
    for name in MEASURES:
        bars.at_least(
            f"worst of {len(STEPS)} steps over the better of prior and plain fusion, {name}", worst[name], TOLERATED
        )


def later(folder: Path) -> Qrels:
    """Return the first queries of the later days, each with what was clicked for it."""
    found: Qrels = {}
    with gzip.open(folder / "events_dev.jsonl.gz", "rt") as file:
        for search in map(json.loads, file):
            if search["query"] in found or len(found) < QUERIES:
                found.setdefault(search["query"], {}).update(dict.fromkeys(search["clicked"], 1))
    return found


def judged(workspace: Workspace, qrels: Qrels) -> dict[str, float]:
    """Judge the pages of the workspace as it is."""
    snapshot = workspace.state.snapshot()
    run_ = {}
    for query in qrels:
        found = answer(snapshot, query, Context(snapshot.clock_ms), k=100, budget=DEPTH, explore=False)
        run_[query] = [snapshot.catalog.ids[row] for row in found.candidates.rows[found.page].tolist()]
    return measure(run_, qrels, MEASURES)


def fused(workspace: Workspace, qrels: Qrels) -> dict[str, float]:
    """Judge plain rank fusion with the encoder of the workspace."""
    snapshot = workspace.state.snapshot()
    plain = PlainBM25([all_text(entity) for entity in snapshot.catalog.entities()])
    run_ = {}
    for query in qrels:
        request = snapshot.request(query, Context(snapshot.clock_ms), 0)
        two = [plain.search(query, DEPTH), snapshot.strategies["dense"].look(request).hits(DEPTH)]
        run_[query] = [snapshot.catalog.ids[row] for row in rank_fusion(two)[:100].tolist()]
    return measure(run_, qrels, MEASURES)


def told(values: dict[str, float]) -> str:
    """Return figures, readable."""
    return "  ".join(f"{name} {values[name]:.3f}" for name in MEASURES)


if __name__ == "__main__":
    run(main, __doc__ or "")
