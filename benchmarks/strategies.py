"""What is each way of finding worth? The page with every strategy and without each one, and what only some can find.

python benchmarks/strategies.py DATA [--json FILE] [--quick]

Measured untrained (fusion), before feedback and, where there is a log, after it: a ranker is fitted to one set of
strategies, so leaving one out would measure the ranker. ``--quick`` takes every fourth query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from _common import Bars, run, scratch
from _fresh import fresh
from _judged import MEASURES, PAGE, Qrels, leave_one_out, pages, questions, switched_off
from _personal import personal

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.catalog.intake import Intake
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Context, Entity, Request
from ltrr_cli.evaluation.metrics import measure
from ltrr_cli.feedback.judgments import read_qrels, read_queries
from ltrr_cli.retrieval import strategy_registry
from ltrr_cli.retrieval.strategy import Resources
from ltrr_cli.retrieval.structured import Structured
from ltrr_cli.text.normalise import query_key
from ltrr_cli.understanding.inference.infer import infer
from ltrr_cli.understanding.reader import Understanding
from ltrr_cli.workspace.workspace import Workspace

SETS = {  # folder -> query kinds
    "cranfield": ("",),
    "cacm": ("",),
    "chorus": ("",),
    "hetrec": ("topic", "name", "variant", "tagvariant", "personal"),
}
LOGS = {"hetrec": ("events_fit.jsonl.gz", "listens_fit.jsonl.gz")}
WORTH = 0.01
NEWCOMERS = ("sparse", "related", "personal")
REMOVED = 0.3


def main(data: Path, bars: Bars, quick: bool) -> None:
    known = strategy_registry.names()
    gains: dict[str, list[float]] = {name: [] for name in NEWCOMERS if name in known}
    for name in SETS:
        if (data / name).is_dir():
            judged(data / name, bars, quick, gains)
        else:
            bars.skipped(f"{name}, leave one out", "absent")
    if (data / "hetrec").is_dir():
        personal(data / "hetrec", bars, quick, gains)
        fresh(data, bars, quick)
    for strategy, gained in gains.items():
        if gained:
            bars.at_least(f"{strategy}: most that it raises a set by, after feedback", max(gained), WORTH)
    if (data / "chorus").is_dir():
        recovered(data / "chorus", bars, 1 if quick else 5)
    else:
        bars.skipped("inferred values", "chorus absent")


def judged(folder: Path, bars: Bars, quick: bool, gains: dict[str, list[float]]) -> None:
    """Measure one set, before feedback and, where there is a log, after it; note what strategies raise it by then."""
    with scratch() as place:
        workspace = Workspace(Path(place))
        workspace.index([folder / "catalog.jsonl.gz"], max_bad=0.01)
        for kind in SETS[folder.name]:
            asked = questions(folder, kind, workspace.state.snapshot(), quick)
            leave_one_out(workspace, f"{folder.name} {kind}".strip(), "before feedback", *asked, bars)
        for log in LOGS.get(folder.name, ()):
            workspace.ingest([folder / log], undated=log.startswith("listens"))
        for kind in SETS[folder.name] if folder.name in LOGS else ():
            asked = questions(folder, kind, workspace.state.snapshot(), quick)  # anew: they are asked after the log
            of = leave_one_out(workspace, f"{folder.name} {kind}".strip(), "after feedback", *asked, bars)
            for strategy in gains:
                gains[strategy].append(of[strategy])
        if folder.name == "hetrec":
            lacking(workspace, folder, bars, quick, gains)


def lacking(workspace: Workspace, folder: Path, bars: Bars, quick: bool, gains: dict[str, list[float]]) -> None:
    """Topics: how many of the judged entities are found that do not bear the topic in the catalog, and by whom?"""
    snapshot = workspace.state.snapshot()
    queries, qrels = questions(folder, "topic", snapshot, False)
    tags = {
        entity.id: {query_key(tag) for tag in entity.attributes.get("tags", ())}
        for entity in snapshot.catalog.entities()
    }
    lacked: Qrels = {}
    for query in queries:
        key = query_key(query.text)
        without = {
            entity: grade for entity, grade in qrels[query.query_id].items() if grade > 0 and key not in tags[entity]
        }
        if without:
            lacked[query.query_id] = without
    count = sum(map(len, lacked.values()))
    asked = [query for query in queries if query.query_id in lacked][:: 4 if quick else 1]
    wanted_of = {query.query_id: lacked[query.query_id] for query in asked}
    of = leave_one_out(workspace, "hetrec topic, without the tag", "after feedback", asked, wanted_of, bars)
    for strategy, gained in gains.items():
        gained.append(of[strategy])
    print(f"\n{count} judged entities of {len(lacked)} topics lack the topic's tag; R@100 by topic, and of all pairs")
    runs = {"page": pages(workspace, snapshot, queries, 100)}
    settings = snapshot.settings
    snapshot.settings = switched_off(settings, "sparse")
    runs["page without sparse"] = pages(workspace, snapshot, queries, 100)
    snapshot.settings = settings
    for name in ("sparse", "memory"):
        runs[name] = {}
        for query in queries:
            rows = snapshot.strategies[name].look(snapshot.request(query.text, query.context, 0)).hits(100).rows
            runs[name][query.query_id] = [snapshot.catalog.ids[int(row)] for row in rows]
    for name, found in runs.items():
        hit = sum(len(set(found[number]) & set(wanted)) for number, wanted in lacked.items())
        mean = measure(found, lacked, ["R@100"])["R@100"]
        print(f"  {name:20}{mean:.4f}  {hit / count:.4f}")
        if name == "page":
            bars.at_least("topics, entities without the tag: R@100 of the page", mean, 0.08)


def recovered(folder: Path, bars: Bars, seeds: int) -> None:
    """Remove attribute values at random; how much of what structured search loses do inferred values give back?"""
    intake = Intake()
    intake.read([folder / "catalog.jsonl.gz"])
    entities = intake.sorted()
    qrels = read_qrels(folder / "qrels.tsv")
    queries = {
        query.query_id: query.text for query in read_queries(folder / "queries.jsonl") if query.query_id in qrels
    }
    full, _ = alone(entities, queries, qrels)
    figures = np.array(
        [alone(without(entities, seed), queries, qrels) for seed in range(seeds)]
    )  # (seeds, 2, measures)
    less, mended = figures.mean(axis=0)
    for place, name in enumerate(MEASURES):
        print(f"structured alone, {name}: {full[place]:.4f}, less {less[place]:.4f}, mended {mended[place]:.4f}")
        share = (mended[place] - less[place]) / max(full[place] - less[place], 1e-9)
        bars.at_least(
            f"inferred values: share of the loss of structured that they give back, {name}", float(share), 0.5
        )


def without(entities: Sequence[Entity], seed: int) -> list[Entity]:
    """Drop each attribute value with a chance of ``REMOVED``."""
    chance = generator("removed", seed)
    made = []
    for entity in entities:
        kept: dict[str, str | float | tuple[str, ...]] = {}
        for name, value in entity.attributes.items():
            if isinstance(value, tuple):
                if some := tuple(part for part in value if chance.random() >= REMOVED):
                    kept[name] = some
            elif chance.random() >= REMOVED:
                kept[name] = value
        made.append(replace(entity, attributes=kept))
    return made


def alone(entities: Sequence[Entity], queries: Mapping[str, str], qrels: Qrels) -> tuple[list[float], list[float]]:
    """Return the measures of structured search without and with inferred values."""
    with scratch() as place:
        rooms = {name: Path(place, name) for name in ("columns", "understanding", "plain", "mended")}
        for room in rooms.values():
            room.mkdir()
        Columns.build(entities, rooms["columns"])
        columns = Columns.open(rooms["columns"])
        Understanding.build(columns, rooms["understanding"], "en")
        reader = Understanding.open(rooms["understanding"])
        found: list[list[float]] = []
        for name, inferred in (("plain", None), ("mended", infer(columns))):
            resources = Resources(columns, None) if inferred is None else Resources(columns, None, inferred=inferred)
            Structured.build(resources, rooms[name])
            strategy = Structured.open(resources, rooms[name], None)
            lists = {}
            for number, text in queries.items():
                rows = strategy.look(Request(text, Context(0), reader.read(text))).hits(PAGE).rows
                lists[number] = [columns.ids[int(row)] for row in rows]
            measured = measure(lists, qrels, MEASURES)
            found.append([measured[each] for each in MEASURES])
        return found[0], found[1]


if __name__ == "__main__":
    run(main, __doc__ or "")
