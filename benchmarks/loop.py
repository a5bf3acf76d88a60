"""The whole loop on real logs, through the public command line: does feedback make the answers better?

python benchmarks/loop.py DATA [--json FILE] [--quick]
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

from _common import Bars, ltrr, run, scratch

from ltrr_cli.evaluation.metrics import ClickMeasures, measure
from ltrr_cli.feedback.judgments import read_qrels

FOLDS = 5


def main(data: Path, bars: Bars, quick: bool) -> None:
    if (data / "bestbuy_xbox").is_dir():
        shop(data / "bestbuy_xbox", bars, quick)
    else:
        bars.skipped("frozen MAP@5", "bestbuy_xbox absent")
    if (data / "hetrec").is_dir():
        topics(data / "hetrec", bars)
    else:
        bars.skipped("topic nDCG@10", "hetrec absent")
    pulled = any(encoder["name"] == "minilm" for encoder in ltrr("encoder", "list")["encoders"])
    if quick or not pulled or not (data / "chorus").is_dir():
        bars.skipped("chorus nDCG@10, ranker cross-validated by query", "--quick, or chorus or minilm absent")
    else:
        judged(data / "chorus", bars)


def shop(folder: Path, bars: Bars, quick: bool) -> None:
    """A shop's click stream: learnt from the fit days and frozen, then progressively from an empty start."""
    with scratch() as place:
        home, queries, run_file = (Path(place, name) for name in ("home", "dev.jsonl", "dev.trec"))
        stream = [json.loads(line) for name in ("fit", "dev") for line in zipped(folder / f"events_{name}.jsonl.gz")]
        searches = [json.loads(line) for line in zipped(folder / "events_dev.jsonl.gz")]
        if quick:
            searches = searches[::10]
        with queries.open("w") as out:
            for number, search in enumerate(searches):
                named = {"user_id": search["user_id"], "timestamp": search["timestamp"]}
                out.write(json.dumps({"query_id": f"d{number}", "text": search["query"], **named}) + "\n")
        print(ltrr("index", folder / "catalog.jsonl.gz", "--home", home))

        def frozen(**settings: str) -> float:
            ltrr("query", "--batch", queries, "--run", run_file, "--home", home, **settings)
            return per_click(run_file, [(f"d{number}", search["clicked"]) for number, search in enumerate(searches)])

        before = frozen()
        if not quick:
            joined = Path(place, "stream.jsonl.gz")
            joined.write_bytes(b"".join((folder / f"events_{name}.jsonl.gz").read_bytes() for name in ("fit", "dev")))
            progressive(home, joined, stream, searches[0]["timestamp"], bars)
        print(ltrr("ingest-feedback", folder / "events_fit.jsonl.gz", "--home", home))
        untrained = frozen()
        print(ltrr("train-ranker", "--home", home))
        figures = {
            "before feedback": before,
            "ranker off": untrained,
            "ranker on": frozen(),
            "memory off": frozen(LTRR_RETRIEVAL__OFF='["memory"]'),
            "bandit off": frozen(LTRR_ALLOCATION__POLICY="uniform"),
        }
        print("shop, frozen: " + ", ".join(f"{name} {value:.4f}" for name, value in figures.items()))
        bars.at_least("frozen MAP@5", figures["ranker on"], 0.69)
        if quick:
            bars.skipped("progressive MAP@5", "--quick")
        bars.at_least("shop: after above before", figures["ranker on"] - before, 0.0)


def progressive(home: Path, joined: Path, stream: list[dict], since: str, bars: Bars) -> None:
    """Answer, score, learn: one replay of the whole stream from an empty start, both figures from its run."""
    run_file = home.parent / "replay.trec"
    replayed = ltrr("replay", joined, "--run", run_file, "--home", home)
    print({name: replayed[name] for name in ("measures", "seconds") if name in replayed})
    clicked = [(f"s{number:06d}", search) for number, search in enumerate(sorted(stream, key=moment))]
    whole = [(name, search["clicked"]) for name, search in clicked]
    dev = [(name, search["clicked"]) for name, search in clicked if search["timestamp"] >= since]
    bars.at_least("progressive MAP@5, dev searches", per_click(run_file, dev), 0.785)
    bars.at_least("progressive MAP@5, whole stream", per_click(run_file, whole), 0.765)


def moment(search: dict) -> str:
    """When it was asked."""
    return search["timestamp"]


def topics(folder: Path, bars: Bars) -> None:
    """Tag acts as searches: topics judged by other users, and what one user is known to like."""
    with scratch() as place:
        home, run_file = Path(place, "home"), Path(place, "topic.trec")
        print(ltrr("index", folder / "catalog.jsonl.gz", "--home", home))
        figures: dict[tuple[str, str], float] = {}
        kinds = ("topic", "tagvariant", "name")

        def answered(stage: str, *kinds: str, **settings: str) -> None:
            for kind in kinds:
                hide = ("--hide-seen",) if kind == "personal" else ()
                words = ("--batch", folder / f"queries_{kind}.jsonl", "--run", run_file, "--home", home)
                ltrr("query", *words, *hide, **settings)
                qrels = read_qrels(folder / f"qrels_{kind}.tsv")
                figures[stage, kind] = measure(read_run(run_file), qrels, ["nDCG@10"])["nDCG@10"]

        answered("before feedback", *kinds)
        print(ltrr("ingest-feedback", folder / "events_fit.jsonl.gz", "--home", home))
        answered("ranker off", *kinds)
        print(ltrr("train-ranker", "--home", home))
        answered("ranker on", *kinds)
        answered("memory off", *kinds, LTRR_RETRIEVAL__OFF='["memory"]')
        answered("bandit off", *kinds, LTRR_ALLOCATION__POLICY="uniform")
        print(ltrr("ingest-feedback", folder / "listens_fit.jsonl.gz", "--undated", "--home", home))
        answered("with listens", *kinds, "personal")
        for kind in (*kinds, "personal"):
            named = ((stage, value) for (stage, of), value in figures.items() if of == kind)
            print(f"{kind}: " + ", ".join(f"{stage} {value:.4f}" for stage, value in named))
        bars.at_least("topic nDCG@10", figures["ranker on", "topic"], 0.477)
        bars.at_least("tagvariant nDCG@10", figures["ranker on", "tagvariant"], 0.50)
        bars.at_least("personal nDCG@10", figures["with listens", "personal"], 0.45)
        gained = figures["ranker on", "topic"] - figures["before feedback", "topic"]
        bars.at_least("topics: after above before", gained, 0.0)


def judged(folder: Path, bars: Bars) -> None:
    """Products with judgments: a ranker trained on four fifths of the queries, judged on the fifth, condensed lists."""
    lines = [json.loads(line) for line in (folder / "queries.jsonl").read_text().splitlines()]
    qrels = read_qrels(folder / "qrels.tsv")
    lines = [line for line in lines if line["query_id"] in qrels]
    with scratch() as place:
        home, asked, run_file = (Path(place, name) for name in ("home", "asked.jsonl", "out.trec"))
        print(ltrr("index", folder / "catalog.jsonl.gz", "--encoder", "minilm", "--home", home))
        pages: dict[str, dict[str, list[str]]] = {"fusion": {}, "ranker": {}}
        for number in range(FOLDS):
            rest, held = (
                [line for at, line in enumerate(lines) if (at % FOLDS == number) == mine] for mine in (False, True)
            )
            for stage in pages:
                if stage == "ranker":
                    asked.write_text("".join(json.dumps(line) + "\n" for line in rest))
                    ltrr("train-ranker", "--judgments", asked, folder / "qrels.tsv", "--home", home)
                asked.write_text("".join(json.dumps(line) + "\n" for line in held))
                ltrr("query", "--batch", asked, "--run", run_file, "-k", "200", "--home", home)
                for query, page in read_run(run_file).items():
                    pages[stage][query] = [entity for entity in page if entity in qrels[query]]
            ltrr("models", "promote", "fusion", "--home", home)
        figures = {stage: measure(run, qrels, ["nDCG@10"])["nDCG@10"] for stage, run in pages.items()}
        print("products: " + ", ".join(f"{stage} {value:.4f}" for stage, value in figures.items()))
        bars.at_least("chorus nDCG@10, ranker cross-validated by query", figures["ranker"], 0.79)


def zipped(path: Path) -> list[str]:
    """Return the lines of a gzip file."""
    with gzip.open(path, "rt") as lines:
        return list(lines)


def per_click(run_file: Path, searches: Sequence[tuple[str, list[str]]]) -> float:
    """MAP@5 per click of a run; searches -- (query id, what was clicked)."""
    pages, scores = read_run(run_file), ClickMeasures()
    for name, clicked in searches:
        scores.add(pages.get(name, []), clicked)
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
