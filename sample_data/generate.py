"""Write the sample data: ``python sample_data/generate.py FOLDER`` gives the same bytes every time."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from generator.catalog import build, lines  # noqa: E402
from generator.listeners import KINDS, Listeners, Want  # noqa: E402

SEED = 20_260_712
SEARCHES, LATER = 9_000, 3_000
PER_KIND = 45


def write(path: Path, records: Iterable[object]) -> None:
    """Write JSON lines, compressed where the name says so, without the time of writing."""
    data = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
    path.write_bytes(gzip.compress(data, 9, mtime=0) if path.suffix == ".gz" else data)


def main(folder: Path) -> None:
    """Make everything."""
    folder.mkdir(parents=True, exist_ok=True)
    world = build(np.random.default_rng(SEED))
    write(folder / "catalog.jsonl.gz", lines(world))
    listeners = Listeners(world, np.random.default_rng(SEED + 1))
    write(folder / "feedback.jsonl.gz", listeners.searches(SEARCHES, 0, 6))
    write(folder / "feedback_later.jsonl.gz", listeners.searches(LATER, 6, 2))
    judged: dict[str, Want] = {}
    for kind in KINDS:
        asked = (listeners.want(f"user:{n % 300:03d}", kind) for n in range(40 * PER_KIND))
        distinct = {want.text: want for want in asked}
        for number, want in enumerate(list(distinct.values())[:PER_KIND]):
            judged[f"{kind}-{number:02d}"] = want
    judged["ambiguous-00"] = Want("love", "ambiguous", {r["id"]: 3 for r in world.records if r["title"] == "Love"})
    taylor = {r["id"]: 3 for r in world.records if r["title"].startswith("Taylor Lov")}
    judged["ambiguous-01"] = Want("tayler love", "ambiguous", taylor)
    write(
        folder / "queries.jsonl",
        ({"query_id": name, "text": want.text, "kind": want.kind} for name, want in judged.items()),
    )
    grades = (
        f"{name} 0 {entity} {grade}\n" for name, want in judged.items() for entity, grade in sorted(want.grades.items())
    )
    (folder / "qrels.tsv").write_text("".join(grades), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
