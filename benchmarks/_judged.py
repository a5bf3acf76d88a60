"""Judged queries, answered by every strategy and without each one: the part that the parts of ``strategies`` share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
from _common import Bars

from ltrr_cli.core.config import Settings
from ltrr_cli.engine.named import hidden
from ltrr_cli.engine.search import answer
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.evaluation.metrics import Judge
from ltrr_cli.evaluation.significance import paired
from ltrr_cli.feedback.judgments import JudgedQuery, read_qrels, read_queries
from ltrr_cli.workspace.workspace import Workspace

MEASURES = ["R@50", "nDCG@10"]
PAGE = 50
TOLERATED = -0.005  # a paired interval that lies below it says that a strategy does harm

Qrels = dict[str, dict[str, int]]


def questions(folder: Path, kind: str, snapshot: Snapshot, quick: bool) -> tuple[list[JudgedQuery], Qrels]:
    """Return the judged queries of one kind."""
    suffix = f"_{kind}" if kind else ""
    qrels = read_qrels(folder / f"qrels{suffix}.tsv")
    queries = [
        query for query in read_queries(folder / f"queries{suffix}.jsonl", snapshot.clock_ms) if query.query_id in qrels
    ]
    kept = queries[::4] if quick else queries
    return kept, {query.query_id: qrels[query.query_id] for query in kept}


def leave_one_out(
    workspace: Workspace, name: str, stage: str, queries: Sequence[JudgedQuery], qrels: Qrels, bars: Bars
) -> dict[str, float]:
    """Print the table; return by how much each strategy raises the better of the two measures."""
    snapshot = workspace.state.snapshot()
    judge = Judge(qrels, MEASURES)
    whole = judge.table(pages(workspace, snapshot, queries))
    means = "  ".join(
        f"{measured} {value:.4f}" for measured, value in zip(judge.names, whole.mean(axis=0), strict=True)
    )
    print(f"\n{name}, {stage}, {len(qrels)} queries: {means}")
    raised: dict[str, float] = {}
    for strategy in snapshot.enabled():
        settings = workspace.settings
        snapshot.settings = switched_off(settings, strategy)
        difference = paired(whole, judge.table(pages(workspace, snapshot, queries)))
        snapshot.settings = settings
        columns = zip(judge.names, difference.mean, difference.low, difference.high, strict=True)
        told = "  ".join(f"{m} {mean:+.4f} [{low:+.4f}, {high:+.4f}]" for m, mean, low, high in columns)
        print(f"  {strategy:16}{told}", flush=True)
        raised[strategy] = float(difference.mean.max())
        bars.at_least(f"{name}, {stage}: {strategy}, upper end", float(difference.high.min()), TOLERATED)
    return raised


def switched_off(settings: Settings, strategy: str) -> Settings:
    """Return settings without one more strategy."""
    off = (*settings.retrieval.off, strategy)
    return msgspec.structs.replace(settings, retrieval=msgspec.structs.replace(settings.retrieval, off=off))


def pages(
    workspace: Workspace, snapshot: Snapshot, queries: Sequence[JudgedQuery], k: int = PAGE
) -> dict[str, list[str]]:
    """Answer all queries; with a user, what the user acted on is hidden."""
    found = {}
    for query in queries:
        context = replace(query.context, hide_seen=query.context.user is not None)
        gone = hidden(workspace.state, context)
        answered = answer(snapshot, query.text, context, k=k, budget=200, explore=False, hidden=gone)
        found[query.query_id] = [snapshot.catalog.ids[int(row)] for row in answered.candidates.rows[answered.page]]
    return found
