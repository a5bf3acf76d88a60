"""How long everything takes, in CPU seconds of one thread, beside what the bare libraries below would take.

python benchmarks/speed.py DATA [--json FILE] [--quick]

Every figure is of a process of its own; a command's is what the operating system counted for it and its children.
A machine that others use too takes up to twice as long, so look at the ratios: the bare calls run between the others.
What deciding costs beside Vowpal Wabbit is in allocation.py, what training a ranker costs beside LightGBM in ranker.py.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import hnswlib
import numpy as np
import tantivy
from _common import Bars, run, scratch
from threadpoolctl import threadpool_limits

from ltrr_cli.catalog.sample import sample_path
from ltrr_cli.core.types import Context
from ltrr_cli.engine.search import answer
from ltrr_cli.workspace.workspace import Workspace

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
SIZE, DEPTH = 256, 200  # numbers of a vector; candidates asked for
ASKED, ROUNDS = 200, 3  # queries; the quickest of so many answers to each counts
COPIED = 200_000  # entities of the largest catalog, made of another's with numbers of their own
REPEATED = 3  # of commands that take a second

GOALS = {  # entities -> (index, of it known items, a warm query's median in ms), in CPU seconds
    "sample": (6.0, 2.5, 4.0),
    "hetrec": (14.0, 3.0, 4.0),
    "retrotech": (55.0, 6.0, 5.0),
    "copied": (230.0, 10.0, 7.0),
}


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds of CPU and by the clock, and its ``--json`` document where it prints one."""

    cpu: float
    wall: float
    report: dict[str, object]


def main(data: Path, bars: Bars, quick: bool) -> None:
    sizes: list[tuple[int, float]] = []
    with scratch() as place, threadpool_limits(1):
        folder = Path(place)
        sample = sample_path("catalog.jsonl.gz")
        feedback(folder, indexed("sample", sample, folder, bars, sizes), bars)
        for name in ("hetrec", "retrotech"):
            catalog = data / name / "catalog.jsonl.gz"
            if not catalog.exists() or (quick and name == "retrotech"):
                bars.skipped(f"index {name}", "--quick" if catalog.exists() else f"{name} absent")
                continue
            home = indexed(name, catalog, folder, bars, sizes)
            if name == "hetrec":
                took = command("ingest-feedback", data / name / "events_fit.jsonl.gz", "--home", home)
                bars.at_most("ingest-feedback, hetrec's 146,003 events, CPU s", took.cpu, 20.0)
        if quick or not (data / "retrotech").is_dir():
            bars.skipped("index copied", "--quick or retrotech absent")
        else:
            indexed("copied", copied(data / "retrotech" / "catalog.jsonl.gz", folder), folder, bars, sizes)
    if len(sizes) > 1:
        (few, quick_s), (many, slow_s) = sizes[0], sizes[-1]
        exponent = float(np.log(slow_s / quick_s) / np.log(many / few))
        bars.at_most(f"index grows by its size to the power of ({few:,} to {many:,})", exponent, 1.1)


def indexed(name: str, catalog: Path, folder: Path, bars: Bars, sizes: list[tuple[int, float]]) -> Path:
    """Index a catalog, ask it, and do the same with bare calls; return the workspace."""
    home, (goal, known_goal, warm_goal) = folder / name, GOALS[name]
    took = command("index", catalog, "--home", home)
    entities = int(str(took.report["entities"]))
    sizes.append((entities, took.cpu))
    bars.at_most(f"index {name}, {entities:,} entities, CPU s", took.cpu, goal)
    known = dict(took.report["seconds"]).get("known_items", 0.0)  # type: ignore[call-overload]
    bars.at_most(f"  of it known items {name}, s", known * took.cpu / took.wall, known_goal)
    warm = asked(home, texts(catalog))
    bare = Bare(catalog, folder / f"{name}-bare")
    bars.at_most(f"index {name} / tantivy + SVD + hnswlib", took.cpu / bare.built, 2.0)
    bars.at_most(f"warm query {name}, median of CPU ms", float(np.median(warm)), warm_goal)
    bars.at_most(f"warm query {name}, 99 % / median", float(np.percentile(warm, 99) / np.median(warm)), 3.0)
    single = np.array([bare.asked(text) for text in texts(catalog)])
    print(f"warm query {name} / bare calls ({np.median(single):.2f} ms): {np.median(warm) / np.median(single):.1f}")
    if name in ("sample", "retrotech"):
        question = ["query", "love", "--home", home, "--no-log"]
        bars.at_most(f"cold query {name}, CPU s", repeated(*question), 0.6 if name == "sample" else 0.9)
    return home


def feedback(folder: Path, home: Path, bars: Bars) -> None:
    """What everything else costs that a newcomer meets, on the sample."""
    bars.at_most("status, CPU s", repeated("status", "--home", home), 0.3)
    bars.at_most("--help, CPU s", repeated("--help"), 0.2)
    took = command("ingest-feedback", sample_path("feedback.jsonl.gz"), "--home", home)
    bars.at_most("ingest-feedback, sample, CPU s", took.cpu, 4.0)
    bars.at_most("train-ranker, sample, CPU s", command("train-ranker", "--home", home).cpu, 15.0)
    demo = command("demo", "--home", folder / "demo", json_wanted=False)
    bars.at_most("demo, s", demo.wall, 20.0)
    bars.at_most("demo, CPU s", demo.cpu, 30.0)


def command(*words: str | Path, json_wanted: bool = True) -> Cost:
    """Run one command in a process of its own."""
    line = [sys.executable, "-m", "ltrr_cli", *map(str, words), *(["--json"] if json_wanted else [])]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=os.environ | ONE_THREAD)
    wall, after = perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"ltrr {' '.join(map(str, words))}: exit {done.returncode}\n{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall, json.loads(done.stdout) if json_wanted else {})


def repeated(*words: str | Path) -> float:
    """Return the least CPU seconds of a short command."""
    return min(command(*words, json_wanted=False).cpu for _ in range(REPEATED))


def asked(home: Path, questions: list[str]) -> np.ndarray:
    """Return (n,) CPU milliseconds of one thread, the least of some answers to each question."""
    snapshot = Workspace(home).state.snapshot()
    took = np.full((ROUNDS, len(questions)), np.inf)
    for round_ in range(ROUNDS):
        for number, text in enumerate(questions):
            start = process_time()
            answer(snapshot, text, Context(snapshot.clock_ms), k=10, budget=DEPTH, seed=number)
            took[round_, number] = process_time() - start
    return took.min(axis=0) * 1e3


class Bare:
    """The libraries alone: one field of full text, a TF-IDF projected to 256 numbers, a graph of these."""

    def __init__(self, catalog: Path, folder: Path) -> None:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        folder.mkdir()
        start = process_time()
        documents = [" ".join(_strings(line)) for line in lines(catalog)]
        schema = tantivy.SchemaBuilder().add_text_field("all", tokenizer_name="en_stem").build()
        index = tantivy.Index(schema, str(folder))
        writer = index.writer(heap_size=100_000_000, num_threads=1)
        for document in documents:
            writer.add_document(tantivy.Document(all=document))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._index, self._searcher = index, index.searcher()
        self._terms = TfidfVectorizer(sublinear_tf=True, min_df=2)
        weights = self._terms.fit_transform(documents)
        self._svd = TruncatedSVD(min(SIZE, weights.shape[1] - 1), n_iter=4, random_state=0)
        vectors = self._svd.fit_transform(weights).astype(np.float32)
        self._graph = hnswlib.Index("cosine", vectors.shape[1])
        self._graph.init_index(len(vectors), M=16, ef_construction=100)
        self._graph.add_items(vectors, num_threads=1)
        self._graph.set_ef(DEPTH)
        self.built = process_time() - start  # CPU seconds

    def asked(self, text: str) -> float:
        """Return CPU milliseconds of both lists."""
        start = process_time()
        words = "".join(letter if letter.isalnum() else " " for letter in text)
        if words.strip():
            self._searcher.search(self._index.parse_query(words, ["all"]), DEPTH)
        vector = self._svd.transform(self._terms.transform([text]))
        with suppress(RuntimeError):  # many equal vectors can leave fewer within reach: it has searched all the same
            self._graph.knn_query(vector, k=DEPTH, num_threads=1)
        return (process_time() - start) * 1e3


def texts(catalog: Path) -> list[str]:
    """Return what is asked: beginnings of titles, spread over the catalog."""
    titles = [str(line.get("title") or "") for line in lines(catalog)]
    step = max(len(titles) // ASKED, 1)
    return [" ".join(title.split()[: 2 + place % 3]) for place, title in enumerate(titles[::step][:ASKED])]


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


def copied(catalog: Path, folder: Path) -> Path:
    """Write a catalog of 200,000 entities: the same over and over, with ids and numbers in titles of their own."""
    path, given = folder / "copied.jsonl.gz", lines(catalog)
    with gzip.open(path, "wt", compresslevel=1) as out:
        for number in range(COPIED):
            line, copy = given[number % len(given)], number // len(given)
            own = {"id": f"{line['id']}-{copy}", "title": f"{line['title']} {copy}"} if copy else {}
            out.write(json.dumps({**line, **own}) + "\n")
    return path


if __name__ == "__main__":
    run(main, __doc__.splitlines()[0])
