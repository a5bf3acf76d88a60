"""What is the allocation worth in time? The same recall with fewer candidates, and with fewer strategies asked."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from time import process_time

import numpy as np
from _common import Bars, ltrr

import ltrr_cli
from ltrr_cli.feedback.judgments import read_qrels

SEARCHES, ASKED = 2_500, 400
BUDGETS = (10, 20, 30, 40, 50)
WAYS = {  # of asking strategies -> settings
    "all strategies": {"LTRR_ALLOCATION__RUN": "all"},
    "drawn ones": {"LTRR_ALLOCATION__RUN": "drawn", "LTRR_ALLOCATION__AUDIT": "0"},
    "even split": {"LTRR_ALLOCATION__POLICY": "uniform"},
}


def worth_in_time(home: Path, queries: Path, qrels: Path, bars: Bars) -> None:
    """Print recall by candidates, and what answers cost; judge how many fewer candidates suffice."""
    found: dict[str, list[float]] = {"hazard": [], "uniform": [], "rank fusion": []}
    print("candidates  hazard  even split  rank fusion  strategies asked by hazard")
    for budget in BUDGETS:
        asked = ("--home", home, "--queries", queries, "--qrels", qrels, "--searches", str(SEARCHES), "--seeds", "1")
        of = ltrr("simulate", *asked, "--budget", str(budget), "--policies", "hazard,uniform")["policies"]
        for name, recalls in found.items():
            recalls.append(of[name]["recall"])
        print(f"{budget:10d}  " + "  ".join(f"{recalls[-1]:.4f}" for recalls in found.values())
              + f"  {of['hazard']['asked']:.1f}", flush=True)  # fmt: skip
    for name in ("uniform", "rank fusion"):
        enough = float(np.interp(found[name][-1], found["hazard"], BUDGETS))
        bars.at_most(f"candidates with which hazard finds what {name} finds with {BUDGETS[-1]}", enough, BUDGETS[-1])
    print("answers of the whole command, CPU")
    for budget in (BUDGETS[-1], BUDGETS[-1] // 2):
        for name, settings in WAYS.items():
            took, share, ran = answered(home, queries, qrels, budget, settings)
            print(f"{budget:4d} candidates, {name:14s} {took:6.1f} ms  R@{budget} {share:.4f}  asked {ran:.1f}")


def answered(
    home: Path, queries: Path, qrels: Path, budget: int, settings: Mapping[str, str]
) -> tuple[float, float, float]:
    """Return (median ms of CPU, recall of what is wanted among the candidates, strategies asked) of typed queries."""
    wanted, took, shares, ran = read_qrels(qrels), [], [], []
    lines = [json.loads(line) for line in queries.read_text("utf-8").splitlines()]
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        with ltrr_cli.open(home) as workspace:
            for line in lines[:: max(len(lines) // ASKED, 1)]:
                start = process_time()
                page = workspace.query(line["text"], k=budget, budget=budget, user=line.get("user_id"), log=False)
                took.append(process_time() - start)
                grades = wanted[line["query_id"]]
                shares.append(sum(grades.get(one.id, 0) for one in page.results) / sum(grades.values()))
                ran.append(len(page.plan.ran or page.plan.draws))
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return float(np.median(took)) * 1e3, float(np.mean(shares)), float(np.mean(ran))
