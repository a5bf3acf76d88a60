"""What worker processes bring, and what they cannot: wall and CPU of the same work here and by two workers.

python benchmarks/scale.py DATA [--part index|queries|train|rebuild|fold|cluster] [--json FILE] [--quick]

The serial share is the CPU time of the process that hands out work over the CPU time of all: by Amdahl's law, N nodes
bring at most 1 / (share + (1 - share) / N). On a machine that others use too, walls say little and CPU shares more. An
index also does its graph of neighbours in the first process, beside its workers: the share is an upper bound.
``--part fold`` folds invented clicks, a two hundredth of them of logged searches; counting them is one sequence, of
which workers take what is asked on the way. ``--part cluster`` compares two processes with a Ray cluster of three nodes
on this machine (Ray has to be installed), for LTRR_EVENTS clicks, else 1,000,000.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from _common import Bars, run, scratch

PARTS = ("index", "queries", "train", "rebuild", "fold", "cluster")
GOAL = 1.5  # times as quick by two workers
NODES = 10
TURNS = (
    3  # of a rebuild, of which the middle one counts: on a machine that others use too, CPU seconds differ by a tenth
)
AS_LONG = 1.5  # times as long by three nodes on one machine: nothing can be won there, little may be lost
SEARCHED = 200  # invented clicks of which one is of a logged search
LOADED = 1.5  # load per core above which a wall is not judged

# runs a method of a workspace, then says what this process and its children took
TOLD = """
import json, os, resource, sys, time
import ltrr_cli
if __name__ == "__main__":
    home, method, given = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    start = time.perf_counter()
    report = getattr(ltrr_cli.open(home), method)(*given["args"], **given["options"])
    wall = time.perf_counter() - start
    own, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = [one.ru_utime + one.ru_stime for one in (own, workers)]
    memory = [one.ru_maxrss / 1024 for one in (own, workers)]
    print(json.dumps({"wall": wall, "cpu": cpu, "memory": memory, "report": report.as_json()}))
"""


@dataclass(frozen=True)
class Took:
    """Seconds by the clock, CPU seconds of the first process and of its workers, megabytes at most of each."""

    wall: float
    own: float
    workers: float
    own_mb: float
    worker_mb: float
    report: dict[str, object]

    @property
    def serial(self) -> float:
        """The share of the CPU time that no worker can take."""
        return self.own / (self.own + self.workers) if self.workers else 1.0

    def __str__(self) -> str:
        return (
            f"{self.wall:.1f} s by the clock, CPU {self.own:.1f} s here and {self.workers:.1f} s by workers, "
            f"at most {self.own_mb:.0f} MB here and {self.worker_mb:.0f} MB a worker"
        )


def main(data: Path, bars: Bars, quick: bool, parts: Sequence[str]) -> None:
    with scratch() as place:
        folder = Path(place)
        (folder / "told.py").write_text(TOLD)
        if "index" in parts:
            index(data, folder, bars, quick)
        if "queries" in parts:
            queries(data, folder, bars, quick)
        if "train" in parts:
            train(data, folder, bars, quick)
        if "rebuild" in parts:
            rebuild(data, folder, bars, quick)
        if "fold" in parts:
            fold(folder, bars, 20_000 if quick else 1_000_000)
        if "cluster" in parts:
            cluster(folder, bars, 20_000 if quick else int(os.environ.get("LTRR_EVENTS", "1000000")))


def took(folder: Path, home: Path, method: str, *args: str, **options: object) -> Took:
    """Run a method in a process of its own."""
    given = json.dumps({"args": [list(args)] if method in ("index", "ingest") else args, "options": options})
    command = [sys.executable, folder / "told.py", home, method, given]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    said = json.loads(done.stdout)
    return Took(said["wall"], *said["cpu"], *said["memory"], said["report"])


def compared(name: str, here: Took, there: Took, bars: Bars, *, beside: bool = False) -> None:
    """Print and judge what two workers bring; beside -- the first process is one of the two, and works all the time."""
    share, load = there.serial, os.getloadavg()[0] / (os.cpu_count() or 1)
    print(f"{name}, local: {here}\n{name}, processes=2: {there}")
    most = here.own / there.own if beside else 1 / (share + (1 - share) / NODES)
    print(f"{name}, serial share {share:.2f}: {NODES} nodes bring at most {most:.1f} times")
    path = max(there.own, there.workers) if beside else there.own + there.workers / 2
    print(f"{name}: CPU of the longest way {path:.1f} s: {here.own / path:.2f} times as quick where two cores are free")
    if load > LOADED:
        bars.skipped(f"{name}: wall of local over processes=2", f"{here.wall / there.wall:.2f}, load {load:.1f} a core")
    else:
        bars.at_least(f"{name}: wall of local over processes=2", here.wall / there.wall, GOAL)


def index(data: Path, folder: Path, bars: Bars, quick: bool) -> None:
    """Index with a cold cache of vectors, once here and once by two workers; the parts must be equal."""
    source = data / ("cranfield" if quick else "hetrec") / "catalog.jsonl.gz"
    pulled = Path(os.environ.get("LTRR_CACHE", "")) / "encoders"
    encoder = "minilm" if os.environ.get("LTRR_CACHE") and (pulled / "minilm").is_dir() else "catalog"
    found, digests = [], []
    for engine in ("local", "processes=2"):
        home = folder / f"index-{engine}"
        cold = folder / f"cache-{engine}"
        if encoder == "minilm":
            shutil.copytree(pulled, cold / "encoders")
        os.environ["LTRR_CACHE"], kept = str(cold), os.environ.get("LTRR_CACHE", "")
        found.append(took(folder, home, "index", str(source), encoder=encoder, engine=engine))
        os.environ["LTRR_CACHE"] = kept
        digests.append(digest(home / "catalog" / "0001"))
        print(f"index, {engine}: seconds {found[-1].report['seconds']}")
    compared(f"index of {source.parent.name}, {encoder}", *found, bars)
    bars.at_least("index: parts that are equal", float(digests[0] == digests[1]), 1.0)


def queries(data: Path, folder: Path, bars: Bars, quick: bool) -> None:
    """Answer the titles of a catalog, once here and once by two workers."""
    home, source = folder / "queries", data / "hetrec" / "catalog.jsonl.gz"
    took(folder, home, "index", str(source))
    with gzip.open(source, "rt") as lines:
        titles = [json.loads(line)["title"] for line, _ in zip(lines, range(200 if quick else 2_000), strict=False)]
    asked = folder / "queries.jsonl"
    asked.write_text("".join(json.dumps({"query_id": f"q{n}", "text": one}) + "\n" for n, one in enumerate(titles)))
    runs = [folder / f"{name}.trec" for name in ("here", "there")]
    found = [
        took(folder, home, "query_batch", str(asked), str(out), engine=engine)
        for out, engine in zip(runs, ("local", "processes=2"), strict=True)
    ]
    compared(f"{len(titles):,} queries", *found, bars)
    bars.at_least("queries: runs that are equal", float(runs[0].read_bytes() == runs[1].read_bytes()), 1.0)


def fed(data: Path, folder: Path, quick: bool) -> Path:
    """Return a workspace that has learnt from a shop's imported searches."""
    home, log = folder / "fed", folder / "log.jsonl"
    if not home.exists():
        with gzip.open(data / "bestbuy_xbox" / "events_fit.jsonl.gz", "rt") as lines:
            log.write_text("".join(list(lines)[: 2_000 if quick else None]))
        took(folder, home, "index", str(data / "bestbuy_xbox" / "catalog.jsonl.gz"))
        took(folder, home, "ingest", str(log))
    return home


def rebuild(data: Path, folder: Path, bars: Bars, quick: bool) -> None:
    """Fold a shop's imported searches again, in turn here and by two processes, of which the first is one."""
    home, engines = fed(data, folder, quick), ("local", "processes=2")
    pairs = [[took(folder, home, "rebuild", engine=engine) for engine in engines] for _ in range(1 if quick else TURNS)]
    for here, there in pairs:
        print(f"rebuild, CPU: local {here.own:.1f} s; processes=2 {there.own:.1f} s and {there.workers:.1f} s")
    middle = [sorted(some, key=lambda one: one.own + one.workers)[len(some) // 2] for some in zip(*pairs, strict=True)]
    compared(f"rebuild of {middle[0].report['events']:,} events", *middle, bars, beside=True)
    same = all(bool(one.report["same"]) for pair in pairs for one in pair)
    bars.at_least("rebuild: equal to what was there", float(same), 1.0)


def train(data: Path, folder: Path, bars: Bars, quick: bool) -> None:
    """Train a ranker on searches that nobody answered yet, once here and once by two workers."""
    home = fed(data, folder, quick)
    found, models = [], []
    for engine in ("local", "processes=2"):
        copy = folder / f"train-{engine}"
        shutil.copytree(home, copy)
        found.append(took(folder, copy, "train", algorithm="linear", engine=engine))
        models.append((copy / "models" / "0001" / "model.npz").read_bytes())
    compared(f"training on {found[0].report['searches']:,} searches", *found, bars)
    bars.at_least("training: models that are equal", float(models[0] == models[1]), 1.0)


def fold(folder: Path, bars: Bars, count: int) -> None:
    """Ingest invented clicks and fold all of them again."""
    home = folder / "fold"
    taken = invented(folder, home, count)
    again, there = (took(folder, home, "rebuild", engine=engine) for engine in ("local", "processes=2"))
    print(f"ingest of {count:,} clicks: {taken}\nfold: {1e6 * again.own / count:.0f} us a click")
    compared(f"fold of {count:,} clicks", again, there, bars, beside=True)
    for one in (again, there):
        bars.at_least("fold: what it came to before", float(bool(one.report["same"])), 1.0)


def cluster(folder: Path, bars: Bars, count: int) -> None:
    """Fold invented clicks by two processes, and by three nodes of a cluster once it is up."""
    from tests.engine.ray_nodes import TOKEN, raylets

    home, name = folder / "cluster", f"fold of {count:,} clicks"
    print(f"ingest of {count:,} clicks: {invented(folder, home, count)}", flush=True)
    two = took(folder, home, "rebuild", engine="processes=2")
    print(f"{name}, processes=2: {two}", flush=True)
    os.environ.update(TOKEN)
    with raylets(3, folder) as nodes:
        meter = Meter()
        three = took(folder, home, "rebuild", engine=nodes.address)
        three = replace(three, **meter.read())
    print(f"{name}, three nodes: {three}")
    print(f"{name}, serial share {three.serial:.2f} of three nodes, {two.serial:.2f} of two processes")
    print(f"{name}: without what workers do this process needs {three.own:.1f} s: so would ten nodes")
    bars.at_most(f"{name}: wall of three nodes over two processes", three.wall / two.wall, AS_LONG)
    cpu = (three.own + three.workers) / (two.own + two.workers)
    bars.at_most(f"{name}: CPU of three nodes over two processes", cpu, AS_LONG)
    for one in (two, three):
        bars.at_least(f"{name}: what it came to before", float(bool(one.report["same"])), 1.0)


class Meter:
    """What workers of Ray on this machine take, looked at now and then until it is read."""

    def __init__(self) -> None:
        self._cpu: dict[str, float] = {}
        self._mb: dict[str, float] = {}
        self._before = self._look()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def read(self) -> dict[str, float]:
        """Return CPU seconds of all of them since the beginning, and megabytes at most of one."""
        self._look()
        self._end.set()
        self._thread.join()
        workers = sum(cpu - self._before.get(pid, 0.0) for pid, cpu in self._cpu.items())
        return {"workers": workers, "worker_mb": max(self._mb.values(), default=0.0)}

    def _watch(self) -> None:
        while not self._end.wait(1.0):
            self._look()

    def _look(self) -> dict[str, float]:
        for folder in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                if not (folder / "cmdline").read_bytes().startswith(b"ray::"):
                    continue
                ticks = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
                self._cpu[folder.name] = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
                most = (folder / "status").read_text().partition("VmHWM:")[2].split(maxsplit=1)[0]
                self._mb[folder.name] = int(most) / 1024
        return dict(self._cpu)


def invented(folder: Path, home: Path, count: int) -> Took:
    """Index an invented catalog and ingest so many clicks; return what the latter took."""
    chance = random.Random(1)
    catalog, log = folder / "catalog.jsonl", folder / "clicks.jsonl"
    catalog.write_text("".join(json.dumps({"id": f"e{n}", "title": f"thing {n} of many"}) + "\n" for n in range(5_000)))
    with log.open("w") as out:
        for number in range(count):
            line = {"event": "click", "timestamp": 1_700_000_000_000 + number * 1_000, "user_id": f"u{number % 5_003}",
                    "entity_id": f"e{min(int(chance.paretovariate(0.6)), 4_999)}",
                    "query": f"words {int(chance.paretovariate(0.7)) % 20_000}"}  # fmt: skip
            if number % SEARCHED == 0:
                line["event"], line["clicked"] = "search", [line.pop("entity_id")]
            out.write(json.dumps(line) + "\n")
    took(folder, home, "index", str(catalog))
    return took(folder, home, "ingest", str(log), engine="processes=2")


def digest(folder: Path) -> str:
    """Return a digest of a generation; what the full text names by chance aside."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if "fulltext" not in path.parts and path.name != "MANIFEST.json":
            total.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return total.hexdigest()


if __name__ == "__main__":
    run(main, __doc__ or "", PARTS)
