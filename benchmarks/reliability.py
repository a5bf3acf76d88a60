"""How long hostile queries take: generated strings up to 100 kB, answered warm on the sample catalog.

python benchmarks/reliability.py DATA [--json FILE] [--quick]

DATA is not read: the sample catalog is. All other promises are tried by ``pytest -m "slow or not slow" tests/faults``.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import numpy as np
from _common import Bars, run, scratch

from ltrr_cli.catalog.sample import sample_path
from ltrr_cli.core.seeds import generator
from ltrr_cli.workspace.workspace import Workspace

ALPHABETS = (
    "()[]{}\"'*?~^:+-/\\!&|<>= ",
    "\x00\x01\x07\x1b\x7f\x9b\u202e\u2066\u2028\ufeff love",
    "abcdefghijklmnopqrstuvwxyz ",
    "éüñßøıİǅﬁ\u0301\u0308 ",
    "שלום مرحبا 音楽 ひらがな 🎵\U0001f469\u200d\U0001f4bb ",
    "\ud800\udc00\udfff love",
)
LENGTHS = (1, 10, 30, 100, 1_000, 10_000, 100_000)
OFTEN = (0.1, 0.3, 0.3, 0.2, 0.06, 0.03, 0.01)


def main(data: Path, bars: Bars, quick: bool) -> None:
    del data
    chance = generator("hostile queries")
    with scratch() as place:
        workspace = Workspace(Path(place))
        workspace.index([sample_path("catalog.jsonl.gz")])
        workspace.query("love", log=False)
        took = []
        for _ in range(1_000 if quick else 10_000):
            letters = ALPHABETS[int(chance.integers(0, len(ALPHABETS)))]
            length = int(chance.choice(LENGTHS, p=OFTEN))
            text = "".join(np.array(list(letters))[chance.integers(0, len(letters), length)].tolist())
            start = perf_counter()
            workspace.query(text, log=False, explore=False)
            took.append((perf_counter() - start) * 1e3)
        p50, p99 = np.quantile(took, [0.5, 0.99])
        print(f"{len(took):,} queries: p50 {p50:.1f} ms, p99 {p99:.1f} ms, slowest {max(took):.0f} ms, none failed")
        bars.at_most("p99 of hostile queries, ms", float(p99), 50.0)


if __name__ == "__main__":
    run(main, __doc__ or "")
