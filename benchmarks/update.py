"""What does an update of a catalog cost beside a whole build, and are its pages the same?

python benchmarks/update.py DATA [--json FILE]

One entity in a hundred of retrotech changes (a fifth of these under new ids). CPU times are of a whole call in a fresh
process, without the imports. Pages are those of 200 distinct queries of bestbuy_xbox's log, people's queries to a shop
of the same kind; the whole build beside them keeps the encoder and what known items taught.
"""

from __future__ import annotations

import gzip
import json
import shutil
from itertools import islice
from pathlib import Path

from _common import Bars, run, scratch
from live import called

import ltrr_cli
from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.progress import quiet
from ltrr_cli.core.types import Context
from ltrr_cli.engine.search import answer
from ltrr_cli.engine.snapshot import Snapshot, open_snapshot
from ltrr_cli.indexing.build import EncoderChoice, build_generation

QUERIES = 200


def main(data: Path, bars: Bars, quick: bool) -> None:
    with scratch() as place:
        home, some = Path(place, "home"), Path(place, "some.jsonl")
        catalog = data / "retrotech" / "catalog.jsonl.gz"
        whole = called(home, "index", catalog)
        some.write_text("".join(json.dumps(one) + "\n" for one in changed(catalog)))
        update = called(home, "update", some)
        print(f"retrotech whole {whole}, 1 % {update}", flush=True)
        bars.at_most("index --update of 1 % of retrotech over a whole build, CPU", update.cpu / whole.cpu, 0.08)
        bars.at_most("the same, peak memory", update.peak / whole.peak, 0.5)
        same = equal_pages(home, Path(place, "whole"), data / "bestbuy_xbox" / "events_dev.jsonl.gz")
        bars.at_least(f"pages of {QUERIES} queries that equal those of a whole build, share", same, 0.99)


def changed(catalog: Path) -> list[dict]:
    """Return one entity in a hundred with other words in title and text."""
    with gzip.open(catalog, "rt") as lines:
        records = [json.loads(line) for line in lines]
    found = []
    for number, record in enumerate(records[::100]):
        words = records[number * 37 % len(records)]["title"].split()
        one = {**record, "title": f"{record['title']} {words[0]}"}
        one["text"] = f"{record.get('text') or ''} {' '.join(words)}"
        found.append({**one, "id": f"{record['id']}x"} if number % 5 == 0 else one)
    return found


def equal_pages(home: Path, folder: Path, log: Path) -> float:
    """Return the share of queries whose pages are those of a whole build of the same entities."""
    state = ltrr_cli.open(home).state
    now = state.generations.folder("catalog", state.current().catalog)
    folder.mkdir()
    entities = list(Columns.open(now / "columns").entities())
    build_generation(entities, folder, state.settings, EncoderChoice("catalog", keep=now / "encoder"), quiet)
    shutil.copy(now / "generation.json", folder)
    shutil.rmtree(folder / "policy")
    shutil.copytree(now / "policy", folder / "policy")
    amended, whole = (open_snapshot(state.settings, one, None) for one in (now, folder))
    with gzip.open(log, "rt") as lines:
        queries = list(islice(dict.fromkeys(json.loads(line)["query"] for line in lines), QUERIES))
    return sum(page(amended, query) == page(whole, query) for query in queries) / len(queries)


def page(snapshot: Snapshot, query: str) -> list[str]:
    found = answer(snapshot, query, Context(snapshot.clock_ms), k=10, budget=100, explore=False)
    return [snapshot.catalog.ids[int(found.candidates.rows[place])] for place in found.page.tolist()]


if __name__ == "__main__":
    run(main, __doc__ or "")
