"""Learning as it happens: what one more event costs where there are millions, and when the next query knows of it.

python benchmarks/live.py DATA [--json FILE] [--quick] [--part PART]

All CPU times are of the whole call in a fresh process, without the imports: opening, journal, fold, publication.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, process_time, sleep

import numpy as np
from _common import Bars, ltrr, run, scratch

import ltrr_cli
from ltrr_cli.catalog.sample import sample_path
from ltrr_cli.core.clock import now_ms
from ltrr_cli.core.progress import quiet
from ltrr_cli.core.seeds import generator
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.learning.past_searches import past_searches
from ltrr_cli.retrieval.memory.memory import Memory
from ltrr_cli.text.normalise import query_key
from ltrr_cli.workspace.maintenance import learned_digest
from ltrr_cli.workspace.workspace import Workspace

START, STEP, HOUR = 1_700_000_000_000, 100, 3_600_000  # milliseconds
NEWER, WAYS, KILLS = 1_000, 50, 10
RECORDS, PER_SECOND = 1_000, 20
PARTS = ("grown", "training", "kills", "ways")
CALL = """
import json, resource, sys
from time import perf_counter, process_time
import ltrr_cli, ltrr_cli.learning.ingest, ltrr_cli.indexing.index, ltrr_cli.workspace.maintenance
begun = []
def progress(stage, done, total):
    if stage == "learn" and not begun:
        begun.append(process_time())
workspace = ltrr_cli.open(sys.argv[1])
cpu, wall = process_time(), perf_counter()
method, given = sys.argv[2], sys.argv[3:]
if method == "rebuild":
    workspace.rebuild(progress=progress)
elif method == "update":
    workspace.index(given, update=True, progress=progress)
elif method == "index":
    workspace.index(given, progress=progress)
else:
    workspace.ingest(given, progress=progress)
end = process_time()
print(json.dumps({"cpu": end - cpu, "learn": end - (begun or [cpu])[0], "wall": perf_counter() - wall,
                  "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


@dataclass
class Cost:
    """Of one call: CPU seconds, those since the fold began, seconds, and the largest resident memory in MB."""

    cpu: float
    learn: float
    wall: float
    peak: float


def main(data: Path, bars: Bars, quick: bool, parts: Sequence[str]) -> None:
    sizes = (100_000, 400_000) if quick else (1_000_000, 4_000_000)
    if "grown" in parts:
        with scratch() as place:
            small = grown(Path(place), sizes[0], bars)
            visible(Path(place, f"{sizes[0]}"), bars, sizes[0])
        with scratch() as place:
            large = grown(Path(place), sizes[1], bars)
        bars.at_most(f"newer events at {sizes[1]:,} over those at {sizes[0]:,}, CPU", large / small, 1.3)
    if "training" in parts:
        training(bars, 500 if quick else 2_000)
    if "kills" in parts:
        kills(bars, 3 if quick else KILLS)
    for name, log in logs(data) if "ways" in parts else ():
        ways(name, log, data, bars, 2 if quick else WAYS)


def called(home: Path, method: str, *given: Path) -> Cost:
    """Call a method of a workspace in a process of its own."""
    command = [sys.executable, "-c", CALL, str(home), method, *map(str, given)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def grown(place: Path, count: int, bars: Bars) -> float:
    """Take in a log, then newer events, then a late one; return the CPU seconds of the newer ones."""
    home, log = place / f"{count}", place / "log.jsonl"
    ltrr("index", sample_path("catalog.jsonl.gz"), "--home", home)
    with log.open("w") as out:
        for line in invented(count):
            out.write(line)
    whole = called(home, "ingest", log)
    print(f"{count:,} events: {whole}", flush=True)
    newer, late = place / "newer.jsonl", place / "late.jsonl"
    costs = []
    for turn in range(3):
        newer.write_text("".join(invented(NEWER, count + turn * NEWER)))
        costs.append(called(home, "ingest", newer))
        print(f"  {NEWER:,} newer: {costs[-1]}", flush=True)
    cost = sorted(costs, key=lambda one: one.cpu)[1]
    bars.at_most(f"{NEWER:,} newer events at {count:,}, CPU s", cost.cpu, 3.0)
    bars.at_most(f"the same over the fold of {count:,} from nothing", cost.cpu / whole.learn, 0.08)
    end = START + (count + 3 * NEWER) * STEP
    back = min(HOUR, count * STEP // 28)  # an hour; of a small log as much of it as an hour is of a million events
    late.write_text(line_of("late", end - back, "track:00001", "query number 7", 1, "u7"))
    behind = called(home, "ingest", late)
    print(f"  one an hour late: {behind}", flush=True)
    bars.at_most(f"one event an hour late at {count:,}, over the fold from nothing", behind.cpu / whole.learn, 0.15)
    return cost.cpu


def invented(count: int, first: int = 0) -> Iterator[str]:
    """Clicks as in ``feedback.py``, line by line; ``first`` of them have been."""
    with gzip.open(sample_path("catalog.jsonl.gz"), "rt") as lines:
        ids = [json.loads(line)["id"] for line in lines]
    for start in range(0, count, 100_000):
        size = min(100_000, count - start)
        chance = generator("live benchmark", first, start)
        keys, entities = chance.integers(0, 2**63, size), chance.integers(0, len(ids), size)
        queries, people, places = (chance.integers(0, high, size) for high in (3_000, 50_000, 10))
        for n in range(size):
            at = START + (first + start + n) * STEP
            yield line_of(f"{keys[n]:016x}", at, ids[entities[n]], f"query number {queries[n]}", int(places[n]) + 1,
                          f"u{people[n]}")  # fmt: skip


def line_of(event_id: str, at: int, entity: str, query: str, position: int, user: str) -> str:
    given = {"event_id": event_id, "event": "click", "timestamp": at, "entity_id": entity, "query": query,
             "position": position, "user_id": user}  # fmt: skip
    return json.dumps(given) + "\n"


def visible(home: Path, bars: Bars, count: int) -> None:
    """Record clicks, and see each in the next answer; then ask while somebody records."""
    with ltrr_cli.open(home) as workspace:
        text = f"love {os.getpid()}"
        page = workspace.query(text, k=10, explore=False)
        ids, took, cpu, seen = [result.id for result in page.results], [], [], 0
        for number in range(RECORDS + 2):
            event = {"event": "click", "impression_id": page.impression_id, "user_id": f"v{number}"}
            start, begun = perf_counter(), process_time()
            workspace.record({**event, "entity_id": ids[number % 10]})
            snapshot = workspace.state.snapshot()
            took.append(perf_counter() - start)
            cpu.append(process_time() - begun)
            seen += people(snapshot, query_key(text), ids[number % 10]) == number // 10 + 1
        milliseconds = np.array(took[2:]) * 1e3  # the first two open the copies
        p50, p99, most = np.percentile(milliseconds, (50, 99, 100))
        of_cpu = np.percentile(np.array(cpu[2:]) * 1e3, (50, 99)).round(2).tolist()
        opening = f"opening {took[0]:.2f} s, {took[1]:.2f} s; seen {seen} of {RECORDS + 2}"
        print(
            f"record at {count:,}: p50 {p50:.2f} ms, p99 {p99:.2f}, most {most:.2f}; CPU p50, p99 {of_cpu}; {opening}"
        )
        bars.at_most(f"record() to visible at {count:,}, p99 ms", float(p99), 10.0)
        bars.at_most(f"the same in CPU time, which others do not lengthen, at {count:,}, p99 ms", of_cpu[1], 10.0)
        bars.at_least("recorded events that the next answer knew of, share", seen / (RECORDS + 2), 1.0)
        alone, beside = [], []
        for _ in range(3):  # in turns: the machine may be shared
            alone.append(asked(workspace))
            beside.append(asked_while_recording(workspace, ids))
        slower = 1.0 - float(np.median(beside)) / float(np.median(alone))
        print(f"queries a second alone {alone}, with {PER_SECOND} events a second {beside}", flush=True)
        bars.at_most(f"speed that queries lose while {PER_SECOND} events a second are recorded", slower, 0.2)


def people(snapshot: Snapshot, query: str, entity: str) -> int:
    """Return how many chose an entity for a query, as the memory of a snapshot knows it."""
    memory = snapshot.strategies["memory"]
    assert isinstance(memory, Memory)
    pairs, _ = memory._pairs.pairs_of([memory._keys[query]])
    users = dict(zip(memory._pairs.rows(pairs).tolist(), memory._pairs.users(pairs).tolist(), strict=True))
    return int(users.get(snapshot.catalog.row_of(entity), 0))


def asked(workspace: Workspace, seconds: float = 5.0) -> float:
    """Return how many queries are answered in a second."""
    start, done = perf_counter(), 0
    while perf_counter() - start < seconds:
        workspace.query(f"live {done % 50}", k=10, log=False)
        done += 1
    return done / (perf_counter() - start)


def asked_while_recording(workspace: Workspace, ids: list[str]) -> float:
    stop = Event()

    def record() -> None:
        number, start = 0, perf_counter()
        while not stop.is_set():
            workspace.record({"event": "click", "query": f"live {number % 50}", "entity_id": ids[number % 10]})
            number += 1
            sleep(max(0.0, start + number / PER_SECOND - perf_counter()))

    thread = Thread(target=record)
    thread.start()
    try:
        return asked(workspace)
    finally:
        stop.set()
        thread.join()


def training(bars: Bars, count: int) -> None:
    """Serve searches and click on them; then read what a training is made of."""
    with scratch() as place:
        home, log = Path(place, "home"), Path(place, "clicks.jsonl")
        ltrr("index", sample_path("catalog.jsonl.gz"), "--home", home)
        with gzip.open(sample_path("feedback.jsonl.gz"), "rt") as lines:
            asked = [json.loads(line).get("query") for line in lines]
        queries = [query for query in asked if query]
        workspace, clicks, taken = ltrr_cli.open(home), [], 0.0
        for number in range(count):
            start = process_time()
            page = workspace.query(queries[number % len(queries)], k=10)
            taken += process_time() - start
            if page.results:
                event = {"event": "click", "timestamp": now_ms(), "impression_id": page.impression_id}
                clicks.append(json.dumps({**event, "entity_id": page.results[number % len(page.results)].id}) + "\n")
        log.write_text("".join(clicks))
        workspace.ingest([log])
        size = sum(len(row.search) for row in workspace.state.journal.frozen())
        serving, start = workspace.state.snapshot(), process_time()
        found = past_searches(workspace.state, serving, quiet)
        cpu = process_time() - start
        print(
            f"{count:,} searches served at {taken / count * 1e3:.1f} ms of CPU; kept: {size / 1e6:.1f} MB; read for a "
            f"training: {len(found.queries):,} searches, {len(found.examples.labels):,} candidates, {cpu:.2f} s of CPU"
        )
        bars.at_most(f"reading {count:,} served searches for a training, CPU s", cpu, 3.0)


RECORDING = """
import sys, ltrr_cli
workspace = ltrr_cli.open(sys.argv[1])
page = workspace.query("love", k=10, explore=False)
for number in range(1_000_000):
    event = {"event": "click", "event_id": f"{sys.argv[2]}-{number}", "impression_id": page.impression_id}
    workspace.record({**event, "entity_id": page.results[number % 10].id})
    print(f"{sys.argv[2]}-{number}", flush=True)
    if number % 50 == 49:
        workspace.close()
"""


def kills(bars: Bars, times: int) -> None:
    """Kill a process at a random moment while it records and publishes."""
    with scratch() as place:
        home, lost, told, same = Path(place, "home"), 0, 0, 0
        ltrr("index", sample_path("catalog.jsonl.gz"), "--home", home)
        for turn in range(times):
            command = [sys.executable, "-c", RECORDING, str(home), f"k{turn}"]
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert child.stdout is not None
            child.stdout.readline()
            sleep(random.Random(turn).uniform(0.1, 3.0))
            os.kill(child.pid, signal.SIGKILL)
            whole = [line.strip() for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
            child.wait()
            workspace = ltrr_cli.open(home)
            kept = {event.event_id for event, _ in workspace.state.journal.stream()}
            lost, told = lost + len(set(whole) - kept), told + len(whole)
            same += workspace.query("love", k=1, log=False).results != ()
        workspace.ingest([empty(Path(place))])
        report = workspace.rebuild()
        print(f"{times} kills: {told:,} events acknowledged, {lost} lost; going on equals a rebuild: {report.same}")
        bars.at_most(f"acknowledged events lost by {times} kills", lost, 0)
        bars.at_least("workspaces that answered after a kill, and a fold as from nothing", (same + bool(report.same)) /
                      (times + 1), 1.0)  # fmt: skip


def empty(place: Path) -> Path:
    path = place / "empty.jsonl"
    path.write_text("")
    return path


def logs(data: Path) -> Iterator[tuple[str, Path]]:
    """Yield (name, log) of the three."""
    yield "sample", sample_path("feedback.jsonl.gz")
    for name in ("bestbuy_xbox", "hetrec"):
        if (data / name / "events_fit.jsonl.gz").exists():
            yield name, data / name / "events_fit.jsonl.gz"


def ways(name: str, log: Path, data: Path, bars: Bars, count: int, lines: int = 1_500) -> None:
    """Cut and mix the beginning of a log in many ways: some lines late, some twice, a person forgotten."""
    with gzip.open(log, "rt") as source:
        known = [line for _, line in zip(range(lines), source, strict=False)]
    catalog = sample_path("catalog.jsonl.gz") if name == "sample" else data / name / "catalog.jsonl.gz"
    users = sorted({user for line in known if (user := json.loads(line).get("user_id"))})
    with scratch() as place:
        base = Path(place, "base")
        ltrr("index", catalog, "--home", base)
        digests, same = set(), 0
        for way in range(count):
            home, chance = Path(place, f"{way}"), random.Random(way)
            workspace = ltrr_cli.open(shutil.copytree(base, home))
            parts: list[list[str]] = [[] for _ in range(4)]
            for number, line in enumerate(known):
                part = min(3, 4 * number // len(known) + (chance.randint(1, 3) if chance.random() < 0.03 else 0))
                parts[part].append(line)
            parts.insert(chance.randint(1, 3), chance.sample(known, 50))
            for number, part in enumerate(parts):
                if way % 2:
                    chance.shuffle(part)
                path = Path(place, f"{way}-{number}.jsonl")
                path.write_text("".join(part))
                workspace.ingest([path], undated=True)
                if users and number in (2, 4):
                    workspace.forget(user=users[len(users) // 2])
            digests.add(learned_digest(workspace.state, workspace.state.current()))
            same += bool(workspace.rebuild().same)
            shutil.rmtree(home)
        print(f"{name}: {count} ways, {len(digests)} results, {same} equal to a rebuild", flush=True)
        bars.at_least(f"{name}: ways that end as a fold from nothing, share of {count}", same / count, 1.0)
        bars.at_most(f"{name}: different results of {count} ways", len(digests), 1)


if __name__ == "__main__":
    run(main, __doc__ or "", PARTS)
