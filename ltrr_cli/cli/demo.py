"""``ltrr demo``: the whole loop on the sample catalog, and what it changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ltrr_cli.cli import index, ingest_feedback, train_ranker
from ltrr_cli.cli.desk import Desk
from ltrr_cli.cli.paint import brought_by, figure, table
from ltrr_cli.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.engine.reports import Page, Result
    from ltrr_cli.engine.workspace import Workspace

MEASURE = "nDCG@10"
SHOWN_QUERIES = 3
SHOWN_RESULTS = 5
STAGES = ("catalog alone", "with feedback", "with ranker")

Pages = Mapping[str, "Page"]  # query id -> its page


@dataclass(frozen=True, slots=True)
class Shift:
    """One query whose page changed.

    counts -- entity id -> events that the memory holds for this very query
    """

    query: str
    before: Page
    after: Page
    gain: float
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Tour:
    """What the demo found.

    measures -- stage -> measure -> value over the judged queries
    judged   -- how many queries; better, worse: how many of them changed by more than a rounding
    """

    home: str
    judged: int
    better: int
    worse: int
    measures: Mapping[str, Mapping[str, float]]
    steps: tuple[str, ...]
    shifts: tuple[Shift, ...]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return plain dictionaries, lists and numbers."""
        return {
            "home": self.home,
            "judged_queries": self.judged,
            "better": self.better,
            "worse": self.worse,
            "measures": {stage: dict(values) for stage, values in self.measures.items()},
            "steps": list(self.steps),
            "queries": [
                {
                    "query": shift.query,
                    "gain": shift.gain,
                    "before": [line.id for line in shift.before.results],
                    "after": [line.id for line in shift.after.results],
                    "memory_counts": dict(shift.counts),
                }
                for shift in self.shifts
            ],
            "seconds": self.seconds,
        }


def demo(desk: Desk) -> None:
    """Index the sample catalog, ask, take in sample feedback, train, ask again, and show what changed and why.

    It works in a temporary folder, or in a new one given with --home, which is kept.
    """
    with _home(desk) as home:
        tour = walk(desk, home)
    desk.answer(tour, lambda screen: paint(screen, tour))
    if desk.home is not None:
        desk.say(f'the workspace stays in {desk.home}; try: ltrr query "{tour.shifts[0].query}" --home {desk.home}')


@contextmanager
def _home(desk: Desk) -> Iterator[Path]:
    """Give a folder: the one given with --home (LTRR_HOME is somebody's real workspace), or one that goes away."""
    if desk.home is None:
        with tempfile.TemporaryDirectory(prefix="ltrr-demo-") as folder:
            yield Path(folder) / "home"
        return
    if (desk.home / "CURRENT.json").exists():
        raise UsageError(f"{desk.home} is a workspace already", hint="give a new folder, or none")
    yield desk.home


def walk(desk: Desk, home: Path) -> Tour:
    """Go round the loop once."""
    import ltrr_cli
    from ltrr_cli.catalog.sample import sample_path
    from ltrr_cli.evaluation.metrics import read_qrels

    start = perf_counter()
    queries = read_queries(sample_path("queries.jsonl"))
    qrels = {query: grades for query, grades in read_qrels(sample_path("qrels.tsv")).items() if query in queries}
    workspace = ltrr_cli.open(home)
    asked: list[Pages] = []
    steps: list[str] = []

    def step(told: str) -> None:
        steps.append(told)
        asked.append({query_id: _ask(workspace, queries[query_id]) for query_id in qrels})

    with desk.progress() as progress:
        step(index.summary(workspace.index([sample_path("catalog.jsonl.gz")], progress=progress)))
        fed = workspace.ingest([sample_path("feedback.jsonl.gz")], progress=progress)
        step(ingest_feedback.summary(fed))
        step(train_ranker.verdict(workspace.train(progress=progress)))
    per_stage = [_scores(pages, qrels) for pages in asked]
    gains = {query: per_stage[-1][query] - per_stage[0][query] for query in qrels}
    telling = sorted(qrels, key=lambda query: (-gains[query], query))[:SHOWN_QUERIES]
    return Tour(
        home=str(home),
        judged=len(qrels),
        better=sum(gain > 1e-6 for gain in gains.values()),
        worse=sum(gain < -1e-6 for gain in gains.values()),
        measures={
            stage: {MEASURE: sum(scores.values()) / max(len(scores), 1)}
            for stage, scores in zip(STAGES, per_stage, strict=True)
        },
        steps=tuple(steps),
        shifts=tuple(
            Shift(queries[query], asked[0][query], asked[-1][query], gains[query], _counts(workspace, queries[query]))
            for query in telling
        ),
        seconds=round(perf_counter() - start, 3),
    )


def read_queries(path: Path) -> dict[str, str]:
    """Read ``{"query_id", "text"}`` lines."""
    import msgspec

    records = (msgspec.json.decode(line) for line in path.read_bytes().split(b"\n") if line.strip())
    return {record["query_id"]: record["text"] for record in records}


def _ask(workspace: Workspace, text: str) -> Page:
    return workspace.query(text, log=False, explore=False, live=False, seed=0)


def _counts(workspace: Workspace, text: str) -> dict[str, int]:
    """Return how often each entity was chosen for this very query, as the memory counts it."""
    page = workspace.query(text, explore=False, live=False, seed=0)
    if page.impression_id is None:
        return {}
    pairs = workspace.explain(page.impression_id).memory
    return {str(pair["id"]): round(pair["count"]) for pair in pairs if round(pair["count"]) > 0}


def _scores(pages: Pages, qrels: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    from ltrr_cli.evaluation.metrics import per_query

    run = {query: [line.id for line in page.results] for query, page in pages.items()}
    return per_query(run, qrels, [MEASURE])[MEASURE]


def paint(screen: Console, tour: Tour) -> None:
    """Draw the steps, the measures and the queries that gained most."""
    screen.print()
    for number, (told, stage) in enumerate(zip(tour.steps, STAGES, strict=True), 1):
        value = figure(tour.measures[stage][MEASURE], 3)
        screen.print(f" {number}  {told}", soft_wrap=True)
        screen.print(f"    {MEASURE} {value} over {tour.judged} judged queries, {stage}", style="bold")
    same = tour.judged - tour.better - tour.worse
    screen.print(f"\n Of {tour.judged} queries {tour.better} got better, {same} stayed, {tour.worse} got worse.")
    screen.print(" Those that gained most:", style="dim")
    for shift in tour.shifts:
        screen.print(f"\n {shift.query}", style="bold")
        screen.print(side_by_side(shift))
    screen.print(f"\n The whole loop took {tour.seconds:.1f} s.", style="dim")


def side_by_side(shift: Shift) -> object:
    """Return the best of both pages next to one another, and why an entity stands where it stands now."""
    was = {line.id: line.position for line in shift.before.results}
    before: Sequence[Result] = shift.before.results[:SHOWN_RESULTS]
    rows = []
    for place, now in enumerate(shift.after.results[:SHOWN_RESULTS]):
        earlier = before[place].title if place < len(before) else ""
        ranks = {name: source.rank for name, source in now.sources.items()}
        rows.append((now.position, earlier, now.title, _moved(was.get(now.id), now.position), _why(now, ranks, shift)))
    return table(("  ", "catalog alone", "with feedback and ranker", "", "brought by (rank)"), rows, numbers=["  "])


def _moved(was: int | None, now: int) -> str:
    """Say where an entity came from.

    >>> _moved(None, 1), _moved(3, 1), _moved(2, 2), _moved(1, 4)
    ('new', 'up from 3', '', 'down from 1')
    """
    if was is None:
        return "new"
    return "" if was == now else f"{'up' if was > now else 'down'} from {was}"


def _why(line: Result, ranks: Mapping[str, int], shift: Shift) -> str:
    count = shift.counts.get(line.id, 0)
    times = "once" if count == 1 else f"{count} times"
    return brought_by(ranks) + (f"; chosen {times} for this query" if count else "")
