"""``ltrr demo``: the whole loop on the sample catalog, and what it changed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ltrr_cli.cli import index, ingest_feedback, options, train_ranker
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.ranker_gain import MEASURE, RankerGain, ranker_gain
from ltrr_cli.cli.render import brought_by, figure, safe, shortened, table
from ltrr_cli.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ltrr_cli.engine.query import Page
    from ltrr_cli.workspace.workspace import Workspace

MOST_PROCESSES = 4
SHOWN_QUERIES = 3
SHOWN_RESULTS = 5
STAGES = ("catalog alone", "with feedback", "with ranker")
LAST = "in the end"

Scores = Mapping[str, float]  # query id -> measure
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """A query of the sample; kind: how it asks (by name, with a typo, for a topic ...)."""

    text: str
    kind: str = "all"


@dataclass(frozen=True, slots=True)
class Shift:
    """One query whose page changed.

    counts -- entity id -> events that the memory holds for this very query
    """

    asked: Judged
    before: Page
    after: Page
    gain: float
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Tour:
    """What the demo found.

    measures -- kind of query -> stage -> mean of the measure; the kind "all" comes last
    queries  -- kind -> how many
    better, worse -- how many queries changed by more than a rounding
    ranker   -- what the ranker adds to the page with feedback, over all queries
    """

    home: str
    steps: tuple[str, ...]
    measures: Mapping[str, Mapping[str, float]]
    queries: Mapping[str, int]
    better: int
    worse: int
    shifts: tuple[Shift, ...]
    ranker: RankerGain
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return plain dictionaries, lists and numbers."""
        return {
            "home": self.home,
            "steps": list(self.steps),
            "measure": MEASURE,
            "measures": {kind: dict(values) for kind, values in self.measures.items()},
            "queries": dict(self.queries),
            "ranker": {"gain": self.ranker.gain, "low": self.ranker.low, "high": self.ranker.high},
            "better": self.better,
            "worse": self.worse,
            "shifts": [
                {
                    "query": shift.asked.text,
                    "kind": shift.asked.kind,
                    "gain": shift.gain,
                    "before": [line.id for line in shift.before.results],
                    "after": [line.id for line in shift.after.results],
                    "memory_counts": dict(shift.counts),
                }
                for shift in self.shifts
            ],
            "seconds": self.seconds,
        }


def demo(ctx: CommandContext, engine: options.Engine = None) -> None:
    """Index the sample catalog, query it, ingest sample feedback, train, query again, and show what changed.

    It works in a temporary folder, or in a new one given with --home, which is kept. Where there are several processors
    it uses up to four of them, unless --engine or the settings name another place.
    """
    with _home(ctx) as home:
        tour = walk(ctx, home, engine)
    ctx.answer(tour, lambda screen: render(screen, tour))
    if ctx.home is not None:
        example = tour.shifts[0].asked.text
        ctx.say(f'the workspace stays in {ctx.home}; try: ltrr query "{example}" --home {ctx.home}')


@contextmanager
def _home(ctx: CommandContext) -> Iterator[Path]:
    """Give a folder: the one given with --home (LTRR_HOME is somebody's real workspace), or one that goes away."""
    if ctx.home is None:
        with tempfile.TemporaryDirectory(prefix="ltrr-demo-") as folder:
            yield Path(folder) / "home"
        return
    if (ctx.home / "CURRENT.json").exists():
        raise UsageError(f"{ctx.home} is a workspace already", hint="give a new folder, or none")
    yield ctx.home


def usual_engine(set_to: str, processors: int) -> str:
    """Return where the demo's work runs: as the settings say; here means all processors, for somebody waits for it.

    >>> usual_engine("local", 1), usual_engine("local", 2), usual_engine("local", 64), usual_engine("ray", 64)
    ('local', 'processes=2', 'processes=4', 'ray')
    """
    from ltrr_cli.engine.executor import LOCAL, PROCESSES

    if set_to != LOCAL or processors < 2:
        return set_to
    return f"{PROCESSES}={min(processors, MOST_PROCESSES)}"


def walk(ctx: CommandContext, home: Path, engine: str | None) -> Tour:
    """Go round the snapshot once, and ask all judged queries after every step."""
    import ltrr_cli
    from ltrr_cli.catalog.sample import sample_path
    from ltrr_cli.evaluation.metrics import per_query
    from ltrr_cli.feedback.judgments import read_qrels

    start = perf_counter()
    qrels = read_qrels(sample_path("qrels.tsv"))
    judged = {query: asked for query, asked in read_queries(sample_path("queries.jsonl")).items() if query in qrels}
    workspace = ltrr_cli.open(home)
    engine = engine or usual_engine(workspace.settings.engine, os.cpu_count() or 1)
    pages: list[dict[str, Page]] = []
    steps: list[str] = []

    served: list[bool] = []

    def trained(progress: Progress) -> str:
        report = workspace.train(engine=engine, progress=progress)
        served.append(report.promoted)
        return train_ranker.verdict(report)

    works: tuple[Callable[[Progress], str], ...] = (
        lambda progress: index.summary(
            workspace.index([sample_path("catalog.jsonl.gz")], engine=engine, progress=progress)
        ),
        lambda progress: ingest_feedback.summary(
            workspace.ingest([sample_path("feedback.jsonl.gz")], engine=engine, progress=progress)
        ),
        trained,
    )
    for number, work in enumerate(works, 1):
        with ctx.progress() as progress:
            steps.append(work(progress))
            pages.append({})
            for count, (query, asked) in enumerate(judged.items()):
                progress("asking", count, len(judged))
                pages[-1][query] = workspace.query(asked.text, log=False, explore=False, live=False, seed=0)
        ctx.tell(f" {number}  {steps[-1]}")
    scores: list[Scores] = []
    for answered in pages:
        run = {query: [line.id for line in page.results] for query, page in answered.items()}
        scores.append(per_query(run, {query: qrels[query] for query in judged}, [MEASURE])[MEASURE])
    gains = {query: scores[-1][query] - scores[0][query] for query in judged}
    kinds = {kind: [query for query in judged if judged[query].kind == kind] for kind in _kinds(judged)}
    kinds["all"] = list(judged)
    shifts = tuple(
        Shift(judged[query], pages[0][query], pages[-1][query], gains[query], _counts(workspace, judged[query].text))
        for query in telling(gains, judged)
    )
    return Tour(
        home=str(home),
        steps=tuple(steps),
        measures={
            kind: {stage: mean(of[query] for query in queries) for stage, of in zip(STAGES, scores, strict=True)}
            for kind, queries in kinds.items()
        },
        queries={kind: len(queries) for kind, queries in kinds.items()},
        better=sum(gain > 1e-6 for gain in gains.values()),
        worse=sum(gain < -1e-6 for gain in gains.values()),
        shifts=shifts,
        ranker=ranker_gain([scores[2][query] - scores[1][query] for query in judged], kept=served[0]),
        seconds=round(perf_counter() - start, 3),
    )


def _kinds(judged: Mapping[str, Judged]) -> list[str]:
    return list(dict.fromkeys(asked.kind for asked in judged.values()))


def telling(gains: Scores, judged: Mapping[str, Judged]) -> list[str]:
    """Return the query that gained most of each of the kinds that gained most in the mean."""
    of_kind = {kind: [query for query in judged if judged[query].kind == kind] for kind in _kinds(judged)}
    kinds = sorted(of_kind, key=lambda kind: (-mean(gains[query] for query in of_kind[kind]), kind))
    return [min(of_kind[kind], key=lambda query: (-gains[query], query)) for kind in kinds[:SHOWN_QUERIES]]


def read_queries(path: Path) -> dict[str, Judged]:
    """Read ``{"query_id", "text", "kind"?}`` lines."""
    import msgspec

    records = (msgspec.json.decode(line) for line in path.read_bytes().split(b"\n") if line.strip())
    return {record["query_id"]: Judged(record["text"], record.get("kind", "all")) for record in records}


def _counts(workspace: Workspace, text: str) -> dict[str, int]:
    """Return how often each entity was chosen for this very query, as the memory counts it."""
    page = workspace.query(text, explore=False, live=False, seed=0)
    if page.impression_id is None:
        return {}
    pairs = workspace.explain(page.impression_id).memory
    return {pair.id: round(pair.count) for pair in pairs if round(pair.count) > 0}


def render(screen: Console, tour: Tour) -> None:
    """Draw the measures per kind of query, and the queries that gained most; the steps were told as they went."""
    screen.print(f"\n {MEASURE} of judged queries, answered after each step", style="bold")
    stages = STAGES if tour.ranker.shows else STAGES[:2]
    rows = [
        (f" {kind}", tour.queries[kind], *(figure(values[stage], 3) for stage in stages))
        for kind, values in tour.measures.items()
    ]
    screen.print(table((" asked by", "queries", *stages), rows, numbers=("queries", *stages)))
    by_kind = [(kind, values[STAGES[2]] - values[STAGES[1]]) for kind, values in tour.measures.items() if kind != "all"]
    told = tour.ranker.sentence(max(by_kind, key=lambda pair: pair[1], default=None))
    screen.print(f"\n {told}", soft_wrap=True)
    changed = f"{tour.better} got better, {tour.worse} got worse"
    screen.print(f"\n Of {tour.queries['all']} queries {changed}. Where it helped most:")
    for shift in tour.shifts:
        screen.print(f"\n {safe(shortened(shift.asked.text, 90))}", style="bold")
        screen.print(side_by_side(shift))
    screen.print(f"\n The whole loop took {tour.seconds:.1f} s.", style="dim")


def side_by_side(shift: Shift) -> Table:
    """Return the best of both pages next to one another, and why an entity stands where it stands now."""
    was = {line.id: line.position for line in shift.before.results}
    before = shift.before.results[:SHOWN_RESULTS]
    rows = []
    for place, now in enumerate(shift.after.results[:SHOWN_RESULTS]):
        earlier = shortened(before[place].title) if place < len(before) else ""
        ranks = {name: source.rank for name, source in now.sources.items()}
        moved = _moved(was.get(now.id), now.position)
        count = shift.counts.get(now.id, "")
        rows.append((now.position, earlier, shortened(now.title), moved, count, brought_by(ranks, 2)))
    heads = ("  ", STAGES[0], LAST, "", "chosen", "brought by (rank)")
    return table(heads, rows, numbers=("  ", "chosen"))


def _moved(was: int | None, now: int) -> str:
    """Say where an entity came from.

    >>> _moved(None, 1), _moved(3, 1), _moved(2, 2), _moved(1, 4)
    ('new', 'up from 3', '', 'down from 1')
    """
    if was is None:
        return "new"
    return "" if was == now else f"{'up' if was > now else 'down'} from {was}"
