"""Daily counts in place of events: the same memory, and how fast at the size of a warehouse.

python benchmarks/counts.py DATA [--json FILE] [--quick]
"""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
from _common import Bars, ltrr, run, scratch
from feedback import only, weighed
from loop import per_click

from ltrr_cli.core.seeds import generator

ROWS, DAYS = 10_000_000, 365
QUERIES, ENTITIES, WORDS = 50_000, 20_000, 20_000


def main(data: Path, bars: Bars, quick: bool) -> None:
    if (data / "bestbuy_xbox").is_dir():
        same(data / "bestbuy_xbox", bars)
    else:
        bars.skipped("counts and events, memory alone MAP@5", "bestbuy_xbox absent")
    large(bars, ROWS // 10 if quick else ROWS)


def same(folder: Path, bars: Bars) -> None:
    """A shop's log as events and as daily counts: what the memory alone answers on later days, frozen."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    with gzip.open(folder / "events_fit.jsonl.gz", "rt") as lines:
        for search in map(json.loads, lines):
            for entity in search["clicked"]:
                rows.setdefault((search["timestamp"][:10], search["query"], entity), []).append(search["user_id"])
    with gzip.open(folder / "events_dev.jsonl.gz", "rt") as lines:
        dev = [json.loads(line) for line in lines]
    asked = [(f"d{number}", search["clicked"]) for number, search in enumerate(dev)]
    with scratch() as place:
        counts, queries, run_file = (Path(place, name) for name in ("counts.csv", "dev.jsonl", "dev.trec"))
        with counts.open("w", newline="") as out:
            table = csv.writer(out)
            table.writerow(["day", "query", "entity", "type", "actions", "users"])
            table.writerows([*key, "click", len(users), len(set(users))] for key, users in rows.items())
        with queries.open("w") as out:
            for number, search in enumerate(dev):
                line = {"query_id": f"d{number}", "text": search["query"], "timestamp": search["timestamp"]}
                out.write(json.dumps(line) + "\n")
        found = []
        for name, log in (("events", folder / "events_fit.jsonl.gz"), ("counts", counts)):
            home = Path(place, name)
            ltrr("index", folder / "catalog.jsonl.gz", "--home", home)
            ltrr("ingest-feedback", log, "--home", home)
            ltrr("query", "--batch", queries, "--run", run_file, "--home", home, **only("memory"))
            found.append(per_click(run_file, asked))
    print(f"memory alone, shop MAP@5: events {found[0]:.4f}, {len(rows):,} rows of counts {found[1]:.4f}")
    bars.at_most("counts and events, memory alone: MAP@5 apart by", abs(found[0] - found[1]), 0.002)


def large(bars: Bars, count: int) -> None:
    """Rows of a year through the real command line."""
    with scratch() as place:
        catalog, log, home = (Path(place, name) for name in ("catalog.jsonl", "counts.csv", "home"))
        with catalog.open("w") as out:
            for n in range(ENTITIES):
                out.write(json.dumps({"id": f"e{n}", "title": f"thing w{n % WORDS} w{n * 7 % WORDS}"}) + "\n")
        written = invented(log, count)
        ltrr("index", catalog, "--home", home)
        document, peak = weighed("ingest-feedback", log, "--home", home)
        journalled = document["journal_seconds"]
        fold = document["seconds"] - journalled
        print(f"{written:,} rows: journalled in {journalled:.0f} s, folded in {fold:.0f} s, {peak:.0f} MB")
        bars.at_most(f"fold of {written:,} rows of counts, s", fold, 60.0)
        bars.at_most("resident memory, journal and fold, MB", peak, 1024.0)


def invented(path: Path, count: int) -> int:
    """Write counts of a year by day: few queries are asked often, each for its own few entities; return how many."""
    chance = generator("counts benchmark", count)
    words = np.minimum((WORDS * chance.random((QUERIES, 3)) ** 2.5).astype(int), WORDS - 1)
    sizes = chance.integers(1, 4, QUERIES)
    queries = [" ".join(f"w{word}" for word in words[n, : sizes[n]]) for n in range(QUERIES)]
    written, a_day = 0, count // DAYS
    with path.open("w") as out:
        out.write("day,query,entity,type,actions,users\n")
        for number in range(DAYS):
            day = str(np.datetime64("2025-01-01") + number)
            query = (QUERIES * chance.random(a_day * 2) ** 2).astype(np.int64)
            entity = (query * 7919 + (chance.random(a_day * 2) ** 3 * 30).astype(np.int64) ** 2) % ENTITIES
            pairs = np.sort(chance.permutation(np.unique(query * ENTITIES + entity))[:a_day])
            actions = chance.geometric(0.3, len(pairs))
            users = np.minimum(actions, chance.geometric(0.4, len(pairs)))
            lines = zip(pairs.tolist(), actions.tolist(), users.tolist(), strict=True)
            out.writelines(
                f"{day},{queries[pair // ENTITIES]},e{pair % ENTITIES},click,{n},{who}\n" for pair, n, who in lines
            )
            written += len(pairs)
    return written


if __name__ == "__main__":
    run(main, __doc__ or "")
