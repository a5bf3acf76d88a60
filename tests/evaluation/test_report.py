"""The report: figures of a past as it was, and a page that loads nothing, runs nothing and hides nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from ltrr_cli.charts.html import render_html
from ltrr_cli.charts.sections import Chart, Dashboard, Section, Series, Table, table_of
from ltrr_cli.charts.svg import BROAD, COLOURS, NARROW, Size, draw
from ltrr_cli.core.clock import DAY
from ltrr_cli.evaluation.look_back import POLICY, AnsweredSearch, look_back
from ltrr_cli.evaluation.report_sections import learning
from ltrr_cli.evaluation.report_time import over_time
from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import searches, write_log

pytestmark = pytest.mark.turns(6, together=True)  # its tests share what is dear to make


@pytest.fixture(scope="module")
def lived(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Four hundred imported searches, a trained ranker, a few live pages."""
    import shutil

    folder = tmp_path_factory.mktemp("report")
    shutil.copytree(indexed, folder / "home")
    workspace = Workspace(folder / "home")
    log = searches(400)
    workspace.ingest([write_log(folder / "log.jsonl", log)])
    for number in range(5):
        page = workspace.query("love", seed=number, at=log[-1]["timestamp"], user="late")
        workspace.record({"event": "click", "impression_id": page.impression_id, "entity_id": page.results[0].id,
                          "timestamp": log[-1]["timestamp"]})  # fmt: skip
    workspace.train()
    return workspace


@pytest.fixture(scope="module")
def report(lived: Workspace) -> Dashboard:
    return lived.report(searches=200)


def test_it_looks_at_as_many_searches_as_asked_spread_over_time(lived: Workspace):
    past = look_back(lived.state, 50)
    assert len(past.moments) == 50
    times = [one.time_ms for one in past.moments]
    assert times == sorted(times)
    assert max(np.diff(times)) < 3 * np.mean(np.diff(times))
    assert len(look_back(lived.state, 10_000).moments) == 405


def test_what_it_says_of_a_moment_was_so(lived: Workspace):
    past = look_back(lived.state, 100)
    for one in past.moments:
        assert one.draws.sum() == past.budget
        assert set(one.found) == {POLICY, "even split", "rank fusion", *past.strategies}
        assert all(0.0 <= share <= 1.0 for share in one.found.values())
        for column, name in enumerate(past.strategies):
            assert one.found[name] == pytest.approx(float((one.ranks[:, column] > 0).mean()))
    assert not past.moments[0].seen
    assert past.moments[-10].seen
    assert past.moments[0].prior_share > past.moments[-10].prior_share


def test_the_journal_is_counted_whole(lived: Workspace):
    past = look_back(lived.state, 20)
    assert past.traffic.origin == {"imported": 400, "live": 5}
    assert past.traffic.kinds == {"click": 405}
    assert sum(day[0] for day in past.traffic.days.values()) == 405
    assert past.traffic.positions[1] == [5, 5]
    assert past.traffic.positions[2] == [5, 0]
    assert past.traffic.users["late"] == 5


def test_every_question_has_its_section_and_every_chart_its_numbers(report: Dashboard):
    assert [one.name for one in report.sections] == [
        "learning", "regret", "shares", "worth", "memory", "wins", "calibration", "features", "health"
    ]  # fmt: skip
    for section in report.sections:
        told = {cell for table in section.tables for row in table.rows for cell in row if isinstance(cell, float | int)}
        for chart in section.charts:
            drawn = {point[1] for line in chart.series for point in line.points}
            assert drawn <= told, section.name
            assert chart.says.endswith(".")


def test_it_is_plain_data_too(report: Dashboard):
    found = report.as_json()
    assert found["sections"][0]["charts"][0]["series"][0]["points"]


class Page(HTMLParser):
    """Collects what matters: tags, ids, references, text."""

    VOID = ("meta", "br", "link", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def page(report: Dashboard) -> Page:
    found = Page()
    found.feed(render_html(report))
    return found


def test_the_page_is_well_formed_and_its_references_exist(page: Page):
    assert page.wrong == page.open == []
    ids = [given["id"] for _, given in page.tags if "id" in given]
    assert len(ids) == len(set(ids))
    pointed = [name for _, given in page.tags for name in (given.get("aria-labelledby") or "").split()]
    pointed += [given["href"][1:] for tag, given in page.tags if tag == "a"]
    assert set(pointed) <= set(ids)


def test_the_page_loads_and_runs_nothing(page: Page, report: Dashboard):
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "form"}
    for _, given in page.tags:
        assert not [name for name in given if name.startswith("on") or name in ("src", "xlink:href")]
    text = render_html(report)
    assert not re.search(r"https?://|@import|url\(", text)
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert "\u202e" not in text


def test_a_screen_reader_finds_language_headings_names_and_heads(page: Page):
    tags = page.tags
    assert ("html", {"lang": "en"}) in tags
    assert len([tag for tag, _ in tags if tag == "details"]) == len([tag for tag, _ in tags if tag == "table"])
    headings = [tag for tag, _ in tags if re.fullmatch(r"h\d", tag)]
    assert headings[0] == "h1"
    assert set(headings[1:]) == {"h2"}
    pictures = [given for tag, given in tags if tag == "svg"]
    assert pictures
    assert all(given["role"] == "img" and given["aria-labelledby"] for given in pictures)
    assert len([tag for tag, _ in tags if tag == "desc"]) == len(pictures)
    assert {given.get("scope") for tag, given in tags if tag == "th"} == {"row", "col"}
    assert len([tag for tag, _ in tags if tag == "caption"]) == len([tag for tag, _ in tags if tag == "table"])


CHARTS = [
    Chart("one", "Says.", "x", "y", (Series("a", ((0.0, 0.0),)),)),
    Chart("flat", "Says.", "x", "y", (Series("a", ((0.0, 2.0), (1.0, 2.0))), Series("b", ((0.0, float("nan")),)))),
    Chart("below", "Says.", "x", "y", (Series("a", ((1.0, -5.0), (600.0, -0.5))),)),
    Chart("equal", "Says.", "x", "y", (Series("a", ((0.2, 0.1), (0.9, 1.0))),), equal=True),
    Chart("shares", "Says.", "x", "y", (Series("a", ((0.0, 0.3),)), Series("b", ((0.0, 0.7),))), "shares", ("d",)),
    Chart("dated", "Says.", "x", "y", (Series("a", ((19_000.25, 0.2), (19_000.5, 0.4), (19_400.0, 0.1))),), dated=True),
    Chart("one day", "Says.", "x", "y", (Series("a", ((19_000.25, 0.2), (19_000.75, 0.4))),), dated=True),
    Chart("many", "Says.", "x", "y", tuple(Series(f"line {n}", ((0.0, n), (1.0, 0.0))) for n in range(14))),
    Chart("bars", "Says.", "x", "y", (Series("a", ((0.0, 0.0), (1.0, -1.0))),), "bars", ("<&>", "other")),
]


@pytest.mark.parametrize("size", [BROAD, NARROW], ids=["broad", "narrow"])
@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.title)
def test_a_chart_is_well_formed_and_stays_in_its_frame(chart: Chart, size: Size):
    svg = ElementTree.fromstring(draw(chart, 1, size))
    _, _, width, height = map(float, svg.get("viewBox").split())
    for element in svg.iter():
        for name in ("x", "x1", "x2", "cx"):
            assert -1 <= float(element.get(name, 0)) <= width
        for name in ("y", "y1", "y2", "cy"):
            assert -1 <= float(element.get(name, 0)) <= height
    assert "nan" not in draw(chart, 1)


def test_a_table_behind_a_chart_has_a_line_per_x_and_a_column_per_series():
    lines = (Series("a", ((0.0, 1.0), (1.0, 2.0))), Series("b", ((1.0, 3.0),)))
    assert table_of("t", "day", lines, ("mon", "tue")).rows == (("mon", 1.0, None), ("tue", 2.0, 3.0))


def test_what_a_browser_would_obey_is_written_out():
    told = render_html(
        Dashboard("a\x1b\u202e<b>", (), (Section("s", "t", (), (), (Table("c", ("x",), (("\ud800",),)),)),))
    )
    assert "<h1>a\\u001b\\u202e&lt;b&gt;</h1>" in told
    assert "\\ud800" in told


def test_an_empty_journal_has_a_report_too(indexed: Path):
    found = Workspace(indexed).report()
    assert [one.name for one in found.sections] == ["health"]
    assert "<main" in render_html(found)


def test_it_leads_with_the_day_and_five_sentences(report: Dashboard):
    text = render_html(report)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report.made)
    assert len(report.summary) == 5
    assert text.index(report.made) < text.index("The journal holds 405 searches and 405 actions") < text.index("<dl>")


def test_what_it_compares_is_what_serves(lived: Workspace):
    past, ranker = look_back(lived.state, 50), lived.state.snapshot().ranker
    alike = [one.served == one.unranked for one in past.moments]
    assert all(alike) or ranker is not None
    names = [line.name for line in learning(past, ranker).charts[0].series]
    assert names == ["as served", *(["without the ranker"] if ranker else []), "rank fusion alone"]


def test_a_chart_of_time_has_its_points_where_they_were(report: Dashboard, lived: Workspace):
    chart = report.sections[0].charts[0]
    times = [search.time_ms or 0 for search in lived.state.journal.impressions()]
    xs = [x for x, _ in chart.series[0].points]
    assert chart.dated
    assert xs == sorted(set(xs))
    assert min(times) <= xs[0] * DAY < xs[-1] * DAY <= max(times)


def test_searches_without_a_time_are_drawn_by_their_number():
    at = [0, 0, 5 * DAY]
    moments = [
        AnsweredSearch(time_ms, "q", "topic", False, 1.0, np.zeros(1, np.int32), np.zeros((1, 1), np.int32), {},
                       np.zeros(1, np.float32), {}, {}, {})
        for time_ms in at
    ]  # fmt: skip
    chart = over_time("t", "y", [("one", lambda one: 1.0)], moments)
    assert not chart.dated
    assert [x for x, _ in chart.series[0].points] == [1.0, 2.0, 3.0]


def test_the_sign_of_a_picture_is_that_of_its_words(report: Dashboard):
    chart = report.sections[1].charts[0]
    told = [float(figure) for figure in re.findall(r"found ([+-][\d.]+) .* and ([+-][\d.]+) ", chart.says)[0]]
    assert told == [pytest.approx(line.points[-1][1], abs=0.051) for line in chart.series]


def test_users_are_named_only_where_that_is_asked(lived: Workspace, report: Dashboard):
    def users(found: Dashboard) -> list[object]:
        tables = {table.caption: table for table in found.sections[-1].tables}
        return [row[0] for row in tables["Most active users"].rows]

    assert users(report)[0] == "number 1"
    assert "u0" not in users(report)
    assert "u0" in users(lived.report(searches=5, users=True))


def test_fourteen_lines_are_told_apart():
    chart = Chart("many", "Says.", "x", "y", tuple(Series(f"line {n}", ((0.0, n), (1.0, 0.0))) for n in range(14)))
    strokes = re.findall(r'<polyline [^>]*stroke="([^"]+)"', draw(chart, 1))
    assert len(set(strokes)) == len(strokes) == len(COLOURS) == 14
