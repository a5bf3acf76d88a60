"""Does exploration pay? 5 % of the artists arrive in mid-stream: with and without ``fresh`` and ``explore``.

python benchmarks/_fresh.py DATA [--quick]
"""

from __future__ import annotations

import json
from pathlib import Path

from _common import Bars, ltrr, run, scratch
from allocation import K, lines, write_searches

SEEDS, SEARCHES = 3, 2_000
FLOOR = {"LTRR_ALLOCATION__MINIMUM": "{fresh = 0.04}"}


def fresh(folder: Path, bars: Bars, quick: bool) -> None:
    """Print both curves, and judge what exploring brought and cost."""
    hetrec = folder / "hetrec"
    if not hetrec.is_dir():
        bars.skipped("exploration pays", "no hetrec here")
        return
    with scratch() as place:
        home = Path(place) / "home"
        ltrr("index", hetrec / "catalog.jsonl.gz", "--home", home)
        events = lines(hetrec / "events_fit.jsonl.gz")
        log = Path(place) / "half.jsonl"  # of the tag acts; what people wish is drawn from all
        log.write_text("".join(json.dumps(event) + "\n" for event in events[: len(events) // 2]), "utf-8")
        ltrr("ingest-feedback", log, "--home", home)
        queries, qrels = write_searches(hetrec, Path(place))
        asked = ("simulate", "--home", home, "--queries", queries, "--qrels", qrels, "--budget", str(K))
        seeds = 1 if quick else SEEDS
        report = ltrr(*asked, "--arrivals", "5%", "--searches", str(SEARCHES), "--seeds", str(seeds), **FLOOR)
    print(f"{report['arrived']} of the artists arrive; {seeds} streams, {K} candidates")
    print("searches since  " + "  ".join(f"{name:>24s}" for name in report["systems"]))
    for points in zip(*(of["curve"] for of in report["systems"].values()), strict=True):
        row = "  ".join(f"recall {recall:.4f} clicks {clicks:.4f}" for _, recall, clicks in points)
        print(f"{points[0][0]:14d}  {row}")
    print("recall in the end, per stream: " + "; ".join(f"{n} {of['recalls']}" for n, of in report["systems"].items()))
    bars.at_least(f"newcomers' R@{K} after {SEARCHES} searches, exploring less not", report["gain"], 0.001)
    bars.at_most("share of the clicks that exploring cost meanwhile", report["cost"], 0.01)


if __name__ == "__main__":
    run(fresh, __doc__ or "")
