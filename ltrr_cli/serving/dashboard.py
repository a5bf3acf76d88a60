"""The dashboard: what is so now, and the look back that the learner has written beside the workspace's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ltrr_cli.charts.sections import Chart, Dashboard, Section, Series, Table
from ltrr_cli.core.clock import DAY, iso, now_ms
from ltrr_cli.serving.metrics import Latency
from ltrr_cli.serving.served_state import ServedState
from ltrr_cli.storage.disk import write_atomic
from ltrr_cli.storage.journal_reads import JournalWindow

LOOK_BACK = "dashboard.json"
SEARCHES = 200  # of the past that are answered again for a look back
ASKED = ("/v1/", "/ubi_")  # routes whose time is shown: the files of a page are not what people wait for
QUERIES = 10  # shown in a table


def keep_look_back(home: Path, report: Dashboard) -> None:
    """Write a report where the workers find it."""
    write_atomic(home / LOOK_BACK, msgspec.json.encode(report))


def look_back_of(home: Path) -> Dashboard | None:
    """Read the newest report; None where there is none that can be read."""
    try:
        return msgspec.json.decode((home / LOOK_BACK).read_bytes(), type=Dashboard)
    except (OSError, msgspec.MsgspecError):
        return None


def made(state: ServedState, gauges: Mapping[str, tuple[str, float]], latencies: Sequence[Latency]) -> Dashboard:
    """Return the whole dashboard; reads the journal."""
    past = look_back_of(state.home)
    now = now_ms()
    today = state.journal.window(now - DAY, now + 1, QUERIES)
    before = state.journal.window(now - 2 * DAY, now - DAY, 10 * QUERIES)
    sections = [since_yesterday(today, before), latency(latencies), lag(gauges)]
    if past is None:
        words = "It is made by the learner, some moments after the server begins, once somebody has acted on a page."
        sections.append(Section("look-back", "How did it learn?", (f"No look back has been made yet. {words}",)))
    facts = (("now", iso(now)), *(past.facts if past is not None else ()))
    return Dashboard("ltrr dashboard", facts, (*sections, *(past.sections if past else ())), state.snapshot_warnings())


def since_yesterday(today: JournalWindow, before: JournalWindow) -> Section:
    """What changed since yesterday?"""
    rows = (
        ("searches", today.searches, before.searches, today.searches - before.searches),
        ("searches acted on", today.acted_on, before.acted_on, today.acted_on - before.acted_on),
        ("share acted on", _share(today), _share(before), _share(today) - _share(before)),
        ("events", today.events, before.events, today.events - before.events),
        ("people", today.people, before.people, today.people - before.people),
    )
    asked = dict(before.queries)
    queries = tuple((query, count, asked.get(query, 0)) for query, count in today.queries)
    says = (
        f"{today.searches:,} searches in the last 24 hours, {_share(today):.0%} of them acted on; "
        f"{before.searches:,} and {_share(before):.0%} in the 24 hours before."
    )
    tables = (
        Table(
            "The last day beside the one before",
            ("of", "last 24 hours", "24 hours before", "change"),
            rows,
            unfolded=True,
        ),
        Table("Most asked in the last 24 hours", ("query", "last 24 hours", "24 hours before"), queries),
    )
    return Section("yesterday", "What changed since yesterday?", (says,), (), tables)


def latency(latencies: Sequence[Latency]) -> Section:
    """How long do answers take?"""
    title = "How long do answers take?"
    latencies = [one for one in latencies if one.route.startswith(ASKED)]
    if not latencies:
        return Section("latency", title, ("Nothing was asked since the server began.",))
    rows = tuple((one.route, one.requests, one.p50_ms, one.p95_ms, one.p99_ms, one.failed) for one in latencies)
    slowest = max(latencies, key=lambda one: one.p95_ms)
    says = f"Slowest is {slowest.route}: 95 of 100 requests are answered within {slowest.p95_ms:.0f} ms."
    bars = Series("95th percentile", tuple((float(place), one.p95_ms) for place, one in enumerate(latencies)))
    chart = Chart("95th percentile of the time to answer", says, "route", "milliseconds", (bars,), "bars",
                  tuple(one.route for one in latencies))  # fmt: skip
    columns = ("route", "requests", "p50 ms", "p95 ms", "p99 ms", "failed (5xx)")
    return Section("latency", title, ("Since the server began, from histograms.",), (chart,), (
        Table("Time to answer by route", columns, rows, unfolded=True),
    ))  # fmt: skip


def lag(gauges: Mapping[str, tuple[str, float]]) -> Section:
    """How far behind is learning?"""
    waiting = gauges["ltrr_unlearned_events"][1]
    says = f"{waiting:,.0f} events wait to be published; every open page knows them already where it heard of them."
    rows = tuple((about.rstrip("."), value) for about, value in gauges.values())
    return Section(
        "lag", "How far behind is learning?", (says,), (), (Table("As of now", ("of", "value"), rows, unfolded=True),)
    )


def _share(of: JournalWindow) -> float:
    return of.acted_on / max(of.searches, 1)
