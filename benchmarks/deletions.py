"""What is left of what was learnt when a fifth of the artists that people chose leave the catalog?

Two ways to lose a fifth: any of them, or all that were chosen for some topics, of which nothing is remembered then but
what they were like. Pages are judged on the artists that are left, in three states: all artists are there but those
that will go are not shown; the fifth is deleted and what it was like is forgotten; it is deleted and remembered. The
last column judges the same pages on all artists, gone or not: what is gone can be shown by nobody.

    python benchmarks/deletions.py DATA [--quick]

quick -- the topics that lose everything alone
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path

from _common import Bars, ltrr, run, scratch

import ltrr_cli
from ltrr_cli.core.types import Context
from ltrr_cli.engine.search import answer
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.evaluation.metrics import measure
from ltrr_cli.feedback.judgments import read_qrels

SHARE = 5  # one in so many chosen artists goes
MOST_CHOSEN = 150  # artists that a topic which loses everything may have had
MEASURES = ("nDCG@10", "R@50")
STATES = ("all there, not shown", "deleted, forgotten", "deleted, remembered")

Judgments = Mapping[str, Mapping[str, int]]
Figures = Mapping[str, Mapping[str, float]]  # state -> measure -> mean


def chosen_for(data: Path) -> dict[str, Counter[str]]:
    """Return query -> artist -> choices of the log."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    with gzip.open(data / "events_fit.jsonl.gz", "rt", encoding="utf-8") as log:
        for search in map(json.loads, log):
            found[search["query"].lower()].update(search["clicked"])
    return found


def any_of(chosen: Collection[str]) -> set[str]:
    """Return a fifth of the chosen artists."""
    return set(random.Random(0).sample(sorted(chosen), len(chosen) // SHARE))


def of_topics(
    topics: Mapping[str, str], chosen: Mapping[str, Counter[str]], judged: Judgments, most: int
) -> tuple[set[str], list[str]]:
    """Return (artists, topics): all that was chosen for some topics, at most so many; others are wanted there too."""
    gone: set[str] = set()
    names: list[str] = []
    order = list(topics)
    random.Random(1).shuffle(order)
    for name in order:
        mine = set(chosen.get(topics[name].lower(), ()))
        if len(mine) > MOST_CHOSEN or not set(judged[name]) - gone - mine:
            continue
        if len(gone | mine) > most:
            break
        gone |= mine
        names.append(name)
    return gone, names


def figures(
    snapshot: Snapshot, topics: Mapping[str, str], left: Judgments, judged: Judgments, hidden: Collection[str]
) -> dict[str, float]:
    """Return measure -> mean."""
    pages = {}
    for name, text in topics.items():
        found = answer(snapshot, text, Context(snapshot.clock_ms), k=50, budget=200, explore=False, hidden=hidden)
        pages[name] = [snapshot.catalog.ids[int(found.candidates.rows[place])] for place in found.page.tolist()]
    whole = measure(pages, {name: judged[name] for name in pages}, MEASURES[:1])
    return dict(measure(pages, left, MEASURES)) | {f"{name} of all": value for name, value in whole.items()}


def states(home: Path, folder: Path, gone: Collection[str], topics: Mapping[str, str], judged: Judgments) -> Figures:
    """Delete artists in a copy of a workspace, and return the figures of all three states."""
    left = {name: {one: grade for one, grade in judged[name].items() if one not in gone} for name in topics}
    asked = {name: text for name, text in topics.items() if any(left[name].values())}
    left = {name: left[name] for name in asked}
    found = {STATES[0]: figures(ltrr_cli.open(home).state.snapshot(), asked, left, judged, gone)}
    copy, ids = folder / "deleted", folder / "gone.txt"
    shutil.copytree(home, copy)
    ids.write_text("".join(f"{one}\n" for one in sorted(gone)), "utf-8")
    ltrr("index", "--update", "--delete", ids, "--home", copy)
    snapshot = ltrr_cli.open(copy).state.snapshot()
    found[STATES[2]] = figures(snapshot, asked, left, judged, ())
    snapshot.strategies["memory"].join({})  # nobody knows any more what is gone
    found[STATES[1]] = figures(snapshot, asked, left, judged, ())
    shutil.rmtree(copy)
    return found


def main(data: Path, bars: Bars, quick: bool) -> None:
    hetrec = data / "hetrec"
    if not hetrec.is_dir():
        bars.skipped("deletions", "no hetrec here")
        return
    lines = (hetrec / "queries_topic.jsonl").read_text("utf-8").splitlines()
    topics = {query["query_id"]: query["text"] for query in map(json.loads, lines)}
    judged, chosen = read_qrels(hetrec / "qrels_topic.tsv"), chosen_for(hetrec)
    everybody = {one for artists in chosen.values() for one in artists}
    gone, losing = of_topics(topics, chosen, judged, len(everybody) // SHARE)
    with scratch() as folder:
        home = Path(folder) / "home"
        ltrr("index", hetrec / "catalog.jsonl.gz", "--home", home)
        ltrr("ingest-feedback", hetrec / "events_fit.jsonl.gz", "--home", home)
        some = {name: topics[name] for name in losing}
        print(f"all that was chosen for {len(some)} topics: {len(gone)} of {len(everybody)} chosen artists")
        of_some = states(home, Path(folder), gone, some, judged)
        show(of_some)
        if not quick:
            print(f"any fifth of the chosen artists, {len(topics)} topics")
            of_any = states(home, Path(folder), any_of(everybody), topics, judged)
            show(of_any)
    tried = {"topics that lose everything": (of_some, 1.1)} | ({} if quick else {"any fifth": (of_any, 0.99)})
    for what, (of, goal) in tried.items():
        whole, forgotten, kept = (of[state]["nDCG@10"] for state in STATES)
        bars.at_least(f"{what}, nDCG@10: remembered over forgotten", kept / forgotten, goal)
        bars.at_least(f"{what}, nDCG@10: kept of the loss, over half", kept - (whole + forgotten) / 2, 0.0)


def show(found: Figures) -> None:
    for state in STATES:
        print(f"  {state:24s}" + "  ".join(f"{name} {value:.4f}" for name, value in found[state].items()))


if __name__ == "__main__":
    run(main, __doc__ or "")
