"""Does exploration pay? 5 % of a catalog arrive in mid-stream: with and without ``fresh`` and ``explore``.

Once as the catalog describes them, once by their titles alone, once by nothing but ids, and once by what is true of
others; and once as the bandit allocates, once with a minimum for ``fresh``.

    python benchmarks/_fresh.py DATA [--quick] [--part shop]
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

from _common import Bars, ltrr, run, scratch
from allocation import K, workspace

from ltrr_cli.evaluation.newcomers import DESCRIBED

PARTS = ("hetrec", "shop")
SEARCHES = {"hetrec": 2_000, "shop": 1_000}
SEEDS, BUDGETS = {"hetrec": 3, "shop": 2}, {"hetrec": K, "shop": 20}  # 20 of the shop's 437 products
MINIMA = {"hetrec": "{fresh = 0.04}", "shop": "{fresh = 0.1}"}  # two candidates
WISHES = 3_000  # of the shop's newest searches


def fresh(data: Path, bars: Bars, quick: bool, parts: Sequence[str]) -> None:
    """Print what exploring brought and cost, case by case."""
    print("set     newcomers by  allocation    recall as they come  in the end  clicks exploring  not  gain    cost")
    for part in parts:
        folder = data / {"shop": "bestbuy_xbox"}.get(part, part)
        if not folder.is_dir():
            bars.skipped(f"exploring, {part}", f"{folder.name} absent")
            continue
        with scratch() as place:
            asked = workspace(folder, Path(place)) if part == "hetrec" else shop(folder, Path(place))
            asked += ("--budget", str(BUDGETS[part]), "--searches", str(SEARCHES[part]))
            seeds = "1" if quick else str(SEEDS[part])
            for known in DESCRIBED:
                for name, least in (("as it learns", "{}"), ("minimum", MINIMA[part])):
                    given = ("--arrivals", "5%", "--known", known, "--seeds", seeds)
                    report = ltrr("simulate", *asked, *given, LTRR_ALLOCATION__MINIMUM=least)
                    line(part, known, name, report)
                    if known == "whole":
                        bars.at_most(f"{part}, {name}: clicks that exploring cost", report["cost"], 0.01)


def line(part: str, known: str, name: str, report: dict) -> None:
    """Print one case: recall of questions for newcomers exploring / not, and clicks a search."""
    one, two = report["systems"].values()
    print(f"{part:7s} {known:13s} {name:13s} {one['curve'][0][1]:.3f} / {two['curve'][0][1]:.3f}        "
          f"{one['recall']:.3f} / {two['recall']:.3f}  {one['clicks']:.3f}  {two['clicks']:.3f}  "
          f"{report['gain']:+.3f}  {report['cost']:+.4f}  {one['recalls']} / {two['recalls']}", flush=True)  # fmt: skip


def shop(folder: Path, place: Path) -> tuple[str | Path, ...]:
    """Index a shop, teach its fit days; people ask what they asked on later days, as often."""
    home, queries, qrels = place / "home", place / "queries.jsonl", place / "qrels.tsv"
    ltrr("index", folder / "catalog.jsonl.gz", "--home", home)
    ltrr("ingest-feedback", folder / "events_fit.jsonl.gz", "--home", home)
    with gzip.open(folder / "events_dev.jsonl.gz", "rt") as log, queries.open("w") as asked, qrels.open("w") as judged:
        for number, search in enumerate(map(json.loads, log)):
            if number >= WISHES:
                break
            asked.write(json.dumps({"query_id": f"s{number}", "text": search["query"], "kind": "search"}) + "\n")
            judged.writelines(f"s{number}\t0\t{entity}\t1\n" for entity in search["clicked"])
    return "--home", home, "--queries", queries, "--qrels", qrels


if __name__ == "__main__":
    run(fresh, __doc__ or "", PARTS)
