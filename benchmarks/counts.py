"""Daily counts in place of events: the same memory, and how fast at the size of a warehouse.

python benchmarks/counts.py DATA [--json FILE] [--quick]
"""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import process_time

import numpy as np
from _common import Bars, ltrr, run, scratch
from feedback import only
from loop import per_click

from ltrr_cli.core.counted import CountRow
from ltrr_cli.core.seeds import generator
from ltrr_cli.storage.journal import Journal

ROWS, DAYS = 10_000_000, 365
QUERIES, ENTITIES, WORDS = 50_000, 20_000, 20_000
FIRST = 20_089  # the first day, since 1970
READ, BATCH = 200_000, 100_000  # rows


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
    """A year of rows: a part of them through the command line's reader, all of them into the journal, and one fold."""
    with scratch() as place:
        catalog, log, home = (Path(place, name) for name in ("catalog.jsonl", "counts.csv", "home"))
        with catalog.open("w") as out:
            for n in range(ENTITIES):
                out.write(json.dumps({"id": f"e{n}", "title": f"thing w{n % WORDS} w{n * 7 % WORDS}"}) + "\n")
        ltrr("index", catalog, "--home", home)
        with log.open("w", newline="") as out:
            table = csv.writer(out)
            table.writerow(["day", "query", "entity", "type", "actions", "users"])
            table.writerows([str(np.datetime64(row.day, "D")), *row[1:6]] for row in islice(invented(count), READ))
        document, seconds, _ = timed("ingest-feedback", log, "--dry-run", "--home", home)
        print(f"read, checked and journalled from CSV: {document['accepted'] / seconds:,.0f} rows a CPU second")
        journal, rows, written = Journal(home / "journal.db"), invented(count), 0
        start = process_time()
        with journal.whole():
            while some := list(islice(rows, BATCH)):
                written += journal.ingest_counts(some, "warehouse").accepted
        journal.close()
        size = (home / "journal.db").stat().st_size
        took = process_time() - start
        print(f"{written:,} rows into the journal: {took:.0f} CPU s, {size / written:.0f} bytes a row")
        _, seconds, peak = timed("rebuild", "--home", home)
        bars.at_most(f"fold of {written:,} rows of counts, CPU s", seconds, 60.0)
        bars.at_most("resident memory of that fold, MB", peak, 1024.0)


def timed(*words: str | Path) -> tuple[dict[str, float], float, float]:
    """Run one command; return its document, its CPU seconds and its largest resident memory in MB."""
    between = (
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss); sys.exit(code)"
    )
    command = [sys.executable, "-m", "ltrr_cli", *map(str, words), "--json"]
    done = subprocess.run([sys.executable, "-c", between, *command], stdout=subprocess.PIPE, text=True, check=True)
    document, _, figures = done.stdout.rstrip().rpartition("\n")
    seconds, peak = figures.split()
    return json.loads(document), float(seconds), int(peak) / 1024


def invented(count: int) -> Iterator[CountRow]:
    """Yield counts of a year by day: few queries are asked often, each for its own few entities."""
    chance = generator("counts benchmark", count)
    words = np.minimum((WORDS * chance.random((QUERIES, 3)) ** 2.5).astype(int), WORDS - 1)
    sizes = chance.integers(1, 4, QUERIES)
    queries = [" ".join(f"w{word}" for word in words[n, : sizes[n]]) for n in range(QUERIES)]
    a_day = count // DAYS
    for number in range(DAYS):
        query = (QUERIES * chance.random(a_day * 2) ** 2).astype(np.int64)
        entity = (query * 7919 + (chance.random(a_day * 2) ** 3 * 30).astype(np.int64) ** 2) % ENTITIES
        pairs = np.sort(chance.permutation(np.unique(query * ENTITIES + entity))[:a_day])
        actions = chance.geometric(0.3, len(pairs))
        users = np.minimum(actions, chance.geometric(0.4, len(pairs)))
        for pair, n, who in zip(pairs.tolist(), actions.tolist(), users.tolist(), strict=True):
            yield CountRow(FIRST + number, queries[pair // ENTITIES], f"e{pair % ENTITIES}", "click", n, who)


if __name__ == "__main__":
    run(main, __doc__ or "")
