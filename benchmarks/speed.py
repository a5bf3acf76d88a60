"""How long everything takes, in CPU seconds of one thread, beside what bare libraries and others take for the same.

python benchmarks/speed.py DATA [--part sample --part hetrec ...] [--json FILE] [--quick]

A command runs in a process of its own; its figure is what the operating system counted. A machine that others use too
takes up to twice as long, so look at the ratios: bare calls and peers (LanceDB, bm25s, Vowpal Wabbit, LightGBM, each
where it is installed) run between the others, in the same minutes.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from _common import Bars, fastest, run, scratch
from _peers import DEPTH, peers_of
from threadpoolctl import threadpool_limits

from ltrr_cli.catalog.sample import sample_path
from ltrr_cli.core.types import Context
from ltrr_cli.engine.search import answer
from ltrr_cli.workspace.workspace import Workspace

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "RAYON")}
ASKED, ROUNDS = 200, 3  # queries; the quickest of so many answers to each counts
REPEATED = 3  # of commands that take a second
PARTS = ("sample", "hetrec", "retrotech", "copied", "million", "deciding", "ranking")
SLOW = ("retrotech", "copied", "million")  # parts that --quick leaves out
COPIES = {"copied": 200_000, "million": 1_000_000}  # entities, made of another catalog's with numbers of their own


@dataclass(frozen=True)
class Goals:
    """CPU seconds of an index, of its known items, milliseconds of a warm query, seconds of a cold one."""

    index: float
    known: float
    warm: float
    cold: float | None = None


GOALS = {
    "sample": Goals(6.0, 2.5, 4.0, 0.6),
    "hetrec": Goals(14.0, 3.0, 4.0),
    "retrotech": Goals(55.0, 6.0, 5.0, 0.9),
    "copied": Goals(230.0, 10.0, 7.0),
    "million": Goals(1_500.0, 10.0, 12.0),
}
MOST_MEMORY = 4_096.0  # MB, of the largest index


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds of CPU and by the clock, MB at its peak, and what ``--json`` printed."""

    cpu: float
    wall: float
    peak: float
    report: dict[str, object]


@dataclass
class Speed:
    """The benchmark as it goes on: the bars, the table, and index times by size."""

    data: Path
    folder: Path
    bars: Bars
    rows: list[tuple[str, ...]] = field(default_factory=list)
    sizes: list[tuple[int, float]] = field(default_factory=list)

    def row(self, what: str, ours: float, wall: float | None, others: Sequence[tuple[str, float]]) -> None:
        """Add a line to the table: ours, and others' with how many times as much ours is."""
        beside = "; ".join(f"{name} {value:.3g} ({ours / value:.1f}x)" for name, value in others if value > 0)
        self.rows.append((what, f"{ours:.4g}", "" if wall is None else f"{wall:.4g}", beside))
        print("\t".join(self.rows[-1]), flush=True)

    def table(self) -> None:
        """Print the lines as a Markdown table, and how an index grows."""
        print("\n| | CPU | clock | others in the same run (ours over theirs) |\n|---|---|---|---|")
        for line in self.rows:
            print("| " + " | ".join(line) + " |")
        for (few, quick), (many, slow) in zip(self.sizes, self.sizes[1:], strict=False):
            exponent = float(np.log(slow / quick) / np.log(many / few))
            self.bars.at_most(f"index grows by its size to the power of, {few:,} to {many:,}", exponent, 1.1)


def main(data: Path, bars: Bars, quick: bool, parts: Sequence[str]) -> None:
    with scratch() as place, threadpool_limits(1):
        speed = Speed(data, Path(place), bars)
        for name in parts:
            catalog = catalog_of(name, speed)
            if name in ("deciding", "ranking"):
                {"deciding": deciding, "ranking": ranking}[name](speed)
            elif (quick and name in SLOW) or catalog is None:
                bars.skipped(name, "its data are absent" if catalog is None else "--quick")
            else:
                home = indexed(name, catalog, speed)
                if name == "sample":
                    commands(home, speed)
                elif name == "hetrec":
                    took = command("ingest-feedback", data / name / "events_fit.jsonl.gz", "--home", home)
                    speed.row("ingest-feedback, hetrec's 146,003 events, s", took.cpu, took.wall, ())
                    bars.at_most("ingest-feedback, hetrec's 146,003 events, CPU s", took.cpu, 20.0)
        speed.table()


def catalog_of(name: str, speed: Speed) -> Path | None:
    """Return a part's catalog, where there is one; copies are written when they are wanted."""
    if name == "sample":
        return sample_path("catalog.jsonl.gz")
    source = speed.data / ("retrotech" if name in COPIES else name) / "catalog.jsonl.gz"
    if not source.exists():
        return None
    return copied(source, speed.folder, COPIES[name]) if name in COPIES else source


def indexed(name: str, catalog: Path, speed: Speed) -> Path:
    """Index a catalog, ask it, and have others do the same; return the workspace."""
    bars, goals, home = speed.bars, GOALS[name], speed.folder / name
    took = command("index", catalog, "--home", home)
    entities = int(str(took.report["entities"]))
    speed.sizes.append((entities, took.cpu))
    peers = [] if name == "million" else peers_of(documents(catalog), speed.folder / f"{name}-others")
    size = f"{entities:,} entities"
    speed.row(f"index, {size}, s", took.cpu, took.wall, [(peer.name, peer.built) for peer in peers])
    bars.at_most(f"index {name}, {size}, CPU s", took.cpu, goals.index)
    bars.at_most(f"index {name}, peak memory, MB", took.peak, MOST_MEMORY)
    seconds = took.report["seconds"]
    known = seconds.get("known_items", 0.0) * took.cpu / took.wall if isinstance(seconds, dict) else 0.0
    speed.row(f"of it known items, {size}, s", known, None, ())
    bars.at_most(f"of it known items {name}, CPU s", known, goals.known)
    for peer in peers[:1]:
        bars.at_most(f"index {name} over the bare calls", took.cpu / peer.built, 2.0)
    asked_for = questions(catalog)
    first, again = asked(home, asked_for)
    beside = [(peer.name, float(np.median([peer.asked(text) for text in asked_for]))) for peer in peers]
    speed.row(f"query, first asking, {size}, median ms", float(np.median(first)), None, beside)
    speed.row(f"query, 99 %, {size}, ms", float(np.percentile(first, 99)), None, ())
    speed.row(f"query, asked again, {size}, median ms", float(np.median(again)), None, beside)
    bars.at_most(f"query {name}, first asking, median of CPU ms", float(np.median(first)), goals.warm)
    bars.at_most(f"query {name}, 99 % over the median", float(np.percentile(first, 99) / np.median(first)), 3.0)
    if goals.cold is not None:
        cold = repeated("query", "love", "--home", home, "--no-log")
        speed.row(f"`ltrr query` from the shell, {size}, s", cold.cpu, cold.wall, ())
        bars.at_most(f"cold query {name}, CPU s", cold.cpu, goals.cold)
    return home


def commands(home: Path, speed: Speed) -> None:
    """What everything else costs that a newcomer meets, on the sample."""
    for goal, words in ((0.3, ("status", "--home", home)), (0.2, ("--help",))):
        took = repeated(*words)
        speed.row(f"`ltrr {words[0]}`, s", took.cpu, took.wall, ())
        speed.bars.at_most(f"{words[0]}, CPU s", took.cpu, goal)
    log = sample_path("feedback.jsonl.gz")
    for goal, words in ((4.0, ("ingest-feedback", log, "--home", home)), (15.0, ("train-ranker", "--home", home))):
        took = command(*words)
        speed.row(f"`ltrr {words[0]}`, sample, s", took.cpu, took.wall, ())
        speed.bars.at_most(f"{words[0]}, sample, CPU s", took.cpu, goal)
    demo = command("demo", "--home", speed.folder / "demo", json_wanted=False)
    speed.row("`ltrr demo`, s", demo.cpu, demo.wall, ())
    speed.bars.at_most("demo, s by the clock", demo.wall, 20.0)
    speed.bars.at_most("demo, CPU s", demo.cpu, 30.0)


def deciding(speed: Speed) -> None:
    """A decision and an update of the bandit at 12 strategies, and Vowpal Wabbit's over 80 allocations."""
    from allocation import twelve

    decide, update = twelve()
    theirs = vowpal_wabbit() if find_spec("vowpalwabbit") else None
    if theirs is None:
        speed.bars.skipped("Vowpal Wabbit", "vowpalwabbit is not installed")
    for place, (what, ours) in enumerate((("decide", decide), ("learn", update))):
        beside = [("Vowpal Wabbit, 80 allocations", theirs[place])] if theirs else []
        speed.row(f"bandit, {what}, 12 strategies, median ms", ours, None, beside)
        speed.bars.at_most(f"bandit, {what}, 12 strategies, CPU ms", ours, 0.5)


def vowpal_wabbit(searches: int = 300) -> tuple[float, float]:
    """Return (decide, learn): median CPU milliseconds of Vowpal Wabbit over 80 allocations of 12 strategies."""
    from ltrr_cli.allocation.policy import BanditContext
    from ltrr_cli.evaluation.vowpal import Vowpal

    chance, policy = np.random.default_rng(0), Vowpal(80, "squarecb", 0)
    arms, took = tuple(f"s{place}" for place in range(12)), []
    for number in range(searches):
        features = np.r_[1.0, chance.normal(size=37)].astype(np.float32)
        bandit_context = BanditContext(arms, 50, features, number, past=chance.random((12, 4)).astype(np.float32))
        start = process_time()
        menu = policy.menu(bandit_context)
        middle = process_time()
        policy.told(bandit_context, 0, float(menu.odds[0]), None)
        took.append((middle - start, process_time() - middle))
    decide, learn = np.median(took, axis=0) * 1e3
    return float(decide), float(learn)


def ranking(speed: Speed) -> None:
    """Fitting a LambdaMART on 10,000 x 40 and scoring 200 candidates, and LightGBM's the same."""
    from ranker import fit, lightgbm, peer, schema_of, synthetic

    examples = synthetic(10_000, 40)
    lines = examples.features[:200].copy()
    schema = schema_of(examples)
    ours = fastest(lambda: fit(examples, schema, "lambdamart"), 2, process_time)
    trained = fit(examples, schema, "lambdamart")
    scored = fastest(lambda: trained.score(lines), 200, process_time)
    fits, scores = [], []
    if lightgbm is None:
        speed.bars.skipped("LightGBM", "lightgbm is not installed")
    else:
        booster = peer(examples)
        fits = [("LightGBM", fastest(lambda: peer(examples), 2, process_time) / 1e3)]
        scores = [("LightGBM", fastest(lambda: booster(lines), 100, process_time))]
        speed.bars.at_most("fitting a LambdaMART over LightGBM", ours / 1e3 / fits[0][1], 8.0)
        speed.bars.at_most("scoring 200 candidates over LightGBM", scored / scores[0][1], 1.0)
    speed.row("LambdaMART, fit 10,000 x 40, s", ours / 1e3, None, fits)
    speed.row("LambdaMART, score 200 candidates, ms", scored, None, scores)


def command(*words: str | Path, json_wanted: bool = True) -> Cost:
    """Run one command in a process of its own."""
    line = [sys.executable, "-m", "ltrr_cli", *map(str, words), *(["--json"] if json_wanted else [])]
    start = perf_counter()
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(line, stdout=printed, stderr=said, env=os.environ | ONE_THREAD)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = perf_counter() - start
        printed.seek(0)
        said.seek(0)
        if process.returncode:
            raise SystemExit(f"ltrr {' '.join(map(str, words))}: exit {process.returncode}\n{said.read()}")
        report = json.load(printed) if json_wanted else {}
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, report)


def repeated(*words: str | Path) -> Cost:
    """Return what a short command takes at best."""
    return min((command(*words, json_wanted=False) for _ in range(REPEATED)), key=lambda took: took.cpu)


def asked(home: Path, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return (n,) CPU milliseconds of the first answer to each question, and of the best of the later ones."""
    snapshot = Workspace(home).state.snapshot()
    for text in texts[:: len(texts) // 10]:  # what is opened when it is first needed
        answer(snapshot, f"{text} once", Context(snapshot.clock_ms), k=10, budget=DEPTH, seed=1)
    took = np.full((ROUNDS, len(texts)), np.inf)
    for round_ in range(ROUNDS):
        for number, text in enumerate(texts):
            start = process_time()
            answer(snapshot, text, Context(snapshot.clock_ms), k=10, budget=DEPTH, seed=number)
            took[round_, number] = process_time() - start
    return took[0] * 1e3, took[1:].min(axis=0) * 1e3


def questions(catalog: Path) -> list[str]:
    """Return what is asked: beginnings of titles, spread over the catalog, each once."""
    titles = [str(line.get("title") or "") for line in lines(catalog)]
    step = max(len(titles) // ASKED, 1)
    begun = [" ".join(title.split()[: 2 + place % 3]) for place, title in enumerate(titles[::step][:ASKED])]
    return list(dict.fromkeys(filter(None, begun)))


def documents(catalog: Path) -> list[str]:
    """Return all strings of each entity as one text."""
    return [" ".join(_strings(line)) for line in lines(catalog)]


def lines(catalog: Path) -> list[dict[str, object]]:
    """Read a catalog."""
    with gzip.open(catalog, "rt") as given:
        return [json.loads(line) for line in given]


def _strings(value: object) -> list[str]:
    """Return all strings of a record."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _strings(part)]


def copied(catalog: Path, folder: Path, entities: int) -> Path:
    """Write a catalog of many entities: the same over and over, with ids and numbers in titles of their own."""
    path, given = folder / f"{entities}.jsonl.gz", lines(catalog)
    with gzip.open(path, "wt", compresslevel=1) as out:
        for number in range(entities):
            line, copy = given[number % len(given)], number // len(given)
            own = {"id": f"{line['id']}-{copy}", "title": f"{line['title']} {copy}"} if copy else {}
            out.write(json.dumps({**line, **own}) + "\n")
    return path


if __name__ == "__main__":
    run(main, __doc__.splitlines()[0], PARTS)
