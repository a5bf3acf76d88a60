"""From a workspace's past to the sections of its report: what was learnt, by whom it was found, and what is odd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ltrr_cli.charts.sections import Chart, Dashboard, Section, Series, Table, table_of
from ltrr_cli.core.clock import DAY, iso, now_ms
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.evaluation.look_back import EVEN, POLICY, RRF, LookBack, look_back
from ltrr_cli.evaluation.report_summary import newer, summary
from ltrr_cli.evaluation.report_time import Line, dated, over_time, spans
from ltrr_cli.ranking.comparison import importances as permuted

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State
    from ltrr_cli.ranking.model import Model

BINS = 10
SHOWN = 10  # queries, features, users in a table
DAYS = 60  # of a volume chart; longer journals are drawn by week


def dashboard(
    state: State,
    facts: Sequence[tuple[str, str]],
    searches: int = 600,
    progress: Progress = quiet,
    *,
    users: bool = False,
) -> Dashboard:
    """Look back and sum up; raises NotFoundError where nothing was indexed.

    facts    -- (name, value) of what the report begins with
    searches -- how many of the past are answered again, spread evenly over time
    users    -- name the most active users by their ids
    """
    past = look_back(state, searches, progress)
    snapshot = state.snapshot()
    ranker = snapshot.ranker
    looked_at = f"{len(past.moments):,} searches that were acted on, answered again as of their time"
    facts = (*facts, ("looked at", looked_at))
    sections = [health(past, users)]
    if past.moments:
        sections = [
            learning(past, ranker), regret(past), shares(past), worth(past), memory(past), wins(past),
            *calibration(past), importances(past, ranker), *sections,
        ]  # fmt: skip
    told, made = tuple(snapshot.told()), iso(now_ms())[:10]
    return Dashboard(
        f"ltrr report of {state.home}", facts, tuple(sections), told, made=made, summary=summary(past, ranker)
    )


def learning(past: LookBack, ranker: Model | None) -> Section:
    """Is it getting better?"""
    lines: list[Line] = [("as served", lambda one: one.served["RR@10"])]
    if ranker is not None:
        lines.append(("without the ranker", lambda one: one.unranked["RR@10"]))
    lines.append(("rank fusion alone", lambda one: one.fused["RR@10"]))
    chart = over_time("Reciprocal rank of what was chosen", "RR@10", lines, past.moments)
    words = (
        "Every answer knows only what happened before its search: memory and bandit learn on the way. "
        "The ranker is the one that serves now, and it may have been trained on what it is shown here. "
        + newer(past.moments, ranker),
    )
    return Section("learning", "Is it getting better?", words, (chart,), (_behind(chart),))


def regret(past: LookBack) -> Section:
    """What does the allocation cost against the best fixed one?"""
    names = [name for name in past.moments[0].found if name != POLICY]
    total = {name: sum(one.found[name] for one in past.moments) for name in (POLICY, *names)}
    best = max(names, key=lambda name: total[name])
    gone = np.cumsum([one.found[POLICY] - one.found[best] for one in past.moments])
    places = np.unique(np.linspace(0, len(gone) - 1, 20).astype(int)).tolist()
    even = np.cumsum([one.found[POLICY] - one.found[EVEN] for one in past.moments])
    lines = tuple(
        Series(name, tuple((float(place + 1), float(values[place])) for place in places))
        for name, values in (("to the best fixed", gone), ("to the even split", even))
    )
    says = f"After {len(gone)} searches the bandit found {gone[-1]:+.1f} wanted entities against {best}, "
    says += f"in hindsight, and {even[-1]:+.1f} against an even split."
    chart = Chart("Wanted entities found more than by other allocations", says, "searches", "entities", lines)
    recall = Table(
        f"Share of wanted entities among {past.budget} candidates",
        ("allocation", "recall"),
        tuple((name, total[name] / len(past.moments)) for name in (POLICY, EVEN, RRF, *names[2:])),
    )
    words = (f"{best} is the best fixed allocation, chosen in hindsight. Above 0 the bandit is ahead, below 0 behind.",)
    return Section("regret", "What does the allocation cost?", words, (chart,), (recall, _behind(chart)))


def shares(past: LookBack) -> Section:
    """Who may bring how many?"""
    parts, days = spans(past.moments)
    sums = np.array([np.sum([one.draws for one in part], axis=0) for part in parts.values()], np.float64)
    drawn = sums / np.maximum(sums.sum(axis=1, keepdims=True), 1.0)  # (spans, strategies)
    series = tuple(
        Series(name, tuple((float(place), float(of[column])) for place, of in zip(parts, drawn, strict=True)))
        for column, name in enumerate(past.strategies)
    )
    kinds = sorted({one.kind for one in past.moments})
    by_kind, heads = [], []
    for kind in kinds:
        draws = np.array([one.draws for one in past.moments if one.kind == kind], np.float64)
        by_kind.append((draws.sum(axis=0) / max(draws.sum(), 1.0)).tolist())
        heads.append(f"{kind} ({len(draws):,} searches)")
    last = max(series, key=lambda line: line.points[-1][1])
    says = f"In the last of these times {last.name} has the largest share, {last.points[-1][1]:.0%}."
    axis = "from" if dated(past.moments) else "stretch of searches"
    chart = Chart("Share of the candidates by strategy", says, axis, "share", series, "shares", days)
    rows = tuple((name, *of) for name, *of in zip(past.strategies, *by_kind, strict=True))
    table = Table("Shares by kind of query", ("strategy", *heads), rows)
    return Section("shares", "Who may bring how many?", (), (chart,), (table, _behind(chart)))


def worth(past: LookBack) -> Section:
    """Which strategies earn their keep?"""
    within = [(one.ranks > 0) & (one.ranks <= one.draws[None]) for one in past.moments]
    every = np.concatenate(within)  # (wanted entities, strategies)
    brought, alone = every.sum(axis=0), (every & (every.sum(axis=1, keepdims=True) == 1)).sum(axis=0)
    draws = np.stack([one.draws for one in past.moments]).sum(axis=0)
    took = np.stack([one.took_ms for one in past.moments]).sum(axis=0)
    rows = tuple(
        (
            name, int(brought[column]), int(alone[column]), int(draws[column]),
            1000 * float(alone[column]) / max(float(draws[column]), 1.0),
            1000 * float(alone[column]) / max(float(took[column]), 1e-9), float(took[column]) / len(past.moments),
        )
        for column, name in enumerate(past.strategies)
    )  # fmt: skip
    columns = ("strategy", "wanted brought", "brought alone", "candidates", "alone per 1,000 candidates",
               "alone per second", "ms a search")  # fmt: skip
    table = Table("Marginal worth of strategies", columns, rows)
    series = Series("brought alone", tuple((float(place), float(row[2])) for place, row in enumerate(rows)))
    best = max(rows, key=lambda row: row[2])
    says = f"{best[0]} brought the most that no other did: {best[2]}."
    chart = Chart("Wanted entities that no other strategy brought", says, "strategy", "entities", (series,), "bars",
                  past.strategies)  # fmt: skip
    words = ("A strategy whose line is all zeros finds nothing that others do not: it may be switched off.",)
    return Section("worth", "Which strategies earn their keep?", words, (chart,), (table,))


def memory(past: LookBack) -> Section:
    """How much of the memory is experience?"""
    lines: list[Line] = [
        ("queries acted on before", lambda one: float(one.seen)),
        ("share of actual counts in the score", lambda one: 1.0 - one.prior_share),
    ]
    chart = over_time("Coverage and replacement", "share", lines, past.moments)
    words = ("Predictions are never switched off: actual counts outgrow them, as the second line shows.",)
    return Section("memory", "How much of the memory is experience?", words, (chart,), (_behind(chart),))


def wins(past: LookBack) -> Section:
    """For which queries is it better or worse than plain fusion?"""
    by: dict[str, list[float]] = {}
    for one in past.moments:
        by.setdefault(one.query, []).append(one.served["nDCG@10"] - one.fused["nDCG@10"])
    lines = [(query, len(of), float(np.mean(of))) for query, of in by.items()]
    best = sorted((line for line in lines if line[2] > 0), key=lambda line: (-line[2] * line[1], line[0]))[:SHOWN]
    worst = sorted((line for line in lines if line[2] < 0), key=lambda line: (line[2] * line[1], line[0]))[:SHOWN]
    equal = sum(line[2] == 0 for line in lines)
    words = (
        f"Of {len(lines)} different queries {sum(line[2] > 0 for line in lines)} are answered better than by rank "
        f"fusion alone, {sum(line[2] < 0 for line in lines)} worse, {equal} alike (mean difference in nDCG@10).",
    )
    columns = ("query", "searches", "difference in nDCG@10")
    tables = (Table("Largest wins", columns, tuple(best)), Table("Largest losses", columns, tuple(worst)))
    return Section("wins", "Which queries win and lose?", words, (), tables)


def calibration(past: LookBack) -> list[Section]:
    """Does the bandit mean what it says? Nothing for policies that state no chance."""
    said, true = [], []
    for one in past.moments:
        if one.believed is not None and one.edges is not None and len(one.ranks):
            reached = 1.0 - np.cumprod(1.0 - one.believed.astype(np.float64), axis=1)  # (s, b)
            rank = one.ranks[0][:, None]
            said.append(reached.ravel())
            true.append(((rank > 0) & (rank <= one.edges[1:][None])).ravel())
    if not said:
        return []
    chance, happened = np.concatenate(said), np.concatenate(true).astype(np.float64)
    box = np.minimum((chance * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(box, minlength=BINS)
    full = np.flatnonzero(count)
    mean, share = (np.bincount(box, values, minlength=BINS)[full] / count[full] for values in (chance, happened))
    off = float((count[full] * np.abs(mean - share)).sum() / count.sum())
    line = Series("observed", tuple(zip(mean.tolist(), share.tolist(), strict=True)))
    says = f"Stated and observed chances differ by {off:.3f} on average."
    title = "Stated and observed chance that a strategy holds what is wanted"
    chart = Chart(title, says, "stated", "observed", (line,), equal=True)
    rows = tuple(zip(mean.tolist(), share.tolist(), count[full].tolist(), strict=True))
    table = Table("Calibration", ("stated", "observed", "statements"), rows)
    words = ("Each strategy and depth is one statement; on the diagonal the bandit means what it says.",)
    return [Section("calibration", "Does the bandit mean what it says?", words, (chart,), (table,))]


def importances(past: LookBack, ranker: Model | None) -> Section:
    """What does the ranker look at?"""
    title = "What does the ranker look at?"
    if ranker is None:
        return Section("features", title, ("No ranker serves yet: fusion orders the page (`ltrr train-ranker`).",))
    if ranker.schema.names != past.columns or not len(past.examples.labels):
        why = "The ranker was trained with other features than there are now, or nothing was there to judge it on."
        return Section("features", title, (why,))
    top = list(permuted(past.examples, ranker, most=SHOWN).items())
    series = Series("loss", tuple((float(place), value) for place, (_, value) in enumerate(top)))
    says = f"{top[0][0]} matters most: without it nDCG@10 falls by {top[0][1]:.4f}."
    chart = Chart("Loss of nDCG@10 when a feature is shuffled", says, "feature", "loss", (series,), "bars",
                  tuple(name for name, _ in top))  # fmt: skip
    words = ("Shuffled among the candidates of all searches looked at, some of which the ranker was trained on.",)
    table = Table("Permutation importance", ("feature", "loss of nDCG@10"), tuple(top))
    return Section("features", title, words, (chart,), (table,))


def health(past: LookBack, users: bool = False) -> Section:
    """Is anything odd about the data? Users are named where that was asked for."""
    traffic, tally = past.traffic, past.tally
    days = sorted(traffic.days)
    step = 1 if not days or days[-1] - days[0] < DAYS else 7
    binned: dict[int, list[int]] = {}
    for day in days:
        at = binned.setdefault((day - days[0]) // step, [0, 0, 0])
        for column, value in enumerate(traffic.days[day]):
            at[column] += value
    ticks = tuple(iso((days[0] + place * step) * DAY)[:10] for place in range(max(binned, default=-1) + 1))
    series = tuple(
        Series(name, tuple((float(place), float(binned[place][column])) for place in sorted(binned)))
        for column, name in enumerate(("searches", "searches acted on", "actions"))
    )
    counts = [("searches, " + origin, count) for origin, count in sorted(traffic.origin.items())]
    counts += [("searches without a time", traffic.undated), ("actions that prove something", tally.outcomes)]
    counts += [(f"actions: {kind}", count) for kind, count in sorted(traffic.kinds.items())]
    counts += [("actions too late for their page", tally.late), ("actions on pages nobody knows", tally.orphans)]
    counts += [("actions on what the page did not show", tally.off_page), ("actions worth nothing", tally.ignored)]
    counts += [(f"actions of the unknown type {kind}", count) for kind, count in sorted(tally.unknown.items())]
    most = sorted(traffic.users.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
    every = max(sum(traffic.users.values()), 1)
    tables = [
        Table("What the journal holds", ("of", "count"), tuple(counts)),
        Table("Most active users", ("user", "actions", "share"), tuple(
            (user if users else f"number {place}", count, count / every) for place, (user, count) in enumerate(most, 1)
        )),
    ]  # fmt: skip
    if traffic.positions:
        rows = tuple((place, of[0], of[1], of[1] / of[0]) for place, of in sorted(traffic.positions.items()))[:20]
        tables.append(Table("Live pages by position", ("position", "shown", "acted on", "share"), rows))
    axis = "day" if step == 1 else "week from"
    chart = Chart("Searches and actions over time", _volume(series), axis, "count", series, ticks=ticks)
    charts = (chart,) if days else ()
    return Section("health", "Is anything odd about the data?", (), charts, (*tables, *map(_behind, charts)))


def _volume(series: Sequence[Series]) -> str:
    totals = (f"{sum(point[1] for point in line.points):,.0f} {line.name}" for line in series)
    return "In all " + ", ".join(totals) + "."


def _behind(chart: Chart) -> Table:
    return table_of(f"Numbers: {chart.title}", chart.x, chart.series, chart.ticks, dated=chart.dated)
