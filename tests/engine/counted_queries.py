"""Run under callgrind: the instructions of some warm queries go to one profile, those of a yardstick to the next.

Arguments: the workspace. Counting is switched on and off from within, so that starting up costs little.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from ltrr_cli.core.types import Context
from ltrr_cli.engine.search import answer
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.workspace.workspace import Workspace

QUERIES = 20
YARDSTICKS = 20


def counting(on: bool) -> None:
    """Switch, and begin a new profile afterwards."""
    for words in (["-i", "on" if on else "off"], *([] if on else [["-d"]])):
        subprocess.run(["callgrind_control", *words, str(os.getpid())], capture_output=True, check=True)


def ask(snapshot: Snapshot, texts: list[str]) -> None:
    """Answer each text for the first time."""
    for number, text in enumerate(texts):
        answer(snapshot, text, Context(snapshot.clock_ms), k=10, budget=200, seed=number)


def yardstick() -> float:
    """Do what a query is made of, ten times: small arrays, dictionaries, calls of Python functions."""
    chance, total = np.random.default_rng(0), 0.0
    for _ in range(10):
        rows = chance.integers(0, 5_000, 200)
        kept = np.unique(rows)
        scores = np.log1p(kept.astype(np.float32))
        best = np.argsort(-scores, kind="stable")[:50]
        total += sum(
            {row: float(score) for row, score in zip(kept[best].tolist(), scores.tolist(), strict=False)}.values()
        )
    return total


def main(home: Path) -> None:
    """Ask and count."""
    with threadpool_limits(1):
        snapshot = Workspace(home).state.snapshot()
        titles = [str(title) for title in snapshot.catalog.titles]
        words = sorted({word for title in titles for word in title.split()})
        texts = [f"{title.split()[0]} {words[place * 7 % len(words)]}" for place, title in enumerate(titles)]
        texts = list(dict.fromkeys(texts))
        ask(snapshot, texts[:10])
        yardstick()
        counting(True)
        ask(snapshot, texts[10 : 10 + QUERIES])
        counting(False)
        counting(True)
        for _ in range(YARDSTICKS):
            yardstick()
        counting(False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
