"""The whole loop on real logs, through the public command line: does feedback make the answers better?

python benchmarks/loop.py DATA [--json FILE] [--quick]
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from _common import Bars, ltrr, run, scratch

from ltrr_cli.engine.judgments import read_qrels
from ltrr_cli.evaluation.metrics import ClickMeasures, measure


def main(data: Path, bars: Bars, quick: bool) -> None:
    if (data / "bestbuy_xbox").is_dir():
        shop(data / "bestbuy_xbox", bars, quick)
    else:
        bars.skipped("frozen MAP@5", "bestbuy_xbox absent")
    if (data / "hetrec").is_dir():
        topics(data / "hetrec", bars)
    else:
        bars.skipped("topic nDCG@10", "hetrec absent")


def shop(folder: Path, bars: Bars, quick: bool) -> None:
    """A shop's click stream: learnt from the fit days and frozen, then progressively."""
    with scratch() as place:
        home, queries, run_file = (Path(place, name) for name in ("home", "dev.jsonl", "dev.trec"))
        with gzip.open(folder / "events_dev.jsonl.gz", "rt") as lines:
            searches = [json.loads(line) for line in lines]
        if quick:
            searches = searches[::10]
        with queries.open("w") as out:
            for number, search in enumerate(searches):
                line = {
                    "query_id": f"d{number}",
                    "text": search["query"],
                    "user_id": search["user_id"],
                    "timestamp": search["timestamp"],
                }  # noqa: E501
                out.write(json.dumps(line) + "\n")
        print(ltrr("index", folder / "catalog.jsonl.gz", "--home", home))
        ltrr("query", "--batch", queries, "--run", run_file, "--home", home)
        before = per_click(run_file, searches)
        if not quick:
            stream = Path(place, "stream.jsonl.gz")
            stream.write_bytes(
                (folder / "events_fit.jsonl.gz").read_bytes() + (folder / "events_dev.jsonl.gz").read_bytes()
            )
            replayed = ltrr("replay", stream, "--from", searches[0]["timestamp"], "--home", home)
            print(replayed)
        print(ltrr("ingest-feedback", folder / "events_fit.jsonl.gz", "--home", home))
        ltrr("query", "--batch", queries, "--run", run_file, "--home", home)
        untrained = per_click(run_file, searches)
        print(ltrr("train-ranker", "--home", home))
        ltrr("query", "--batch", queries, "--run", run_file, "--home", home)
        after = per_click(run_file, searches)
        print(f"shop, frozen: before feedback {before:.4f}, memory and fusion {untrained:.4f}, with ranker {after:.4f}")
        bars.at_least("frozen MAP@5", after, 0.69)
        if quick:
            bars.skipped("progressive MAP@5", "--quick")
        else:
            bars.at_least("progressive MAP@5", replayed["measures"]["MAP@5"], 0.72)
        bars.at_least("shop: after above before", after - before, 0.0)


def topics(folder: Path, bars: Bars) -> None:
    """Tag acts as searches: topics judged by other users."""
    with scratch() as place:
        home, run_file = Path(place, "home"), Path(place, "topic.trec")
        print(ltrr("index", folder / "catalog.jsonl.gz", "--home", home))
        figures = {}
        for stage in ("before", "untrained", "after"):
            if stage == "untrained":
                print(ltrr("ingest-feedback", folder / "events_fit.jsonl.gz", "--home", home))
            if stage == "after":
                print(ltrr("train-ranker", "--home", home))
            for kind in ("topic", "tagvariant", "name"):
                ltrr("query", "--batch", folder / f"queries_{kind}.jsonl", "--run", run_file, "--home", home)
                figures[stage, kind] = measure(
                    read_run(run_file), read_qrels(folder / f"qrels_{kind}.tsv"), ["nDCG@10"]
                )["nDCG@10"]  # noqa: E501
        for kind in ("topic", "tagvariant", "name"):
            print(
                f"{kind}: "
                + ", ".join(f"{stage} {figures[stage, kind]:.4f}" for stage in ("before", "untrained", "after"))
            )  # noqa: E501
        bars.at_least("topic nDCG@10", figures["after", "topic"], 0.46)
        bars.at_least("topics: after above before", figures["after", "topic"] - figures["before", "topic"], 0.0)


def per_click(run_file: Path, searches: list[dict]) -> float:
    """MAP@5 per click of a run whose query ids are d0, d1, ..."""
    pages, scores = read_run(run_file), ClickMeasures()
    for number, search in enumerate(searches):
        scores.add(pages.get(f"d{number}", []), search["clicked"])
    return scores.means()["MAP@5"]


def read_run(path: Path) -> dict[str, list[str]]:
    """Read a TREC run in file order."""
    pages: dict[str, list[str]] = {}
    for line in path.read_text().split("\n"):
        if line:
            query, _, entity, *_ = line.split(" ")
            pages.setdefault(query, []).append(entity)
    return pages


if __name__ == "__main__":
    run(main, __doc__ or "")
