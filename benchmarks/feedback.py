"""Taking in feedback: how fast, in how much memory, and what robots can do.

python benchmarks/feedback.py DATA [--json FILE] [--quick]
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter

from _common import Bars, ltrr, run, scratch
from loop import per_click, read_run

from ltrr_cli.catalog.sample import sample_path
from ltrr_cli.core.clock import iso, parse_time
from ltrr_cli.core.seeds import generator
from ltrr_cli.evaluation.metrics import measure
from ltrr_cli.feedback.judgments import read_qrels
from ltrr_cli.retrieval.strategy_registry import names
from ltrr_cli.storage.journal import Journal
from ltrr_cli.text.normalise import query_key

EVENTS = 1_000_000
START = 1_700_000_000_000
FIELDS = "event_id, kind, time_ms, entity_id, query, position, user"


def main(data: Path, bars: Bars, quick: bool) -> None:
    speed(bars, EVENTS // 10 if quick else EVENTS)
    hostile(bars)
    shop = data / "bestbuy_xbox"
    if shop.is_dir():
        robots(shop, bars, quick)
    else:
        bars.skipped("robots", "bestbuy_xbox absent")
    if (data / "hetrec").is_dir():
        topics(data / "hetrec", bars, quick)
    if shop.is_dir():
        clicks(shop, bars, quick)


def speed(bars: Bars, count: int) -> None:
    """One log through the real command line, beside bare inserts of the same rows into the same schema."""
    with scratch() as place:
        home, log = Path(place, "home"), Path(place, "log.jsonl")
        rows = invented(count)
        with log.open("w") as out:
            names = ("event_id", "event", "timestamp", "entity_id", "query", "position", "user_id")
            for row in rows:
                out.write(json.dumps(dict(zip(names, row, strict=True))) + "\n")
        bare = count / inserted(Path(place, "bare.db"), rows)
        del rows
        ltrr("index", sample_path("catalog.jsonl.gz"), "--home", home)
        document, peak = weighed("ingest-feedback", log, "--home", home)
        journalled = document["journal_seconds"]
        rate, fold = count / journalled, document["seconds"] - journalled
        print(f"{count:,} events: bare inserts {bare:,.0f}/s, journalled {rate:,.0f}/s, whole {document['seconds']} s")
        bars.at_least("events a second into the journal", rate, 50_000)
        bars.at_least("that rate over bare inserts", rate / bare, 0.6)
        bars.at_most(f"fold of {count:,} events, s", fold, 60.0)
        bars.at_most("resident memory, journal and fold, MB", peak, 400.0)
        _, read = weighed("ingest-feedback", log, "--dry-run", "--home", home)
        bars.at_most("resident memory, journal alone (all known already), MB", read, 400.0)


def hostile(bars: Bars) -> None:
    """Lines that are wrong in every way known, among ten thousand good ones."""
    good = [
        json.dumps({"event": "click", "event_id": f"g{n}", "timestamp": START + n, "entity_id": "x", "query": "q"})
        for n in range(10_000)
    ]
    bad = [
        b'{"event":"click","timestamp":NaN,"entity_id":"a"}',
        b'{"event":"click","timestamp":1,"entity_id":"a","value":Infinity}',
        b'{"event":"click","timestamp":1,"entity_id":"a","value":1e999}',
        b'{"event":"click","timestamp":1,"entity_id":"a","entity_id":"b"}',
        b'{"event":"click","timestamp":1,"entity_id":"a\x00"}',
        rb'{"event":"click","timestamp":1,"entity_id":"\ud800"}',
        b'{"event":"click","timestamp":1,"entity_id":"a","value":' + b"9" * 4_301 + b"}",
        b'{"event":"click","timestamp":1,"entity_id":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"event":"click","timestamp":1,"entity_id":"' + b"a" * 50_000_000 + b'"}',
        b'{"event":"click","timestamp":1,"entity_id":"\xff\xfe"}',
        b"not JSON",
    ]
    odd = [
        "\u2028".join(('{"event":"click","event_id":"o1","timestamp":1,"entity_id":"x","query":"a', 'b"}')).encode(),
        b'{"event":"click","event_id":"o2","timestamp":1,"entity_id":"x","query":"crlf"}\r',
    ]
    with scratch() as place:
        home, log = Path(place, "home"), Path(place, "log.jsonl")
        log.write_bytes(b"\xef\xbb\xbf" + b"\n".join([*(line.encode() for line in good), *bad, *odd]) + b"\n")
        ltrr("index", sample_path("catalog.jsonl.gz"), "--home", home)
        document, peak = weighed("ingest-feedback", log, "--max-bad", "1%", "--home", home)
        bars.at_least("hostile lines set aside, share", document["quarantined"] / len(bad), 1.0)
        bars.at_least("good and odd lines taken, share", document["accepted"] / (len(good) + len(odd)), 1.0)
        bars.at_most("resident memory with a 50 MB line, MB", peak, 400.0)


def invented(count: int) -> list[tuple[str, str, int, str, str, int, str]]:
    """Clicks with random ids, as a shop's would be."""
    with gzip.open(sample_path("catalog.jsonl.gz"), "rt") as lines:
        ids = [json.loads(line)["id"] for line in lines]
    chance = generator("feedback benchmark", count)
    keys, entities = chance.integers(0, 2**63, count), chance.integers(0, len(ids), count)
    queries, people, places = (chance.integers(0, high, count) for high in (3_000, 50_000, 10))
    return [
        (
            f"{keys[n]:016x}",
            "click",
            START + n * 100,
            ids[entities[n]],
            f"query number {queries[n]}",
            int(places[n]) + 1,
            f"u{people[n]}",
        )
        for n in range(count)
    ]


def inserted(path: Path, rows: list[tuple[str, str, int, str, str, int, str]]) -> float:
    """Seconds of the journal's own schema filled by SQLite alone."""
    Journal(path).close()
    database = sqlite3.connect(path)
    start = perf_counter()
    with database:
        database.executemany(f"INSERT INTO events ({FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    took = perf_counter() - start
    database.close()
    return took


def weighed(*words: str | Path) -> tuple[dict[str, float], float]:
    """Run one command; return its document and its largest resident memory in MB.

    A small process stands between: a child's peak begins with that of whoever started it, and this one is large.
    """
    between = (
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    )
    command = [sys.executable, "-m", "ltrr_cli", *map(str, words), "--json"]
    done = subprocess.run([sys.executable, "-c", between, *command], stdout=subprocess.PIPE, text=True, check=True)
    document, _, peak = done.stdout.rstrip().rpartition("\n")
    return json.loads(document), int(peak) / 1024


def robots(folder: Path, bars: Bars, quick: bool) -> None:
    """Robots push one product up the pages of the ten most asked queries; honest searches are asked afterwards."""
    with gzip.open(folder / "events_fit.jsonl.gz", "rt") as lines:
        fit = [json.loads(line) for line in lines]
    with gzip.open(folder / "events_dev.jsonl.gz", "rt") as lines:
        dev = [json.loads(line) for line in lines][:: 10 if quick else 1]
    with scratch() as place:
        home, queries, log = (Path(place, name) for name in ("home", "queries.jsonl", "robots.jsonl"))
        with queries.open("w") as out:
            for number, search in enumerate(dev):
                out.write(json.dumps({"query_id": f"d{number}", "text": search["query"]}) + "\n")
        qrels = {f"d{number}": dict.fromkeys(search["clicked"], 1) for number, search in enumerate(dev)}
        ltrr("index", folder / "catalog.jsonl.gz", "--home", home)
        ltrr("ingest-feedback", folder / "events_fit.jsonl.gz", "--home", home)
        honest = quality(home, queries, qrels)
        before = ltrr("status", "--home", home)["journal_digest"]
        asked = [query for query, _ in Counter(search["query"] for search in fit).most_common(10)]
        clicked = Counter(entity for search in fit for entity in search["clicked"])
        pushed = min(clicked, key=lambda entity: (clicked[entity], entity))
        last = max(parse_time(search["timestamp"]) for search in fit)
        with log.open("w") as out:
            names = ["robot"] * 10_000 + [f"robot-{number % 100}" for number in range(10_000)]
            for number, name in enumerate(names):
                what = {"entity_id": pushed, "query": asked[number // 100 % 10], "user_id": name}
                when = iso(last - len(names) * 1_000 + number * 1_000)
                out.write(json.dumps({"event": "click", "timestamp": when, "event_id": f"r{number}", **what}) + "\n")
        report = ltrr("ingest-feedback", log, "--home", home)
        attacked = quality(home, queries, qrels)
        print(f"robots: honest nDCG@10 {honest:.4f}, attacked {attacked:.4f}")
        bars.at_most("robots: nDCG@10 of honest queries falls by, %", 100 * (1 - attacked / honest), 1.0)
        named = {suspect["name"] for suspect in report["suspects"]}  # type: ignore[attr-defined]
        bars.at_least("robots named, of 101", len(named & set(names)), 101)
        left = ltrr("forget", "--source", log, "--home", home)
        same = left["journal_digest"] == before
        bars.at_least("forgetting them restores the honest digest", float(same), 1.0)


def topics(folder: Path, bars: Bars, quick: bool) -> None:
    """The memory alone on topics that other users judged, after more and more of the tag log."""
    with gzip.open(folder / "events_fit.jsonl.gz", "rt") as file:
        events = file.readlines()
    with gzip.open(folder / "catalog.jsonl.gz", "rt") as file:
        entities = [json.loads(line) for line in file]
    with scratch() as place:
        home, bare, run_file, log = (Path(place, name) for name in ("home", "bare", "run.trec", "part.jsonl"))
        untold = Path(place, "untold.jsonl")  # titles and attributes that predict nothing
        silent = [{"id": one["id"], "title": one["id"], "popularity": one.get("popularity")} for one in entities]
        untold.write_text("".join(json.dumps(one) + "\n" for one in silent))
        ltrr("index", folder / "catalog.jsonl.gz", "--home", home)
        ltrr("index", untold, "--home", bare)
        curve: dict[int, float] = {}
        actual: dict[int, float] = {}
        for percent in (0, 100) if quick else (0, 1, 5, 20, 50, 100):
            log.write_text("".join(events[: len(events) * percent // 100]), "utf-8")
            if percent:
                ltrr("ingest-feedback", log, "--home", home)
                ltrr("ingest-feedback", log, "--home", bare)
            curve[percent] = alone(home, folder, "topic", run_file)
            actual[percent] = alone(bare, folder, "topic", run_file)
        for name, values in (("memory alone, topics", curve), ("the same without predictions", actual)):
            print(f"{name}: " + ", ".join(f"{percent} % {value:.4f}" for percent, value in values.items()))
        bars.at_least("memory alone, topic nDCG@10", curve[100], 0.465)
        bars.at_least("memory alone, tagvariant nDCG@10", alone(home, folder, "tagvariant", run_file), 0.50)
        for percent, value in curve.items():
            better = max(curve[0], actual[percent])
            bars.at_least(
                f"learning curve at {percent} %: less the better of prediction and actions", value - better, -0.01
            )


def alone(home: Path, folder: Path, kind: str, run_file: Path) -> float:
    """nDCG@10 of what the memory alone answers."""
    ltrr("query", "--batch", folder / f"queries_{kind}.jsonl", "--run", run_file, "--home", home, **only("memory"))
    return measure(read_run(run_file), read_qrels(folder / f"qrels_{kind}.tsv"), ["nDCG@10"])["nDCG@10"]


def only(kept: str) -> dict[str, str]:
    """Settings that switch every other strategy off."""
    return {"LTRR_RETRIEVAL__OFF": json.dumps([name for name in names() if name != kept])}


def clicks(folder: Path, bars: Bars, quick: bool) -> None:
    """The memory alone on a shop's later days, frozen: MAP@5 per click, in all and for queries never seen before."""
    with gzip.open(folder / "events_fit.jsonl.gz", "rt") as lines:
        seen = {query_key(json.loads(line)["query"]) for line in lines}
    with gzip.open(folder / "events_dev.jsonl.gz", "rt") as lines:
        dev = [json.loads(line) for line in lines][:: 10 if quick else 1]
    with scratch() as place:
        home, queries, run_file = (Path(place, name) for name in ("home", "dev.jsonl", "dev.trec"))
        with queries.open("w") as out:
            for number, search in enumerate(dev):
                line = {"query_id": f"d{number}", "text": search["query"], "timestamp": search["timestamp"]}
                out.write(json.dumps(line) + "\n")
        ltrr("index", folder / "catalog.jsonl.gz", "--home", home)
        ltrr("ingest-feedback", folder / "events_fit.jsonl.gz", "--home", home)
        ltrr("query", "--batch", queries, "--run", run_file, "--home", home, **only("memory"))
        asked = [(f"d{number}", search["clicked"]) for number, search in enumerate(dev)]
        unseen = [one for one, search in zip(asked, dev, strict=True) if query_key(search["query"]) not in seen]
        bars.at_least("memory alone, shop MAP@5", per_click(run_file, asked), 0.70)
        bars.at_least("memory alone, shop MAP@5 of unseen queries", per_click(run_file, unseen), 0.40)


def quality(home: Path, queries: Path, qrels: dict[str, dict[str, int]]) -> float:
    """nDCG@10 of what is answered now."""
    run_file = home.parent / "run.trec"
    ltrr("query", "--batch", queries, "--run", run_file, "--home", home)
    pages: dict[str, list[str]] = {}
    for line in run_file.read_text().splitlines():
        query, _, entity, *_ = line.split(" ")
        pages.setdefault(query, []).append(entity)
    return measure(pages, qrels, ["nDCG@10"])["nDCG@10"]


if __name__ == "__main__":
    run(main, __doc__ or "")
